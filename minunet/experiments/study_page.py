"""The report of a paper study: report.html in its folder, which leads with what does not follow."""

from __future__ import annotations

import io
import shlex
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from minunet.cli.console import Say
from minunet.data.split import Split
from minunet.experiments import paper_numbers
from minunet.experiments.paper_flags import PaperRequest
from minunet.experiments.report import StudyReport
from minunet.experiments.result_table import COLUMNS, LEGEND, measured_cells
from minunet.experiments.seed_scores import SeedScores
from minunet.experiments.study_folder import STUDY_CONTENTS
from minunet.experiments.study_plots import dice_plot, model_plots
from minunet.experiments.study_settings import PARTS, StudySettings
from minunet.experiments.variations import TableSection
from minunet.results.report.report_page import ReportPage, ReportSection, ReportWarning
from minunet.results.report.report_pictures import ReportCase, report_picture
from minunet.results.report.report_plots import ReportPlot
from minunet.results.report.report_tables import ReportTable, report_table
from minunet.results.score_tables import csv_text
from minunet.runs.report_file import write_report
from minunet.runs.report_sections import files_section, made_by, plots_section, settings_facts, software_section
from minunet.runs.setting_checks import flag
from minunet.runs.setting_flags import as_typed
from minunet.wording import count_noun

COMMAND = "minunet.paper"
ONE_SEED = "Every model was trained from one seed: a small difference may be chance, and --seeds 3 shows the spread."


def write_study_report(request: PaperRequest, split: Split, report: StudyReport, say: Say) -> None:
    """Write the report of a study, finished or not, and print its name.

    Parameters
    ----------
    request : PaperRequest
    split : Split
    report : StudyReport
    say : callable
        Takes each line of text.
    """
    write_report(request.folder.path, COMMAND, lambda: study_page(request, split, report), say)


def study_page(request: PaperRequest, split: Split, report: StudyReport) -> ReportPage:
    """The page; the parameters are those of `write_study_report`."""
    folder, settings, scores = request.folder, request.settings, report.scores
    trainings = sum(len(score.runs) for score in scores.values())
    return ReportPage(
        title=f"Study: {folder.path.resolve().name}",
        summary=_summary(report),
        made=made_by(),
        warnings=[*map(ReportWarning, report.nothing_follows), *_warnings(report)],
        numbers=[
            (f"{name}, {label}", f"{getattr(scores[key], measure):.4f}")
            for key, name in (("m1", "M1"), ("m2", "M2"))
            if key in scores and scores[key].runs
            for measure, label in (("keras_accuracy", "Keras accuracy"), ("dice", "Dice"))
        ],
        sections=[
            ReportSection(
                "command",
                "What was done",
                paragraphs=["This repeats the study, with the same settings and the same split:"],
                commands=[study_command(request)],
                facts=[
                    ("data", _data(settings)),
                    (
                        "split",
                        f"{len(split.train)} to train, {len(split.validation)} to validate, {len(split.test)} to test",
                    ),
                    ("finished", count_noun(trainings, "training")),
                ],
            ),
            *(
                ReportSection(f"m1-{number}", f"M1 on {comparison.greys}", paragraphs=comparison.sentences())
                for number, comparison in enumerate(report.comparisons, start=1)
            ),
            plots_section("models", "M1 and M2", lambda: _model_plots(report)),
            ReportSection("pictures", "Predictions of M1 and M2", **_pictures(report)),
            ReportSection("claims", "The other claims", paragraphs=report.claims),
            plots_section("claim-plots", "Dice of the other claims", lambda: _claim_plots(report)),
            ReportSection("table", "All scores", paragraphs=[*LEGEND], table=_table(report)),
            ReportSection(
                "masks",
                "What the scores of the paper's M1 imply about its masks",
                paragraphs=paper_numbers.implied_by_m1(),
            ),
            ReportSection("settings", "Settings", facts=settings_facts(settings.to_dict()), folded=True),
            files_section(folder.path, STUDY_CONTENTS),
            software_section(folder.path, [folder.settings_file, folder.as_run().split, folder.results]),
        ],
    )


def study_command(request: PaperRequest) -> str:
    """The command that begins the same study in another folder; settings that are the defaults are left out."""
    settings, defaults = request.settings, StudySettings()
    words = ["python", "-m", "minunet.paper", *([settings.data] if settings.data is not None else [])]
    for field in fields(StudySettings):
        value: Any = getattr(settings, field.name)
        default = None if field.name == "levels" and settings.graded else getattr(defaults, field.name)
        if field.name == "data" or value == default:
            continue
        words += [flag(field.name)] if value is True else [flag(field.name), _exactly(value, field.name)]
    words += ["--only", *request.parts] if len(request.parts) < len(PARTS) else []
    words += ["--seeds", str(request.seeds)] if request.seeds > 1 else []
    return shlex.join([*words, "--out", "STUDY"])


def _exactly(value: Any, name: str) -> str:
    """A value as it would be typed, with all its digits."""
    return str(value) if isinstance(value, float) else as_typed(value, name)


def _data(settings: StudySettings) -> str:
    if settings.data is not None:
        return settings.data
    return "smears that minunet drew" if settings.images is None else f"{settings.images} and {settings.masks}"


def _summary(report: StudyReport) -> list[str]:
    """What follows, in sentences; first what does not."""
    sentences = []
    if report.nothing_follows:
        everything = len(report.nothing_follows) == len(report.comparisons) + len(report.claims)
        sentences.append("Nothing follows from " + ("these trainings." if everything else "some of these trainings."))
    for comparison in report.comparisons:
        if comparison.learned:
            sentences.append(f"M1 on {comparison.greys}: {comparison.sentences()[-1]}")
    sentences += [claim for claim in report.claims if claim not in report.nothing_follows]
    return sentences or ["Too little is finished for a comparison."]


def _warnings(report: StudyReport) -> list[ReportWarning]:
    """The models that have learned nothing or diverged and were not named before, and that one seed is few."""
    said = " ".join(report.nothing_follows)
    failed = [
        ReportWarning(f"{score.why_failed()}.", report.variations.by_key[key].title)
        for key, score in report.scores.items()
        if not score.learned and score.why_failed() not in said
    ]
    runs = [len(score.runs) for score in report.scores.values()]
    return [*failed, *([ReportWarning(ONE_SEED)] if runs and max(runs) == 1 else [])]


def _model_plots(report: StudyReport) -> list[ReportPlot]:
    (section,) = (section for section in report.variations.sections if section.part == "m1m2")
    return model_plots(_measured_rows(report, section))


def _claim_plots(report: StudyReport) -> list[ReportPlot]:
    """A plot for each claim of which at least two rows are finished."""
    claims = [section for section in report.variations.sections if section.part == "claims"]
    rows = {section.key: _measured_rows(report, section) for section in claims}
    return [dice_plot(f"dice-{key}", measured) for key, measured in rows.items() if len(measured) > 1]


def _measured_rows(report: StudyReport, section: TableSection) -> list[tuple[str, SeedScores]]:
    """The labels and scores of the rows of a section that have a finished training."""
    known = [(label.strip(), report.scores[key]) for key, label in section.rows if key in report.scores]
    return [(label, score) for label, score in known if score.runs]


def _pictures(report: StudyReport) -> dict[str, Any]:
    """The panels of the paper's figure; nothing where M1 or M2 is not finished."""
    if report.figure is None:
        return {}
    cases = [
        ReportCase(
            model.name,
            [
                report_picture(text, tile, f"{text}: {report.figure.image}")
                for text, tile in zip(model.texts, model.tiles, strict=True)
            ],
        )
        for model in report.figure.models
    ]
    return {"paragraphs": [f"{report.figure.image}: the test image with the median Dice of M2."], "cases": cases}


def _table(report: StudyReport) -> ReportTable | None:
    """A row for each model, and for each of the paper's."""
    rows: list[dict[str, Any]] = []
    names = [*COLUMNS]

    def add(model: str, cells: Sequence[float | None], seeds: Any = None, notes: str = "") -> None:
        values = dict(zip(names, cells, strict=True))
        rows.append({"model": model, **values, "seeds": seeds, "notes": notes})

    for label, paper in (("the paper's M1", paper_numbers.M1), ("the paper's M2", paper_numbers.M2)):
        add(label, [{"loss": paper.loss, "Keras": paper.accuracy}.get(name) for name in names])
    for key, score in report.scores.items():
        cells = measured_cells(score) if score.runs else [None] * len(names)
        add(report.variations.by_key[key].title, cells, len(score.runs), "" if score.learned else score.why_failed())
    return report_table(io.StringIO(csv_text(rows), newline=""), "models", "results.json")
