"""The tracking store on a SQL database: every method is one transaction.

What handles points imports numpy, and is imported where it is needed: a program that only looks at
runs starts sooner without.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chiplog.core.clock import now_ms
from chiplog.core.entities import Metric, Page
from chiplog.core.records import Series, SeriesPoints
from chiplog.store.sql import (
    cursors,
    experiments,
    experimentsearch,
    models,
    modelsearch,
    runs,
    runsearch,
)
from chiplog.store.sql.contexts import read_contexts
from chiplog.store.sql.fields import FieldMemory, Fields
from chiplog.store.sql.gc import Collector
from chiplog.store.sql.opening import open_database, sqlite_path
from chiplog.store.sql.places import Places, warn_of_local_files

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from chiplog.core.entities import Experiment, LoggedModel, MetricSummary, Run
    from chiplog.core.records import Batch, Refused
    from chiplog.store.sql.bin import Freed
    from chiplog.store.sql.columns import Columns
    from chiplog.store.sql.engine import Transaction


class SqlTrackingStore:
    """A :class:`~chiplog.core.stores.TrackingStore` on SQLite, PostgreSQL or MySQL."""

    def __init__(self, uri: str) -> None:
        path = sqlite_path(uri)
        self._uri = f"sqlite:///{path}" if path is not None else uri
        self._places = Places.of(path)
        self._memory = FieldMemory()
        self._database = open_database(uri)
        self._is_shared = path is None

    def __repr__(self) -> str:
        return f"SqlTrackingStore({self._database.place!r})"

    @property
    def uri(self) -> str:
        """The URI this store was opened with, made absolute."""
        return self._uri

    @property
    def journal_directory(self) -> Path | None:
        """Beside a SQLite file; None for a server's database."""
        return self._places.journals

    # Experiments

    def create_experiment(
        self, name: str, artifact_location: str | None, tags: Mapping[str, str]
    ) -> str:
        """Create an experiment and hand back its id."""
        return self._database.write(
            lambda tx: experiments.create(tx, name, artifact_location, tags)
        )

    def get_experiment(self, experiment_id: str) -> Experiment:
        """The experiment of that id, deleted ones included."""

        def work(tx: Transaction) -> Experiment:
            row = experiments.get_row(tx, experiment_id)
            return experiments.read(tx, self._places, [row])[0]

        return self._database.read(work)

    def get_experiment_by_name(self, name: str) -> Experiment | None:
        """The active experiment of that name, else the latest deleted one, else None."""

        def work(tx: Transaction) -> Experiment | None:
            row = experiments.find_by_name(tx, name)
            return None if row is None else experiments.read(tx, self._places, [row])[0]

        return self._database.read(work)

    def search_experiments(
        self,
        view_type: int,
        max_results: int,
        filter_string: str | None,
        order_by: Sequence[str] | None,
        page_token: str | None,
    ) -> Page[Experiment]:
        """A page of experiments, newest first unless ``order_by`` says otherwise."""

        def work(tx: Transaction) -> Page[Experiment]:
            rows, token = experimentsearch.search(
                tx,
                view_type=view_type,
                max_results=max_results,
                filter_string=filter_string,
                order_by=order_by,
                page_token=page_token,
            )
            return Page(experiments.read(tx, self._places, rows), token)

        return self._database.read(work)

    def rename_experiment(self, experiment_id: str, new_name: str) -> None:
        """Give an active experiment another name."""
        self._database.write(lambda tx: experiments.rename(tx, experiment_id, new_name))

    def delete_experiment(self, experiment_id: str) -> None:
        """Put an experiment and all its runs in the bin; its name is free at once."""
        self._database.write(lambda tx: experiments.delete(tx, experiment_id))

    def restore_experiment(self, experiment_id: str) -> None:
        """Take an experiment and all its runs out of the bin."""
        self._database.write(lambda tx: experiments.restore(tx, experiment_id))

    def set_experiment_tag(self, experiment_id: str, key: str, value: str) -> None:
        """Set or replace a tag of an experiment."""
        self._database.write(lambda tx: experiments.set_tag(tx, experiment_id, key, value))

    def delete_experiment_tag(self, experiment_id: str, key: str) -> None:
        """Remove a tag of an experiment."""
        self._database.write(lambda tx: experiments.delete_tag(tx, experiment_id, key))

    # Runs, reading

    def get_run(self, run_id: str) -> Run:
        """The run of that id, deleted ones included."""
        return self._database.read(lambda tx: runs.get(tx, self._memory, self._places, run_id))

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

        def work(tx: Transaction) -> Page[Run]:
            numbers, token = runsearch.search(
                tx,
                self._memory,
                self._places,
                experiment_ids=experiment_ids,
                filter_string=filter_string,
                view_type=view_type,
                max_results=max_results,
                order_by=order_by,
                page_token=page_token,
            )
            return Page(runs.read(tx, self._memory, self._places, numbers), token)

        return self._database.read(work)

    def get_metric_history(
        self, run_id: str, key: str, max_results: int | None, page_token: str | None
    ) -> Page[Metric]:
        """A page of a metric's points, by timestamp, step, value; empty for an unknown key."""
        from chiplog.store.sql.history import history_page

        return history_page(run_id, key, self.get_points(run_id, key), max_results, page_token)

    def get_points(self, run_id: str, key: str) -> list[SeriesPoints]:
        """All points of a metric as columns, one entry per series, in the order recorded."""
        from chiplog.store.sql import points

        def work(tx: Transaction) -> list[SeriesPoints]:
            found = runs.summary_of(tx, self._memory, run_id, key)
            if found is None:
                return []
            return _series(tx, run_id, key, points.read(tx, *found))

        return self._database.read(work)

    def get_sampled_points(self, run_id: str, key: str, max_points: int) -> list[SeriesPoints]:
        """At most ``max_points`` points of a metric that keep its shape, extremes included."""
        from chiplog.store.sql import points

        def work(tx: Transaction) -> list[SeriesPoints]:
            found = runs.summary_of(tx, self._memory, run_id, key)
            if found is None:
                return []
            return _series(tx, run_id, key, points.sample(tx, *found, max_points))

        return self._database.read(work)

    def get_metric_summaries(self, run_id: str) -> list[MetricSummary]:
        """Every metric of a run in a line, by key."""
        return self._database.read(lambda tx: runs.read_summaries(tx, self._memory, run_id))

    def get_document(self, run_id: str, name: str) -> bytes | None:
        """The latest document of that name attached to a run."""
        return self._database.read(lambda tx: runs.read_document(tx, run_id, name))

    # Runs, writing

    def delete_run(self, run_id: str) -> None:
        """Put a run in the bin."""
        self._database.write(lambda tx: runs.delete(tx, run_id))

    def restore_run(self, run_id: str) -> None:
        """Take a run out of the bin."""
        self._database.write(lambda tx: runs.restore(tx, run_id))

    def apply(self, batch: Batch) -> list[Refused]:
        """Apply a batch and remember its end; raise StaleCursor if it is not next."""
        from chiplog.store.sql import apply

        if self._is_shared and batch.records:
            self._is_shared = False
            self._database.read(lambda tx: warn_of_local_files(tx, self._database, self._places))
        return apply.apply(self._database, self._memory, self._places, batch)

    def cursor(self, journal_id: str) -> int:
        """How far a journal has been delivered, in bytes since its beginning; 0 if never."""
        return self._database.read(lambda tx: cursors.position(tx, journal_id))

    def mark_dead(self, journal_id: str, last_seen: int, reason: str) -> list[str]:
        """Mark the runs a dead process left open KILLED, ended at ``last_seen``; their ids."""

        def work(tx: Transaction) -> tuple[Fields, list[str]]:
            fields = Fields(self._memory, tx)
            return fields, runs.mark_dead(tx, fields, journal_id, last_seen, reason)

        fields, run_ids = self._database.write(work)
        fields.committed()
        return run_ids

    def sync(self) -> None:
        """Make everything applied so far safe against a power failure."""
        self._database.sync()

    # Models

    def get_logged_model(self, model_id: str) -> LoggedModel:
        """The logged model of that id."""
        return self._database.read(lambda tx: models.get(tx, self._places, model_id))

    def search_logged_models(
        self,
        experiment_ids: Sequence[str],
        filter_string: str | None,
        max_results: int,
        order_by: Sequence[str] | None,
        page_token: str | None,
    ) -> Page[LoggedModel]:
        """A page of logged models, latest first."""

        def work(tx: Transaction) -> Page[LoggedModel]:
            rows, token = modelsearch.search(
                tx,
                experiment_ids=experiment_ids,
                filter_string=filter_string,
                max_results=max_results,
                order_by=order_by,
                page_token=page_token,
            )
            return Page(models.read(tx, self._places, rows), token)

        return self._database.read(work)

    # Upkeep

    def collect_garbage(
        self,
        *,
        older_than_ms: int = 0,
        run_ids: Sequence[str] | None = None,
        experiment_ids: Sequence[str] | None = None,
        dry_run: bool = False,
    ) -> Freed:
        """Free what lies in the bin, artifacts and database space included."""
        named = run_ids is not None or experiment_ids is not None
        until = None if named else now_ms() - older_than_ms
        collector = Collector(self._database, self._places, until)
        work = collector.weigh if dry_run else collector.collect
        return work(run_ids, experiment_ids)

    def close(self) -> None:
        """Let go of connections and files."""
        self._database.close()


def _series(
    tx: Transaction, run_id: str, key: str, by_context: dict[int, Columns]
) -> list[SeriesPoints]:
    said = read_contexts(tx, by_context)
    return [
        SeriesPoints(
            Series(run_id, key, **said[context]), columns.steps, columns.times, columns.values
        )
        for context, columns in by_context.items()
    ]
