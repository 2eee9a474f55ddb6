"""What a store must be able to do, and how one is opened from its URI.

``chiplog.testing`` ships the conformance kits that hold a store to these contracts.
"""

from __future__ import annotations

import difflib
import functools
import os
import threading
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from chiplog.core.errors import ChiplogError, InvalidValue
from chiplog.core.masking import mask_uri
from chiplog.hooks.manager import plugins

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path
    from typing import BinaryIO

    from chiplog.core.entities import (
        Experiment,
        FileInfo,
        LoggedModel,
        Metric,
        MetricSummary,
        Page,
        Run,
    )
    from chiplog.core.records import Batch, Refused, SeriesPoints


class StaleCursor(ChiplogError):
    """A batch does not begin where the store's cursor for its journal stands.

    ``position`` is where it stands. Whoever delivers goes on from there: another process has
    delivered in between.
    """

    def __init__(self, journal_id: str, position: int) -> None:
        super().__init__(f"Journal {journal_id} has been delivered up to {position} already.")
        self.position = position


class GarbageReport(Protocol):
    """What a collection freed."""

    experiments: int
    runs: int
    models: int
    points: int
    artifact_files: int
    artifact_bytes: int
    database_bytes: int


class TrackingStore(Protocol):
    """Where runs are kept. Every method may be called from any thread.

    Lookups of what does not exist raise :class:`~chiplog.core.errors.NotFound`; a store that
    cannot be reached for now raises :class:`~chiplog.core.errors.StoreUnavailable`.
    """

    @property
    def uri(self) -> str:
        """The URI this store was opened with, made absolute."""

    @property
    def journal_directory(self) -> Path | None:
        """Where journals for this store lie; None leaves it to the default location."""

    # Experiments

    def create_experiment(
        self, name: str, artifact_location: str | None, tags: Mapping[str, str]
    ) -> str:
        """Create an experiment and hand back its id."""

    def get_experiment(self, experiment_id: str) -> Experiment:
        """The experiment of that id, deleted ones included."""

    def get_experiment_by_name(self, name: str) -> Experiment | None:
        """The active experiment of that name, else the latest deleted one, else None."""

    def search_experiments(
        self,
        view_type: int,
        max_results: int,
        filter_string: str | None,
        order_by: Sequence[str] | None,
        page_token: str | None,
    ) -> Page[Experiment]:
        """A page of experiments, newest first unless ``order_by`` says otherwise."""

    def rename_experiment(self, experiment_id: str, new_name: str) -> None:
        """Give an active experiment another name."""

    def delete_experiment(self, experiment_id: str) -> None:
        """Put an experiment and all its runs in the bin; its name is free at once."""

    def restore_experiment(self, experiment_id: str) -> None:
        """Take an experiment and all its runs out of the bin."""

    def set_experiment_tag(self, experiment_id: str, key: str, value: str) -> None:
        """Set or replace a tag of an experiment."""

    def delete_experiment_tag(self, experiment_id: str, key: str) -> None:
        """Remove a tag of an experiment."""

    # Runs, reading

    def get_run(self, run_id: str) -> Run:
        """The run of that id, deleted ones included."""

    def search_runs(
        self,
        experiment_ids: Sequence[str],
        filter_string: str,
        view_type: int,
        max_results: int,
        order_by: Sequence[str] | None,
        page_token: str | None,
    ) -> Page[Run]:
        """A page of runs, latest start first unless ``order_by`` says otherwise."""

    def get_metric_history(
        self, run_id: str, key: str, max_results: int | None, page_token: str | None
    ) -> Page[Metric]:
        """A page of a metric's points, by timestamp, step, value; empty for an unknown key."""

    def get_points(self, run_id: str, key: str) -> list[SeriesPoints]:
        """All points of a metric as columns, one entry per series, in the order recorded."""

    def get_sampled_points(self, run_id: str, key: str, max_points: int) -> list[SeriesPoints]:
        """At most ``max_points`` points of a metric that keep its shape, extremes included."""

    def get_metric_summaries(self, run_id: str) -> list[MetricSummary]:
        """Every metric of a run in a line, by key."""

    def get_document(self, run_id: str, name: str) -> bytes | None:
        """The latest document of that name attached to a run."""

    # Runs, writing. Everything else that is recorded arrives by ``apply``.

    def delete_run(self, run_id: str) -> None:
        """Put a run in the bin."""

    def restore_run(self, run_id: str) -> None:
        """Take a run out of the bin."""

    def apply(self, batch: Batch) -> list[Refused]:
        """Apply a batch in one transaction and remember its end.

        Raises StaleCursor if the batch does not begin where the last one ended.
        """

    def cursor(self, journal_id: str) -> int:
        """How far a journal has been delivered, in bytes since its beginning; 0 if never."""

    def mark_dead(self, journal_id: str, last_seen: int, reason: str) -> list[str]:
        """Mark the runs a dead process left open KILLED, ended at ``last_seen``; their ids.

        These are the runs that its journal started or resumed as ``owned``, that are still
        RUNNING and that no later journal has resumed. They end later than ``last_seen`` where the
        store knows better: from the latest point of one of them, or from a run's start.
        """

    def sync(self) -> None:
        """Make everything applied so far safe against a power failure."""

    # Models

    def get_logged_model(self, model_id: str) -> LoggedModel:
        """The logged model of that id."""

    def search_logged_models(
        self,
        experiment_ids: Sequence[str],
        filter_string: str | None,
        max_results: int,
        order_by: Sequence[str] | None,
        page_token: str | None,
    ) -> Page[LoggedModel]:
        """A page of logged models, latest first."""

    # Upkeep

    def collect_garbage(
        self,
        *,
        older_than_ms: int = 0,
        run_ids: Sequence[str] | None = None,
        experiment_ids: Sequence[str] | None = None,
        dry_run: bool = False,
    ) -> GarbageReport:
        """Free what lies in the bin, artifacts and database space included."""

    def close(self) -> None:
        """Let go of connections and files."""


class ArtifactStore(Protocol):
    """Where files are kept. Paths are relative to the store's root and never leave it."""

    @property
    def uri(self) -> str:
        """The root's URI."""

    def put_file(self, source: Path, path: str) -> None:
        """Store a local file under ``path``; a reader never sees half of it."""

    def put_bytes(self, data: bytes, path: str) -> None:
        """Store bytes under ``path``."""

    def put_directory(self, source: Path, path: str | None) -> None:
        """Store the contents of a local directory under ``path``, or at the root."""

    def list(self, path: str | None) -> list[FileInfo]:
        """What lies directly in ``path``, by name; empty if it is not a directory."""

    def open(self, path: str) -> BinaryIO:
        """Open a file to read; raises NotFound."""

    def download(self, path: str, destination: Path) -> Path:
        """Bring a file or directory into ``destination`` and hand back where it lies."""

    def delete(self, path: str | None) -> tuple[int, int]:
        """Delete a file or directory; the number of files and bytes freed."""


_lock = threading.RLock()  # of the two below, and never held for long
_tracking: dict[tuple[int, str], TrackingStore] = {}
_opening: dict[str, threading.RLock] = {}
_ARTIFACT_STORES_KEPT = 1024  # each run has one


def open_tracking_store(uri: str, *, deliver: bool = True) -> TrackingStore:
    """Open the store that ``uri`` names; one per process and URI.

    What processes that are dead by now have left in its journals is delivered in the background;
    who reads waits for it, with :func:`~chiplog.core.runs.reading.readable_store`. With
    ``deliver=False`` that is left to the caller, who wants to know what it was.
    """
    key = (os.getpid(), uri)
    store = _tracking.get(key)
    if store is not None:
        return store
    with _lock:
        opening = _opening.setdefault(uri, threading.RLock())
    with opening:
        store = _tracking.get(key)
        if store is not None:
            return store
        opened: TrackingStore | None = plugins().hook.chiplog_tracking_store(uri=uri)
        if opened is None:
            raise _unknown_scheme("tracking", uri)
        with _lock:
            _tracking[key] = opened
    if deliver:
        from chiplog.core.journal import begin_recovery

        begin_recovery(opened)
    return opened


def open_artifact_store(uri: str) -> ArtifactStore:
    """Open the artifact store that ``uri`` names; the latest ones stay open."""
    return _artifact_store(os.getpid(), uri)


@functools.lru_cache(maxsize=_ARTIFACT_STORES_KEPT)
def _artifact_store(_pid: int, uri: str) -> ArtifactStore:
    """As above; a forked child opens its own."""
    store: ArtifactStore | None = plugins().hook.chiplog_artifact_store(uri=uri)
    if store is None:
        raise _unknown_scheme("artifact", uri)
    return store


def close_stores() -> None:
    """Close every store this process opened; the next use opens it again."""
    with _lock:
        for (pid, _), store in list(_tracking.items()):
            if pid == os.getpid():
                store.close()
        _tracking.clear()
    _artifact_store.cache_clear()


def _after_fork() -> None:
    """Let go, in a forked child, of locks that a thread of the parent may have held."""
    global _lock  # noqa: PLW0603 - one per process
    _lock = threading.RLock()
    _opening.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def _unknown_scheme(kind: str, uri: str) -> InvalidValue:
    known: dict[str, str] = {}
    for schemes in plugins().hook.chiplog_store_schemes(kind=kind):
        known.update(schemes)
    listed: Iterable[str] = (f"  {scheme:<14}{words}" for scheme, words in sorted(known.items()))
    scheme = urlsplit(uri).scheme
    near = difflib.get_close_matches(scheme, known, 1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return InvalidValue(
        f"No plugin opens the {kind} store {mask_uri(uri)!r} (scheme {scheme!r}).{hint} "
        "Known schemes:\n" + "\n".join(listed)
    )
