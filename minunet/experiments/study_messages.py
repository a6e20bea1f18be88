"""What a lab says: before it starts, what the masks allow and how long it will take; at the end, the table and its meaning."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence

from minunet.cli.console import LABEL, duration, say_item
from minunet.experiments import paper_numbers, result_table
from minunet.experiments.bounds import Bounds
from minunet.experiments.paper_flags import Request
from minunet.experiments.prepared_images import Size
from minunet.experiments.report import WHY_GREY, Report
from minunet.experiments.time_estimate import Planned
from minunet.kernels.cpu.threads import get_num_threads
from minunet.runs.training_data import DRAWN_COUNT, TrainingData
from minunet.wording import count_noun

Say = Callable[[str], None]
FEW_GREYS = 0.001  # a share of greys in the mask files that is worth a remark


def announce_data(say: Say, request: Request, material: TrainingData) -> None:
    """The pairs, and the greys that the mask files themselves hold."""
    settings, folder, split = request.settings, request.folder, material.split
    where = f"{DRAWN_COUNT} smears drawn in {folder.synthetic}" if settings.drawn else settings.data or settings.images
    sizes = ", ".join(f"{width}x{height} ({count})" for (width, height), count in material.sizes.most_common(3))
    say_item(say, "lab", str(folder.path))
    say_item(say, "data", str(where), f"{count_noun(material.sizes.total(), 'pair')}: {sizes}")
    for warning in material.warnings:
        say_item(say, "warning", warning)
    say_item(
        say, "split", f"{len(split.train)} to train, {len(split.validation)} to validate, {len(split.test)} to test"
    )
    greys = material.grey_share
    if settings.graded and greys < FEW_GREYS:
        say_item(
            say,
            "note",
            f"only {100 * greys:.1f} % of the mask files' pixels are grey: --graded is the default all but in name",
        )
    elif not settings.graded and greys >= FEW_GREYS:
        say_item(
            say,
            "note",
            f"{100 * greys:.1f} % of the mask files' pixels are neither black nor white; M1 learns black and white masks "
            "made grey by resizing; with --graded (and another --out) it learns these greys",
        )


def announce_bounds(say: Say, request: Request, bounds: Mapping[tuple[Size, str], Bounds]) -> None:
    """What the test masks allow, beside what the paper's numbers say of its masks."""
    low, high = request.settings.levels or (0.0, 1.0)
    said = []
    for (size, kind), bound in bounds.items():
        if size == request.settings.size and kind in WHY_GREY:
            name = WHY_GREY[kind].format(low=low, high=high)
            said.append(f"{name}: no loss below {bound.floor:.4f}, no Keras accuracy above {bound.ceiling:.4f}")
    if said:
        say_item(say, "M1", "what the test masks allow, whatever the network:", *said)
        say_item(say, "paper", "what its numbers of M1 say of its masks:", *paper_numbers.implied())


def announce_plan(say: Say, request: Request, plan: Sequence[Planned], device: str) -> None:
    """Each experiment with the time it will take."""
    threads = f", {count_noun(get_num_threads(), 'thread')}" if device == "cpu" else ""
    say_item(say, "plan", f"from one measured step of each kind, on {device}{threads}")
    for planned in plan:
        say(planned.line())
    say(f"  {'in all':<70} {duration(sum(planned.seconds for planned in plan)):>7}")


def announce_report(say: Say, request: Request, report: Report) -> None:
    """The table, its legend, what follows from it, and the files."""
    say("")
    say(result_table.as_text(report.lines))
    say("")
    for line in result_table.LEGEND:
        say_item(say, "", line)
    for comparison in report.comparisons():
        say("")
        say_item(say, "M1", f"on {comparison.greys}:", *comparison.sentences())
    if report.claims():
        say("")
        seeds = "one seed: a small difference may be chance, and --seeds 3 shows the spread"
        say_item(say, "claims", *report.claims(), *([seeds] if request.seeds == 1 else []))
    folder = request.folder
    say("")
    say_item(say, "kept", f"{folder.table}, {folder.results}, a run folder for each model in {folder.runs}")
    if folder.figure.is_file():
        say_item(say, "open", str(folder.figure))


def announce_stop(say: Say, request: Request) -> None:
    """After Ctrl-C: what is kept, and the command that goes on."""
    say_item(say, "stopped", f"everything finished so far is kept in {shlex.quote(str(request.folder.path))}")
    say(f"{'go on':<{LABEL}}{request.going_on}")  # in one piece, to be copied
