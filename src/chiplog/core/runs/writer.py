"""One run's pen: checks what is recorded and puts it into the process's journal.

What a method has taken is in the journal when it returns, and survives the death of the process.
"""

from __future__ import annotations

import struct
import threading
from time import time_ns
from typing import TYPE_CHECKING, Any
from zlib import crc32

from chiplog.core import validation
from chiplog.core.artifacts import outbox
from chiplog.core.clock import now_ms
from chiplog.core.entities import InputTag, RunStatus
from chiplog.core.errors import InvalidValue, NotFound, StoreUnavailable
from chiplog.core.journal import open_journal
from chiplog.core.journal.format import pack_point, seal_point
from chiplog.core.records import (
    DocumentAttached,
    InputsLogged,
    ModelRecorded,
    OutputsLogged,
    ParamsLogged,
    RunUpdated,
    Series,
    TagDeleted,
    TagsSet,
)
from chiplog.core.runs.reading import readable_store
from chiplog.core.stores import open_artifact_store
from chiplog.core.tags import DATA_CONTEXT, RUN_NAME

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from chiplog.core.entities import (
        DatasetInput,
        LoggedModel,
        LoggedModelInput,
        LoggedModelOutput,
        Run,
    )
    from chiplog.core.journal import Journal
    from chiplog.core.records import Record, RunRecorded, RunStarted
    from chiplog.core.stores import ArtifactStore

_CHANGED_HINT = (
    "A param is recorded once per run and stays. Record the new value in a run of its own "
    "(start_run(nested=True) inside this one), as a metric with steps, or as a tag."
)


class RunWriter:
    """Records into one run. Safe to use from several threads, and from forked children.

    Args:
        run_id: the run, which exists or whose start was journalled before.
        experiment_id: its experiment.
        store_uri: the tracking store it belongs to.
        artifact_uri: where its artifacts lie, if known; read from the store otherwise.
        params: the params the run is known to have; None reads them from the store when needed.
        tags: the tags the run is known to have.
        is_new: this process started the run, which was empty then.
    """

    def __init__(
        self,
        run_id: str,
        experiment_id: str,
        store_uri: str,
        *,
        artifact_uri: str | None = None,
        params: Mapping[str, str] | None = None,
        tags: Mapping[str, str] | None = None,
        is_new: bool = False,
    ) -> None:
        self.is_new = is_new
        self.run_id = run_id
        self.experiment_id = experiment_id
        self.store_uri = store_uri
        self.journal: Journal = open_journal(store_uri)
        self._append = self.journal.append
        self._target = self.journal.target
        self._artifact_uri = artifact_uri
        self._params = None if params is None else dict(params)
        self._params_lock = threading.RLock()
        self._tags = dict(tags or {})
        self._numbers: dict[str, int] = {}  # the journal's, which empties it when the run ends
        self._has_metrics = not is_new
        self._introduction: RunStarted | None = None
        self._model_at_step: dict[int, str] = {}
        self._measured_on: set[tuple[Any, Any]] = set()

    def log_metric(
        self,
        key: str,
        value: Any,
        step: Any = None,
        timestamp: Any = None,
        model_id: str | None = None,
        dataset_name: str | None = None,
        dataset_digest: str | None = None,
    ) -> None:
        """Record one point of a metric; ``step`` is 0 and ``timestamp`` is now unless given.

        Without a ``model_id`` the point belongs to the model the run wrote at that step, if any.
        """
        if type(value) is not float:
            value = validation.metric_value(key, value)
        if type(step) is not int:
            step = 0 if step is None else validation.metric_step(key, step)
        if timestamp is None:
            timestamp = time_ns() // 1_000_000
        elif type(timestamp) is not int or timestamp < 0:
            timestamp = validation.metric_timestamp(key, timestamp)
        try:
            if model_id is None and dataset_name is None and not self._model_at_step:
                number = self._numbers[key]
            else:
                number = self._linked_number(key, step, model_id, dataset_name, dataset_digest)
        except (KeyError, TypeError):
            number = self._new_number(key)
        try:
            # What Journal.append does, without the call: each frame costs a training step that has
            # emptied the processor's caches a microsecond.
            write, seed = self._target.now
            body = pack_point(number, step, timestamp, value)
            write(seal_point(crc32(body, seed), body))
        except (ValueError, struct.error, OverflowError):
            self._append_slowly(key, number, step, timestamp, value)

    def pen(self, key: str) -> Callable[[float, int, int], None]:
        """What records one metric in every step: ``record(value, step, timestamp)``.

        It takes a float and two ints, and costs a part of what :meth:`log_metric` does where the
        processor's caches are cold.
        """
        target, slowly = self._target, self.log_metric
        pack, seal, checksum = pack_point, seal_point, crc32
        failures = (KeyError, ValueError, struct.error, OverflowError)

        def record(value: float, step: int, timestamp: int) -> None:
            if self._model_at_step:
                slowly(key, value, step, timestamp)
                return
            try:
                body = pack(self._numbers[key], step, timestamp, value)
                write, seed = target.now
                write(seal(checksum(body, seed), body))
            except failures:
                slowly(key, value, step, timestamp)

        return record

    def _append_slowly(
        self, key: str, number: int, step: int, timestamp: int, value: float
    ) -> None:
        """Append a point that found no room, or that has an argument out of range."""
        try:
            self._append(number, step, timestamp, value)
        except (struct.error, OverflowError):
            self._append(
                number,
                validation.metric_step(key, step),
                validation.metric_timestamp(key, timestamp),
                value,
            )

    def log_metrics(
        self,
        metrics: Mapping[str, Any],
        step: Any = None,
        timestamp: Any = None,
        model_id: str | None = None,
        dataset_name: str | None = None,
        dataset_digest: str | None = None,
    ) -> None:
        """Record a point of each metric under one timestamp; nothing if one of them is wrong."""
        at = now_ms() if timestamp is None else timestamp
        values = {
            validation.check_key(key, "metric"): validation.metric_value(key, value)
            for key, value in metrics.items()
        }
        for key, value in values.items():
            self.log_metric(key, value, step, at, model_id, dataset_name, dataset_digest)

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Record params; raises InvalidValue, recording none, if one of them has another value."""
        self.log_checked_params(validation.check_params(params))

    def log_checked_params(self, texts: dict[str, str]) -> None:
        """Record params that went through :mod:`chiplog.core.validation` already."""
        with self._params_lock:
            known = self._known_params()
            fresh: dict[str, str] = {}
            for key, text in texts.items():
                before = known.get(key)
                if before is None:
                    fresh[key] = text
                elif before != text:
                    raise InvalidValue(
                        f"Changing param values is not allowed: param {key!r} of run "
                        f"{self.run_id!r} is {before!r} already, not {text!r}.\n{_CHANGED_HINT}"
                    )
            if fresh:
                self.record(ParamsLogged(self.run_id, params=fresh))
                known.update(fresh)

    def set_tags(self, tags: Mapping[str, Any]) -> None:
        """Set or replace tags; ``mlflow.runName`` also renames the run."""
        texts = validation.check_tags(tags)
        if texts:
            self._tags.update(texts)
            self.record(TagsSet(self.run_id, tags=texts))
        if texts.get(RUN_NAME):
            self.record(RunUpdated(self.run_id, name=texts[RUN_NAME]))

    def delete_tag(self, key: str) -> None:
        """Remove a tag; raises NotFound if the run has none of that name."""
        if self.tag(key) is None:
            raise NotFound(f"Run {self.run_id!r} has no tag {key!r}.")
        self._tags.pop(key, None)
        self.record(TagDeleted(self.run_id, key=key))

    def tag(self, key: str) -> str | None:
        """A tag as the store has it, with everything recorded so far; None if there is none.

        While the store of a run that began here is away, what this process has set counts.
        """
        try:
            return self.read().data.tags.get(key)
        except StoreUnavailable:
            if not self.is_new:
                raise
            return self._tags.get(key)

    def log_inputs(
        self,
        datasets: Sequence[DatasetInput] = (),
        models: Sequence[LoggedModelInput] = (),
    ) -> None:
        """Record what the run reads."""
        if datasets or models:
            self.record(InputsLogged(self.run_id, datasets=list(datasets), models=list(models)))

    def log_measured_on(self, dataset: Any, describe: Callable[[Any], DatasetInput]) -> None:
        """Record, once, that the run reads a data set which a metric was measured on.

        ``describe`` makes what is recorded of it, which takes long where it has many columns.
        """
        key = (getattr(dataset, "name", None), getattr(dataset, "digest", None))
        if None in key:
            entity = describe(dataset).dataset
            key = (entity.name, entity.digest)
        if key not in self._measured_on:
            self._measured_on.add(key)
            self.log_inputs([describe(dataset)])

    def log_outputs(self, models: Iterable[LoggedModelOutput]) -> None:
        """Record models the run wrote; later points at such a step belong to the model."""
        outputs = list(models)
        if outputs:
            self.record(OutputsLogged(self.run_id, models=outputs))
            self._model_at_step.update((output.step, output.model_id) for output in outputs)

    def attach(self, name: str, body: bytes) -> None:
        """Attach or replace a JSON document of chiplog's own."""
        self.record(DocumentAttached(self.run_id, name=name, body=body))

    def record_child_run(self, run: RunRecorded) -> None:
        """Record a whole other run in one piece, as a child of this one if its tags say so."""
        self.record(run)

    def record_model(self, model: LoggedModel) -> None:
        """Record that a logged model came to be or changed."""
        self.record(ModelRecorded(model.source_run_id or "", model=model))

    def record(self, record: Record) -> None:
        """Record any fact about this run."""
        if self._introduction is not None:
            self._introduce()
        self.journal.record(record)

    def introduce(self, introduction: RunStarted) -> None:
        """Tell this process's journal of a run that another process started, if it is used."""
        self._introduction = introduction
        self._numbers = {}  # so that the next point passes through _new_number

    def end(self, status: str = "FINISHED", end_time: int | None = None) -> None:
        """Record that the run ended; hands back at once, see :meth:`flush`."""
        self.record(
            RunUpdated(
                self.run_id,
                status=RunStatus.to_string(RunStatus.from_string(status)),
                end_time=now_ms() if end_time is None else end_time,
            )
        )

    def flush(self, timeout: float | None = None) -> bool:
        """Wait until everything recorded is in the store; False if ``timeout`` seconds passed."""
        return self.journal.flush(timeout)

    def read(self) -> Run:
        """The run as the store has it, with everything recorded so far."""
        return readable_store(self.store_uri).get_run(self.run_id)

    @property
    def artifact_uri(self) -> str:
        """The URI under which the run's artifacts lie."""
        if self._artifact_uri is None:
            self._artifact_uri = self.read().info.artifact_uri or ""
        return self._artifact_uri

    @property
    def artifacts(self) -> ArtifactStore:
        """The run's artifacts; those of a run that its store does not know yet wait."""
        try:
            uri = self.artifact_uri
        except StoreUnavailable:
            if not self.is_new:
                raise
            return outbox.run_files(self.journal, self.run_id)
        outbox.deliver_run(self.journal, self.run_id, uri)
        return open_artifact_store(uri)

    def after_fork(self, introduction: RunStarted) -> None:
        """Go on in a forked child, whose journal is another and which has one thread only."""
        self._params_lock = threading.RLock()
        self.introduce(introduction)

    def _introduce(self) -> None:
        introduction, self._introduction = self._introduction, None
        if introduction is not None:
            self.journal.record(introduction)

    @property
    def params(self) -> dict[str, str]:
        """The run's params as this process knows them."""
        with self._params_lock:
            return dict(self._known_params())

    @property
    def has_metrics(self) -> bool:
        """Whether the run may have metrics: this process recorded some, or did not start it."""
        return self._has_metrics

    def _known_params(self) -> dict[str, str]:
        """The run's params as this process knows them, read from the store once if need be."""
        if self._params is None:
            self._params = dict(self.read().data.params)
        return self._params

    def _new_number(self, key: str) -> int:
        """Check a metric key seen for the first time and give its series a number."""
        checked = validation.check_key(key, "metric")
        if self._introduction is not None:
            self._introduce()
        self._has_metrics = True
        number = self.journal.number(Series(self.run_id, key=checked))
        self._numbers = self.journal.numbers_by_key(self.run_id)
        return number

    def _linked_number(
        self,
        key: str,
        step: int,
        model_id: str | None,
        dataset_name: str | None,
        dataset_digest: str | None,
    ) -> int:
        """The number of the series of a metric that belongs to a model or a data set."""
        model_id = model_id or self._model_at_step.get(step)
        if model_id is None and dataset_name is None:
            return self._numbers[key]
        checked = validation.check_key(key, "metric")
        if self._introduction is not None:
            self._introduce()
        series = Series(
            self.run_id,
            key=checked,
            model_id=model_id,
            dataset_name=dataset_name,
            dataset_digest=dataset_digest,
        )
        self._has_metrics = True
        return self.journal.number(series)


def dataset_tags(context: str | None, tags: Mapping[str, str] | None) -> list[InputTag]:
    """An input's tags, with what the data set was for."""
    pairs = dict(tags or {})
    if context:
        pairs[DATA_CONTEXT] = context
    return [InputTag(key, str(value)) for key, value in pairs.items()]
