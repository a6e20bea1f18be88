"""Captions: text that fits and that the typeface can show."""

from minunet.results.captions import load_font, shorten, to_font_characters


def test_text_is_shortened_in_the_middle():
    font = load_font(14)
    assert shorten("short", 200, font) == "short"
    text = shorten("a_very_long_name_of_a_file_0017.png", 120, font)
    assert font.getlength(text) <= 120
    assert text.startswith("a_very") and text.endswith("17.png") and "..." in text
    assert shorten("wide", 1, font) == ""


def test_text_has_only_characters_of_the_typeface():
    assert to_font_characters("image × prédiction – Blutzellen für µm 中") == "image x prediction - Blutzellen fur um ?"
    known = bytes(load_font(30).getmask("\ue123"))  # what the typeface draws for a letter it does not have
    for letter in to_font_characters("abcABC019°±·×éüø~!"):
        assert bytes(load_font(30).getmask(letter)) != known
