"""Commands to paste: quoted, in lines that a shell takes for one."""

import shlex

from minunet.cli.command_lines import command_lines


def test_a_short_command_is_one_line():
    assert command_lines("python -m minunet.train smears --size 256x192", 70) == [
        "python -m minunet.train smears --size 256x192"
    ]


def test_a_long_command_is_folded_between_flags_and_stays_the_same():
    words = ["python", "-m", "minunet.train", "a folder/it's smears", "--cell", "not:#ffffff", "--skip-unpaired"]
    words += ["--size", "256x192", "--group", r"^(\w+)_.*$", "--split=0.7,0.2,0.1", "--seed", "7"]
    lines = command_lines(shlex.join(words), 40)
    assert len(lines) > 3
    assert all(len(line) <= 40 for line in lines)
    assert all(line.endswith(" \\") for line in lines[:-1])
    assert shlex.split("\n".join(lines).replace("\\\n", " ")) == words
    assert any("--size 256x192" in line for line in lines)


def test_a_path_that_is_longer_than_a_line_is_not_broken():
    path = "/data/" + "x" * 90
    lines = command_lines(f"python -m minunet.train {path} --size 64x64", 60)
    assert lines == ["python -m minunet.train \\", f"    {path} \\", "    --size 64x64"]
