"""The peak memory of `python -m minunet.predict` in a process of its own, as the system counts it."""

import subprocess
import sys
from pathlib import Path

IS_KNOWN = Path("/proc/self/status").is_file()  # Linux

# Not `resource`: Linux counts the memory of the process that started this one, too.
PROGRAM = """
import sys
from pathlib import Path
from minunet.predict import main
code = main(sys.argv[1:])
(peak,) = [line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
print("peak", peak)
sys.exit(code)
"""


def peak_of(*arguments, folder, before=""):
    """Bytes; the command runs in a folder, after the lines `before`."""
    command = [sys.executable, "-c", before + PROGRAM, *map(str, arguments), "--no-report"]
    result = subprocess.run(command, capture_output=True, text=True, cwd=folder, timeout=300)
    assert result.returncode == 0, result.stderr
    return 1024 * int(result.stdout.split("peak")[1])
