"""Files that are not read: what is in a folder in place of images or masks, and what to do with it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from minunet.data.finding.listing import Listing
from minunet.wording import count_noun, join_names

_CONVERT = "convert them to PNG"
REMEDIES = {
    **dict.fromkeys(
        (".gif", ".webp", ".jp2", ".j2k", ".heic", ".heif", ".avif", ".pgm", ".ppm", ".pnm", ".svg", ".pdf", ".psd"),
        _CONVERT + ", for example with ImageMagick (magick mogrify -format png *{ending})",
    ),
    **dict.fromkeys(
        (".cr2", ".cr3", ".nef", ".arw", ".dng", ".orf", ".rw2", ".raf", ".pef"),
        "develop these raw files of a camera as TIFF, for example with darktable, all with the same settings",
    ),
    **dict.fromkeys((".npy", ".npz"), 'save the arrays as TIFF (tifffile.imwrite("NAME.tif", array))'),
    ".mat": 'read them with scipy.io.loadmat, and save the arrays as TIFF (tifffile.imwrite("NAME.tif", array))',
    **dict.fromkeys(
        (
            ".czi",
            ".lif",
            ".nd2",
            ".mrxs",
            ".scn",
            ".vsi",
            ".oib",
            ".oif",
            ".oir",
            ".ims",
            ".lsm",
            ".stk",
            ".zvi",
            ".bif",
            ".qptiff",
        ),
        "export the images as TIFF, for example with QuPath or ImageJ (Bio-Formats)",
    ),
    **dict.fromkeys((".dcm", ".nii", ".nrrd", ".mha"), "export the slices as PNG or TIFF"),
    **dict.fromkeys((".zip", ".tar", ".gz", ".tgz", ".7z", ".rar"), "unpack them"),
    ".roi": "draw ImageJ's outlines as masks (in ImageJ: Edit > Selection > Create Mask) and save these as TIFF",
}


def why_no_files(listing: Listing, kind: str | None) -> str:
    """The problem of a folder without image files.

    Parameters
    ----------
    listing : Listing
    kind : "image", "mask" or None
        Which files are expected; None: both.
    """
    folder = listing.folder
    found = _unread(listing.others)
    if found:
        ending, files = found
        remedy = _remedy(ending, files)
        of_kind = f"no {kind} files that are read" if kind else "no images that are read"
        only = count_noun(len(files), f"{ending} file")
        return f"{folder} holds {of_kind}, only {only} such as {files[0].name}: {remedy}."
    if kind is None:
        return f"{folder} holds no images: put them into {folder / 'images'} and their masks into {folder / 'masks'}."
    inside = f", only {join_names(f.name + '/' for f in listing.folders)}" if listing.folders else ""
    return f"{folder} holds no {kind} files{inside}: put PNG, JPEG, BMP or TIFF files directly into it."


def describe_unread(others: list[Path]) -> str:
    """The files that may be images or masks and are not read, and what to do with them; "" where there are none."""
    found = _unread(others)
    if not found:
        return ""
    ending, files = found
    return f"{count_noun(len(files), f'{ending} file')} such as {files[0].name} are not read: {_remedy(ending, files)}"


def _remedy(ending: str, files: list[Path]) -> str:
    """What to do with files of an ending, which a command spells as they do: a shell tells .gif from .GIF."""
    spelled = Counter(file.suffix for file in files).most_common(1)[0][0]
    return REMEDIES[ending].format(ending=spelled)


def _unread(others: list[Path]) -> tuple[str, list[Path]] | None:
    """The most frequent ending that has a remedy, with its files."""
    endings = Counter(ending for file in others if (ending := file.suffix.lower()) in REMEDIES)
    if not endings:
        return None
    ending = endings.most_common(1)[0][0]
    return ending, [file for file in others if file.suffix.lower() == ending]
