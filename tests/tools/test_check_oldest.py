"""The oldest versions that setup.cfg allows, as pip takes them."""

from pathlib import Path

from tools.check_oldest import oldest

ROOT = Path(__file__).resolve().parent.parent.parent


def test_every_lower_bound_becomes_a_version():
    text = "[options]\ninstall_requires =\n    numpy>=2.0\n    a-b>=1.2.3\n[options.extras_require]\n"
    text += "plots =\n    matplotlib>=3.8.4\nreport =\n    jinja2>=3.1.2\n"
    text += "test =\n    numpy>=2.0\n    mypy==2.4.1\nbench =\n    onnx>=1\n"
    assert oldest(text) == ["a-b==1.2.3", "jinja2==3.1.2", "matplotlib==3.8.4", "numpy==2.0"]


def test_those_of_this_project_are_found():
    found = oldest((ROOT / "setup.cfg").read_text(encoding="utf-8"))
    assert {line.split("==")[0] for line in found} >= {"numpy", "pillow", "matplotlib", "scikit-image", "pytest"}
