"""The ranks of a distributed training know their places, and that they are one job."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING

import pytest

from chiplog.core.client import MlflowClient
from chiplog.core.runs import jobs, ranks
from chiplog.core.tags import PARENT_RUN_ID

if TYPE_CHECKING:
    from pathlib import Path

    from chiplog.core.entities import Run

CLUSTER = {"worker": ["a:1", "b:1"], "ps": ["c:1"]}


def _tf(kind: str, index: int, cluster: dict[str, list[str]] | None = None) -> dict[str, str]:
    config = {"cluster": cluster or CLUSTER, "task": {"type": kind, "index": index}}
    return {"TF_CONFIG": json.dumps(config)}


# Places


@pytest.mark.parametrize(
    ("environment", "place"),
    [
        ({}, (0, 1)),
        ({"RANK": "1", "WORLD_SIZE": "2"}, (1, 2)),
        ({"RANK": "0", "WORLD_SIZE": "1"}, (0, 1)),
        ({"RANK": "3"}, (0, 1)),
        ({"RANK": "three", "WORLD_SIZE": "4"}, (0, 1)),
        ({"LOCAL_RANK": "1", "NODE_RANK": "0", "WORLD_SIZE": "2"}, (1, 2)),
        (_tf("worker", 0), (0, 3)),
        (_tf("worker", 1), (1, 3)),
        (_tf("ps", 0), (2, 3)),
        (_tf("chief", 0, {"worker": ["a:1"], "chief": ["b:1"]}), (0, 2)),
        (_tf("worker", 0, {"worker": ["a:1"], "chief": ["b:1"]}), (1, 2)),
        (_tf("worker", 0, {"worker": ["a:1"]}), (0, 1)),
        ({"TF_CONFIG": "{no json"}, (0, 1)),
        ({"TF_CONFIG": '{"cluster": 3}'}, (0, 1)),
    ],
)
def test_a_rank_is_read_from_what_its_launcher_says(
    environment: dict[str, str], place: tuple[int, int]
) -> None:
    assert ranks.from_environment(environment) == place


@pytest.mark.parametrize(
    "environment",
    [
        {"SLURM_PROCID": "3", "SLURM_STEP_NUM_TASKS": "8"},
        {"OMPI_COMM_WORLD_RANK": "3", "OMPI_COMM_WORLD_SIZE": "8"},
        {"PMI_RANK": "3", "PMI_SIZE": "8"},
    ],
)
def test_tasks_are_ranks_only_if_they_work_together(environment: dict[str, str]) -> None:
    assert ranks.from_environment(environment) == (0, 1)
    assert ranks.from_environment({**environment, "MASTER_ADDR": "node1"}) == (3, 8)


# Jobs


def test_ranks_of_one_job_have_one_key_and_another_jobs_have_another() -> None:
    common = {"MASTER_ADDR": "node1", "MASTER_PORT": "29500", "SLURM_JOB_ID": "17"}
    first = jobs.identify({**common, "RANK": "0"})
    assert first is not None
    assert first.is_unique
    assert jobs.identify({**common, "RANK": "1"}) == first
    assert jobs.identify({**common, "SLURM_JOB_ID": "18"}) != first
    assert jobs.identify({**common, "TORCHELASTIC_RESTART_COUNT": "1"}) != first


def test_a_key_that_a_later_job_may_have_too_is_known_as_such() -> None:
    common = {"MASTER_ADDR": "node1", "MASTER_PORT": "29500", "WORLD_SIZE": "4"}
    found = jobs.identify({**common, "LOCAL_WORLD_SIZE": "2", "TORCHELASTIC_RUN_ID": "none"})
    assert found is not None
    assert not found.is_unique
    alone = jobs.identify({**common, "LOCAL_WORLD_SIZE": "4"})
    assert alone is not None
    assert alone.is_unique


def test_the_tasks_of_a_tensorflow_cluster_have_one_key() -> None:
    assert jobs.identify(_tf("worker", 0)) == jobs.identify(_tf("ps", 0)) is not None


def test_a_job_may_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHIPLOG_JOB_ID", "my-job")
    found = jobs.identify({"MASTER_ADDR": "node1"})
    assert found is not None
    assert (found.is_unique, found) == (True, jobs.identify({"MASTER_ADDR": "node2"}))


def test_a_process_that_trains_alone_is_no_rank() -> None:
    assert ranks.is_main()
    assert jobs.job() is None
    assert jobs.run_id("sqlite:///unused.db", asked=True) is None


# Two ranks, two processes


def _launch(
    program: str, size: int = 2, **variables: str
) -> list[subprocess.CompletedProcess[str]]:
    """Run a program as the ranks of a job, all at once, as a launcher does."""
    common = {"WORLD_SIZE": str(size), "MASTER_ADDR": "localhost", "MASTER_PORT": "29512"}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(program)],
            env={**os.environ, **common, "RANK": str(rank), **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(size)
    ]
    done = []
    for process in processes:
        out, err = process.communicate(timeout=120)
        done.append(subprocess.CompletedProcess(process.args, process.returncode, out, err))
    return done


def _runs() -> list[Run]:
    client = MlflowClient()
    ids = [experiment.experiment_id for experiment in client.search_experiments()]
    return sorted(client.search_runs(ids), key=lambda run: run.info.start_time)


def test_two_ranks_are_one_run(project: Path) -> None:
    done = _launch(
        """
        import os, chiplog
        rank = os.environ["RANK"]
        with chiplog.start_run(run_name="both", tags={"from": rank}) as run:
            chiplog.log_metric("loss_" + rank, 0.5)
            if rank == "0":
                chiplog.log_param("rate", 0.1)
        with chiplog.start_run():
            chiplog.log_metric("evaluation_" + rank, 0.25)
        print(run.info.run_id)
        """
    )
    assert [(one.returncode, one.stderr) for one in done] == [(0, "")] * 2
    first, second = _runs()
    assert {one.stdout.strip() for one in done} == {first.info.run_id}
    assert first.info.run_name == first.data.tags["mlflow.runName"] == "both"
    assert first.data.tags["from"] == "0"
    assert first.data.metrics == {"loss_0": 0.5, "loss_1": 0.5}
    assert first.data.params == {"rate": "0.1"}
    assert second.data.metrics == {"evaluation_0": 0.25, "evaluation_1": 0.25}
    assert second.info.run_name
    assert [run.info.status for run in (first, second)] == ["FINISHED"] * 2
    assert PARENT_RUN_ID not in second.data.tags


def test_what_ranks_log_without_starting_a_run_is_in_one_run(project: Path) -> None:
    done = _launch(
        "import os, chiplog; chiplog.log_metric('seen_' + os.environ['RANK'], 1)", size=3
    )
    assert [one.returncode for one in done] == [0] * 3, done
    (run,) = _runs()
    assert set(run.data.metrics) == {"seen_0", "seen_1", "seen_2"}
    assert run.info.status == "FINISHED"


def test_the_next_job_of_the_same_launcher_and_port_is_another_run(project: Path) -> None:
    # On several nodes nothing tells the one job from the next but that its run has ended.
    program = "import os, chiplog; chiplog.log_metric('seen_' + os.environ['RANK'], 1)"
    for _ in range(2):
        done = _launch(program, LOCAL_WORLD_SIZE="1", MASTER_ADDR="node1")
        assert [one.returncode for one in done] == [0, 0], done
    assert [set(run.data.metrics) for run in _runs()] == [{"seen_0", "seen_1"}] * 2


def test_ranks_inside_the_run_of_a_parent_start_one_child_of_it(project: Path) -> None:
    import chiplog

    with chiplog.start_run() as parent:
        done = _launch(
            """
            import os, chiplog
            with chiplog.start_run():
                chiplog.log_metric("loss_" + os.environ["RANK"], 0.5)
            chiplog.log_metric("parents_" + os.environ["RANK"], 1)
            """
        )
        assert [one.returncode for one in done] == [0, 0], done
    mine, child = _runs()
    assert mine.info.run_id == parent.info.run_id
    assert set(mine.data.metrics) == {"parents_0", "parents_1"}
    assert child.data.tags[PARENT_RUN_ID] == mine.info.run_id
    assert set(child.data.metrics) == {"loss_0", "loss_1"}


def test_a_rank_that_the_first_one_starts_joins_the_runs_it_has_started_by_then(
    project: Path,
) -> None:
    (project / "program.py").write_text(
        textwrap.dedent(
            """
            import contextlib, os, subprocess, sys, chiplog
            is_first = "LOCAL_RANK" not in os.environ
            rank = os.environ.get("LOCAL_RANK", "0")
            with contextlib.suppress(chiplog.exceptions.MlflowException):
                chiplog.start_run(parent_run_id="no such run")
            with chiplog.start_run():
                chiplog.log_metric("before_" + rank, 1)
            with chiplog.start_run():
                if is_first:
                    os.environ.update(
                        WORLD_SIZE="2", LOCAL_RANK="0", NODE_RANK="0",
                        MASTER_ADDR="127.0.0.1", MASTER_PORT="29513",
                    )
                    environment = {**os.environ, "LOCAL_RANK": "1"}
                    other = subprocess.Popen([sys.executable, "program.py"], env=environment)
                chiplog.log_metric("around_" + rank, 1)
            with chiplog.start_run():
                chiplog.log_metric("after_" + rank, 1)
            if is_first:
                sys.exit(other.wait())
            """
        )
    )
    subprocess.run([sys.executable, "program.py"], cwd=project, check=True, timeout=120)
    runs = _runs()
    assert [set(run.data.metrics) for run in runs] == [
        {"before_0", "before_1"},
        {"around_0", "around_1"},
        {"after_0", "after_1"},
    ]
    assert [run.info.status for run in runs] == ["FINISHED"] * 3


def test_a_rank_beside_the_first_does_not_end_the_run_it_joined(project: Path) -> None:
    done = _launch(
        """
        import os, sys, time, chiplog
        rank = os.environ["RANK"]
        with chiplog.start_run():
            chiplog.log_metric("before_" + rank, 1)
            if rank == "1":
                raise LookupError("of rank 1 alone")
            time.sleep(1)
            chiplog.log_metric("after_" + rank, 1)
        """
    )
    assert [one.returncode for one in done] == [0, 1]
    (run,) = _runs()
    assert run.info.status == "FINISHED"
    assert set(run.data.metrics) == {"before_0", "before_1", "after_0"}


def test_processes_that_a_rank_starts_are_no_ranks(project: Path) -> None:
    done = _launch(
        """
        import os, subprocess, sys, chiplog
        rank = os.environ["RANK"]
        with chiplog.start_run():
            chiplog.log_metric("loss_" + rank, 1)
            code = f"import chiplog; chiplog.log_metric('child_{rank}', 1)"
            subprocess.run([sys.executable, "-c", code], check=True)
        """
    )
    assert [one.returncode for one in done] == [0, 0], done
    (run,) = _runs()
    assert set(run.data.metrics) == {"loss_0", "loss_1", "child_0", "child_1"}
    assert run.info.status == "FINISHED"
