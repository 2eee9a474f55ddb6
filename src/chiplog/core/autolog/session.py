"""A training session: one outermost training call, or several that go on with one another.

An integration logs through it and knows no store. Methods raise as any code does; wrap what belongs
together in :meth:`TrainingSession.capture`, and a mistake in one part costs that part alone.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from chiplog.core import background, validation
from chiplog.core.autolog.budget import Budget, Spending, metered
from chiplog.core.autolog.receipt import Captured, Omission
from chiplog.core.entities import Dataset, DatasetInput
from chiplog.core.errors import InvalidValue, StoreUnavailable
from chiplog.core.runs.writer import dataset_tags
from chiplog.hooks.guard import is_strict, report

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType
    from typing import Self

    from chiplog.core.autolog.config import AutologConfig
    from chiplog.core.autolog.receipt import Receipt
    from chiplog.core.autolog.session_run import SessionRun
    from chiplog.core.models.flavor import Flavor
    from chiplog.core.models.logging import ModelEntry
    from chiplog.core.models.model import ModelInfo
    from chiplog.core.models.saving import ModelContent
    from chiplog.core.records import RunRecorded
    from chiplog.core.runs.writer import RunWriter

_log = logging.getLogger("chiplog.autolog")


class DescribesItself(Protocol):
    """A data set of the user's that can say what to record of it."""

    def to_entity(self) -> Dataset:
        """The data set as it is recorded, without the data."""


class TrainingSession:
    """Where an integration logs.

    Attributes:
        flavor: the integration's name, such as ``"sklearn"``.
        config: the integration's settings.
        run_id: the run that is recorded into.
        experiment_id: its experiment.
        created: whether the run was created for this session; False if it is the user's own.
        writer: the run's pen, for what this class does not offer.
        receipt: what is told about this session.
        step: for training in steps, how many calls came before this one; 0 otherwise.
        started: when the session began, in milliseconds since the epoch.
        budget: what recording has cost so far.
        error: strict mode: the first exception of a callback, raised once the user's call is over.
        log_metric: ``log_metric(key, value, step=0, timestamp=None, model_id=None)``: records one
            point; cheap enough for every step of a training loop.
    """

    def __init__(
        self, flavor: str, config: AutologConfig, run: SessionRun, receipt: Receipt
    ) -> None:
        self.flavor = flavor
        self.config = config
        self.run = run
        self.receipt = receipt
        self.writer: RunWriter = run.writer
        self.run_id: str = run.writer.run_id
        self.experiment_id: str = run.writer.experiment_id
        self.created: bool = run.created
        self.started: int = time.time_ns() // 1_000_000
        self.step = 0
        self.budget = Budget(config.max_overhead)
        self.error: Exception | None = None
        self._is_told_of_store = False
        self.log_metric = run.writer.log_metric

    # What is recorded

    def log_params(self, params: Mapping[str, Any]) -> int:
        """Record parameters, values as text; hands back how many were.

        Values too long are cut, keys that are not allowed and values that contradict what the run
        has are left out; each is noted in the receipt.
        """
        texts = {}
        for key, value in params.items():
            try:
                name = validation.check_key(key, "param")
            except InvalidValue as error:
                self.skipped(f"param {key!r}", str(error))
                continue
            texts[name] = self._cut("param", name, value, validation.MAX_PARAM_VALUE)
        return self._log_texts(texts)

    def log_metrics(
        self,
        metrics: Mapping[str, Any],
        step: int = 0,
        *,
        model_id: str | None = None,
        dataset: Dataset | None = None,
    ) -> int:
        """Record a point of each metric; hands back how many. What is no number is left out."""
        count = 0
        digest = dataset.digest if dataset is not None else None
        name = dataset.name if dataset is not None else None
        at = time.time_ns() // 1_000_000
        for key, value in metrics.items():
            try:
                self.writer.log_metric(key, value, step, at, model_id, name, digest)
                count += 1
            except InvalidValue as error:
                self.skipped(f"metric {key!r}", str(error))
        return count

    def set_tags(self, tags: Mapping[str, Any]) -> None:
        """Set or replace tags; values too long are cut, and noted in the receipt."""
        self.writer.set_tags(
            {
                key: self._cut("tag", key, value, validation.MAX_TAG_VALUE)
                for key, value in tags.items()
            }
        )

    def log_dataset(
        self,
        dataset: Dataset | DescribesItself,
        context: str | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        """Record a data set that was read; ``context`` is what for, such as ``"train"``."""
        entity = dataset if isinstance(dataset, Dataset) else dataset.to_entity()
        self.writer.log_inputs([DatasetInput(entity, dataset_tags(context, tags))])

    def log_model(
        self, flavor: Flavor, content: ModelContent, entry: ModelEntry | None = None
    ) -> ModelInfo:
        """Save a model as one of this run's; done when it returns, since the user may go on."""
        from chiplog.core.models.logging import ModelEntry, log_model

        return log_model(flavor, content, entry or ModelEntry(), self.writer)

    def log_text(self, text: str, artifact_file: str) -> None:
        """Store a text as a file of the run, later, on the background thread."""
        self.log_bytes(text.encode(), artifact_file)

    def log_dict(self, dictionary: Mapping[str, Any], artifact_file: str) -> None:
        """Store a JSON file of the run, later; the dictionary is written out now."""
        text = msgspec.json.encode(dict(dictionary), enc_hook=str)
        self.log_bytes(msgspec.json.format(text, indent=2), artifact_file)

    def log_bytes(self, data: bytes, artifact_file: str) -> None:
        """Store a file of the run, later, on the background thread."""
        self.defer(f"file {artifact_file}", _put_bytes, self.writer, data, artifact_file)

    def log_figure(self, artifact_file: str, draw: Callable[..., bytes], *arguments: Any) -> None:
        """Draw an image and store it, later: ``draw(*arguments)`` hands back the file's bytes.

        The arguments are small copies. ``draw`` runs on the background thread and must leave the
        user's plotting state alone: matplotlib's ``Figure`` objects, never ``pyplot``.
        """
        self.defer(f"figure {artifact_file}", _draw, self.writer, artifact_file, draw, arguments)

    def record_child_run(self, run: RunRecorded) -> None:
        """Record a whole child run in one piece: a candidate of a search, a fold."""
        self.writer.record_child_run(run)

    def child_tags(self, tags: Mapping[str, str] | None = None) -> dict[str, str]:
        """The tags that make a run a child of this session's run, and ``tags``."""
        return self.run.child_tags(tags)

    def defer(self, what: str, function: Callable[..., Any], *arguments: Any) -> None:
        """Do ``function(*arguments)`` on the background thread; ``what`` names it in the receipt.

        The end of the run does not wait for it; the end of the process does. Hand over small
        copies, never the user's data or model.
        """
        receipt, run = self.receipt, self.run

        def failed(error: Exception) -> None:
            receipt.degraded.append(Omission(what, _reason(error)))
            run.attach_receipt()
            self.warn(f"Recording {what}", error)

        background.defer(function, *arguments, failed=failed)

    def remember(self, trained: object) -> None:
        """Note that ``trained`` came out of this session, for what is measured on it afterwards.

        ``installation.run_of(trained)`` finds the run again. No reference to it is kept. The object
        whose method was watched is remembered without being told to.
        """
        self.run.remember(trained)

    # While training goes on

    def callback(self, what: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """``function`` in a form that a framework may call back while it trains.

        Its time is put down in the receipt as ``what``, nothing is watched in it, and it raises
        nothing: an exception is one warning and a line in the receipt, and the function is not
        called any more. Strict mode raises once the user's call is over. Costs below 1 us a call.
        """
        return metered(self.budget, self.budget.meter(what), function, self._callback_failed)

    def affords(self, what: str) -> bool:
        """Whether something costly may be done once more now: a gradient norm, a histogram.

        With everything else that is recorded they are to stay within 1 % of the training time so
        far, or within ``max_overhead``. Where the scalars of each step alone take more than 1 %,
        extras still get 0.1 %. What is left out is counted and told in the receipt.
        Ask once for each time it would be done, and do it inside :meth:`spending`.
        """
        return self.budget.affords(what)

    def spending(self, what: str) -> Spending:
        """``with session.spending(what):`` around something costly that :meth:`affords` allowed."""
        return Spending(self.budget, self.budget.meter(what), is_extra=True)

    def keeps_step(self) -> bool:
        """Whether the scalars of one more step may be recorded now; ask once for each step.

        Always so unless the user set ``max_overhead``. The receipt tells how many were left out.
        """
        return self.budget.keeps_step()

    def _callback_failed(self, what: str, error: Exception) -> None:
        self.degraded(what, f"{_reason(error)}; not recorded from there on")
        if is_strict():
            self.error = self.error or error
        elif not self.config.silent:
            self.warn(f"Recording {what} of {self.flavor}", error)

    # What is told about it

    def capture(self, what: str, count: int | None = None) -> Capture:
        """Guard one part of the recording and note in the receipt how it went.

        An exception in the block costs this part alone: one warning, a line in the receipt.
        The block gets a :class:`Capture`, to say how much was recorded.
        """
        return Capture(self, what, count)

    def captured(self, what: str, count: int = 1, detail: str | None = None) -> None:
        """Note that something was recorded."""
        self.receipt.captured.append(Captured(what, count, detail))

    def skipped(self, what: str, reason: str) -> None:
        """Note that something was left out on purpose, and why."""
        self.receipt.skipped.append(Omission(what, reason))

    def degraded(self, what: str, reason: str) -> None:
        """Note that something could not be recorded, or in part only, and why."""
        self.receipt.degraded.append(Omission(what, reason))

    def warn(self, what: str, error: Exception) -> None:
        """Warn that ``what`` failed; of a store that cannot be used, once in the session."""
        if isinstance(error, (StoreUnavailable, OSError)):
            if self._is_told_of_store:
                _log.debug("%s failed", what, exc_info=error)
                return
            self._is_told_of_store = True
        report(what, error)

    def _cut(self, kind: str, key: str, value: Any, limit: int) -> str:
        text = value if type(value) is str else str(value)
        if len(text) > limit:
            self.degraded(f"{kind} {key!r}", f"cut from {len(text)} to {limit} characters")
            return text[:limit]
        return text

    def _log_texts(self, texts: dict[str, str]) -> int:
        try:
            self.writer.log_params(texts)
            return len(texts)
        except InvalidValue:
            pass
        count = 0
        for key, text in texts.items():
            try:
                self.writer.log_params({key: text})
                count += 1
            except InvalidValue as error:
                self.skipped(f"param {key!r}", str(error).partition("\n")[0])
        return count


class Capture:
    """A guarded part of the recording, and what it says of itself.

    Attributes:
        count: how much was recorded, 1 unless set.
        detail: what else is to be said.
        is_preparation: nothing is recorded yet, so that nothing is to be said if it goes well.
    """

    __slots__ = (
        "_session",
        "_skipped",
        "_spending",
        "_what",
        "count",
        "detail",
        "is_preparation",
    )

    def __init__(self, session: TrainingSession, what: str, count: int | None) -> None:
        self._session = session
        self._what = what
        self._skipped: str | None = None
        self._spending = Spending(session.budget, session.budget.meter(what))
        self.count = count
        self.detail: str | None = None
        self.is_preparation = False

    def skip(self, reason: str) -> None:
        """Say that there was nothing to record, and why."""
        self._skipped = reason

    def __enter__(self) -> Self:
        self._spending.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        self._spending.__exit__(kind, error, traceback)
        session, what = self._session, self._what
        if isinstance(error, Exception):
            session.degraded(what, _reason(error))
            if is_strict():
                return False
            if not session.config.silent:
                session.warn(f"Recording {what} of {session.flavor}", error)
            return True
        if error is None and self._skipped is not None:
            session.skipped(what, self._skipped)
        elif error is None and not self.is_preparation:
            session.captured(what, 1 if self.count is None else self.count, self.detail)
        return False


def _reason(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"


def _put_bytes(writer: RunWriter, data: bytes, path: str) -> None:
    writer.artifacts.put_bytes(data, path)


def _draw(
    writer: RunWriter, path: str, draw: Callable[..., bytes], arguments: tuple[Any, ...]
) -> None:
    writer.artifacts.put_bytes(draw(*arguments), path)
