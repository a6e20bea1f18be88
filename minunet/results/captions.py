"""Captions: the typeface of figures, and text that it can show in the room that there is."""

from __future__ import annotations

import unicodedata

from PIL import ImageFont

# Pillow's typeface has the letters of ASCII and few others.
SUBSTITUTES = str.maketrans(
    {"×": "x", "–": "-", "—": "-", "−": "-", "µ": "u", "ß": "ss", "ø": "o", "Ø": "O", "ł": "l", "æ": "ae"}
)


def load_font(size: int) -> ImageFont.FreeTypeFont:
    """Pillow's own typeface in `size` pixels, so that figures look alike on every machine."""
    font = ImageFont.load_default(size=size)
    assert isinstance(font, ImageFont.FreeTypeFont)  # a bitmap font only where Pillow was built without FreeType
    return font


def to_font_characters(text: str) -> str:
    """The text in characters that the typeface has: letters without accents, and "?" for what is still unknown."""
    plain = unicodedata.normalize("NFKD", text.translate(SUBSTITUTES))
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return "".join(letter if " " <= letter <= "~" or letter in "°±·" else "?" for letter in plain)


def shorten(text: str, width: int, font: ImageFont.FreeTypeFont) -> str:
    """The text in the font's characters, without its middle where it is wider than `width` pixels.

    The end is kept since it often distinguishes the names of files.
    """
    text = to_font_characters(text)
    if font.getlength(text) <= width:
        return text
    for length in range(len(text) - 1, 0, -1):
        head = (length + 1) // 2
        shorter = text[:head] + "..." + text[len(text) - (length - head) :]
        if font.getlength(shorter) <= width:
            return shorter
    return ""
