"""What is wrong or unusual about a set of pairs, by the pixels of their files."""

import numpy as np
import pytest
from PIL import Image

from minunet.data.pairs import survey
from tests.data.small_pictures import disc, photo, save


def write_pair(root, name, image, mask, image_options=None, mask_options=None, ending="png"):
    save(root / "images" / f"{name}.png", image, **(image_options or {}))
    save(root / "masks" / f"{name}.{ending}", mask, **(mask_options or {}))


@pytest.fixture
def sound(tmp_path):
    """Three pairs with nothing wrong, 64x48."""
    for i in range(3):
        write_pair(tmp_path, f"s{i}", photo(i, (64, 48)), disc(i, (64, 48)))
    return tmp_path


def test_a_sound_set_has_no_problems_and_no_warnings(sound):
    found = survey(sound)
    assert found.problems == found.warnings == ()


@pytest.mark.parametrize("grey", [False, True])
def test_swapped_folders_are_reported_once_with_evidence(tmp_path, grey):
    for i in range(3):
        image = photo(i, (64, 48))
        write_pair(tmp_path, f"s{i}", disc(i, (64, 48)), image[..., 0] if grey else image)
    (problem,) = survey(tmp_path).problems
    assert problem.startswith(
        f"{tmp_path}/images and {tmp_path}/masks look swapped: in 3 pairs of 3 the mask looks like an"
    )
    assert f"{tmp_path}/masks/s0.png has {180 if grey else problem.split(' has ')[1].split()[0]} grey levels" in problem
    assert ("mean grey 1" if grey else "mean colour (1") in problem
    assert f"{tmp_path}/images/s0.png has 2 grey levels" in problem
    assert problem.endswith("swap the two folders (or --images and --masks).")


def test_one_swapped_pair_and_one_image_among_the_masks(sound):
    write_pair(sound, "x", disc(7, (64, 48)), photo(7, (64, 48)))
    write_pair(sound, "y", photo(8, (64, 48)), photo(9, (64, 48)))
    write_pair(sound, "z", photo(10, (64, 48)), photo(10, (64, 48)))
    image_among_masks, copy, swapped = survey(sound).problems
    assert image_among_masks.startswith(f"{sound}/masks/y.png looks like an image, not a mask (")
    assert copy == f"{sound}/masks/z.png holds the same pixels as {sound}/images/z.png: put the real mask in its place."
    assert swapped.startswith(f"{sound}/images/x.png and {sound}/masks/x.png look swapped: the mask has ")


def test_swapped_folders_of_grey_images_and_averaged_masks(tmp_path):
    rows, columns = np.mgrid[:48, :64]
    cone = np.clip(255 - 12 * np.hypot(rows - 24, columns - 32), 0, 255).astype(np.uint8)
    dull = np.clip(np.random.default_rng(0).normal(120, 14, (48, 64)), 0, 255).astype(np.uint8)
    for i in range(2):
        write_pair(tmp_path, f"s{i}", np.roll(cone, i), np.roll(dull, i))
    (problem,) = survey(tmp_path).problems
    assert problem.startswith(f"{tmp_path}/images and {tmp_path}/masks look swapped: in 2 pairs of 2 ")


def test_dark_field_images_are_images(tmp_path):
    for i in range(2):
        glowing = (disc(i, (64, 48)) * np.random.default_rng(i).uniform(0.2, 1, (48, 64))).astype(np.uint8)
        write_pair(tmp_path, f"s{i}", glowing, disc(i, (64, 48)))
    found = survey(tmp_path)
    assert found.problems == found.warnings == ()


def test_graded_masks_are_masks(sound):
    rows, columns = np.mgrid[:48, :64]
    cone = np.clip(255 - 12 * np.hypot(rows - 24, columns - 32), 0, 255).astype(np.uint8)
    write_pair(sound, "soft", photo(5, (64, 48)), cone)
    found = survey(sound)
    assert found.problems == found.warnings == ()


def noisy(seed: int, deviation: float) -> np.ndarray:
    """A mask of 12 and 240 with noise."""
    levels = np.where(disc(seed, (64, 48)) > 0, 240, 12)
    return np.clip(np.random.default_rng(seed).normal(levels, deviation), 0, 255).astype(np.uint8)


def red_on_white(seed: int) -> np.ndarray:
    small = np.tile(disc(seed, (16, 16)), (3, 4))  # most pixels are near an edge, where JPEG makes other colours
    return np.where(small[..., None] > 0, (200, 20, 30), 255).astype(np.uint8)


@pytest.mark.parametrize("deviation", (5, 10))
@pytest.mark.parametrize("deep", (False, True))
def test_noisy_masks_of_two_levels_are_masks(tmp_path, deviation, deep):
    for i in range(3):
        mask = noisy(i, deviation)
        write_pair(tmp_path, f"s{i}", photo(i, (64, 48)), mask.astype(np.uint16) * 257 if deep else mask)
    assert survey(tmp_path).problems == ()


@pytest.mark.parametrize("subsampling", (0, 2))
def test_masks_of_a_colour_on_white_saved_as_jpeg_are_masks(tmp_path, subsampling):
    for i in range(3):
        options = {"quality": 75, "subsampling": subsampling}
        write_pair(tmp_path, f"s{i}", photo(i, (64, 48)), red_on_white(i), ending="jpg", mask_options=options)
    assert survey(tmp_path).problems == ()


def test_noisy_masks_in_place_of_the_images_look_swapped(tmp_path):
    for i in range(3):
        write_pair(tmp_path, f"s{i}", noisy(i, 10), photo(i, (64, 48)))
    (problem,) = survey(tmp_path).problems
    assert "look swapped: in 3 pairs of 3" in problem


@pytest.mark.parametrize(("dark", "deviation"), ((150, 8), (60, 25)))
def test_photographs_of_cells_on_a_bright_background_are_images(sound, dark, deviation):
    levels = np.where(disc(9, (64, 48)) > 0, dark, 220)[..., None].repeat(3, axis=2)
    levels[..., 1] -= 20
    smear = np.clip(np.random.default_rng(0).normal(levels, deviation), 0, 255).astype(np.uint8)
    write_pair(sound, "x", photo(9, (64, 48)), smear)
    (problem,) = survey(sound).problems
    assert "x.png looks like an image, not a mask" in problem


def test_mask_turned_by_a_quarter(sound):
    write_pair(sound, "t", photo(5, (64, 48)), disc(5, (48, 64)))
    assert survey(sound).problems == (
        f"{sound}/masks/t.png has 48x64 pixels but {sound}/images/t.png has 64x48 (turned by 90 degrees): export the mask "
        "at the size of its image.",
    )


def test_size_is_judged_upright(sound):
    turned = Image.Exif()
    turned[0x0112] = 6
    write_pair(sound, "e", photo(5, (48, 64)), disc(5, (64, 48)), image_options={"exif": turned})
    assert survey(sound).problems == ()


def test_a_truncated_file_still_has_a_size(sound):
    write_pair(sound, "t", photo(5, (64, 48)), disc(5, (32, 24)))
    cut = sound / "images" / "t.png"
    cut.write_bytes(cut.read_bytes()[:500])
    truncated, size = survey(sound).problems
    assert truncated == f"{cut} is truncated, the end of the picture is missing: copy or export it again."
    assert size.startswith(f"{sound}/masks/t.png has 32x24 pixels but {cut} has 64x48")


def test_copies(sound, tmp_path):
    write_pair(sound, "copy", photo(0, (64, 48)), disc(0, (64, 48)), image_options={"compress_level": 1})
    write_pair(sound, "other", photo(1, (64, 48)), disc(5, (64, 48)))
    same, differing = survey(sound).warnings
    assert same == (
        f"{sound}/images/copy.png and {sound}/images/s0.png hold the same picture: they are kept on one side of the "
        "split; keep one unless this is intended."
    )
    assert differing.startswith(
        f"{sound}/images/other.png and {sound}/images/s1.png hold the same picture, but their masks"
    )


def test_copies_on_both_sides_of_a_given_split(tmp_path):
    for side in ("train", "test"):
        write_pair(tmp_path / side, "a", photo(0, (64, 48)), disc(0, (64, 48)))
    write_pair(tmp_path / "train", "b", photo(1, (64, 48)), disc(1, (64, 48)))
    assert survey(tmp_path).warnings == (
        f"{tmp_path}/train/images/a.png and {tmp_path}/test/images/a.png hold the same picture: they are on both sides of "
        "the split (test and train), so the scores will be too good: keep one.",
    )


def test_jpeg_masks(sound):
    write_pair(sound, "j", photo(5, (64, 48)), disc(5, (64, 48)), ending="jpg", mask_options={"quality": 75})
    found = survey(sound)
    assert found.problems == ()
    assert found.warnings == (
        f"1 mask stored as JPEG, which blurs edges and invents levels ({sound}/masks/j.jpg): PNG masks are exact.",
    )


def test_constant_masks_and_images(sound):
    write_pair(sound, "k", np.full((48, 64, 3), (9, 200, 30), np.uint8), np.zeros((48, 64), np.uint8))
    one, blank = survey(sound).warnings
    assert one.startswith(f"1 mask of a single level: constant, without any edge to learn ({sound}/masks/k.png)")
    assert blank.startswith(f"1 image of a single colour ({sound}/images/k.png)")


def test_all_masks_constant(tmp_path):
    for i in range(2):
        write_pair(tmp_path, f"s{i}", photo(i), np.full((16, 24), 255, np.uint8))
    (warning,) = survey(tmp_path).warnings
    assert warning.startswith("all masks are constant, without any edge to learn (")


def test_many_files_of_several_frames_share_a_sentence(sound):
    frames = [Image.fromarray(photo(i, (64, 48))) for i in range(2)]
    for name in ("s0", "s1"):
        (sound / "images" / f"{name}.png").unlink()
        frames[int(name[1])].save(sound / "images" / f"{name}.tif", save_all=True, append_images=frames[1:])
    (warning,) = (warning for warning in survey(sound).warnings if "frames" in warning)
    assert warning == (
        f"2 files hold several frames ({sound}/images/s0.tif and {sound}/images/s1.tif); only the first of each is used: export "
        "the others as files of their own."
    )


def test_frames_left_unread(sound):
    frames = [Image.fromarray(photo(i, (64, 48))) for i in range(3)]
    (sound / "images" / "s0.png").unlink()
    frames[0].save(sound / "images" / "s0.tif", save_all=True, append_images=frames[1:])
    assert survey(sound).warnings == (
        f"{sound}/images/s0.tif holds several frames; only the first is used: export the others as files of their own.",
    )
