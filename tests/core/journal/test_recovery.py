"""Journals of dead processes: found, judged, delivered as far as their checksums prove."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from chiplog.core.errors import NotFound, StoreError, StoreUnavailable
from chiplog.core.journal import format as form
from chiplog.core.journal import owner as owners
from chiplog.core.journal import recover, sync_directory
from chiplog.core.journal.files import find_journals
from chiplog.core.journal.recovery import RecoveryReport, deliver

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from chiplog.core.journal import Journal

LOGS_A_THOUSAND_POINTS = """
for step in range(1000):
    journal.append(loss, step, step, step / 2)
journal.record(ParamsLogged("a" * 32, params={"last": "1"}))
die()
"""

LOGS_IN_FIVE_SEGMENTS = """
for step in range(60_000):
    journal.append(loss, step, step, step / 2)
die()
"""


@pytest.fixture
def dead_store(store: Any) -> Any:
    """The store for which the dead program's journal was meant."""
    store.uri = "memory://dead"
    return store


def segments(directory: Path) -> list[Path]:
    return sorted(directory.glob("*.seg"))


def edit_owner(directory: Path, **changes: object) -> None:
    (path,) = directory.glob("*.owner")
    owner = msgspec.json.decode(path.read_bytes())
    path.write_bytes(msgspec.json.encode({**owner, **changes}))


def damage_definition(segment: Path) -> None:
    """Damage every definition of the series "loss" in a segment."""
    data = segment.read_bytes()
    assert b"loss" in data
    segment.write_bytes(data.replace(b"loss", b"gain"))


def age(directory: Path) -> None:
    """Make files look as if they had last been written before this machine was booted."""
    for path in directory.iterdir():
        os.utime(path, (owners.boot_time() - 100, owners.boot_time() - 100))


def nothing_done(report: RecoveryReport) -> bool:
    return (report.journals, report.records, report.points) == (0, 0, 0)


@pytest.mark.parametrize("mode", ["mapped", "appended"])
def test_what_a_killed_process_logged_is_delivered_and_its_runs_marked(
    dead_store: Any, orphan: Callable[..., Path], mode: str
) -> None:
    directory = orphan(LOGS_A_THOUSAND_POINTS, CHIPLOG_JOURNAL_MODE=mode)
    (journal,) = find_journals(directory)
    before = time.time() * 1000
    report = recover(dead_store)
    assert report.problems == []
    assert (report.journals, report.records, report.points) == (1, 1, 1000)
    assert dead_store.steps() == list(range(1000))
    ((journal_id, last_seen, reason),) = dead_store.dead
    assert journal_id == journal.journal_id
    assert before - 60_000 < last_seen <= before
    assert "died" in reason
    assert list(directory.iterdir()) == []


def test_recovery_goes_on_where_the_dead_process_was_with_its_delivery(
    dead_store: Any, orphan: Callable[..., Path]
) -> None:
    directory = orphan(LOGS_IN_FIVE_SEGMENTS)
    (journal,) = find_journals(directory)
    assert len(journal.segments) > 2
    dead_store.cursors[journal.journal_id] = 64 + 160 + (40_000 * 32)
    header = form.parse_header(journal.segments[-1].read_bytes()[:64])
    assert header.start > 0
    report = recover(dead_store)
    assert report.problems == []
    steps = dead_store.steps()
    assert steps == list(range(60_000 - len(steps), 60_000))
    assert 0 < len(steps) < 21_000


def test_recovery_a_second_time_does_nothing(dead_store: Any, orphan: Callable[..., Path]) -> None:
    orphan(LOGS_A_THOUSAND_POINTS)
    assert recover(dead_store).points == 1000
    assert nothing_done(recover(dead_store))
    assert dead_store.steps() == list(range(1000))


def test_two_recoverers_at_once_deliver_once(dead_store: Any, orphan: Callable[..., Path]) -> None:
    orphan(LOGS_IN_FIVE_SEGMENTS)
    reports: list[RecoveryReport] = []
    threads = [
        threading.Thread(target=lambda: reports.append(recover(dead_store))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert dead_store.steps() == list(range(60_000))
    assert sum(report.points for report in reports) == 60_000
    assert [problem for report in reports for problem in report.problems] == []


def test_two_recoverers_whom_no_lock_keeps_apart_deliver_once(
    dead_store: Any, orphan: Callable[..., Path], tmp_path: Path
) -> None:
    directory = orphan(LOGS_IN_FIVE_SEGMENTS)
    copy = tmp_path / "copy"
    shutil.copytree(directory, copy)
    barrier = threading.Barrier(2)
    lock = threading.Lock()
    plain_apply = dead_store.apply

    def apply(batch: Any) -> Any:
        if batch.first == 0:
            barrier.wait(10)
        with lock:
            return plain_apply(batch)

    dead_store.apply = apply
    reports = [RecoveryReport(), RecoveryReport()]
    threads = []
    for where, report in zip((directory, copy), reports, strict=True):
        (journal,) = find_journals(where)
        argument = (journal, journal.owner(), dead_store, report)
        threads.append(threading.Thread(target=deliver, args=argument, kwargs={"final": True}))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert dead_store.steps() == list(range(60_000))
    assert [report.problems for report in reports] == [[], []]


def test_a_store_that_fails_at_recovery_loses_nothing(
    dead_store: Any, orphan: Callable[..., Path]
) -> None:
    directory = orphan(LOGS_A_THOUSAND_POINTS)

    def away(_batch: Any) -> None:
        raise StoreUnavailable("away")

    dead_store.before_apply = away
    (problem,) = recover(dead_store).problems
    assert "stays where it is" in problem
    assert len(segments(directory)) == 1
    dead_store.before_apply = lambda _batch: None
    assert recover(dead_store).points == 1000


@pytest.mark.parametrize("error", [StoreError("poison"), TypeError("poison")])
def test_a_record_that_trips_the_store_does_not_keep_a_journal_from_being_delivered(
    dead_store: Any,
    orphan: Callable[..., Path],
    caplog: pytest.LogCaptureFixture,
    error: Exception,
) -> None:
    directory = orphan(LOGS_A_THOUSAND_POINTS)

    def choke(batch: Any) -> None:
        if batch.records:
            raise error

    dead_store.before_apply = choke
    report = recover(dead_store)
    assert (report.points, report.records) == (1000, 0)
    (problem,) = report.problems
    assert "poison" in problem
    assert [r.getMessage() for r in caplog.records if r.levelname == "WARNING"] == [problem]
    assert [path.suffix for path in directory.iterdir()] == [".rejected"]


# Who is dead


def test_the_journal_of_a_process_that_lives_is_left_alone(
    dead_store: Any, tmp_path: Path, orphan: Callable[..., Path]
) -> None:
    directory = orphan(LOGS_A_THOUSAND_POINTS)
    sleeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        started = int(Path(f"/proc/{sleeper.pid}/stat").read_text().rpartition(")")[2].split()[19])
        edit_owner(directory, pid=sleeper.pid, started=started)
        assert nothing_done(recover(dead_store))
        assert dead_store.dead == []
    finally:
        sleeper.kill()
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)
    # A zombie lives no more, though its pid is still taken.
    assert recover(dead_store).points == 1000
    sleeper.wait()


def test_a_pid_that_was_given_to_another_process_does_not_hide_a_death(
    dead_store: Any, orphan: Callable[..., Path]
) -> None:
    directory = orphan(LOGS_A_THOUSAND_POINTS)
    edit_owner(directory, pid=os.getppid(), started=1)
    assert recover(dead_store).points == 1000


def test_our_own_journal_is_no_orphan(store: Any, journal: Journal, loss: int) -> None:
    journal.append(loss, 1, 0, 0.0)
    assert nothing_done(recover(store))
    assert store.dead == []
    journal.append(loss, 2, 0, 0.0)
    assert journal.flush(10)
    assert store.steps() == [1, 2]


def test_a_process_of_another_container_is_judged_by_its_lock(
    dead_store: Any, orphan: Callable[..., Path]
) -> None:
    directory = orphan(LOGS_A_THOUSAND_POINTS)
    edit_owner(directory, pid_namespace="another", locked=True)
    (path,) = directory.glob("*.owner")
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            (
                "import fcntl, sys, time; f = open(sys.argv[1], 'r+'); "
                "fcntl.lockf(f, fcntl.LOCK_EX); print('locked', flush=True); time.sleep(60)"
            ),
            str(path),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    try:
        assert holder.stdout.readline() == "locked\n"
        assert nothing_done(recover(dead_store))
    finally:
        holder.kill()
        holder.wait()
        holder.stdout.close()
    assert recover(dead_store).points == 1000


def test_a_process_of_another_host_is_left_alone_unless_asked(
    dead_store: Any, orphan: Callable[..., Path]
) -> None:
    directory = orphan(LOGS_A_THOUSAND_POINTS)
    edit_owner(directory, host="elsewhere", boot_id="another")
    age(directory)
    assert nothing_done(recover(dead_store))
    assert dead_store.dead == []


def test_this_hosts_processes_of_an_earlier_boot_are_dead(
    dead_store: Any, orphan: Callable[..., Path]
) -> None:
    directory = orphan(LOGS_A_THOUSAND_POINTS)
    edit_owner(directory, host=socket.gethostname(), boot_id="an earlier one")
    assert nothing_done(recover(dead_store))  # it was written just now: another host of that name
    age(directory)
    assert recover(dead_store).points == 1000


def test_a_journal_meant_for_another_store_is_left_alone(
    store: Any, orphan: Callable[..., Path]
) -> None:
    orphan(LOGS_A_THOUSAND_POINTS)
    assert nothing_done(recover(store))


def test_a_format_of_the_future_is_left_alone_and_said(
    dead_store: Any, orphan: Callable[..., Path], caplog: pytest.LogCaptureFixture
) -> None:
    directory = orphan(LOGS_A_THOUSAND_POINTS)
    edit_owner(directory, format=99)
    before = segments(directory)[0].read_bytes()
    assert nothing_done(recover(dead_store))
    assert "format 99" in caplog.text
    assert segments(directory)[0].read_bytes() == before


def test_a_segment_of_a_future_format_is_left_alone_too(
    dead_store: Any, orphan: Callable[..., Path]
) -> None:
    directory = orphan(LOGS_A_THOUSAND_POINTS)
    (path,) = segments(directory)
    path.write_bytes(path.read_bytes()[:8] + b"\x07" + path.read_bytes()[9:])
    (problem,) = recover(dead_store).problems
    assert "format 7" in problem
    assert path.exists()
    assert dead_store.dead == []


# Damage


def test_a_damaged_page_costs_its_points_and_is_kept_aside(
    dead_store: Any, orphan: Callable[..., Path]
) -> None:
    directory = orphan(LOGS_IN_FIVE_SEGMENTS)
    victim = segments(directory)[1]
    data = bytearray(victim.read_bytes())
    noise = os.urandom(4096)
    data[8192:12288] = noise
    victim.write_bytes(data)
    report = recover(dead_store)
    assert report.points == 60_000 - 128
    missing = sorted(set(range(60_000)) - set(dead_store.steps()))
    assert missing == list(range(missing[0], missing[0] + 128))
    (problem,) = report.problems
    assert "4096 bytes are damaged" in problem
    (kept,) = directory.glob("*.corrupt")
    assert noise in kept.read_bytes()
    assert segments(directory) == []


def test_a_torn_last_record_costs_only_itself(dead_store: Any, orphan: Callable[..., Path]) -> None:
    directory = orphan(LOGS_A_THOUSAND_POINTS, CHIPLOG_JOURNAL_MODE="appended")
    (path,) = segments(directory)
    path.write_bytes(path.read_bytes()[:-40])  # half of the params frame, and more
    report = recover(dead_store)
    assert report.points == 1000
    assert report.records == 0
    assert dead_store.steps() == list(range(1000))


def test_a_damaged_definition_is_found_again_in_a_later_segment(
    dead_store: Any, orphan: Callable[..., Path]
) -> None:
    directory = orphan(LOGS_IN_FIVE_SEGMENTS)
    damage_definition(segments(directory)[0])
    report = recover(dead_store)
    assert report.points == 60_000
    assert len(report.problems) == 1


def test_points_whose_definition_is_gone_are_kept_aside(
    dead_store: Any, orphan: Callable[..., Path]
) -> None:
    directory = orphan(LOGS_A_THOUSAND_POINTS)
    damage_definition(segments(directory)[0])
    report = recover(dead_store)
    assert (report.points, report.records) == (0, 1)
    assert any("which no record defines" in problem for problem in report.problems)
    (kept,) = directory.glob("*.corrupt")
    assert kept.stat().st_size > 1000 * 32


def test_a_damaged_header_costs_no_record(dead_store: Any, orphan: Callable[..., Path]) -> None:
    directory = orphan(LOGS_IN_FIVE_SEGMENTS)
    for path in segments(directory)[:2]:
        data = bytearray(path.read_bytes())
        data[33] ^= 0xFF
        path.write_bytes(data)
    report = recover(dead_store)
    assert dead_store.steps() == list(range(60_000))
    assert len(report.problems) == 2
    assert all("taken by their own checksums" in problem for problem in report.problems)


def test_a_segment_that_vanished_costs_only_its_own(
    dead_store: Any, orphan: Callable[..., Path]
) -> None:
    directory = orphan(LOGS_IN_FIVE_SEGMENTS)
    segments(directory)[1].unlink()
    report = recover(dead_store)
    steps = dead_store.steps()
    assert steps == sorted(steps)
    assert steps[0] == 0
    assert steps[-1] == 59_999
    (problem,) = report.problems
    assert "are missing" in problem


def test_files_that_were_never_written_are_just_removed(
    dead_store: Any, orphan: Callable[..., Path]
) -> None:
    directory = orphan(LOGS_A_THOUSAND_POINTS)
    (path,) = segments(directory)
    path.write_bytes(bytes(65536))
    report = recover(dead_store)
    assert report.problems == []
    assert list(directory.iterdir()) == []


def test_an_owner_file_that_was_never_written_whole_is_judged_by_lock_and_age(
    dead_store: Any, orphan: Callable[..., Path]
) -> None:
    directory = orphan(LOGS_A_THOUSAND_POINTS)
    (path,) = directory.glob("*.owner")
    path.write_bytes(b"")
    assert nothing_done(recover(dead_store))  # its process may be about to write it
    for file in directory.iterdir():
        os.utime(file, (time.time() - 60, time.time() - 60))
    assert recover(dead_store).points == 1000


def test_an_owner_file_that_is_all_that_was_left_is_taken_away(dead_store: Any) -> None:
    directory = dead_store.journal_directory
    directory.mkdir()
    path = directory / f"{'a' * 32}.owner"  # killed after it was made, before it was written
    path.touch()
    recover(dead_store)
    assert path.exists()  # its process may be about to write it
    os.utime(path, (time.time() - 60, time.time() - 60))
    assert recover(dead_store).problems == []
    assert list(directory.iterdir()) == []


def test_foreign_files_are_left_alone(dead_store: Any) -> None:
    dead_store.journal_directory.mkdir()
    for name in ("notes.seg", "x.owner", f"{'a' * 32}.owner.swp", "README"):
        (dead_store.journal_directory / name).write_text("mine")
    assert nothing_done(recover(dead_store))
    assert len(list(dead_store.journal_directory.iterdir())) == 4


# chiplog sync


@pytest.fixture
def copied(store: Any, orphan: Callable[..., Path], tmp_path: Path) -> Path:
    """A journal of another host, as rsync brings it."""
    directory = orphan(LOGS_IN_FIVE_SEGMENTS)
    edit_owner(directory, host="node17", boot_id="another", store_uri=store.uri)
    target = tmp_path / "from" / "node17"
    target.parent.mkdir()
    shutil.move(directory, target)
    return target


def test_a_copied_journal_is_delivered_and_stays_until_it_is_said_to_be_final(
    store: Any, copied: Path
) -> None:
    report = sync_directory(copied.parent, recursive=True)
    assert (report.journals, report.points, report.problems) == (1, 60_000, [])
    assert report.bytes > 60_000 * 32
    assert segments(copied)
    assert store.dead == []
    assert sync_directory(copied.parent, recursive=True).points == 0
    sync_directory(copied.parent, final=True, recursive=True)
    assert store.steps() == list(range(60_000))
    assert len(store.dead) == 1
    assert list(copied.iterdir()) == []


def test_a_copy_that_grows_is_delivered_bit_by_bit(
    store: Any, copied: Path, tmp_path: Path
) -> None:
    partly = tmp_path / "partly"
    partly.mkdir()
    (owner,) = copied.glob("*.owner")
    shutil.copy(owner, partly)
    delivered = 0
    for path in segments(copied):
        data = path.read_bytes()
        for part in (len(data) // 3 + 7, len(data)):
            (partly / path.name).write_bytes(data[:part])
            report = sync_directory(partly)
            assert report.problems == []
            delivered += report.points
            assert store.steps() == list(range(delivered))
    assert delivered == 60_000


def test_a_copy_with_a_hole_waits_for_what_is_missing(store: Any, copied: Path) -> None:
    missing = segments(copied)[1]
    data = missing.read_bytes()
    missing.unlink()
    report = sync_directory(copied)
    assert "are missing" in report.problems[0]
    assert 0 < len(store.steps()) < 60_000
    missing.write_bytes(data)
    assert sync_directory(copied).problems == []
    assert store.steps() == list(range(60_000))


def test_a_journal_goes_to_the_store_that_is_asked_for(store: Any, copied: Path) -> None:
    edit_owner(copied, store_uri="nowhere://at-all")
    (problem,) = sync_directory(copied).problems
    assert "nowhere" in problem
    assert sync_directory(copied, store.uri).points == 60_000


def test_a_journal_that_names_no_store_says_what_to_do(store: Any, copied: Path) -> None:
    (owner,) = copied.glob("*.owner")
    owner.unlink()
    (problem,) = sync_directory(copied).problems
    assert "chiplog sync --store URI" in problem
    assert sync_directory(copied, store.uri).points == 60_000


def test_the_journal_of_this_very_process_is_flushed(
    store: Any, journal: Journal, loss: int
) -> None:
    journal.append(loss, 1, 0, 0.0)
    assert sync_directory(store.journal_directory).problems == []
    assert store.steps() == [1]


def test_a_folder_that_does_not_exist_is_said(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no folder"):
        sync_directory(tmp_path / "nothing")


def test_the_journal_of_a_living_process_is_delivered_and_left_to_it(
    dead_store: Any, tmp_path: Path, living: subprocess.Popen[str]
) -> None:
    directory = tmp_path / "journals"
    report = sync_directory(directory, "memory://other")
    assert report.points == 1000
    assert segments(directory)
    assert sync_directory(directory, "memory://other").points == 0
    living.kill()
    living.wait()
    assert recover(dead_store).points == 1000  # another store, another cursor


@pytest.fixture
def living(tmp_path: Path, program: str) -> Iterator[subprocess.Popen[str]]:
    """A process that has logged a thousand points for a store that is away, and waits."""
    body = LOGS_A_THOUSAND_POINTS.replace("die()", "print('ready', flush=True); sys.stdin.read()")
    process = subprocess.Popen(
        [sys.executable, "-c", program + body],
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "ready\n"
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


def test_a_record_of_a_kind_that_is_not_known_yet_is_kept_aside(
    dead_store: Any, orphan: Callable[..., Path]
) -> None:
    directory = orphan(
        """
        from chiplog.core.journal import format as form
        journal.append(loss, 0, 0, 0.0)
        import msgspec
        payload = msgspec.msgpack.encode({"t": "of the future", "run_id": "a" * 32})
        journal.stream.current.write(form.pack_frame(payload, journal.stream.seed))
        journal.append(loss, 1, 0, 0.0)
        die()
        """
    )
    report = recover(dead_store)
    assert dead_store.steps() == [0, 1]
    (problem,) = report.problems
    assert "does not know such a record" in problem
    (kept,) = directory.glob("*.rejected")
    assert b"of the future" in kept.read_bytes()


@pytest.mark.parametrize("how", ["link", "query"])
def test_a_database_of_two_uris_has_the_same_journals(
    dead_store: Any, orphan: Callable[..., Path], tmp_path: Path, how: str
) -> None:
    directory = orphan(LOGS_A_THOUSAND_POINTS)
    database = tmp_path / "real" / "runs.db"
    database.parent.mkdir()
    database.touch()
    (tmp_path / "link").symlink_to(database.parent)
    theirs = {"link": f"{tmp_path}/link/runs.db", "query": f"{database}?timeout=5"}[how]
    edit_owner(directory, store_uri=f"sqlite:///{theirs}")
    dead_store.uri = f"sqlite:///{database}"
    assert recover(dead_store).points == 1000


def test_another_database_of_the_same_name_keeps_its_journals(
    dead_store: Any, orphan: Callable[..., Path], tmp_path: Path
) -> None:
    directory = orphan(LOGS_A_THOUSAND_POINTS)
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "runs.db").touch()
    edit_owner(directory, store_uri=f"sqlite:///{tmp_path}/one/runs.db")
    dead_store.uri = f"sqlite:///{tmp_path}/two/runs.db"
    assert nothing_done(recover(dead_store))


def test_recovery_in_a_deleted_working_directory_raises_nothing(
    dead_store: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    monkeypatch.delenv("CHIPLOG_JOURNAL_DIR", raising=False)
    report = recover(dead_store)
    assert nothing_done(report)
    assert "FileNotFoundError" in report.problems[0]


def test_a_dead_process_was_last_seen_at_its_last_record_whatever_its_files_say(
    dead_store: Any, orphan: Callable[..., Path]
) -> None:
    directory = orphan(
        """
        import time
        journal.append(loss, 0, int(time.time() * 1000), 0.5)
        time.sleep(0.3)
        journal.append(loss, 1, int(time.time() * 1000), 0.5)
        journal.append(loss, 2, 5, 0.5)  # a time of the user's own
        die()
        """
    )
    (path,) = directory.glob("*.owner")
    created = msgspec.json.decode(path.read_bytes())["created"]
    for file in directory.iterdir():
        os.utime(file, (created / 1000, created / 1000))
    recover(dead_store)
    ((_, last_seen, _),) = dead_store.dead
    assert created + 300 <= last_seen <= time.time() * 1000


@pytest.mark.parametrize("told", [5, 1 << 60], ids=["long before", "to come"])
def test_times_that_cannot_be_do_not_tell_when_a_process_was_last_seen(
    dead_store: Any, orphan: Callable[..., Path], told: int
) -> None:
    directory = orphan(f"journal.append(loss, 0, {told}, 0.5)\ndie()")
    (path,) = directory.glob("*.owner")
    created = msgspec.json.decode(path.read_bytes())["created"]
    for file in directory.iterdir():
        os.utime(file, (created / 1000, created / 1000))
    recover(dead_store)
    ((_, last_seen, _),) = dead_store.dead
    assert last_seen == created


def test_what_was_delivered_already_still_tells_when_a_process_was_last_seen(
    dead_store: Any, orphan: Callable[..., Path]
) -> None:
    directory = orphan(
        """
        import time
        time.sleep(0.3)
        journal.append(loss, 0, int(time.time() * 1000), 0.5)
        die()
        """
    )
    (journal,) = find_journals(directory)
    owner = journal.owner()
    assert owner is not None
    dead_store.cursors[journal.journal_id] = 1 << 30
    assert recover(dead_store).points == 0
    ((_, last_seen, _),) = dead_store.dead
    assert last_seen >= owner.created + 200


@pytest.mark.parametrize("size", [20_000, 4096])
def test_a_segment_that_was_cut_short_is_reported(
    dead_store: Any, orphan: Callable[..., Path], size: int
) -> None:
    directory = orphan(LOGS_A_THOUSAND_POINTS, CHIPLOG_JOURNAL_MODE="mapped")
    (segment,) = segments(directory)
    os.truncate(segment, size)
    report = recover(dead_store)
    assert 0 < report.points < 1000
    assert any(f"{size} of its 65536 bytes" in problem for problem in report.problems)
