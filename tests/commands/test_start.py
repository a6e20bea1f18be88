"""The start of a command: it does not wait for modules that it may not need."""

import subprocess
import sys

import pytest

LATER = {"tqdm", "importlib.metadata", "multiprocessing", "scipy", "skimage", "matplotlib", "jinja2"}
LATER |= {"minunet.results.report", "minunet.data.synthetic", "minunet.runs.training_report"}


@pytest.mark.parametrize(
    ("command", "later"),
    [
        ("predict", {"minunet.training", "minunet.kernels.cuda", "minunet.runs.prediction_report"}),
        ("train", set()),
        ("doctor", {"minunet.kernels.cuda"}),
    ],
)
def test_help_appears_before_what_takes_long_is_imported(command, later):
    code = (
        f"import sys; from minunet.{command} import main\ntry: main(['--help'])\n"
        "finally: sys.stderr.write(' '.join(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("usage")
    assert not (LATER | later) & set(done.stderr.split())
