"""`python -m minunet.doctor` as a user calls it: the page, the document and the exit codes."""

import json
import shlex
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from minunet import doctor
from minunet.runs import train_flags
from tests.commands.doctor_data import SIZE, SMEARS, document, run, write
from tests.file_openings import count_openings

KEYS = [
    "minunet",
    "verdict",
    "exit_code",
    "problems",
    "warnings",
    "notes",
    "command",
    "settings",
    "pairs",
    "image_values",
    "mask_values",
    "reading",
    "range",
]
KEYS += ["shares", "classes", "cells", "split", "similar", "outliers", "limits", "images"]


def test_sound_data_is_said_to_be_sound_on_one_page(tmp_path, capsys):
    code, out, err = run(capsys, write(tmp_path / "smears"))
    assert code == 0, out
    assert err == ""
    labels = [line[:10].strip() for line in out.splitlines() if line[:10].strip()]
    assert labels == [
        *(
            "data",
            "images",
            "masks",
            "range",
            "classes",
            "cells",
            "split",
            "similar",
            "unusual",
            "limits",
            "verdict",
            "train",
        )
    ]
    assert "10 pairs: images/ with masks/" in out
    assert "all 48x40; colour, 8 bit; 10 PNG" in out
    assert "8 to train, 1 to validate, 1 to test (seed 0)" in out
    assert "sound (exit code 0)" in out
    assert len(out.splitlines()) < 50


def test_the_document_has_the_same_keys_whatever_was_found(tmp_path, capsys):
    sound = document(capsys, write(tmp_path / "sound"))
    nothing = document(capsys, tmp_path / "nowhere")
    assert list(sound) == list(nothing) == KEYS
    assert (sound["verdict"], nothing["verdict"]) == ("sound", "errors")
    assert nothing["problems"] and nothing["cells"] is None and nothing["images"] == []
    assert len(sound["images"]) == sound["pairs"]["count"] == 10
    masks = [smear.mask for smear in SMEARS]
    assert sound["shares"]["cell"] == pytest.approx(np.mean(masks))
    assert sound["images"][3]["cell_share"] == pytest.approx(masks[3].mean())
    assert sum(len(names) for names in sound["split"].values()) == 10


def test_unusual_images_and_copies_are_warnings(tmp_path, capsys):
    def change(number, image, mask):
        if number == 4:
            image = (image * 0.3).astype(np.uint8)
        if number == 9:
            image, mask = np.rot90(SMEARS[0].image, 2).copy(), np.rot90(SMEARS[0].mask, 2) * np.uint8(255)
        return image, mask

    data = write(tmp_path / "smears", change=change)
    found = document(capsys, data)
    assert found["exit_code"] == 1 and found["verdict"] == "warnings"
    assert {"name": "smear_4", "kind": "dark"}.items() <= found["outliers"][0].items()
    (pair,) = found["similar"]
    assert pair["names"] == ["smear_0", "smear_9"] and pair["turned"]
    code, out, _ = run(capsys, data)
    assert code == 1
    assert "dark: smear_4" in out and "smear_0 and smear_9 (correlation" in out
    assert "exit code 1" in out


def test_a_picture_on_two_sides_of_the_split_is_a_warning_by_name(tmp_path, capsys):
    for side, numbers in (("train", (0, 1, 2, 3)), ("test", (4, 5))):
        write(tmp_path / "smears" / side, 0)
        for number in numbers:
            shown = SMEARS[1].image * 0.8 if number == 5 else SMEARS[number].image
            for part, pixels in (("images", shown.astype(np.uint8)), ("masks", SMEARS[number].mask * np.uint8(255))):
                Image.fromarray(pixels).save(tmp_path / "smears" / side / part / f"a{number}.png")
    found = document(capsys, tmp_path / "smears")
    assert found["exit_code"] == 1
    (warning,) = found["warnings"]
    sides = found["similar"][0]["sides"]
    assert sorted(warning.split()[0:4:3]) == ["test/a5", "train/a1"]
    assert len(sides) == 2
    assert warning.endswith("so the scores will be too good: keep one, or move them to one side.")


def test_all_problems_are_on_the_page_and_no_command_is_suggested(tmp_path, capsys):
    data = write(tmp_path / "smears")
    (data / "images" / "smear_3.png").write_bytes(b"no picture")
    Image.fromarray(np.zeros((9, 9), np.uint8)).save(data / "masks" / "smear_5.png")
    (data / "masks" / "smear_7.png").unlink()
    code, out, _ = run(capsys, data)
    assert code == 2
    assert out.count("\nproblem ") >= 3
    flat = " ".join(out.split())
    for name in ("images/smear_3.png", "masks/smear_5.png has 9x9", "images/smear_7.png has no mask"):
        assert name in flat.replace(" ", "") or name in flat
    assert "minunet.train" not in out
    assert document(capsys, data)["command"] is None


def test_mistakes_in_flags_are_reported_as_json_too(tmp_path, capsys):
    data = write(tmp_path / "smears")
    assert doctor.main([str(data), "--size", "two", "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["problems"]
    assert doctor.main([str(data), "--no-such-flag", "--json"]) == 2
    assert "--no-such-flag" in json.loads(capsys.readouterr().out)["problems"][0]
    assert doctor.main([str(data), "--no-such-flag"]) == 2
    assert "--no-such-flag" in capsys.readouterr().err


@pytest.mark.parametrize("flags", [[], ["--crop", "16"], ["--channels", "rgb", "--size", "48x40", "--seed", "3"]])
def test_the_suggested_command_is_taken_by_train_as_it_is(tmp_path, capsys, flags):
    data = write(tmp_path / "it's a folder")
    suggested = document(capsys, data, *flags)["command"]
    words = shlex.split(suggested)
    assert words[:4] == ["python", "-m", "minunet.train", str(data)]
    request = train_flags.read([*words[3:], "--out", str(tmp_path / "run")])
    assert not request.problems
    asked = doctor.read_config(doctor.build_parser().parse_args([str(data), *flags]))
    assert request.config == (replace(asked, size=SIZE) if not flags else asked)


def cells_of_one_size(folder, size, diameter):
    """Images of `size` with square cells of a diameter, and their masks."""
    side = round(diameter * np.sqrt(np.pi) / 2)
    rng = np.random.default_rng(0)
    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True)
    for number in range(3):
        mask = np.zeros(size[::-1], np.uint8)
        for row in range(side, size[1] - 2 * side, 2 * side):
            for column in range(side, size[0] - 2 * side, 2 * side):
                mask[row : row + side, column : column + side] = 255 * rng.integers(2)
        noise = rng.integers(0, 60, mask.shape, dtype=np.uint8)
        Image.fromarray((mask // 2 + noise).astype(np.uint8)).save(
            folder / "images" / f"{number}.png", compress_level=1
        )
        Image.fromarray(mask).save(folder / "masks" / f"{number}.png")
    return folder


@pytest.mark.parametrize(
    ("size", "diameter", "flags", "suggested"),
    [
        ((640, 480), 40, [], "--size 256x192"),  # 16 pixels after resizing
        ((640, 480), 14, [], "--size 560x416"),  # 5.6, and 12 with the larger size
        ((800, 600), 6, [], "--crop 256"),  # 1.9: a size that is large enough would be too large
        ((640, 480), 40, ["--size", "256x256"], "--size 256x192"),  # distorted
        ((640, 480), 14, ["--crop", "64"], "--crop 64"),
    ],
)
def test_the_suggested_size_follows_the_aspect_and_the_cells(tmp_path, capsys, size, diameter, flags, suggested):
    data = cells_of_one_size(tmp_path / "cells", size, diameter)
    found = document(capsys, data, *flags)
    assert found["command"].endswith(suggested), found["command"]
    assert found["cells"]["median"] == pytest.approx(diameter, rel=0.1)
    if suggested in ("--size 560x416", "--crop 256") or "256x256" in flags:
        assert any("--size" in warning or "--crop" in warning for warning in found["warnings"])
    again = document(capsys, data, *suggested.split())  # what is suggested has nothing wrong with it
    assert again["warnings"] == []


def test_crops_are_suggested_where_no_size_has_the_aspect(tmp_path, capsys):
    found = document(capsys, cells_of_one_size(tmp_path / "cells", (10, 1500), 3))
    assert found["command"].endswith("--crop 16")


def test_two_folders_are_suggested_as_two_flags(tmp_path, capsys):
    data = write(tmp_path / "smears")
    suggested = document(capsys, "--images", data / "images", "--masks", data / "masks")["command"]
    assert not train_flags.read([*shlex.split(suggested)[3:], "--out", str(tmp_path / "run")]).problems
    assert "--images" in suggested


def test_each_file_is_opened_to_check_it_and_to_measure_it(tmp_path, capsys, monkeypatch):
    data = write(tmp_path / "smears")
    openings = count_openings(monkeypatch)
    assert doctor.main([str(data)]) == 0
    ours = {path: count for path, count in openings.items() if data in path.parents}
    assert len(ours) == 20
    assert set(ours.values()) == {2}
