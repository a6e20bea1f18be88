"""No command uses the network: a training and a prediction in a process in which every socket is an error."""

import subprocess
import sys

SCRIPT = """
import socket, sys

def refuse(*arguments, **options):
    raise AssertionError("the network was asked for")

for name in ("socket", "SocketType", "create_connection", "create_server", "getaddrinfo", "gethostbyname", "socketpair", "fromfd"):
    setattr(socket, name, refuse)
import _socket
_socket.socket = _socket.getaddrinfo = refuse

def watch(event, arguments):
    if event.startswith(("socket.", "urllib.", "http.", "ftplib.", "smtplib.")):
        refuse()

sys.addaudithook(watch)
import minunet.runs.training_data
from minunet import predict, train
minunet.runs.training_data.DRAWN_COUNT = 6
assert train.main(["--out", "run", "--epochs", "1", "--size", "32x32", "--depth", "1", "--base-channels", "2"]) == 0
assert predict.main(["run", "run/synthetic/images/smear_0000.png", "--out", "out"]) == 0
"""


def test_training_and_prediction_open_no_socket(tmp_path):
    process = subprocess.run([sys.executable, "-c", SCRIPT], cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert process.returncode == 0, process.stderr
    assert (tmp_path / "out" / "smear_0000_mask.png").is_file()
