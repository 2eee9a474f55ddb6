"""No room: a full disk, a limit, a directory that cannot be written. Training goes on."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING, Any

import pytest

from chiplog.core.journal import stream as streams
from chiplog.core.journal.writer import writer
from chiplog.core.records import Series, TagsSet

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from chiplog.core.journal import Journal

RUN = "a" * 32


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one MiB."""
    mounted = tmp_path / "disk"
    mounted.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(mounted)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting needs root")
    try:
        yield mounted
    finally:
        subprocess.run(["umount", "--lazy", str(mounted)], check=True)


def fill(directory: Path) -> Path:
    """Fill a file system to the last byte."""
    path = directory / "filler"
    with path.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(bytes(4096)):
            pass
    return path


def messages(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]


def look_for_room() -> None:
    """Let the writer's next round find that its second has passed."""
    for line in writer()._lines.values():
        line.stream._refused_at = None
    writer()._synced_at -= 10


@pytest.mark.parametrize("mode", ["mapped", "appended"])
def test_a_disk_that_is_full_and_gets_room_again_costs_nothing(
    store: Any,
    journal: Journal,
    small_disk: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    mode: str,
) -> None:
    monkeypatch.setenv("CHIPLOG_JOURNAL_DIR", str(small_disk))
    monkeypatch.setenv("CHIPLOG_JOURNAL_MODE", mode)
    loss = journal.number(Series(RUN, key="loss"))
    journal.append(loss, 0, 0, 0.0)
    filler = fill(small_disk)
    for step in range(1, 200_000):
        journal.append(loss, step, 0, 0.0)
    journal.record(TagsSet(RUN, tags={"a": "1"}))
    assert journal.flush(30)
    assert not journal.stream.on_disk
    filler.unlink()
    look_for_room()
    journal.append(loss, 200_000, 0, 0.0)
    assert journal.flush(30)
    assert _eventually(lambda: journal.stream.on_disk)
    for step in range(200_001, 300_000):
        journal.append(loss, step, 0, 0.0)
    assert journal.flush(30)
    assert store.steps() == list(range(300_000))
    assert journal.lost == 0
    full, room = messages(caplog)
    assert "No space left on device" in full
    assert "nothing was lost" in room


def test_what_cannot_be_kept_is_counted_and_recording_recovers(
    store: Any,
    journal: Journal,
    small_disk: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    from chiplog.core.errors import StoreUnavailable

    monkeypatch.setattr(streams, "MEMORY_LIMIT", 1 << 20)
    monkeypatch.setenv("CHIPLOG_JOURNAL_DIR", str(small_disk))

    def away(_batch: Any) -> None:
        raise StoreUnavailable("its disk is full too")

    store.before_apply = away
    loss = journal.number(Series(RUN, key="loss"))
    filler = fill(small_disk)
    for step in range(100_000):
        journal.append(loss, step, 0, 0.0)
    journal.record(TagsSet(RUN, tags={"important": "yes"}))
    lost = journal.lost
    assert 50_000 < lost < 100_000
    store.before_apply = lambda _batch: None
    filler.unlink()
    assert journal.flush(30)
    kept = store.steps()
    assert kept == list(range(len(kept)))
    assert len(kept) + lost == 100_000
    assert [record.tags for record in store.records] == [{"important": "yes"}]
    look_for_room()
    journal.record(TagsSet(RUN, tags={"wake": "up"}))
    assert journal.flush(30)
    assert _eventually(lambda: not journal._dropping)
    journal.append(loss, 100_000, 0, 0.0)
    assert journal.flush(30)
    assert store.steps()[-1] == 100_000
    assert journal.lost == lost
    said = messages(caplog)
    assert sum("what is logged now is lost" in text for text in said) == 1
    assert sum(f"{lost} records were lost in between" in text for text in said) == 1


def test_a_journal_directory_that_cannot_be_written_costs_only_safety(
    store: Any, journal: Journal, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "journals").write_text("a file where a folder should be")
    loss = journal.number(Series(RUN, key="loss"))
    for step in range(100_000):
        journal.append(loss, step, 0, 0.0)
    assert journal.flush(30)
    assert store.steps() == list(range(100_000))
    (said,) = messages(caplog)
    assert "training goes on" in said
    assert "a killed process would lose them" in said
    assert "Set CHIPLOG_TRACKING_URI" in said
    assert "Free some space" not in said, "there is enough of it"


def test_a_directory_that_is_removed_under_a_journal_costs_nothing(
    store: Any, journal: Journal, loss: int
) -> None:
    import shutil

    journal.append(loss, 0, 0, 0.0)
    shutil.rmtree(store.journal_directory)
    for step in range(1, 50_000):
        journal.append(loss, step, 0, 0.0)
    assert journal.flush(30)
    assert store.steps() == list(range(50_000))


@pytest.mark.parametrize("mode", ["mapped", "appended"])
def test_a_limit_on_file_sizes_harms_nobody(project: Path, mode: str) -> None:
    done = run_program(
        """
        import resource
        import chiplog
        with chiplog.start_run() as run:
            chiplog.log_metric("m", 1.0)
            chiplog.flush_async_logging() if hasattr(chiplog, "flush_async_logging") else None
            hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
            resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, hard))
            for step in range(200_000):
                chiplog.log_metric("loss", 1.0, step=step)
            resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        print(chiplog.MlflowClient().get_run(run.info.run_id).data.metrics["loss"])
        print(len(chiplog.MlflowClient().get_metric_history(run.info.run_id, "loss")))
        """,
        CHIPLOG_JOURNAL_MODE=mode,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["1.0", "200000"]


def test_writing_on_a_disk_that_fills_up_after_allocation_is_no_bus_error(
    small_disk: Path,
) -> None:
    done = run_program(
        """
        import os, chiplog
        chiplog.set_tracking_uri("sqlite:///runs.db")
        with chiplog.start_run():
            chiplog.log_metric("loss", 1.0)
            with open(os.environ["CHIPLOG_JOURNAL_DIR"] + "/filler", "wb", buffering=0) as file:
                try:
                    while True:
                        file.write(bytes(4096))
                except OSError:
                    pass
            for step in range(100_000):
                chiplog.log_metric("loss", 1.0, step=step)
        print("alive")
        """,
        small_disk.parent,
        CHIPLOG_JOURNAL_DIR=str(small_disk),
        CHIPLOG_JOURNAL_MODE="mapped",
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "alive\n"
    assert "No space left on device" in done.stderr


FILLS_THE_DISK = """
import chiplog, os
with chiplog.start_run(run_name="full"):
    chiplog.log_param("early", 1)
    chiplog.get_run(chiplog.active_run().info.run_id)
    os.environ["CHIPLOG_END_TIMEOUT"] = "0.5"  # not before: the first read may take its time
    with open("filler", "wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            pass
    for step in range(100_000):
        chiplog.log_metric("loss", 1.0, step=step)
    chiplog.log_param("late", 2)
"""


@pytest.mark.parametrize("mode", ["mapped", "appended"])
def test_a_run_that_ends_well_on_a_full_disk_has_its_end_and_its_params(
    small_disk: Path, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    import chiplog
    from chiplog.core.runs.reset import reset_process

    done = run_program(
        FILLS_THE_DISK,
        small_disk,
        CHIPLOG_JOURNAL_MODE=mode,
        CHIPLOG_EXIT_TIMEOUT="0.5",
    )
    assert done.returncode == 0, done.stderr
    assert "found no room there and are in its memory" in done.stderr
    (lost,) = re.findall(r"(\d+) metric points could be neither delivered", done.stderr)
    (small_disk / "filler").unlink()
    monkeypatch.chdir(small_disk)
    try:
        (run,) = chiplog.MlflowClient().search_runs(["0"])
        assert run.info.status == "FINISHED"
        assert run.data.params == {"early": "1", "late": "2"}
        points = chiplog.MlflowClient().get_metric_history(run.info.run_id, "loss")
        # Points that lie in a block with a record come along, though nothing was promised for them.
        assert 100_000 - int(lost) <= len(points) < 100_000 - int(lost) + 1000
        assert list((small_disk / ".chiplog" / "journals").iterdir()) == []
    finally:
        reset_process()


def test_nothing_is_said_to_be_safe_where_nothing_could_be_written(small_disk: Path) -> None:
    fill(small_disk)
    done = run_program(
        "import chiplog\nwith chiplog.start_run():\n"
        "    for step in range(50_000):\n        chiplog.log_metric('loss', 1.0, step=step)",
        small_disk,
        CHIPLOG_END_TIMEOUT="0.5",
        CHIPLOG_EXIT_TIMEOUT="0.5",
    )
    assert done.returncode == 0, done.stderr
    assert "50000 metric points and 2 other records could be neither delivered" in done.stderr
    assert "They are safe" not in done.stderr
    assert "is kept in memory and delivered later" in done.stderr
    assert list((small_disk / ".chiplog" / "journals").iterdir()) == []


def test_what_was_kept_in_memory_is_written_when_there_is_room_again(
    store: Any,
    journal: Journal,
    small_disk: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    from chiplog.core.errors import StoreUnavailable
    from chiplog.core.journal import close_all

    def away(_batch: Any) -> None:
        raise StoreUnavailable("its disk is full too")

    monkeypatch.setenv("CHIPLOG_JOURNAL_DIR", str(small_disk))
    store.before_apply = away
    loss = journal.number(Series(RUN, key="loss"))
    filler = fill(small_disk)
    for step in range(10_000):
        journal.append(loss, step, 0, 0.0)
    assert not journal.flush(0.2)
    assert 7000 < journal.unsafe < 10_100
    filler.unlink()
    assert not close_all(0.2)
    assert not any("are lost" in text for text in messages(caplog))
    assert sum(path.stat().st_size for path in small_disk.glob("*.seg")) > 10_000 * 32
    store.before_apply = lambda _batch: None
    assert close_all(30)
    assert store.steps() == list(range(10_000))
    assert list(small_disk.iterdir()) == []


def run_program(
    body: str, where: Path | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(body)],
        cwd=where,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def _eventually(condition: Any) -> bool:
    import time

    until = time.monotonic() + 10
    while time.monotonic() < until:
        if condition():
            return True
        time.sleep(0.02)
    return False
