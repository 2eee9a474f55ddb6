"""One process tree is one run, however its processes are started."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from chiplog.testing.project import Project

MADE_UP = Path(__file__).parents[2] / "made_up"

BEGIN = """
import multiprocessing, os, sys
import chiplog, tinyjobs

if __name__ == "__main__":
    chiplog.autolog(extra_tags={"team": "vision"})
"""


def _run(project: Project, body: str, *command: str, begin: str = BEGIN) -> str:
    """Run a program whose ``__main__`` part is ``body``; hands back what it wrote to stderr."""
    script = project.path / "program.py"
    script.write_text(begin + textwrap.indent(textwrap.dedent(body), "    "))
    done = subprocess.run(
        [*(command or (sys.executable,)), str(script)],
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
        env={**os.environ, "PYTHONPATH": str(MADE_UP), "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    assert "nothing was recorded" not in done.stderr
    return done.stderr


def _rates(project: Project, run_id: str) -> list[str]:
    return sorted(run.data.params["rate"] for run in project.children(run_id))


@pytest.mark.parametrize("method", ["spawn", "forkserver", "fork"])
def test_what_child_processes_train_is_recorded_without_their_switching_anything_on(
    project: Project, method: str
) -> None:
    _run(
        project,
        f"""
        context = multiprocessing.get_context("{method}")
        if "{method}" == "forkserver":  # which was started before there was a run to tell it of
            first = context.Process(target=print)
            first.start()
            first.join()
        with chiplog.start_run():
            processes = [
                context.Process(target=tinyjobs.train_one, args=(rate,)) for rate in (0.1, 0.2)
            ] + [context.Process(target=tinyjobs.log_a_metric, args=(3,))]
            for process in processes:
                process.start()
            for process in processes:
                process.join()
            assert [process.exitcode for process in processes] == [0, 0, 0]
            assert not any("chiplog" in name for name in vars(processes[0]))
        """,
    )
    (mine,) = project.top_runs()
    assert _rates(project, mine.info.run_id) == ["0.1", "0.2"]
    assert mine.data.metrics == {"by_hand_3": 3.0}
    assert {run.data.tags.get("team") for run in project.children(mine.info.run_id)} == {"vision"}
    assert {run.info.status for run in project.runs()} == {"FINISHED"}


def test_an_executors_workers_record_in_the_run_that_submits(project: Project) -> None:
    _run(
        project,
        """
        from concurrent.futures import ProcessPoolExecutor
        with chiplog.start_run():
            with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
                assert [rate for rate, *_ in pool.map(tinyjobs.train_one, (0.1, 0.2))] == [0.1, 0.2]
        """,
    )
    (mine,) = project.top_runs()
    assert _rates(project, mine.info.run_id) == ["0.1", "0.2"]


def test_without_a_run_a_child_trains_in_its_own_with_the_parents_settings(
    project: Project,
) -> None:
    _run(
        project,
        """
        from chiplog.core.autolog.engine import flavor_autolog
        flavor_autolog("tiny")(extra_tags={"team": "speech"})
        process = multiprocessing.get_context("spawn").Process(
            target=tinyjobs.train_after_autolog, args=(0.1,)
        )
        process.start()
        process.join()
        """,
    )
    (run,) = project.top_runs()
    assert run.data.params["rate"] == "0.1"
    assert run.info.status == "FINISHED"
    assert run.data.tags["team"] == "speech"


def test_processes_started_inside_a_training_record_nothing(project: Project) -> None:
    _run(
        project,
        """
        import tinyframe
        def start(step, loss):
            process = multiprocessing.get_context("spawn").Process(
                target=tinyjobs.train_one, args=(0.1,)
            )
            process.start()
            process.join()
            assert process.exitcode == 0
        tinyframe.train({"decay": 0.5}, [], steps=1, callbacks=[start])
        """,
    )
    (run,) = project.runs()
    assert run.data.params["decay"] == "0.5"


def test_ranks_train_in_one_run_that_the_first_records(project: Project) -> None:
    _run(
        project,
        """
        import subprocess, tinyframe
        if "RANK" not in os.environ:
            ranks = [
                subprocess.Popen(
                    [sys.executable, __file__],
                    env={**os.environ, "RANK": rank, "WORLD_SIZE": "2", "MASTER_ADDR": "localhost"},
                )
                for rank in "01"
            ]
            assert [rank.wait() for rank in ranks] == [0, 0]
        else:
            tinyframe.Trainer(rate=0.1, seed=0).fit([1.0])
            if os.environ["RANK"] == "1":
                chiplog.log_metric("alone_1", 1)
                chiplog.end_run()
            with chiplog.start_run():
                tinyframe.Trainer(rate=0.2, seed=0).fit([1.0])
                chiplog.log_metric("mine_" + os.environ["RANK"], 1)
        """,
    )
    first, second = project.runs()
    assert first.data.params["rate"] == "0.1"
    assert "alone_1" in first.data.metrics
    assert second.data.params["rate"] == "0.2"
    assert {"mine_0", "mine_1"} <= set(second.data.metrics)
    assert len(project.receipt(first.info.run_id).calls) == 1
    assert {run.info.status for run in (first, second)} == {"FINISHED"}


# With torch

DATA = """
import multiprocessing, os, sys
import chiplog, torch
from torch.utils.data import DataLoader, Dataset

class Numbers(Dataset):
    def __len__(self):
        return 4
    def __getitem__(self, index):
        import chiplog
        chiplog.log_metric("loaded", index, step=index)
        return torch.tensor([float(index)])

if __name__ == "__main__":
    chiplog.autolog(log_models=False)
    torch.set_num_threads(1)
"""


@pytest.mark.framework
@pytest.mark.slow
def test_workers_that_load_data_record_in_the_run(project: Project) -> None:
    pytest.importorskip("torch")
    _run(
        project,
        """
        with chiplog.start_run():
            for method in ("fork", "spawn"):
                loader = DataLoader(Numbers(), num_workers=2, multiprocessing_context=method)
                assert sorted(batch.item() for batch in loader) == [0, 1, 2, 3]
        """,
        begin=DATA,
    )
    (run,) = project.runs()
    assert run.info.status == "FINISHED"
    assert run.data.metrics["loaded"] in {0.0, 1.0, 2.0, 3.0}
    from chiplog.core.client import MlflowClient

    history = MlflowClient().get_metric_history(run.info.run_id, "loaded")
    assert sorted(point.step for point in history) == [0, 0, 1, 1, 2, 2, 3, 3]


@pytest.mark.framework
@pytest.mark.slow
def test_the_ranks_of_torchrun_train_in_one_run(project: Project) -> None:
    pytest.importorskip("torch")
    _run(
        project,
        """
        import torch.distributed as dist
        dist.init_process_group("gloo")
        rank = dist.get_rank()
        model = torch.nn.parallel.DistributedDataParallel(torch.nn.Linear(3, 1))
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for step in range(5):
            optimizer.zero_grad()
            loss = model(torch.randn(8, 3)).square().mean()
            loss.backward()
            optimizer.step()
        chiplog.log_metric(f"mine_{rank}", float(rank))
        dist.barrier()
        dist.destroy_process_group()
        """,
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--nproc_per_node=2",
        begin=DATA,
    )
    (run,) = project.runs()
    assert run.info.status == "FINISHED"
    assert {"mine_0", "mine_1"} <= set(run.data.metrics)
