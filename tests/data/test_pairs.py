"""Pairs of images and masks, found and checked: everything wrong is reported at once, and real smears have nothing wrong."""

from pathlib import Path

import numpy as np
import pytest

from minunet.data.pairs import check_pairs, find_pairs, survey
from minunet.errors import UserError
from tests.data.found_pairs import problems
from tests.data.small_pictures import disc, save


def test_half_given_arguments(tmp_path):
    assert problems(images=tmp_path) == [
        "--images was given without --masks: give both, or one folder that holds both."
    ]
    assert problems(masks=tmp_path) == ["--masks was given without --images: give both, or one folder that holds both."]
    assert problems(tmp_path, images=tmp_path) == [
        "a data folder and --images were given: give the folder, or --images and --masks; with the folder, --masks alone gives "
        "its images other masks."
    ]
    assert problems() == ["no data were given: name a folder, or give both --images and --masks."]


def test_everything_wrong_is_reported_at_once(make_set, tmp_path):
    make_set("a", "b", "c", "d", "e")
    (tmp_path / "masks" / "a.png").unlink()
    (tmp_path / "images" / "b.png").unlink()
    save(tmp_path / "masks" / "c.png", disc(size=(12, 8)))
    cut = tmp_path / "images" / "d.png"
    cut.write_bytes(cut.read_bytes()[:400])
    (tmp_path / "masks" / "e.png").write_text("hello there")
    found = survey(tmp_path)
    assert found.problems == (
        f"{tmp_path}/images/a.png has no mask: add {tmp_path}/masks/a.png or take the image out.",
        f"{tmp_path}/masks/b.png has no image: add the image of that name or take the mask out.",
        "3 images have a mask: with --skip-unpaired only these are used, and the others are left out.",
        f"{cut} is truncated, the end of the picture is missing: copy or export it again.",
        f"{tmp_path}/masks/e.png is a text file, not an image (it begins with 'hello there'): remove it or put the real "
        "image there.",
        f"{tmp_path}/masks/c.png has 12x8 pixels but {tmp_path}/images/c.png has 24x16: export the mask at the size of "
        "its image.",
    )
    with pytest.raises(UserError) as caught:
        found.require()
    assert caught.value.problems == list(found.problems)
    with pytest.raises(UserError, match="is truncated"):
        check_pairs(found.pairs)


def test_survey_reports_its_progress(make_set, tmp_path):
    make_set("a", "b")
    reports = []
    survey(tmp_path, progress=lambda done, total: reports.append((done, total)))
    assert reports == [(0, 4), (1, 4), (2, 4), (3, 4), (4, 4)]
    assert check_pairs(find_pairs(tmp_path)) == []


def test_home_is_expanded(make_set, tmp_path, monkeypatch):
    make_set("a", root=tmp_path / "set")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert find_pairs("~/set")[0].image == Path(tmp_path / "set" / "images" / "a.png")


def test_a_link_to_nothing_is_a_problem_of_its_own(make_set, tmp_path):
    make_set("a", "b")
    (tmp_path / "images" / "b.png").unlink()
    (tmp_path / "images" / "b.png").symlink_to(tmp_path / "gone.png")
    (problem,) = survey(tmp_path).problems
    assert problem == f"{tmp_path}/images/b.png is a link to something that does not exist: copy the file in its place."


@pytest.mark.ci
def test_real_set(real_smears):
    pairs = find_pairs(real_smears)
    assert len(pairs) == 90
    assert all(pair.image.stem == pair.mask.stem == pair.name for pair in pairs)
    assert check_pairs(pairs[:6]) == []
    swapped = survey(images=real_smears / "masks", masks=real_smears / "images", contents=False)
    with pytest.raises(UserError, match="look swapped: in 12 pairs of 12 .* 2 grey levels"):
        check_pairs(swapped.pairs[:12])
    assert np.array_equal([pair.split for pair in pairs], [None] * 90)


def test_constant_masks_are_told_together_with_what_stops_the_run(make_set, tmp_path):
    make_set("a", "b", "c")
    save(tmp_path / "masks" / "a.png", disc(size=(12, 8)))
    save(tmp_path / "masks" / "b.png", disc() * 0)
    first, second = survey(tmp_path).problems
    assert "a.png has 12x8 pixels" in first
    assert "1 mask of a single level: constant" in second and "b.png" in second
