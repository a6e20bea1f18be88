"""The candidates of all primitives are imported at the first call of one: by two threads at once, and after Ctrl-C."""

import os
import subprocess
import sys
import threading

import pytest

from minunet.kernels import dispatch
from minunet.kernels.dispatch import primitives


def test_paths_are_imported_at_the_first_call_not_with_the_package():
    code = (
        "import sys, minunet\n"
        "assert 'minunet.kernels.cpu' not in sys.modules\n"
        "minunet.functional.relu([1.0])\n"
        "assert 'minunet.kernels.cpu' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_two_threads_at_the_first_call_import_every_path(monkeypatch, tmp_path):
    """The first thread stops in the middle of importing the first of two paths until the second one is there."""
    gate = type(sys)("minunet_test_gate")
    gate.entered, gate.open, gate.imported = threading.Event(), threading.Event(), []
    monkeypatch.setitem(sys.modules, gate.__name__, gate)
    (tmp_path / "minunet_test_slow.py").write_text(
        "import minunet_test_gate as gate\ngate.entered.set(); gate.open.wait(10); gate.imported.append('slow')\n"
    )
    (tmp_path / "minunet_test_quick.py").write_text("import minunet_test_gate as gate\ngate.imported.append('quick')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(dispatch, "_MODULES_WITH_CANDIDATES", ("minunet_test_slow", "minunet_test_quick"))
    monkeypatch.setattr(dispatch, "_MODULES_FOR_GPUS", ())
    monkeypatch.setattr(dispatch, "_imported", set())
    seen = []
    threads = [threading.Thread(target=lambda: (primitives(), seen.append(list(gate.imported)))) for _ in range(2)]
    threads[0].start()
    assert gate.entered.wait(10)
    threads[1].start()
    gate.open.set()
    for thread in threads:
        thread.join()
    assert seen == [["slow", "quick"]] * 2
    for name in ("minunet_test_slow", "minunet_test_quick"):
        sys.modules.pop(name)


INTERRUPTED_IMPORT = """
import os
import numpy as np
import minunet
from minunet.kernels import dispatch

register, calls = dispatch.Primitive.register, 0

def candidates():
    image = np.ones((1, 8, 8, 2), np.float32)
    minunet.functional.conv2d(minunet.Tensor(image), np.ones((3, 3, 2, 2), np.float32))
    return {name: [c.name for c in one.all_candidates()] for name, one in sorted(dispatch.primitives().items())}

def after_interruption(moment):
    def counting(*args, **kwargs):
        global calls
        calls += 1
        if calls == moment:
            raise KeyboardInterrupt
        return register(*args, **kwargs)

    dispatch.Primitive.register = counting
    try:
        candidates()
    except KeyboardInterrupt:
        dispatch.Primitive.register = register
        return candidates()

def in_child(function, *args):
    reading, writing = os.pipe()
    if os.fork() == 0:
        try:
            answer = repr(function(*args))
        except BaseException as error:
            answer = repr(error)
        os.write(writing, answer.encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        answer = pipe.read()
    os.wait()
    return answer

expected = in_child(candidates)
moments = 1  # every third, to save time
while (answer := in_child(after_interruption, moments)) != "None":
    assert answer == expected, (moments, answer)
    moments += 3
print(moments > 20)
"""


@pytest.mark.ci
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_ctrl_c_at_any_moment_of_the_first_call_leaves_every_candidate():
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", INTERRUPTED_IMPORT], capture_output=True, text=True, timeout=300
    )
    assert (done.stdout, done.stderr) == ("True\n", "")
