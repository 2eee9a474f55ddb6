"""What joblib's workers train is recorded in the run of the program that lends them work."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

joblib = pytest.importorskip("joblib")

from chiplog.core.autolog import engine  # noqa: E402
from chiplog.core.autolog.opening import open_session  # noqa: E402
from chiplog.core.runs.lifecycle import start_run  # noqa: E402
from chiplog.hooks.manager import plugins  # noqa: E402
from chiplog.testing.project import own_project  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chiplog.testing.project import Project

pytestmark = pytest.mark.framework

MADE_UP = Path(__file__).parents[2] / "made_up"
BACKENDS = ["loky", "multiprocessing"]


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with own_project(tmp_path) as project:
        yield project


@pytest.fixture(scope="module", autouse=True)
def _workers() -> Iterator[None]:
    """Loky lends the same workers to one test after the other, as to the calls of a program."""
    from joblib.externals.loky import get_reusable_executor

    yield
    get_reusable_executor().shutdown(wait=True)


@pytest.fixture
def jobs(project: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Jobs that train with the made-up framework, which is being recorded."""
    manager = plugins()  # discovers before the path changes
    monkeypatch.syspath_prepend(str(MADE_UP))
    manager.add(importlib.import_module("chiplog_tinyframe"), "tiny")
    engine.reset()
    yield importlib.import_module("tinyjobs")
    engine.reset()
    manager.remove("tiny")
    for name in [n for n in sys.modules if n.partition(".")[0] in {"tinyframe", "tinyjobs"}]:
        del sys.modules[name]


def _parallel(function: Any, rates: Any, backend: str = "loky") -> list[Any]:
    with joblib.parallel_config(backend):
        return list(joblib.Parallel(n_jobs=2)(joblib.delayed(function)(rate) for rate in rates))


@pytest.mark.parametrize("backend", BACKENDS)
def test_each_training_in_a_worker_is_a_child_of_the_active_run(
    jobs: Any, project: Project, backend: str
) -> None:
    engine.autolog()
    with start_run() as mine:
        results = _parallel(jobs.train_one, [0.1, 0.2, 0.3], backend)
    assert [result[:2] for result in results] == [(0.1, 1), (0.2, 1), (0.3, 1)]
    assert os.getpid() not in {result[2] for result in results}
    children = project.children(mine.info.run_id)
    assert sorted(run.data.params["rate"] for run in children) == ["0.1", "0.2", "0.3"]
    assert {run.info.status for run in children} == {"FINISHED"}
    assert len(project.runs()) == 4


def test_without_an_active_run_each_training_is_a_run_of_its_own(
    jobs: Any, project: Project
) -> None:
    engine.autolog(extra_tags={"team": "vision"})
    _parallel(jobs.train_one, [0.1, 0.2])
    runs = project.top_runs()
    assert sorted(run.data.params["rate"] for run in runs) == ["0.1", "0.2"]
    assert {run.data.tags["team"] for run in runs} == {"vision"}


def test_lent_workers_follow_the_settings_and_the_run_of_the_moment(
    jobs: Any, project: Project
) -> None:
    _parallel(jobs.train_one, [0.1, 0.2])
    assert project.runs() == []
    engine.autolog()
    with start_run() as first:
        _parallel(jobs.train_one, [0.3, 0.4])
    with start_run() as second:
        _parallel(jobs.train_one, [0.5, 0.6])
    engine.autolog(disable=True)
    _parallel(jobs.train_one, [0.7, 0.8])
    for mine, rates in ((first, ["0.3", "0.4"]), (second, ["0.5", "0.6"])):
        children = project.children(mine.info.run_id)
        assert sorted(run.data.params["rate"] for run in children) == rates
    assert len(project.runs()) == 6


def test_workers_of_a_training_that_is_recorded_already_record_nothing(
    jobs: Any, project: Project
) -> None:
    engine.autolog()
    _parallel(jobs.train_one, [0.1, 0.2])  # the same workers, taught to record
    with open_session("tiny"):  # type: ignore[union-attr]
        _parallel(jobs.train_one, [0.3, 0.4])
    recorded = sorted(run.data.params.get("rate", "") for run in project.runs())
    assert recorded == ["", "0.1", "0.2"]


@pytest.mark.parametrize("backend", [*BACKENDS, "threading", "sequential"])
def test_results_are_those_of_a_program_without_chiplog(
    jobs: Any, project: Project, backend: str
) -> None:
    plain = _parallel(jobs.train_quietly, [0.1, 0.2, 0.3], backend)
    engine.autolog()
    assert _parallel(jobs.train_quietly, [0.1, 0.2, 0.3], backend) == plain
    assert len(project.runs()) == 3


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_exception_in_a_worker_is_the_users_own(
    jobs: Any, project: Project, backend: str
) -> None:
    engine.autolog()
    with pytest.raises(LookupError, match=r"no rate 0\.1"):
        _parallel(jobs.fail, [0.1], backend)


def test_tasks_are_taken_from_the_users_generator_as_ever(jobs: Any, project: Project) -> None:
    def taken_at_first(return_as: str) -> tuple[int, list[Any]]:
        taken = []

        def tasks() -> Iterator[Any]:
            for number in range(30):
                taken.append(number)
                yield joblib.delayed(jobs.train_quietly)(number / 10)

        results = joblib.Parallel(n_jobs=2, pre_dispatch=2, batch_size=1, return_as=return_as)(
            tasks()
        )
        return len(taken), list(results)

    _, plain = taken_at_first("generator")
    engine.autolog()
    early, recorded = taken_at_first("generator")
    assert early < 30
    assert recorded == plain


def test_joblib_still_knows_how_many_tasks_there_are(jobs: Any, project: Project) -> None:
    engine.autolog()
    parallel = joblib.Parallel(n_jobs=2)
    parallel([joblib.delayed(jobs.train_quietly)(rate) for rate in (0.1, 0.2, 0.3)])
    assert parallel.n_tasks == 3


def test_what_a_worker_logs_by_hand_goes_to_the_active_run(jobs: Any, project: Project) -> None:
    engine.autolog()
    with start_run() as mine:
        _parallel(jobs.log_a_metric, [1, 2])
        active = _parallel(jobs.train_with_a_step, [0.1, 0.2])
    assert active == [mine.info.run_id] * 2
    (run,) = project.top_runs()
    assert run.data.metrics == {"by_hand_1": 1.0, "by_hand_2": 2.0}


def test_a_run_active_in_another_thread_is_the_one_its_workers_join(
    jobs: Any, project: Project
) -> None:
    import threading

    started = []

    def work() -> None:
        with start_run() as mine:
            started.append(mine.info.run_id)
            _parallel(jobs.train_one, [0.1, 0.2])

    engine.autolog()
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert len(project.children(started[0])) == 2


def test_joblib_is_put_back_as_it_was(jobs: Any, project: Project) -> None:
    before = vars(joblib.Parallel)["__call__"]
    engine.autolog()
    assert vars(joblib.Parallel)["__call__"] is not before
    engine.autolog(disable=True)
    assert vars(joblib.Parallel)["__call__"] is before


def test_it_goes_along_with_an_integration_switched_on_by_itself(
    jobs: Any, project: Project
) -> None:
    engine.flavor_autolog("tiny")()
    _parallel(jobs.train_one, [0.1, 0.2])
    assert len(project.runs()) == 2


def test_a_script_whose_function_is_its_own_is_recorded(project: Project) -> None:
    script = project.path / "script.py"
    script.write_text(
        f"""
import sys
sys.path.insert(0, {str(MADE_UP)!r})
import chiplog
from joblib import Parallel, delayed

def train_one(rate):
    import tinyframe
    return tinyframe.Trainer(rate=rate, seed=0).fit([1.0]).rate

if __name__ == "__main__":
    chiplog.autolog()
    with chiplog.start_run():
        print(Parallel(n_jobs=2)(delayed(train_one)(rate) for rate in (0.1, 0.2)))
"""
    )
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.returncode, done.stdout.strip()) == (0, "[0.1, 0.2]"), done.stderr
    (mine,) = project.top_runs()
    assert mine.info.status == "FINISHED"
    assert len(project.children(mine.info.run_id)) == 2
