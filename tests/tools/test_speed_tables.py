"""The tables of docs/speed.md are what the tool makes of the committed figures, and its ratios and rates are right."""

import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))  # scripts, which import each other from their own folder

from speed_tables import TABLES  # noqa: E402

MACHINE = {
    "processor": "a processor",
    "threads": 2,
    "commit": "abc",
    "packages": {"numpy": "2", "torch": "3"},
    "blas": [{"architecture": "Zen"}],
}


def save(folder, name, figures):
    content = {"command": f"python -m benchmarks.{name}", "machine": MACHINE, "figures": figures}
    (folder / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")


def test_the_page_has_the_tables_of_the_committed_figures():
    text = (ROOT / "docs" / "speed.md").read_text(encoding="utf-8")
    assert TABLES.replace_in(text, TABLES.tables()) == text


def test_the_start_of_a_new_process(tmp_path):
    starts = {"minunet": [{"seconds": 0.25, "peak": 7e7}], "PyTorch": [{"seconds": 1.5, "peak": 2.8e8}]}
    sizes = {"minunet": 9e7, "PyTorch": 9e8}
    figures = {"base": 16, "image": [96, 64], "starts": starts, "installed_bytes": sizes}
    save(tmp_path, "cold_start", {**figures, "seconds_ratio": [1 / 6, 0.1, 0.2]})
    table = TABLES.tables(tmp_path)
    assert "| time | 0.25 s | 1.50 s | **0.17** (0.10 to 0.20) |" in table
    assert "| peak memory | 70 MB | 280 MB | **0.25** |" in table
    assert "| installed packages | 90 MB | 900 MB | **0.10** |" in table


def test_medians_ratios_and_memory(tmp_path):
    figure = {
        "base": 16,
        "batch": 8,
        "times": {"minunet": {"median_ms": 100.4}, "NCHW": {"median_ms": 250}, "channels_last": {"median_ms": 200}},
        "ratio": {"best_float32": [2.0, 1.5, 2.25]},
        "memory": {"minunet": {"peak": 3e8}, "NCHW": {"peak": 6e8}, "channels_last": {"peak": 4e8}},
    }
    save(tmp_path, "unet_step", [figure])
    assert "| base 16, batch 8 | 100 ms | 250 ms | 200 ms | **2.00** (1.50 to 2.25) | 300 / 400 MB (0.75) |" in (
        TABLES.tables(tmp_path)
    )


def test_processes_that_share_a_step_have_a_column_and_a_ratio_of_their_own(tmp_path):
    times = {"minunet": {"median_ms": 170}, "NCHW": {"median_ms": 110}, "2 processes": {"median_ms": 100}}
    figure = {"base": 16, "batch": 8, "size": 64, "times": times, "ratio": {"best_float32": [0.65, 0.6, 0.7]}}
    figure["shared"] = {"name": "2 processes", "best_float32": [1.1, 1.0, 1.2]}
    save(tmp_path, "unet_step_base16_size64", [figure])
    save(tmp_path, "unet_step_base16", [{key: figure[key] for key in ("base", "batch", "ratio")} | {"times": times}])
    tables = TABLES.tables(tmp_path)
    assert "| minunet | NCHW | minunet, 2 processes | best float32 / minunet | best float32 / 2 processes |" in tables
    assert "| 170 ms | 110 ms | 100 ms | **0.65** (0.60 to 0.70) | **1.10** (1.00 to 1.20) |" in tables
    assert "| 170 ms | 110 ms | 100 ms | **0.65** (0.60 to 0.70) |  |" in tables


def test_each_peer_has_its_ratio_and_one_that_fails_is_said_to(tmp_path):
    figure = {
        "base": 16,
        "batch": 8,
        "times": {
            "minunet": {"median_ms": 100},
            "OpenVINO f32": {"median_ms": 90},
            "OpenVINO default": {"median_ms": 60},
        },
        "ratio": {
            "best_float32": [0.9, 0.8, 1.0],
            "OpenVINO f32": [0.9, 0.8, 1.0],
            "OpenVINO default": [0.6, 0.5, 0.7],
        },
        "failed": {"compiled": "RuntimeError: no C++ compiler"},
        "openvino_default_precision": "bf16",
    }
    save(tmp_path, "unet_inference", [figure])
    tables = TABLES.tables(tmp_path)
    assert (
        "| inference | minunet | OpenVINO f32 | OpenVINO default (bf16) | compiled | best float32 / minunet |" in tables
    )
    assert "| base 16, batch 8 | 100 ms | 90 ms (0.90) | 60 ms (0.60) | failed | **0.90** (0.80 to 1.00) |" in tables
    assert "compiled failed: RuntimeError: no C++ compiler." in tables


def test_rows_of_other_sizes_name_them(tmp_path):
    figure = {
        "base": 16,
        "batch": 8,
        "size": 64,
        "times": {"minunet": {"median_ms": 10}, "NCHW": {"median_ms": 8}},
        "ratio": {"best_float32": [0.8, 0.7, 0.9]},
    }
    save(tmp_path, "unet_step_base16_size64", [figure])
    assert "| base 16, batch 8, 64x64 | 10 ms | 8 ms | **0.80** (0.70 to 0.90) |" in TABLES.tables(tmp_path)


def test_two_checkouts_with_their_commits(tmp_path):
    figures = {
        "task": "step",
        "base": 16,
        "batch": 8,
        "size": 64,
        "other_commit": "old",
        "times": {"other": {"median_ms": 20}, "this": {"median_ms": 16}},
        "ratio": [1.25, 1.0, 1.5],
        "quartiles": [1.2, 1.3],
    }
    save(tmp_path, "two_checkouts_step_base16_size64", figures)
    row = "| step, base 16, batch 8, 64x64 | 20 ms at old | 16 ms at abc | **1.25** (1.00 to 1.50) | 1.20 to 1.30 |"
    assert row in TABLES.tables(tmp_path)
    save(tmp_path, "two_checkouts_step_base16_size64_processes2", {**figures, "processes": 2})
    assert row.replace("64x64", "64x64, 2 processes") in TABLES.tables(tmp_path)


def test_a_convolution_is_both_passes_against_the_better_layout_for_both(tmp_path):
    def call(primitive, shapes, ours, nchw, channels_last):
        times = {"fast": ours, "reference": 99.0, "torch NCHW": nchw, "torch channels_last": channels_last}
        return {
            "primitive": primitive,
            "shapes": shapes,
            "gflop": 1.0,
            "peak_gflops": 100.0,
            "chosen": "fast",
            "times": {name: {"median_ms": time} for name, time in times.items()},
        }

    image, weight = "2x64x64x256", "3x3x256x256"
    forward = call("conv2d", f"{image} {weight} 256", 2.0, 9.0, 5.0)
    backward = call("conv2d_grads", f"{image} {image} {weight} {image}", 6.0, 9.0, 15.0)
    save(tmp_path, "primitives_base64", {"calls": [forward, backward]})
    # 2 + 6 against 9 + 9 (5 + 15 is more); 2 GFLOP in 8 ms are 250 GFLOP/s.
    assert "| 256 to 256, 2x64x64 | fast | 8.0 ms | 18.0 ms | **2.25** | 250 GFLOP/s (250%) |" in (
        TABLES.tables(tmp_path)
    )


def test_other_folders_come_after_and_missing_files_are_left_out(tmp_path):
    (tmp_path / "older").mkdir()
    for folder, time in ((tmp_path, 1000.0), (tmp_path / "older", 2000.0)):
        figures = {
            "size": [64, 48],
            "base": 8,
            "variant": "paper",
            "times": {"minunet": {"median_ms": time}},
            "ratio": [1.0, 1.0, 1.0],
            "waiting_for_data": 0.001,
        }
        save(folder, "train_epoch", figures)
    tables = TABLES.tables(tmp_path)
    assert tables.index("1.0 s") < tables.index("Of the folder `older`:") < tables.index("2.0 s")
    (tmp_path / "older" / "TITLE").write_text("On an older machine:\n")
    assert "On an older machine:\n\n|" in TABLES.tables(tmp_path)
    assert "inference" not in tables


def test_networks_of_several_files_make_one_table(tmp_path):
    for base, time in ((16, 10.0), (64, 60.0)):
        figure = {
            "base": base,
            "batch": 2,
            "times": {"minunet": {"median_ms": time}, "NCHW": {"median_ms": 2 * time}},
            "ratio": {"best_float32": [2.0, 2.0, 2.0]},
        }
        save(tmp_path, f"unet_inference_base{base}", [figure])
    tables = TABLES.tables(tmp_path)
    assert tables.index("| base 64, batch 2 | 60 ms | 120 ms |") < tables.index("| base 16, batch 2 | 10 ms | 20 ms |")
    assert tables.count("| inference |") == 1


def test_write_replaces_only_what_is_between_the_marked_lines(tmp_path, capsys):
    page = tmp_path / "speed.md"
    page.write_text(f"before\n{TABLES.begin}\nold\n{TABLES.end}\nafter\n", encoding="utf-8")
    results = tmp_path / "results"
    results.mkdir()
    save(results, "scaling", {axis: [] for axis in ("size", "batch", "base", "threads")})
    assert TABLES.main("Tables.", ["--results", str(results), "--write", str(page)]) == 0
    text = page.read_text(encoding="utf-8")
    assert text.startswith("before\n") and text.endswith("\nafter\n")
    assert "old" not in text and "ns a pixel" in text
    page.write_text("no markers", encoding="utf-8")
    assert TABLES.main("Tables.", ["--results", str(results), "--write", str(page)]) == 2
    assert "needs the lines" in capsys.readouterr().err


@pytest.mark.parametrize("axis", ["size", "batch", "base", "threads"])
def test_scaling_lists_every_value_of_a_setting(tmp_path, axis):
    figures = {name: [] for name in ("size", "batch", "base", "threads")}
    figures[axis] = [{axis: 1, "ms": 10.0, "ns_per_pixel": 100.0}, {axis: 2, "ms": 20.2, "ns_per_pixel": 101.0}]
    save(tmp_path, "scaling", figures)
    assert ": 1 / 2 | 10 / 20 | 100 / 101 |" in TABLES.tables(tmp_path)
