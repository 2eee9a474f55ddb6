"""What a run says about how its program ended: each way a process can end, in a real process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from typing import TYPE_CHECKING

import msgspec
import pytest

from chiplog.core.location import get_tracking_uri
from chiplog.core.runs.reading import readable_store

if TYPE_CHECKING:
    from pathlib import Path

    from chiplog.core.entities import Run

pytestmark = pytest.mark.usefixtures("project")


def start(body: str, **environment: str) -> subprocess.Popen[str]:
    """Start a program that begins with ``import chiplog, os, sys, time``."""
    program = "import chiplog, os, signal, sys, time\n" + textwrap.dedent(body)
    return subprocess.Popen(
        [sys.executable, "-c", program],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def end(body: str, **environment: str) -> tuple[int, str]:
    """Run a program to its end; its exit code and stderr."""
    process = start(body, **environment)
    _, errors = process.communicate(timeout=60)
    return process.returncode, errors


def runs() -> list[Run]:
    """Every run of the project, in the order of their names."""
    store = readable_store(get_tracking_uri())
    found = store.search_runs(["0"], "", 3, 1000, None, None)
    return sorted(found, key=lambda run: str(run.info.run_name))


def the_run() -> Run:
    (run,) = runs()
    return run


def reason(run: Run) -> str | None:
    return run.data.tags.get("chiplog.exit.reason")


def failure(run: Run) -> dict[str, str]:
    document = readable_store(get_tracking_uri()).get_document(run.info.run_id, "failure")
    assert document is not None
    return msgspec.json.decode(document, type=dict[str, str])


def test_a_program_that_just_ends_finishes_every_open_run() -> None:
    code, _ = end(
        """
        chiplog.start_run(run_name="a")
        chiplog.start_run(run_name="b", nested=True)
        chiplog.log_metric("m", 1.5)
        """
    )
    assert code == 0
    assert [run.info.status for run in runs()] == ["FINISHED", "FINISHED"]
    assert runs()[1].data.metrics == {"m": 1.5}
    assert all(run.info.end_time for run in runs())


def test_an_exception_in_a_with_block_fails_the_run_and_is_kept() -> None:
    code, errors = end(
        """
        with chiplog.start_run():
            raise ValueError("too bad")
        """
    )
    run = the_run()
    assert code == 1
    assert "ValueError: too bad" in errors
    assert run.info.status == "FAILED"
    assert reason(run) == "ValueError"
    assert failure(run)["type"] == "ValueError"
    assert failure(run)["message"] == "too bad"
    assert failure(run)["traceback"].endswith("ValueError: too bad\n")


def test_an_exception_that_nobody_catches_fails_the_open_runs() -> None:
    code, _ = end(
        """
        chiplog.start_run(run_name="a")
        chiplog.start_run(run_name="b", nested=True)
        raise KeyError("gone")
        """
    )
    assert code == 1
    assert [run.info.status for run in runs()] == ["FAILED", "FAILED"]
    assert failure(runs()[0])["type"] == "KeyError"


def test_an_exception_that_is_caught_fails_nothing() -> None:
    code, _ = end(
        """
        chiplog.start_run()
        try:
            raise ValueError
        except ValueError:
            pass
        try:
            sys.exit(4)
        except SystemExit:
            pass
        """
    )
    assert code == 0
    assert the_run().info.status == "FINISHED"


@pytest.mark.parametrize("code", ["", "0", "None"])
def test_a_good_exit_in_a_with_block_finishes_the_run(code: str) -> None:
    returned, _ = end(f"with chiplog.start_run():\n    sys.exit({code})")
    assert returned == 0
    assert the_run().info.status == "FINISHED"


@pytest.mark.parametrize(("code", "returned"), [("3", 3), ("'no disk'", 1)])
def test_a_bad_exit_in_a_with_block_fails_the_run(code: str, returned: int) -> None:
    assert end(f"with chiplog.start_run():\n    sys.exit({code})")[0] == returned
    assert the_run().info.status == "FAILED"
    assert reason(the_run()) == f"exit code {returned}"


@pytest.mark.parametrize(("code", "status"), [(3, "FAILED"), (0, "FINISHED")])
def test_an_exit_code_without_a_with_block_is_told_apart(code: int, status: str) -> None:
    returned, _ = end(
        f"""
        def train():
            chiplog.start_run()
            sys.exit({code})

        train()
        """
    )
    assert returned == code
    assert the_run().info.status == status
    assert reason(the_run()) == ("exit code 3" if code else None)


def test_ctrl_c_fails_the_run_as_in_mlflow_and_says_why() -> None:
    code, _ = end(
        """
        signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in the background
        with chiplog.start_run():
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(30)
        """
    )
    assert code == -signal.SIGINT
    assert the_run().info.status == "FAILED"
    assert reason(the_run()) == "KeyboardInterrupt"


def test_sigterm_kills_the_runs_and_the_exit_code_is_unchanged() -> None:
    code, _ = end(
        """
        chiplog.start_run(run_name="a")
        chiplog.start_run(run_name="b", nested=True)
        chiplog.log_metric("m", 7)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(30)
        """
    )
    assert code == -signal.SIGTERM
    assert [run.info.status for run in runs()] == ["KILLED", "KILLED"]
    assert [reason(run) for run in runs()] == ["SIGTERM", "SIGTERM"]
    assert runs()[1].data.metrics == {"m": 7.0}


def test_sigterm_during_a_long_call_into_c_does_not_wait_for_it() -> None:
    process = start(
        """
        import sqlite3
        chiplog.start_run()
        chiplog.log_metric("m", 1)
        print("ready", flush=True)
        rows = "with recursive n(i) as (select 1 union all select i + 1 from n)"
        sqlite3.connect(":memory:").execute(rows + " select max(i) from n")
        """
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGTERM
    assert the_run().info.status == "KILLED"


def test_a_sigterm_handler_of_the_users_stays_in_charge() -> None:
    code, _ = end(
        """
        signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))
        with chiplog.start_run():
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(30)
        """
    )
    assert code == 0
    assert the_run().info.status == "FINISHED"


def test_the_sigterm_handler_is_gone_when_no_run_is_open() -> None:
    code, errors = end(
        """
        before, exit_before = signal.getsignal(signal.SIGTERM), sys.exit
        with chiplog.start_run():
            assert signal.getsignal(signal.SIGTERM) is not before
        assert signal.getsignal(signal.SIGTERM) is before is signal.SIG_DFL
        assert sys.exit is exit_before
        """
    )
    assert code == 0, errors


def test_the_sigterm_handler_can_be_switched_off() -> None:
    code, errors = end(
        """
        with chiplog.start_run():
            assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
        """,
        CHIPLOG_HANDLE_SIGTERM="0",
    )
    assert code == 0, errors


@pytest.mark.parametrize("death", ["os.kill(os.getpid(), signal.SIGKILL)", "os._exit(5)"])
def test_a_process_that_dies_without_a_word_leaves_a_killed_run(death: str) -> None:
    end(
        f"""
        chiplog.start_run()
        for step in range(100):
            chiplog.log_metric("loss", 1 / (step + 1), step=step)
        {death}
        """
    )
    run = the_run()
    assert run.info.status == "KILLED"
    assert "died" in str(reason(run))
    assert run.data.metrics == {"loss": 0.01}


def test_a_child_that_is_terminated_does_not_end_its_parents_run() -> None:
    code, errors = end(
        """
        run = chiplog.start_run()
        child = os.fork()
        if child == 0:
            chiplog.log_metric("child", 1)
            time.sleep(30)
        time.sleep(0.2)
        os.kill(child, signal.SIGTERM)
        assert os.waitpid(child, 0)[1] == signal.SIGTERM
        assert chiplog.get_run(run.info.run_id).info.status == "RUNNING"
        """
    )
    assert code == 0, errors
    assert the_run().info.status == "FINISHED"


def test_a_run_made_by_the_client_outlives_its_process(project: Path) -> None:
    assert end("chiplog.MlflowClient().create_run('0')")[0] == 0
    assert the_run().info.status == "RUNNING"
    assert project.exists()


def test_a_store_that_cannot_be_written_does_not_hold_up_the_exit(project: Path) -> None:
    (project / "file").write_text("")
    began = time.monotonic()
    code, _ = end(
        """
        import chiplog.core.runs.reading as reading
        with chiplog.start_run():
            chiplog.log_metric("m", 1)
            store = reading.readable_store(chiplog.get_tracking_uri())
            from chiplog.core.errors import StoreUnavailable
            def away(batch):
                raise StoreUnavailable("away")
            type(store).apply = lambda self, batch: away(batch)
            chiplog.log_metric("m", 2)
        """,
        CHIPLOG_END_TIMEOUT="0.5",
    )
    assert code == 0
    assert time.monotonic() - began < 30
    assert the_run().data.metrics == {"m": 2.0}
