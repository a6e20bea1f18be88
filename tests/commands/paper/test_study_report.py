"""report.html of a study: what does not follow stands first, every number is in it, and its command begins the same study."""

import re
import shlex
import shutil

import pytest

from minunet.experiments import paper_flags
from minunet.experiments.study_page import study_command
from minunet.experiments.study_settings import StudySettings
from tests.commands.paper.small_studies import CLAIMS, MODELS, results, study
from tests.html_page import HtmlPage

pytest.importorskip("jinja2")


@pytest.fixture(autouse=True)
def reports():
    """Unlike in the other tests of the command, the report is written."""


def page_of(folder):
    return HtmlPage((folder / "report.html").read_text(encoding="utf-8"))


def test_the_report_of_a_whole_study(whole, tmp_path, capsys):
    folder = shutil.copytree(whole[0], tmp_path / "<b>study & co")
    assert study("--out", folder) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("report ")
    page = page_of(folder)
    page.check()
    document = results(folder)
    # The tiny models have learned nothing: this is said before anything else.
    assert document["nothing_follows"]
    assert page.text.startswith("Study: <b>study & co Study: <b>study & co Nothing follows from ")
    assert page.all("section")[0]["id"] == "warnings"
    for sentence in document["nothing_follows"]:
        assert page.text.index(sentence) < page.text.index("What was done")
    rows = [document["rows"][key] for key in MODELS + CLAIMS if key in document["rows"]]
    assert len(page.all("tr")) == 1 + 2 + len(rows)  # the head, the paper's two models, and ours
    assert [row["title"] for row in rows if row["title"] not in page.text] == []
    assert f"{document['rows']['m2']['mean']['dice']:.4f}" in page.text
    assert len(page.all("img")) == 4 * 3  # M1, M2, and M1 on two greys
    assert all(sentence in page.text for sentence in document["paper"]["m1_implies"])
    pytest.importorskip("matplotlib")
    assert len(page.all("svg")) == 3 + 3  # of the models, and of the claims


def test_a_report_that_is_not_wanted(whole, tmp_path, capsys):
    folder = shutil.copytree(whole[0], tmp_path / "study")
    assert study("--out", folder, "--no-report") == 0
    assert not (folder / "report.html").exists() and "report.html" not in capsys.readouterr().out


@pytest.mark.parametrize(
    "words",
    [
        ["smears"],
        ["smears", "--graded", "--only", "claims", "--seeds", "3"],
        ["smears", "--levels", "none", "--size", "64x48", "--lr", "0.00012345678", "--seed", "7", "--depth", "2"],
        ["--images", "a", "--masks", "b c", "--cell", "not:0", "--skip-unpaired", "--graded", "--levels", "0.1:0.9"],
    ],
)
def test_the_command_begins_the_same_study(words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    request = paper_flags.read([*words, "--out", "one"])
    again = shlex.split(study_command(request))
    assert again[:3] == ["python", "-m", "minunet.paper"] and again[-2:] == ["--out", "STUDY"]
    repeated = paper_flags.read(again[3:])
    assert (repeated.settings, repeated.parts, repeated.seeds) == (request.settings, request.parts, request.seeds)
    assert not re.search(r" --batch-size ", " ".join(again)) and request.settings != StudySettings()
