import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minunet.data.pairs import Pair, find_pairs, survey
from minunet.data.split import Split, split_pairs
from minunet.errors import UserError
from tests.data.small_pictures import disc, photo, save
from tests.file_openings import count_openings


def unread(*names, split=None):
    """Pairs whose files don't exist; each counts as unlike any other."""
    return [Pair(name, Path(f"images/{name}.png"), Path(f"masks/{name}.png"), split) for name in names]


def sizes(split):
    return tuple(len(side) for side in (split.train, split.validation, split.test))


def everyone(split):
    return sorted(pair.name for side in (split.train, split.validation, split.test) for pair in side)


def refused(*args, **kwargs):
    with pytest.raises(UserError) as caught:
        split_pairs(*args, **kwargs)
    return caught.value.problems


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (3, (1, 1, 1)),
        (4, (2, 1, 1)),
        (10, (8, 1, 1)),
        (15, (11, 2, 2)),
        (20, (16, 2, 2)),
        (90, (72, 9, 9)),
        (97, (77, 10, 10)),
    ],
)
def test_eighty_ten_ten_with_one_each_at_least(count, expected):
    assert sizes(split_pairs(unread(*map(str, range(count))))) == expected


@given(st.integers(3, 40), st.integers(0, 9), st.tuples(*[st.floats(0.05, 1)] * 3), st.randoms())
def test_a_partition_that_depends_on_the_seed_and_not_on_the_order(count, seed, weights, random):
    fractions = tuple(weight / sum(weights) for weight in weights)
    pairs = unread(*(f"p{i}" for i in range(count)))
    split = split_pairs(pairs, fractions=fractions, seed=seed)
    assert everyone(split) == sorted(pair.name for pair in pairs)
    assert min(sizes(split)) >= 1
    assert all(abs(n - count * f) <= 2 for n, f in zip(sizes(split), fractions, strict=True))
    random.shuffle(pairs)
    assert split_pairs(pairs, fractions=fractions, seed=seed) == split


def test_seeds_differ_and_sides_are_in_natural_order():
    pairs = unread(*(f"p{i}" for i in range(60)))
    splits = [split_pairs(pairs, seed=seed) for seed in range(5)]
    assert len({split.test for split in splits}) == 5
    assert [pair.name for pair in splits[0].train] == sorted(
        (p.name for p in splits[0].train), key=lambda n: int(n[1:])
    )
    tested = Counter(pair.name for seed in range(100) for pair in split_pairs(pairs, seed=seed).test)
    assert len(tested) == 60
    assert max(tested.values()) < 25  # 10 expected of each, with a standard deviation of 3


@given(st.integers(0, 20), st.lists(st.integers(1, 9), min_size=3, max_size=12))
def test_groups_stay_together(seed, members):
    pairs = unread(*(f"slide{g}_{i}" for g, size in enumerate(members) for i in range(size)))
    split = split_pairs(pairs, seed=seed, group=r"^(slide\d+)_")
    sides = [{pair.name.split("_")[0] for pair in side} for side in (split.train, split.validation, split.test)]
    assert sum(map(len, sides)) == len(members)
    assert min(sizes(split)) >= 1
    assert everyone(split) == sorted(pair.name for pair in pairs)


def test_groups_meet_the_fractions_where_they_can():
    pairs = unread(*(f"patient{g:02}-{i}" for g in range(30) for i in range(3)))
    assert sizes(split_pairs(pairs, group=r"patient\d+")) == (72, 9, 9)
    large = unread(*(f"a{i}" for i in range(50)), "b0", "c0")
    assert sizes(split_pairs(large, group="^.")) == (50, 1, 1)


def test_pairs_outside_the_pattern_are_listed():
    pairs = unread("s1_a", "s1_b", "s2_a", "other", "s_3")
    assert refused(pairs, group=r"s(\d+)_") == [
        f"images/{name}.png does not match --group 's(\\\\d+)_': widen the pattern or rename the file."
        for name in ("other", "s_3")
    ]


def test_a_pattern_that_is_none_and_one_that_makes_too_few_groups():
    pairs = unread("s1_a", "s1_b", "s2_a")
    assert refused(pairs, group="s(")[0].startswith("--group 's(' is not a regular expression (missing ), unterminated")
    assert refused(pairs, group=r"s\d") == [
        "the 3 pairs belong together by --group 's\\\\d' or as copies of one picture in only 2 groups (such as s1_a and "
        "s1_b), but train, validation and test need one each: narrow the pattern or add pairs."
    ]


def test_too_few_pairs():
    assert refused(unread("a", "b")) == [
        "2 pairs found, but three are needed: one each to train, to validate and to test; add more."
    ]
    assert refused(unread("a"))[0].startswith("1 pair found, but three are needed")


def test_invalid_arguments_are_reported_at_once():
    assert refused(unread("a", "a"), fractions=(0.9, 0.2, 0.0), seed=-1) == [
        "split fractions (0.9, 0.2, 0.0): give three numbers above 0 that add up to 1.",
        "seed -1: give a whole number from 0 up.",
        "two pairs have the same name: give each its own.",
        "2 pairs found, but three are needed: one each to train, to validate and to test; add more.",
    ]
    assert refused(unread("a", "b", "c"), fractions=(0.9, 0.2, 0.2)) == [
        "split fractions (0.9, 0.2, 0.2): give three numbers above 0 that add up to 1."
    ]


def test_a_given_split_is_kept_and_validation_comes_from_train():
    train, test = unread(*(f"train/{i}" for i in range(18)), split="train"), unread("test/0", "test/1", split="test")
    split = split_pairs(train + test)
    assert split.test == tuple(test)
    assert sizes(split) == (16, 2, 2)
    assert all(pair.name.startswith("train/") for pair in split.train + split.validation)
    complete = train + test + unread("validation/0", split="validation")
    assert sizes(split_pairs(complete)) == (18, 1, 2)
    assert sizes(split_pairs(train + unread("validation/0", split="validation"))) == (16, 1, 2)
    assert sizes(split_pairs(train)) == (14, 2, 2)


def test_a_given_split_that_leaves_nothing_to_train():
    pairs = unread("train/0", split="train") + unread("test/0", "test/1", split="test")
    assert refused(pairs) == ["1 pair in train/, but train and validation need one each: add more."]
    with pytest.raises(UserError, match=r"0 pairs in train/, but train and validation need one each: add more\."):
        split_pairs(unread("test/0", "test/1", "test/2", split="test"))


def test_a_group_on_both_given_sides():
    pairs = unread("s1_a", "s2_a", "s3_a", split="train") + unread("s1_b", "s4_b", split="test")
    assert refused(pairs, group="^(s.)") == [
        "the group 's1' is in test and train already: move its files to one side, or leave --group out."
    ]


def test_copies_stay_together(tmp_path):
    for i in range(12):
        save(tmp_path / "images" / f"{i}.png", photo(i // 2), compress_level=1 + i % 2)  # six pictures, each twice
        save(tmp_path / "masks" / f"{i}.png", disc(i))
    pairs = find_pairs(tmp_path)
    for seed in range(8):
        split = split_pairs(pairs, seed=seed)
        assert sizes(split) == (8, 2, 2)
        for side in (split.train, split.validation, split.test):
            assert set(Counter(int(pair.name) // 2 for pair in side).values()) == {2}


def test_digests_that_are_known_need_no_file(tmp_path, monkeypatch):
    for i in range(12):
        save(tmp_path / "images" / f"{i}.png", photo(i // 2))
        save(tmp_path / "masks" / f"{i}.png", disc(i))
    found = survey(tmp_path)
    expected = split_pairs(found.pairs, seed=3)
    opened = count_openings(monkeypatch)
    assert split_pairs(found.pairs, seed=3, digests=found.digests) == expected
    assert not opened
    some = {name: digest for name, digest in found.digests.items() if name != "5"}
    assert split_pairs(found.pairs, seed=3, digests=some) == expected
    assert opened == {tmp_path / "images" / "5.png": 1}


def test_copies_tie_groups_together(tmp_path):
    for i in range(8):
        save(tmp_path / "images" / f"s{i // 2}_{i}.png", photo(2 if i == 1 else i))  # s0_1 shows what s1_2 shows
        save(tmp_path / "masks" / f"s{i // 2}_{i}.png", disc(i))
    for seed in range(6):
        split = split_pairs(find_pairs(tmp_path), group=r"s\d", seed=seed)
        sides = [{pair.name[:2] for pair in side} for side in (split.train, split.validation, split.test)]
        assert sum("s0" in side for side in sides) == 1
        assert [side for side in sides if "s0" in side][0] >= {"s0", "s1"}


def test_nothing_but_copies(tmp_path):
    for i in range(4):
        save(tmp_path / "images" / f"{i}.png", photo())
        save(tmp_path / "masks" / f"{i}.png", disc())
    (problem,) = refused(find_pairs(tmp_path))
    assert problem.startswith(
        "the 4 pairs belong together as copies of one picture in only 1 group (such as 0, 1, 2 and 1 "
    )
    assert problem.endswith("but train, validation and test need one each: add different pictures.")


def test_written_down_and_read_again():
    pairs = unread(*(f"p{i}" for i in range(10)))
    split = split_pairs(pairs, seed=3)
    text = json.dumps(split.to_dict())
    assert Split.from_dict(json.loads(text), pairs + unread("new")) == split
    with pytest.raises(UserError) as caught:
        Split.from_dict(json.loads(text), pairs[2:])
    assert sorted(caught.value.problems) == [
        f"the pair p{i} of the recorded split is no longer there: put it back." for i in (0, 1)
    ]


def test_real_set(real_smears):
    pairs = survey(real_smears, contents=False).pairs[:10]
    split = split_pairs(pairs)
    assert sizes(split) == (8, 1, 1)
    assert split == split_pairs(pairs)
    assert split.test != split_pairs(pairs, seed=1).test
