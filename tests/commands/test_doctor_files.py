"""The files that `python -m minunet.doctor` writes, its dump and its sheet, and what it refuses to write."""

import csv
import os

import numpy as np
import pytest
from PIL import Image

from minunet import doctor
from tests.commands.doctor_data import SIZE, SMEARS, document, run, write


def read(path):
    with Image.open(path) as picture:
        return np.asarray(picture)


def test_the_dump_is_what_training_sees(tmp_path, capsys):
    data, out = write(tmp_path / "smears"), tmp_path / "deep" / "seen"
    code, printed, _ = run(capsys, data, "--dump", out, "--channels", "rgb", "--range", "full")
    assert code == 0
    assert str(out / "sheet.png") in printed
    assert sorted(path.name for path in out.iterdir()) == ["images", "masks", "pairs.csv", "sheet.png"]
    for number, smear in enumerate(SMEARS):
        np.testing.assert_array_equal(read(out / "masks" / f"smear_{number}.png"), smear.mask * 255)
        np.testing.assert_array_equal(read(out / "images" / f"smear_{number}.png"), smear.image)
    with open(out / "pairs.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["name"] for row in rows] == [f"smear_{number}" for number in range(10)]
    assert {row["side"] for row in rows} == {"train", "validation", "test"}
    assert read(out / "sheet.png").shape[1] > 1000


def test_the_dump_shows_what_is_black_and_white_in_training(tmp_path, capsys):
    data, out = (
        write(tmp_path / "smears", change=lambda number, image, mask: (image // 2 + 60, mask)),
        tmp_path / "seen",
    )
    found = document(capsys, data, "--dump", out, "--channels", "rgb")
    low, high = found["range"]["low"], found["range"]["high"]
    assert 60 < low < high < 188
    for number, smear in enumerate(SMEARS):
        expected = np.clip((smear.image // 2 + 60 - low) / (high - low), 0, 1) * 255
        np.testing.assert_allclose(read(out / "images" / f"smear_{number}.png"), expected, atol=0.51)


def test_grey_masks_are_dumped_with_their_greys(tmp_path, capsys):
    ramp = np.tile(np.linspace(0, 255, SIZE[0]).astype(np.uint8), (SIZE[1], 1))
    data = write(tmp_path / "smears", change=lambda number, image, mask: (image, np.roll(ramp, number, axis=1)))
    out = tmp_path / "seen"
    doctor.main([str(data), "--mask", "grayscale", "--dump", str(out)])
    np.testing.assert_array_equal(read(out / "masks" / "smear_2.png"), np.roll(ramp, 2, axis=1))


def test_names_of_files_may_be_hostile(tmp_path, capsys):
    names = [
        "with space",
        "ü{}é",
        "-a",
        "--dump",
        "a.b",
        "a..",
        "'quoted' \"x\"",
        "血液塗片" * 15,
        "x" * 240,
        "new\nline",
    ]
    data, out = tmp_path / "smears", tmp_path / "seen"
    for part in ("images", "masks"):
        (data / part).mkdir(parents=True)
    for name, smear in zip(names, SMEARS, strict=True):
        Image.fromarray(smear.image).save(data / "images" / f"{name}.png")
        Image.fromarray(smear.mask).save(data / "masks" / f"{name}.png")
    code, printed, _ = run(capsys, data, "--dump", out)
    assert code == 0, printed
    for part in ("images", "masks"):
        assert sorted(path.stem for path in (out / part).iterdir()) == sorted(names)


@pytest.mark.parametrize("where", [".", "images", "new/folder", "masks/deeper"])
def test_nothing_is_written_into_the_data(tmp_path, capsys, where):
    data = write(tmp_path / "smears", 3)
    before = sorted(map(str, tmp_path.rglob("*")))
    for flags in (["--dump", data / where], ["--sheet", data / where / "sheet.png"]):
        assert doctor.main([str(data), *map(str, flags)]) == 2
        assert "the data" in capsys.readouterr().err
    (tmp_path / "link").symlink_to(data, target_is_directory=True)
    assert doctor.main([str(data), "--dump", str(tmp_path / "link" / where)]) == 2
    (tmp_path / "link").unlink()
    assert sorted(map(str, tmp_path.rglob("*"))) == before


def test_the_parent_of_the_data_is_refused_where_the_names_collide(tmp_path, capsys):
    data = write(tmp_path / "smears", 3)
    flags = ["--images", data / "images", "--masks", data / "masks"]
    assert doctor.main([*map(str, flags), "--dump", str(data)]) == 2
    assert "would mix with the data" in capsys.readouterr().err


@pytest.mark.parametrize("existing", ["images/mine.png", "labels", "pairs.csv", "sheet.png"])
def test_nothing_is_overwritten(tmp_path, capsys, existing):
    data, out = write(tmp_path / "smears", 3), tmp_path / "seen"
    path = out / existing
    path.parent.mkdir(parents=True)
    path.write_text("mine")
    assert doctor.main([str(data), "--dump", str(out)]) == 2
    assert "already holds" in capsys.readouterr().err
    assert [file for file in out.rglob("*") if file.is_file()] == [path]
    assert path.read_text() == "mine"
    sheet = tmp_path / "mine.png"
    sheet.write_text("mine")
    assert doctor.main([str(data), "--sheet", str(sheet)]) == 2
    assert sheet.read_text() == "mine"


def test_a_folder_where_nobody_may_write(tmp_path, capsys):
    if os.geteuid() == 0 and not os.path.isdir("/proc"):
        pytest.skip("needs a folder where nobody may write")
    data = write(tmp_path / "smears", 3)
    closed = "/proc/seen" if os.geteuid() == 0 else tmp_path / "closed"
    if os.geteuid() != 0:
        closed.mkdir(mode=0o500)
    assert doctor.main([str(data), "--dump", str(closed)]) == 2
    assert "nothing can be written there" in capsys.readouterr().err


def test_an_interrupted_dump_leaves_nothing(tmp_path, capsys, monkeypatch):
    def interrupted(self, prepared):
        self._save("images", prepared.pair.name, np.zeros((2, 2), np.uint8))
        raise KeyboardInterrupt

    monkeypatch.setattr("minunet.inspection.dump.Dump.write", interrupted)
    data, out = write(tmp_path / "smears", 3), tmp_path / "deep" / "seen"
    assert doctor.main([str(data), "--dump", str(out)]) == 130
    assert not (tmp_path / "deep").exists()


def test_data_with_problems_is_dumped_as_far_as_it_can_be_read(tmp_path, capsys):
    data, out = write(tmp_path / "smears"), tmp_path / "seen"
    (data / "images" / "smear_3.png").write_bytes(b"no picture")
    assert doctor.main([str(data), "--dump", str(out)]) == 2
    assert len(list((out / "images").iterdir())) == 9
    assert doctor.main([str(tmp_path / "nowhere"), "--dump", str(tmp_path / "nothing")]) == 2
    assert not (tmp_path / "nothing").exists()
