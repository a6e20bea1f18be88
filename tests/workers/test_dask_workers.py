"""Tasks shared by a Dask cluster on this machine."""

import sys

import pytest

from minunet.errors import UserError
from minunet.workers.attempts import result_of
from minunet.workers.dask_workers import DaskWorkers
from minunet.workers.tasks import consecutive
from tests.commands.predict.prediction_folders import run
from tests.commands.predict.test_workers import contents
from tests.workers.small_works import doubling

pytestmark = pytest.mark.ci


@pytest.fixture(scope="module")
def cluster():
    """A scheduler with two processes."""
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0", silence_logs=50
    ) as cluster:
        yield cluster


def test_predict_writes_the_same_files(cluster, cell_model, folder, tmp_path, capsys):
    (folder / "bad.png").write_text("not a picture")
    arguments = [cell_model, "cells", "--no-report"]
    assert run(*arguments, "--out", "out", "--dask", cluster.scheduler_address) == 1
    shared = capsys.readouterr()
    assert run(*arguments, "--out", "single") == 1
    single = capsys.readouterr()
    assert contents(tmp_path / "out") == contents(tmp_path / "single")
    assert shared.err == single.err
    assert shared.out == single.out.replace("single", "out")


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_a_worker_that_dies_loses_nothing(cluster, tmp_path):
    work = doubling(tmp_path, {2: 1})
    outcomes = list(DaskWorkers(cluster.scheduler_address, []).run(work, consecutive(range(6), 1), bool))
    assert sorted(outcome.task.first for outcome in outcomes) == [*range(6)]
    assert all(result_of(outcome)[1] == [2 * outcome.task.first] for outcome in outcomes)


def test_a_scheduler_that_ends_in_the_middle(tmp_path):
    distributed = pytest.importorskip("distributed")
    cluster = distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=True, dashboard_address=":0", silence_logs=50
    )
    outcomes = DaskWorkers(cluster.scheduler_address, []).run(doubling(tmp_path), consecutive(range(10_000), 1), bool)
    next(outcomes)
    cluster.close(timeout=2)
    with pytest.raises(UserError, match="the scheduler no longer answers .*--skip-existing"):
        list(outcomes)


def test_what_the_work_raises_is_raised_here(cluster, tmp_path):
    (outcome,) = DaskWorkers(cluster.scheduler_address, []).run(doubling(tmp_path), [["bad"]], bool)
    with pytest.raises(UserError, match=r"^bad\.png: cannot be read$"):
        result_of(outcome)


def test_a_folder_that_is_not_shared(cluster, tmp_path):
    with pytest.raises(UserError, match=r"does not see .*missing.png: images and results have to be on a disk"):
        DaskWorkers(cluster.scheduler_address, [str(tmp_path / "missing.png")])


def test_no_scheduler(monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr("minunet.workers.dask_workers.CONNECTING", 0.1)
    with pytest.raises(UserError, match="--dask tcp://127.0.0.1:1: no scheduler answers there"):
        DaskWorkers("tcp://127.0.0.1:1", [])


@pytest.mark.parametrize("address", ["nonsense", "tcp://localhost", "foo://x:1", "dir/sub"])
def test_what_is_no_address(address):
    pytest.importorskip("distributed")
    with pytest.raises(UserError, match=f"--dask {address}: an address has a machine and a port"):
        DaskWorkers(address, [])


def test_a_cluster_within_another_process():
    with pytest.raises(UserError, match="only the process that has made this cluster .*processes=True"):
        DaskWorkers("inproc://10.0.0.1/1/1", [])


@pytest.mark.parametrize("content", [None, "no json", "[1]", '{"id": 1}'])
def test_what_is_no_file_of_a_scheduler(tmp_path, monkeypatch, content):
    pytest.importorskip("distributed")
    monkeypatch.setattr("minunet.workers.dask_workers.CONNECTING", 0)
    if content is not None:
        (tmp_path / "scheduler.json").write_text(content)
    with pytest.raises(UserError, match="this is not the file of a scheduler"):
        DaskWorkers(str(tmp_path / "scheduler.json"), [])


def test_dask_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(UserError, match=r'Dask is missing .*pip install "minunet\[dask\]"'):
        DaskWorkers("tcp://127.0.0.1:1", [])
