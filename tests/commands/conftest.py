"""What the tests of the commands share: no reports, which take longer than the commands do on small pictures."""

import pytest


@pytest.fixture(autouse=True)
def reports(monkeypatch):
    """No command writes a report; the tests in tests/commands/report have them."""
    for name in (
        "runs.training_report.write_training_report",
        "evaluate.write_evaluation_report",
        "runs.prediction_report.write_prediction_report",
        "compare.write_comparison_report",
        "show.write_layer_report",
        "paper.write_study_report",
    ):
        monkeypatch.setattr(f"minunet.{name}", lambda *arguments: None)
