"""Names of masks that differ from those of their images by one regular part, in two folders and in one."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minunet.data.finding.naming import NamingRule, find_rules, match_numbers, words
from minunet.data.pairs import survey
from tests.data.finding.drawn_sets import expected, make, matched, numbered
from tests.data.found_pairs import problems

SUFFIXES = (
    "_masks",
    "_mask",
    "-mask",
    "_seg",
    "_gt",
    "_label",
    "_labels",
    "_cp_masks",
    "_segmentation",
    ".mask",
    " gt",
    "_GT",
)


@pytest.mark.parametrize(
    ("image", "mask"),
    [
        *(("smear {}.jpg", f"smear {{}}{suffix}.png") for suffix in SUFFIXES),
        ("t{:02d}.tif", "man_seg{:02d}.tif"),
        ("X_{}.png", "X_seg_{}.png"),
        ("raw_{}.png", "mask_{}.png"),
        ("{}_raw.png", "{}_mask.png"),
        ("BloodImage_{:05d}.jpg", "BloodMask_{:05d}.png"),
        ("{}.png", "mask_{}.png"),
        ("{}.png", "gt{}.png"),
        ("im-{}-a.png", "im-{}-a-annotation.png"),
        ("{}_training.tif", "{}_manual1.tif"),
    ],
)
def test_regular_parts_in_one_folder_and_in_two(image, mask, tmp_path):
    make(tmp_path / "one", *numbered(image, mask, count=12))
    assert matched(tmp_path / "one") == expected(image, mask, 12)
    make(tmp_path / "two", *numbered(f"images/{image}", f"masks/{mask}", count=12))
    assert matched(tmp_path / "two") == expected(f"images/{image}", f"masks/{mask}", 12)


@pytest.mark.parametrize(
    ("image", "mask"),
    [
        ("t{}.tif", "q{}.tif"),
        ("case_{:03d}_0000.png", "case_{:03d}.png"),
        ("img_{}.png", "obj_{:04d}.png"),
        ("IMG_{:03d}_crop.png", "out_{}_final.png"),
        ("img_{}.png", "IMG_{}.png"),
    ],
)
def test_parts_without_a_word_for_masks_match_in_two_folders(image, mask, tmp_path):
    make(tmp_path, *numbered(f"images/{image}", f"masks/{mask}", count=12))
    assert matched(tmp_path) == expected(f"images/{image}", f"masks/{mask}", 12)


def test_the_rule_is_said(tmp_path):
    make(tmp_path, *numbered("t{:02d}.tif", "man_seg{:02d}.tif"))
    assert survey(tmp_path, contents=False).notes == (
        "masks are named man_seg*.tif for t*.tif: man_seg01.tif is the mask of t01.tif.",
    )


def test_names_that_are_equal_need_no_words(tmp_path):
    make(tmp_path, *numbered("images/{}.png", "masks/{}.png"))
    assert survey(tmp_path, contents=False).notes == ()


@pytest.mark.parametrize(
    ("images", "masks"),
    [
        ([str(i) for i in range(1, 10)], [f"{i}0" for i in range(1, 10)]),
        ([f"s{i}" for i in range(1, 10)], [f"s1{i}" for i in range(1, 10)]),
        ([f"s_{i}" for i in range(1, 10)], [f"s_{i + 1}_gt" for i in range(20, 29)]),
        ([f"s{i}_1" for i in range(1, 10)], [f"s{i}_2" for i in range(1, 10)]),
    ],
)
def test_another_number_is_another_picture(images, masks, tmp_path):
    assert find_rules(images, masks) == []
    make(tmp_path, *(f"images/{name}.png" for name in images), *(f"masks/{name}.png" for name in masks))
    assert "share no name" in problems(tmp_path)[0]


def test_two_plausible_rules_are_a_question_with_its_answers(tmp_path):
    make(tmp_path, *numbered("{}.png", "{}_seg.png", "{}_gt.png"))
    (problem,) = problems(tmp_path)
    assert problem == (
        f"{tmp_path} holds more than one mask for an image, named *_gt and *_seg: choose with --images {tmp_path} --masks "
        f"'{tmp_path}/*_gt.png' or --images {tmp_path} --masks '{tmp_path}/*_seg.png', in place of DATA."
    )
    for kind in ("gt", "seg"):
        found = survey(images=tmp_path, masks=tmp_path / f"*_{kind}.png", contents=False).require()
        assert [(pair.image.name, pair.mask.name) for pair in found.pairs] == [
            (f"{i}.png", f"{i}_{kind}.png") for i in range(1, 7)
        ]


def test_several_channels_of_one_case_are_a_question_with_its_answers(tmp_path):
    make(tmp_path, *numbered("imagesTr/c_{}_0000.png", "imagesTr/c_{}_0001.png", "labelsTr/c_{}.png"))
    (problem,) = problems(tmp_path)
    assert f"--images '{tmp_path}/imagesTr/*_0000.png' --masks {tmp_path}/labelsTr" in problem
    found = survey(images=tmp_path / "imagesTr/*_0001.png", masks=tmp_path / "labelsTr", contents=False).require()
    assert [pair.image.name for pair in found.pairs] == [f"c_{i}_0001.png" for i in range(1, 7)]


def test_two_images_for_one_mask_in_one_folder_are_a_question_with_its_answers(tmp_path):
    make(tmp_path, *numbered("x{}_bright.png", "x{}_fluo.png", "x{}_seg.png"))
    (problem,) = problems(tmp_path)
    assert f"--images '{tmp_path}/*fluo.png' --masks '{tmp_path}/*seg.png'" in problem
    found = survey(images=tmp_path / "*fluo.png", masks=tmp_path / "*seg.png", contents=False).require()
    assert [(pair.image.name, pair.mask.name) for pair in found.pairs] == [
        (f"x{i}_fluo.png", f"x{i}_seg.png") for i in range(1, 7)
    ]


def test_images_without_a_mask_keep_the_rule(tmp_path):
    make(tmp_path, *numbered("t{}.png", "man_seg{}.png", count=26), "t27.png")
    found = problems(tmp_path)
    assert found[0] == f"{tmp_path}/t27.png has no mask: add {tmp_path}/t27_mask.png or take the image out."
    assert "--skip-unpaired" in found[1]
    assert len(matched(tmp_path, skip_unpaired=True)) == 26


def test_a_pattern_without_files(tmp_path):
    make(tmp_path, "1.png")
    assert problems(images=tmp_path, masks=tmp_path / "*_gt.png") == [
        f"{tmp_path}/*_gt.png: no image file in {tmp_path} has such a name: check the pattern.",
    ]


def test_words_of_names():
    assert words("BloodMask_01-cp") == {"blood", "mask", "cp"}
    assert NamingRule("", "_seg", "end").has_mask_word
    assert not NamingRule("mask", "seg", "front").has_mask_word


def test_one_pair_alone_shows_no_rule_without_a_word():
    assert find_rules(["a1"], ["b1"]) == []
    assert match_numbers(["a1"], ["b1"]) is None
    assert len(find_rules(["a1"], ["a1_seg"])[0].image_of) == 1


def test_numbers_that_would_be_equal_match_nothing():
    assert match_numbers(["a1", "a01", "a2"], ["b1", "b2", "b3"]) is None


STEMS = st.lists(st.from_regex(r"[ab]{0,2}_?[0-9]{1,3}(_[0-9])?", fullmatch=True), min_size=2, max_size=9, unique=True)


@settings(max_examples=30)
@given(STEMS, STEMS)
def test_matches_are_one_to_one_and_keep_every_number(images, masks):
    for match in find_rules(images, masks):
        assert len(set(match.image_of.values())) == len(match.image_of)
        for mask, image in match.image_of.items():
            assert match.rule is not None
            rest = image.replace(match.rule.image_part, "", 1)
            assert any(rest.strip("_") in text for text in (mask, mask.replace(match.rule.mask_part, "", 1)))
