"""The tables of docs/speed.md, made from the figures under benchmarks/results, so that no number in them is typed by hand.

python3 tools/speed_tables.py                          print the tables
python3 tools/speed_tables.py --write docs/speed.md    write them between the marked lines of that page
"""

from __future__ import annotations

import json
import statistics
import sys
from pathlib import Path
from typing import Any

from marked_tables import MarkedTables, markdown_table

OURS = "minunet"
FLOAT32 = ("NCHW", "channels_last", "compiled", "ONNX Runtime", "OpenVINO f32")
SIZE = 256  # side of the images, where a row does not name another
LIBRARIES = {"torch": "PyTorch", "onnxruntime": "ONNX Runtime", "openvino": "OpenVINO"}

# The 3x3 convolutions of the table, as (channels, side of the image); as many channels out as in.
SINGLE = ((64, 256), (128, 128), (256, 64), (512, 32))


def _tables(folder: Path) -> str:
    """All tables of one machine, as Markdown; where the file of a table is missing, there is no such table."""
    tables = [
        _networks(folder, "unet_step", "training step"),
        _networks(folder, "unet_inference", "inference"),
        _epoch(folder),
        _cold_start(folder),
        _convolutions(folder),
        _scaling(folder),
        _checkouts(folder),
    ]
    return "".join(f"{table}\n\n" for table in tables if table)


def _load(folder: Path, name: str) -> dict[str, Any] | None:
    path = folder / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def _source(result: dict[str, Any], libraries: tuple[str, ...] = ("torch",)) -> str:
    """The line under a table: the command, the machine, the versions and the commit."""
    machine = result["machine"]
    kernels = ", ".join(sorted({str(blas["architecture"]) for blas in machine["blas"]}))
    versions = [
        f"{LIBRARIES[name]} {machine['packages'][name]}" for name in libraries if name in machine["packages"]
    ] or ["PyTorch absent"]
    return (
        f"`{result['command']}` on {machine['threads']} threads of {machine['processor']}; NumPy {machine['packages']['numpy']} "
        f"(OpenBLAS kernels: {kernels}), {', '.join(versions)}, at {machine['commit']}."
    )


def _ratio(ratio: list[float]) -> str:
    median, low, high = ratio
    return f"**{median:.2f}** ({low:.2f} to {high:.2f})"


def _networks(folder: Path, name: str, title: str) -> str:
    """The times of all contestants, a peer's with the median of its ratio to ours in brackets, the best ratio, and memory."""
    results = [_load(folder, name + case) for case in ("", "_base64", "_base16", "_base16_size128", "_base16_size64")]
    results = [result for result in results if result is not None]
    if not results:
        return ""
    figures = [figure for result in results for figure in result["figures"]]
    contestants = list(
        dict.fromkeys(name for figure in figures for name in (*figure["times"], *figure.get("failed", {})))
    )
    precisions = sorted(
        {figure["openvino_default_precision"] for figure in figures if "openvino_default_precision" in figure}
    )
    titles = {"OpenVINO default": f"OpenVINO default ({', '.join(precisions)})"}
    shared = list(dict.fromkeys(figure["shared"]["name"] for figure in figures if "shared" in figure))
    titles |= {name: f"minunet, {name}" for name in shared}
    head = [title, *(titles.get(name, name) for name in contestants)]
    head += ["best float32 / minunet", *(f"best float32 / {name}" for name in shared)]
    head.append("peak memory, minunet / best float32")
    rows = []
    for figure in figures:
        size = figure.get("size", SIZE)
        row = [f"base {figure['base']}, batch {figure['batch']}" + (f", {size}x{size}" if size != SIZE else "")]
        row += [_time(figure, name) for name in contestants]
        row.append(_ratio(figure["ratio"]["best_float32"]))
        own = figure.get("shared", {"name": None})
        row += [_ratio(own["best_float32"]) if own["name"] == name else "" for name in shared]
        row.append(_memory(figure))
        rows.append(row)
    lines = [_source(result, tuple(LIBRARIES) if "inference" in name else ("torch",)) for result in results]
    lines += [f"{name} failed: {why}." for figure in figures for name, why in figure.get("failed", {}).items()]
    return "\n\n".join([markdown_table(head, rows), *dict.fromkeys(lines)])


def _time(figure: dict[str, Any], name: str) -> str:
    if name in figure.get("failed", {}):
        return "failed"
    if name not in figure["times"]:
        return ""
    time = f"{figure['times'][name]['median_ms']:.0f} ms"
    return f"{time} ({figure['ratio'][name][0]:.2f})" if name in figure["ratio"] else time


def _memory(figure: dict[str, Any]) -> str:
    if "memory" not in figure:
        return ""
    peak = {name: memory["peak"] for name, memory in figure["memory"].items()}
    rival = min(peak[name] for name in FLOAT32 if name in peak)
    return f"{peak[OURS] / 1e6:.0f} / {rival / 1e6:.0f} MB ({peak[OURS] / rival:.2f})"


def _epoch(folder: Path) -> str:
    result = _load(folder, "train_epoch")
    if result is None:
        return ""
    figures = result["figures"]
    width, height = figures["size"]
    head = ["an epoch of training", *figures["times"], "best PyTorch / minunet", "waiting for data"]
    row = [f"{figures['variant']} variant, base {figures['base']}, {width}x{height}"]
    row += [f"{time['median_ms'] / 1e3:.1f} s" for time in figures["times"].values()]
    row += [_ratio(figures["ratio"]), f"{figures['waiting_for_data']:.1%}"]
    return markdown_table(head, [row]) + "\n\n" + _source(result)


def _cold_start(folder: Path) -> str:
    """What an installation takes, and the time and memory of a new process to its first prediction."""
    result = _load(folder, "cold_start")
    if result is None:
        return ""
    figures = result["figures"]
    peers = list(figures["starts"])
    medians = {
        key: [statistics.median(start[key] for start in figures["starts"][peer]) for peer in peers]
        for key in ("seconds", "peak")
    }
    sizes = [figures["installed_bytes"][peer] for peer in peers]
    width, height = figures["image"]
    head = [
        f"a new process, to the prediction of {width}x{height} at base {figures['base']}",
        *peers,
        "minunet / PyTorch",
    ]
    rows = [
        ["time", *(f"{value:.2f} s" for value in medians["seconds"]), _ratio(figures["seconds_ratio"])],
        ["peak memory", *(f"{value / 1e6:.0f} MB" for value in medians["peak"]), _share(medians["peak"])],
        ["installed packages", *(f"{value / 1e6:.0f} MB" for value in sizes), _share(sizes)],
    ]
    return markdown_table(head, rows) + "\n\n" + _source(result)


def _share(values: list[float]) -> str:
    return f"**{values[0] / values[1]:.2f}**"


def _convolutions(folder: Path) -> str:
    """Four single convolutions of the U-Net, from the times of its primitives at base 64."""
    result = _load(folder, "primitives_base64")
    if result is None:
        return ""
    rows = []
    for channels, side in SINGLE:
        forward, backward = (_single(result, name, channels, side) for name in ("conv2d", "conv2d_grads"))
        if forward is None or backward is None:
            continue
        ours = sum(call["times"][call["chosen"]]["median_ms"] for call in (forward, backward))
        rival = min(
            sum(call["times"][f"torch {layout}"]["median_ms"] for call in (forward, backward))
            for layout in ("NCHW", "channels_last")
        )
        rate = (forward["gflop"] + backward["gflop"]) / ours * 1e3
        peak = (forward["peak_gflops"] + backward["peak_gflops"]) / 2
        algorithm = " / ".join(dict.fromkeys(call["chosen"] for call in (forward, backward)))
        rows.append(
            [
                f"{channels} to {channels}, 2x{side}x{side}",
                algorithm,
                f"{ours:.1f} ms",
                f"{rival:.1f} ms",
                f"**{rival / ours:.2f}**",
                f"{rate:.0f} GFLOP/s ({rate / peak:.0%})",
            ]
        )
    head = ["3x3 convolution, forward and backward", "algorithm", "minunet", "best PyTorch layout", "ratio"]
    head.append("rate of the direct algorithm (of sgemm's)")
    return markdown_table(head, rows) + "\n\n" + _source(result) if rows else ""


def _single(result: dict[str, Any], primitive: str, channels: int, side: int) -> dict[str, Any] | None:
    """The measured call of a primitive with one input of `channels` channels, and as many outputs."""
    image = f"2x{side}x{side}x{channels}"
    weight = f"3x3x{channels}x{channels}"
    shapes = f"{image} {weight} {channels}" if primitive == "conv2d" else f"{image} {image} {weight} {image}"
    calls = result["figures"]["calls"]
    return next((call for call in calls if call["primitive"] == primitive and call["shapes"] == shapes), None)


def _scaling(folder: Path) -> str:
    result = _load(folder, "scaling")
    if result is None:
        return ""
    rows = []
    for axis, name in (
        ("size", "side in pixels"),
        ("batch", "batch"),
        ("base", "base channels"),
        ("threads", "threads"),
    ):
        figures = result["figures"][axis]
        values = " / ".join(str(figure[axis]) for figure in figures)
        rows.append(
            [
                f"{name}: {values}",
                " / ".join(f"{figure['ms']:.0f}" for figure in figures),
                " / ".join(f"{figure['ns_per_pixel']:.0f}" for figure in figures),
            ]
        )
    head = ["a step at base 16, batch 2, 128x128, with one setting varied", "ms", "ns a pixel"]
    return markdown_table(head, rows) + "\n\n" + _source(result)


def _checkouts(folder: Path) -> str:
    """Times of a commit beside those of an earlier one."""
    results = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("two_checkouts_*.json"))]
    if not results:
        return ""
    rows = []
    for figures, this in ((result["figures"], result["machine"]["commit"]) for result in results):
        case = (
            f"{figures['task']}, base {figures['base']}, batch {figures['batch']}, {figures['size']}x{figures['size']}"
        )
        if "processes" in figures:
            case += f", {figures['processes']} processes"
        before, after = (f"{figures['times'][name]['median_ms']:.0f} ms" for name in ("other", "this"))
        lower, upper = figures["quartiles"]
        rows.append([case, f"{before} at {figures['other_commit']}", f"{after} at {this}", _ratio(figures["ratio"])])
        rows[-1].append(f"{lower:.2f} to {upper:.2f}")
    return markdown_table(["minunet alone", "before", "after", "before / after", "half of the rounds"], rows)


TABLES = MarkedTables(
    "<!-- speed tables: tools/speed_tables.py -->", "<!-- end of the speed tables -->", of_folder=_tables
)


if __name__ == "__main__":
    sys.exit(TABLES.main(__doc__))
