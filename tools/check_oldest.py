"""Try the oldest versions that setup.cfg allows: install them in a new environment, and run tests of what depends on them.

    python tools/check_oldest.py                # tests of files, pictures, cells and numbers: some minutes
    python tools/check_oldest.py tests/data     # other tests

Of the extras, `plots`, `report` and `test` are tried. Packages that are pinned to one version are left out, and so are those of the
other extras.
"""

from __future__ import annotations

import configparser
import os
import re
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EXTRAS = ("plots", "report", "test")
TESTS = (
    "tests/results",
    "tests/checkpoints",
    "tests/data/reading",
    "tests/cells",
    "tests/autograd",
    "tests/test_public_names.py",
)


def oldest(config: str) -> list[str]:
    """The requirements of a setup.cfg as oldest versions: `numpy>=2.0` becomes `numpy==2.0`.

    Parameters
    ----------
    config : str
        The text of the file.
    """
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string(config)
    lists = [parser["options"]["install_requires"], *(parser["options.extras_require"][name] for name in EXTRAS)]
    requirements = [line.strip() for text in lists for line in text.splitlines() if line.strip()]
    bounds = [re.fullmatch(r"([\w.-]+)>=([\w.]+)", requirement) for requirement in requirements]
    return sorted({f"{bound[1]}=={bound[2]}" for bound in bounds if bound})


def main() -> int:
    """Install them and run the tests; the exit code of the tests."""
    tests = sys.argv[1:] or TESTS
    requirements = oldest((ROOT / "setup.cfg").read_text(encoding="utf-8"))
    print(" ".join(requirements), flush=True)
    with tempfile.TemporaryDirectory() as name:
        venv.create(name, with_pip=True)
        (python,) = [path for path in Path(name).glob("*/python*") if path.stem == "python"]
        subprocess.run([python, "-m", "pip", "install", "--quiet", *requirements], check=True)
        # Newer packages around these old ones warn of what they will remove.
        command = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "ignore::DeprecationWarning", *tests]
        return subprocess.run(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
