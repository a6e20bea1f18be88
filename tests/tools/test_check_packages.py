"""What is checked of the packages: files that the source distribution lacks, and commands that fail."""

import tarfile

import pytest

from tools import check_packages


@pytest.fixture
def made(tmp_path, monkeypatch):
    """A project that tracks three files; takes those that are packed."""
    monkeypatch.setattr(check_packages, "ROOT", tmp_path)
    (tmp_path / ".git").mkdir()
    commands = []

    def run(*command, folder):
        commands.append(command)
        if command[0] == "git":
            return ".gitignore\nsetup.cfg\ntests/test_a.py\n"
        return "5 tests\n" if "pytest" in command else f"{tmp_path}/out/minunet-1/minunet/__init__.py\n"

    monkeypatch.setattr(check_packages, "run", run)

    def make(*names):
        with tarfile.open(tmp_path / "minunet-1.tar.gz", "w:gz") as archive:
            for name in names:
                (tmp_path / "file").write_text("content")
                archive.add(tmp_path / "file", f"minunet-1/{name}")
        return tmp_path / "minunet-1.tar.gz", tmp_path / "out", commands

    return make


def test_a_file_that_is_not_packed_is_named(made):
    source, folder, _ = made("setup.cfg")
    with pytest.raises(SystemExit, match=r"minunet-1.tar.gz lacks tests/test_a.py: name them in MANIFEST.in"):
        check_packages.check_source(source, folder)


def test_a_whole_source_distribution_has_its_tests_collected_and_run(made, capsys):
    source, folder, commands = made("setup.cfg", "tests/test_a.py")
    check_packages.check_source(source, folder)
    assert capsys.readouterr().out == "minunet-1.tar.gz: 5 tests; 5 tests\n"
    assert sum("pytest" in command for command in commands) == 2


def test_a_command_that_fails_ends_the_check_with_what_it_printed(tmp_path):
    with pytest.raises(SystemExit, match="false ended with 1"):
        check_packages.run("false", folder=tmp_path)


def test_commands_see_no_path_to_the_checkout(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "somewhere")
    assert "PYTHONPATH" not in check_packages.run("env", folder=tmp_path)
