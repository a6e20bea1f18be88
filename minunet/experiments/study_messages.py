"""The output of a paper study: first what the masks allow and how long it will take; at the end, the table and its meaning."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence

from minunet.cli.console import Say, duration, say_commands, say_item
from minunet.data.reading.mask_reading import GREYS, TWO_VALUES
from minunet.experiments import paper_numbers
from minunet.experiments.paper_flags import PaperRequest
from minunet.experiments.prepared_images import Size
from minunet.experiments.report import GREY_KINDS, StudyReport
from minunet.experiments.result_table import LEGEND, table_as_text
from minunet.experiments.time_estimate import ExperimentEstimate
from minunet.inference.mask_limits import MaskLimits
from minunet.kernels.machine import Machine
from minunet.runs.training_data import DRAWN_COUNT, TrainingData
from minunet.wording import count_noun

FEW_GREYS = 0.001  # from this share of grey pixels on, greys in the mask files are mentioned


def announce_study(say: Say, request: PaperRequest, data: TrainingData) -> None:
    """The folder, the pairs, and the greys that the mask files themselves hold."""
    settings, folder, split = request.settings, request.folder, data.split
    drawn = f"{DRAWN_COUNT} smears drawn in {folder.as_run().synthetic}"
    where = drawn if settings.drawn else settings.data or settings.images
    sizes = ", ".join(f"{width}x{height} ({count})" for (width, height), count in data.sizes.most_common(3))
    say_item(say, "study", str(folder.path))
    say_item(say, "data", str(where), f"{count_noun(data.sizes.total(), 'pair')}: {sizes}")
    for note in data.notes:
        say_item(say, "note", note)
    for warning in data.warnings:
        say_item(say, "warning", warning)
    sides = f"{len(split.train)} to train, {len(split.validation)} to validate, {len(split.test)} to test"
    say_item(say, "split", sides)
    if data.reading is not None:
        say_item(say, "masks", data.reading.describe())
        if data.reading.kind not in (TWO_VALUES, GREYS):
            return
    grey_share = data.grey_share
    percent = f"{100 * grey_share:.1f} % of the mask files' pixels are"
    if settings.graded and grey_share < FEW_GREYS:
        say_item(say, "note", f"only {percent} grey: --graded hardly differs from the default")
    elif not settings.graded and grey_share >= FEW_GREYS:
        say_item(
            say,
            "note",
            f"{percent} neither black nor white; M1 learns black and white masks "
            "made grey by resizing; with --graded (and another --out) it learns these greys",
        )


def announce_limits(say: Say, request: PaperRequest, limits: Mapping[tuple[Size, str], MaskLimits]) -> None:
    """The best scores that the test masks allow, and what the paper's scores imply about its masks."""
    low, high = request.settings.levels or (0.0, 1.0)
    lines = [
        f"{GREY_KINDS[kind].format(low=low, high=high)}: no loss below {limit.loss_floor:.4f}, "
        f"no Keras accuracy above {limit.keras_accuracy_ceiling:.4f}"
        for (size, kind), limit in limits.items()
        if size == request.settings.size and kind in GREY_KINDS
    ]
    if lines:
        say_item(say, "M1", "what the test masks allow, whatever the network:", *lines)
        say_item(say, "paper", "what its scores of M1 imply about its masks:", *paper_numbers.implied_by_m1())


def announce_plan(say: Say, plan: Sequence[ExperimentEstimate], machine: Machine) -> None:
    """Each experiment with the time it will take."""
    threads = f", {count_noun(machine.threads, 'thread')}" if machine.device == "cpu" else ""
    say_item(say, "plan", f"from one measured step of each kind, on {machine.device}{threads}")
    for estimate in plan:
        say(estimate.line())
    say(f"  {'in all':<70} {duration(sum(estimate.seconds for estimate in plan)):>7}")


def announce_report(say: Say, request: PaperRequest, report: StudyReport) -> None:
    """The table, its legend, what follows from it, and the files."""
    say("")
    if report.nothing_follows:
        say_item(say, "NOTE", *report.nothing_follows)
        say("")
    say(table_as_text(report.lines))
    say("")
    for line in LEGEND:
        say_item(say, "", line)
    for comparison in report.comparisons:
        if not comparison.learned:  # this was said first
            continue
        say("")
        say_item(say, "M1", f"on {comparison.greys}:", *comparison.sentences())
    claims = [claim for claim in report.claims if claim not in report.nothing_follows]
    if claims:
        say("")
        seeds = "one seed: a small difference may be chance, and --seeds 3 shows the spread"
        say_item(say, "claims", *claims, *([seeds] if request.seeds == 1 else []))
    folder = request.folder
    say("")
    say_item(say, "kept", f"{folder.table}, {folder.results}, a run folder for each model in {folder.runs}")
    if folder.figure.is_file():
        say_item(say, "open", str(folder.figure))


def announce_study_stopped(say: Say, request: PaperRequest) -> None:
    """After Ctrl-C: what is kept, and the command that goes on."""
    say_item(say, "stopped", f"everything finished so far is kept in {shlex.quote(str(request.folder.path))}")
    say_commands(say, "go on", request.resume_command)
