"""The page of derivatives says what the docstrings of the operations say."""

from tools.derivatives_page import PAGE, page


def test_the_page_is_that_of_the_docstrings():
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python tools/derivatives_page.py --write"


def test_a_row_has_the_operation_its_formulas_and_its_file():
    rows = {line.split("**")[1]: line for line in page().splitlines() if line.startswith("| **")}
    assert "`y = max(x, 0)`<br>`dx = g where y > 0, else 0` | `minunet/functional/activation.py`" in rows["ReLU"]
    assert "<code>y = &#124;x&#124;</code>" in rows["Absolute"]
    assert {row.replace("\\|", "").count("|") for row in rows.values()} == {4}
