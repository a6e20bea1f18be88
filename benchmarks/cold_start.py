"""`python -m benchmarks.cold_start`: what an installation takes, and how long a new process takes to its first prediction.

minunet (its core, without extras) and PyTorch with Pillow are installed into new environments, which needs a package index.
Both then load the same network from a file of weights and predict the same image, each time in a new process.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from tqdm import tqdm

import minunet
from benchmarks.results import add_out, save
from minunet.data.reading.preprocessing import Preprocessing
from minunet.data.synthetic.smear import draw_smear

ROOT = Path(__file__).resolve().parent.parent
PEERS = {"minunet": [str(ROOT)], "PyTorch": ["torch==2.13.0", "numpy", "pillow"]}
COUNTED_OUT = (
    "pip",
    "setuptools",
    "wheel",
    "_distutils_hack",
    "pkg_resources",
)  # of every environment, whatever is installed
IMAGE = (96, 96)

# Both print the seconds since the process was started, the peak of its memory, and the mean of the logits.
_REPORT = """
import json, sys, time
with open("/proc/self/status") as status:
    peak = next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM:"))
print(json.dumps({"seconds": time.time() - float(sys.argv[1]), "peak": peak, "mean": mean}))
"""
_MINUNET = """
import minunet, numpy
from PIL import Image
model = minunet.load_model("model.safetensors", device="cpu")
image = numpy.asarray(Image.open("smear.png"))
probability = model.predict(image)
mean = float(probability.mean())
"""
_PYTORCH = """
import numpy, torch
from PIL import Image
from benchmarks.peers.torch_unet import TorchUNet
saved = torch.load("model.pth", weights_only=True)
net = TorchUNet(saved["config"])
net.load_state_dict(saved["state"])
net.eval()
image = torch.from_numpy(numpy.array(Image.open("smear.png"))).permute(2, 0, 1)[None].float() / 255
with torch.inference_mode():
    probability = torch.sigmoid(net(image))
mean = float(probability.mean())
"""
SCRIPTS = {"minunet": _MINUNET + _REPORT, "PyTorch": _PYTORCH + _REPORT}


def main(argv: list[str] | None = None) -> int:
    """Install, measure, print and save."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cold_start", description=__doc__)
    parser.add_argument("--rounds", type=int, default=9, help="processes of each that are timed (default 9)")
    parser.add_argument("--base", type=int, default=16, help="base channels of the network (default 16)")
    parser.add_argument(
        "--environments", type=Path, metavar="DIR", help="keep the environments here; those already here are used again"
    )
    add_out(parser)
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as name:
        environments = Path(name) if args.environments is None else args.environments.absolute()
        pythons = {peer: install(environments / peer, packages) for peer, packages in PEERS.items()}
        write_network(Path(name), args.base)
        figures: dict[str, Any] = {
            "base": args.base,
            "image": IMAGE,
            "installed_bytes": {peer: installed_bytes(environments / peer) for peer in pythons},
            "starts": measure(Path(name), pythons, args.rounds),
        }
    ratio = [a["seconds"] / b["seconds"] for a, b in zip(*(figures["starts"][p] for p in PEERS), strict=True)]
    figures["seconds_ratio"] = [statistics.median(ratio), min(ratio), max(ratio)]
    sizes = figures["installed_bytes"]
    figures["installed_ratio"] = sizes["minunet"] / sizes["PyTorch"]
    for peer in PEERS:
        seconds = statistics.median(start["seconds"] for start in figures["starts"][peer])
        print(f"{peer:<8} {sizes[peer] / 1e6:6.0f} MB installed, {seconds:6.3f} s to the first prediction")
    print(f"minunet / PyTorch: size {figures['installed_ratio']:.3f}, time {figures['seconds_ratio'][0]:.3f}")
    command = f"python -m benchmarks.cold_start --base {args.base}"
    print(f"wrote {save('cold_start', command, figures, args.out)}")
    return 0


def install(folder: Path, packages: list[str]) -> Path:
    """The environment with these packages, made if it is not there; its Python. Of this checkout it has the present state."""
    python = folder / "bin" / "python"
    pip = [python, "-m", "pip", "install", "--quiet"]
    if not folder.exists():
        venv.create(folder, with_pip=True)
        subprocess.run([*pip, *packages], env=bare_environment(), check=True)
    elif str(ROOT) in packages:
        subprocess.run([*pip, "--no-deps", "--force-reinstall", str(ROOT)], env=bare_environment(), check=True)
    return python


def bare_environment() -> dict[str, str]:
    """The environment variables without those that change what Python imports or keeps."""
    return {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "PYTHONDONTWRITEBYTECODE")}


def installed_bytes(environment: Path) -> int:
    """Bytes of the files of an environment's packages, without pip and without compiled bytecode."""
    (packages,) = environment.glob("lib/python*/site-packages")
    kept = [path for path in packages.iterdir() if path.name.split("-")[0] not in COUNTED_OUT]
    files = (path for top in kept for path in ([top] if top.is_file() else top.rglob("*")))
    return sum(path.stat().st_size for path in files if path.is_file() and path.suffix != ".pyc")


def write_network(folder: Path, base: int) -> None:
    """The same network for both, and an image of its input size.

    Raises
    ------
    ModuleNotFoundError
        Without PyTorch, which writes its own file.
    """
    import torch

    from benchmarks.peers.torch_unet import TorchUNet

    rng = np.random.default_rng(0)
    model = minunet.UNet(3, 1, base_channels=base, rng=rng)
    minunet.save_model(model, folder / "model.safetensors", preprocessing=Preprocessing(channels="rgb"))
    peer = TorchUNet(model.config).load(model)
    torch.save({"config": model.config, "state": peer.state_dict()}, folder / "model.pth")
    Image.fromarray(draw_smear(rng, IMAGE).image).save(folder / "smear.png")


def measure(folder: Path, pythons: dict[str, Path], rounds: int) -> dict[str, list[dict[str, float]]]:
    """What each new process printed, in turn; the first round, which compiles the bytecode, is not counted.

    Raises
    ------
    ValueError
        If the two predictions differ.
    """
    found: dict[str, list[dict[str, float]]] = {peer: [] for peer in pythons}
    for _ in tqdm(range(rounds + 1), desc="starts", leave=False):
        for peer, python in pythons.items():
            added = {"PYTHONPATH": str(ROOT)} if peer == "PyTorch" else {}
            command = [str(python), "-c", SCRIPTS[peer], repr(time.time())]
            result = subprocess.run(
                command, cwd=folder, env=bare_environment() | added, capture_output=True, text=True, check=True
            )
            found[peer].append(json.loads(result.stdout))
    means = [runs[0]["mean"] for runs in found.values()]
    if abs(means[0] - means[1]) > 1e-4:
        raise ValueError(f"the predictions differ: their means are {means}")
    return {peer: runs[1:] for peer, runs in found.items()}


if __name__ == "__main__":
    sys.exit(main())
