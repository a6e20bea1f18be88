"""Build the source distribution and the wheel, and try both away from the checkout: what a user gets from a package index.

    python tools/check_packages.py

The wheel, which is built from the source distribution, is installed in a new environment, draws smears, trains and predicts there,
without and with the extra `report`. In the unpacked source distribution all tests are collected, and some are run; for that, the
Python that runs this script needs the extra `test`. Of the checkout, only minunet.egg-info is written.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NOT_PACKED = (".gitignore",)  # of the files that git tracks
QUICK_TESTS = ("tests/autograd", "tests/tools", "tests/test_public_names.py", "tests/test_pages.py")
COMMANDS = (
    ("minunet.synthesize", "smears", "--count", "10", "--size", "32x32"),
    (
        "minunet.train",
        "smears",
        "--out",
        "run",
        "--size",
        "32x32",
        "--depth",
        "2",
        "--base-channels",
        "2",
        "--epochs",
        "1",
    ),
    ("minunet.predict", "run", "smears/images", "--out", "predicted"),
    ("minunet.predict", "smears/images", "--diameter", "12", "--out", "predicted_by_pretrained"),
)
WITH_REPORT = ("minunet.predict", "run", "smears/images", "--out", "predicted", "--overwrite")


def run(*command: str | Path, folder: Path) -> str:
    """Run a command in a folder, without a path to the checkout; its output. Ends this process where it fails."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    result = subprocess.run(
        [str(part) for part in command], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if result.returncode:
        sys.exit(f"{' '.join(map(str, command))} ended with {result.returncode}:\n{result.stdout}{result.stderr}")
    return result.stdout


def build(folder: Path) -> tuple[Path, Path]:
    """The source distribution, and the wheel that is built from it."""
    run(sys.executable, "-m", "build", "--outdir", folder, ROOT, folder=folder)
    (source,), (wheel,) = folder.glob("*.tar.gz"), folder.glob("*.whl")
    return source, wheel


def check_wheel(wheel: Path, folder: Path) -> None:
    """Install the wheel in a new environment, and run the commands there."""
    venv.create(folder / "environment", with_pip=True)
    (python,) = [path for path in folder.glob("environment/*/python*") if path.stem == "python"]
    run(python, "-m", "pip", "install", "--quiet", wheel, folder=folder)
    place = run(python, "-c", "import minunet; print(minunet.__file__)", folder=folder)
    if not Path(place).is_relative_to(folder):
        sys.exit(f"the wheel was to be tried, not {place}")
    for command in COMMANDS:
        run(python, "-m", *command, folder=folder)
    for name in ("predicted", "predicted_by_pretrained"):
        written = len(list((folder / name).glob("*_mask.png")))
        if written != 10:
            sys.exit(f"10 images were to be predicted, and there are {written} masks in {name}")
    if (folder / "predicted" / "report.html").exists():
        sys.exit("a report was written without Jinja2")
    run(python, "-m", "pip", "install", "--quiet", f"{wheel}[report]", folder=folder)
    run(python, "-m", *WITH_REPORT, folder=folder)
    if not (folder / "predicted" / "report.html").is_file():
        sys.exit("no report was written: are its template, style and script in the wheel?")
    run(python.with_name("minunet"), folder=folder)
    print(f"{wheel.name}: installed, trained and predicted")


def check_source(source: Path, folder: Path) -> None:
    """Compare the files with those that git tracks, collect all tests, and run some."""
    with tarfile.open(source) as archive:
        archive.extractall(folder, filter="data")
    unpacked = folder / source.name.removesuffix(".tar.gz")
    if (ROOT / ".git").exists():
        tracked = run("git", "ls-files", folder=ROOT).splitlines()
        missing = [name for name in tracked if not name.startswith(NOT_PACKED) and not (unpacked / name).exists()]
        if missing:
            sys.exit(f"{source.name} lacks {', '.join(missing[:20])}: name them in MANIFEST.in")
    collected = run(sys.executable, "-m", "pytest", "--collect-only", "-q", folder=unpacked).splitlines()[-1]
    place = run(sys.executable, "-c", "import minunet; print(minunet.__file__)", folder=unpacked)
    if not Path(place).is_relative_to(unpacked):
        sys.exit(f"the tests of {source.name} would test {place}")
    tests = run(sys.executable, "-m", "pytest", "-q", *QUICK_TESTS, folder=unpacked).splitlines()[-1]
    print(f"{source.name}: {collected}; {tests}")


def main() -> int:
    """Build both, and check both."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        source, wheel = build(folder)
        check_wheel(wheel, folder)
        check_source(source, folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
