"""One process tree is one run: forked, spawned and started children of a process with a run."""

from __future__ import annotations

import json
import multiprocessing
import os
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest

import chiplog
from chiplog.core.journal import recover
from chiplog.core.runs import inherit
from chiplog.core.stores import open_tracking_store

pytestmark = pytest.mark.usefixtures("project")


def child(body: str, **environment: str) -> None:
    """Run a program in a process of its own, to its good end."""
    done = subprocess.run(
        [sys.executable, "-c", "import chiplog, os\n" + textwrap.dedent(body)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def in_fork(work: object) -> None:
    """Call ``work`` in a forked child that leaves as multiprocessing's children do."""
    assert callable(work)
    process = multiprocessing.get_context("fork").Process(target=work)
    process.start()
    process.join(60)
    assert process.exitcode == 0


def read(run: chiplog.ActiveRun) -> chiplog.entities.Run:
    """The run, with what its children left behind."""
    recover(open_tracking_store(chiplog.get_tracking_uri()))
    return chiplog.get_run(run.info.run_id)


def all_runs() -> list[chiplog.entities.Run]:
    found: list[chiplog.entities.Run] = chiplog.search_runs(output_format="list")
    return found


def test_a_started_child_records_into_the_parents_run() -> None:
    with chiplog.start_run() as run:
        child(
            """
            chiplog.log_metric("m", 1)
            chiplog.log_param("p", 2)
            chiplog.set_tag("t", 3)
            assert chiplog.active_run().info.run_id == chiplog.last_active_run().info.run_id
            chiplog.end_run()
            """
        )
        now = read(run)
        assert now.info.status == "RUNNING"
        assert now.data.metrics == {"m": 1.0}
        assert now.data.params == {"p": "2"}
        assert now.data.tags["t"] == "3"
    assert len(all_runs()) == 1


def test_a_forked_child_records_into_the_parents_run_and_never_ends_it() -> None:
    with chiplog.start_run() as run:
        chiplog.log_metric("parent", 1)

        def work() -> None:
            active = chiplog.active_run()
            assert active is not None
            assert active.info.run_id == run.info.run_id
            chiplog.log_metric("parent", 2, step=1)
            chiplog.log_metric("child", 3)
            chiplog.log_param("p", 1)
            chiplog.end_run()

        in_fork(work)
        now = read(run)
        assert now.info.status == "RUNNING"
        assert now.data.metrics == {"parent": 2.0, "child": 3.0}
        assert now.data.params == {"p": "1"}
    assert chiplog.get_run(run.info.run_id).info.status == "FINISHED"


def test_a_child_forked_inside_a_block_leaves_it_without_ending_the_run() -> None:
    with chiplog.start_run() as run:
        pid = os.fork()
        if pid == 0:
            os.environ["CHIPLOG_STRICT"] = "0"
            try:
                with run:
                    chiplog.log_metric("child", 1)
                chiplog.flush_async_logging()
            finally:
                os._exit(0)
        assert os.waitpid(pid, 0)[1] == 0
        assert read(run).info.status == "RUNNING"
        assert read(run).data.metrics == {"child": 1.0}


def test_many_forked_children_record_into_one_run_and_nothing_is_lost() -> None:
    def work(number: int) -> None:
        for step in range(50):
            chiplog.log_metric(f"m{number}", step, step=step)

    context = multiprocessing.get_context("fork")
    with chiplog.start_run() as run:
        children = [context.Process(target=work, args=(number,)) for number in range(4)]
        for process in children:
            process.start()
        for process in children:
            process.join(60)
        read(run)
        for number in range(4):
            points = chiplog.get_metric_history(run.info.run_id, f"m{number}")
            assert [point.step for point in points] == list(range(50))


def test_a_run_started_in_a_child_is_a_child_run() -> None:
    with chiplog.start_run() as run:
        child(
            """
            with chiplog.start_run(run_name="spawned"):
                chiplog.log_metric("m", 1)
            """
        )

        def work() -> None:
            with chiplog.start_run(run_name="forked"):
                chiplog.log_metric("m", 2)

        in_fork(work)
    read(run)
    children = {one.info.run_name: one for one in all_runs() if one.info.run_id != run.info.run_id}
    assert set(children) == {"spawned", "forked"}
    for one in children.values():
        assert one.info.status == "FINISHED"
        assert one.data.tags["mlflow.parentRunId"] == run.info.run_id
    assert chiplog.get_run(run.info.run_id).data.metrics == {}


def test_a_child_in_another_directory_finds_the_parents_store(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    with chiplog.start_run() as run:
        child('os.chdir("elsewhere")\nchiplog.log_metric("m", 1)')
        assert read(run).data.metrics == {"m": 1.0}
    assert not (tmp_path / "elsewhere" / ".chiplog").exists()


def test_a_child_with_a_store_of_its_own_keeps_to_it(tmp_path: Path) -> None:
    with chiplog.start_run() as run:
        child('chiplog.log_metric("m", 1)', CHIPLOG_TRACKING_URI=f"sqlite:///{tmp_path}/other.db")
        assert read(run).data.metrics == {}
    (other,) = chiplog.MlflowClient(f"sqlite:///{tmp_path}/other.db").search_runs(["0"])
    assert other.data.metrics == {"m": 1.0}
    assert "mlflow.parentRunId" not in other.data.tags


def test_the_inherited_run_may_be_named_again_and_is_not_ended_by_the_child() -> None:
    with chiplog.start_run() as run:
        child(
            """
            with chiplog.start_run():
                chiplog.log_metric("m", 1)
            """,
            MLFLOW_RUN_ID=run.info.run_id,
        )
        assert read(run).info.status == "RUNNING"
        assert read(run).data.metrics == {"m": 1.0}


def test_a_child_that_outlives_the_run_starts_one_of_its_own() -> None:
    with chiplog.start_run() as run:
        environment = {inherit.VARIABLE: os.environ[inherit.VARIABLE]}
    child('chiplog.log_metric("m", 1)', **environment)
    assert chiplog.get_run(run.info.run_id).data.metrics == {}
    assert len(all_runs()) == 2


def test_the_environment_names_the_innermost_run_and_nothing_afterwards() -> None:
    def named() -> str:
        return str(json.loads(os.environ[inherit.VARIABLE])["run_id"])

    with chiplog.start_run() as outer:
        assert named() == outer.info.run_id
        with chiplog.start_run(nested=True) as inner:
            assert named() == inner.info.run_id
        assert named() == outer.info.run_id
    assert inherit.VARIABLE not in os.environ


def test_a_run_of_another_thread_is_not_inherited() -> None:
    seen: list[bool] = []

    def work() -> None:
        with chiplog.start_run():
            seen.append(inherit.VARIABLE in os.environ)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [False]


def test_a_damaged_variable_is_as_good_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(inherit.VARIABLE, "{nonsense")
    assert chiplog.active_run() is None


def test_what_a_child_recorded_is_kept_when_its_journal_comes_first() -> None:
    """Two journals on one disk are delivered by whoever comes, in any order."""
    program = """
        import os
        from chiplog.core.errors import StoreUnavailable
        from chiplog.store.sql.store import SqlTrackingStore

        def away(*arguments):
            raise StoreUnavailable("away")

        chiplog.get_experiment("0")
        SqlTrackingStore.apply = away
        chiplog.start_run(tags={"by": "parent"})
        from chiplog.core.runs import current_writer
        open("parent", "w").write(current_writer().journal.journal_id)
        if os.fork() == 0:
            chiplog.log_metric("child", 1)
            os._exit(0)
        os.wait()
        chiplog.log_metric("parent", 2)
        os._exit(0)
    """
    child(program)
    journals = Path(".chiplog/journals")
    hidden = Path("hidden")
    hidden.mkdir()
    for path in journals.glob(Path("parent").read_text(encoding="utf-8") + "*"):
        path.rename(hidden / path.name)
    assert any(journals.iterdir())
    store = open_tracking_store(chiplog.get_tracking_uri())
    recover(store)
    (run,) = all_runs()
    assert run.data.metrics == {"child": 1.0}
    assert run.info.status == "RUNNING"
    for path in hidden.iterdir():
        path.rename(journals / path.name)
    recover(store)
    (run,) = all_runs()
    assert run.data.metrics == {"child": 1.0, "parent": 2.0}
    assert run.data.tags["by"] == "parent"
    assert run.info.status == "KILLED"
