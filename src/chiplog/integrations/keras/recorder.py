"""The callback that records: every batch, every epoch, what early stopping did, checkpoints."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

import keras

from chiplog.core.autolog.budget import DEFAULT_SHARE
from chiplog.integrations.keras import description

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chiplog.core.autolog.session import TrainingSession
    from chiplog.integrations.keras.checkpoints import Checkpoints
    from chiplog.integrations.keras.config import KerasConfig

BATCH: Final = "batch/"
VALIDATION: Final = "validation_"
RATE: Final = "learning_rate"


class Recorder(keras.callbacks.Callback):  # type: ignore[misc]  # Keras ships no types
    """Records what Keras tells its callbacks. Lives no longer than the call of ``fit``.

    Three axes, one for each kind of key: ``loss``, ``val_loss`` and their like at step = epoch;
    ``batch/…`` at step = batch, counted through all epochs and through fits that go on with one
    another (values as Keras gives them: means over the epoch so far).

    Args:
        rows: how many rows an epoch has at most, None if that is not known.
        batch_size: how many rows a batch has, None if that is not known.
        watches_rate: whether the user's code may change the learning rate at any batch.
    """

    async_safe = True  # Keras need not wait for it on backends where batches end asynchronously

    def __init__(
        self,
        session: TrainingSession,
        options: KerasConfig,
        *,
        rows: int | None = None,
        batch_size: int | None = None,
        watches_rate: bool = False,
        checkpoints: Checkpoints | None = None,
    ) -> None:
        super().__init__()
        self.first_epoch: int | None = None
        self.last_epoch: int | None = None
        self.epochs = self.batches = 0
        self._session = session
        self._options = options
        self._rows, self._batch_size = rows, batch_size
        self._watches_rate = watches_rate
        self._has_schedule = False
        self._made = 0  # by the optimizer, before those that are counted here
        self._rated = 0  # the first step whose scheduled rate is not recorded yet
        self._rates_after = 0.0
        self._checkpoints = checkpoints
        self._names: dict[str, str] = {}
        self._first = self._next = 0
        self._epoch = 0
        self._began: float | None = None
        self._took: float | None = None
        self._rate: float | None = None
        self._batch_rate: float | None = None
        self._is_limited = session.budget.limit is not None
        # Keras's own name for it: a method in between would cost each batch another frame.
        self.on_train_batch_end = session.callback("batches", self._batch_ended)
        self._record_begin = session.callback("model", self._training_began)
        self._record_epoch = session.callback("epochs", self._epoch_ended)
        self._record_test = session.callback("validation", self._test_ended)
        self._record_start = session.callback("epochs", self._epoch_began)

    # What Keras calls

    def on_train_begin(self, logs: Mapping[str, Any] | None = None) -> None:  # noqa: ARG002
        """The model is built; training begins."""
        self._record_begin()

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:  # noqa: ARG002
        """An epoch begins."""
        self._record_start(epoch)

    def on_test_begin(self, logs: Mapping[str, Any] | None = None) -> None:  # noqa: ARG002
        """Validation begins: the epoch's training is over."""
        self._stop_clock()

    def on_test_end(self, logs: Mapping[str, Any] | None = None) -> None:
        """Validation ended."""
        self._record_test(logs)

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """An epoch ended."""
        self._stop_clock()
        self._record_epoch(epoch, logs)

    # What is recorded

    def _training_began(self) -> None:
        description.log_model_description(self._session, self.model)

    def _epoch_began(self, epoch: int) -> None:
        if self.first_epoch is None:
            self.first_epoch = epoch
            self._has_schedule = description.has_schedule(self.model.optimizer)
            # A fit that goes on, from whatever place, goes on counting.
            self._made = description.steps_so_far(self.model)
            self._next = self._made if epoch else 0
            self._made -= self._next
            self._rated = self._next
        self._epoch = epoch
        self._first = self._next
        self._took = None
        self._began = perf_counter()

    def _batch_ended(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """A batch ended; with several steps an execution, the last of them."""
        session, step = self._session, self._first + batch
        self._next = max(self._next, step + 1)
        self.batches += 1
        if logs and (not self._is_limited or session.keeps_step()):
            names, log_metric = self._names, session.log_metric
            for key, value in logs.items():
                name = names.get(key)
                if name is None:
                    name = names[key] = self._name(key, value)
                if name:
                    log_metric(name, value, step)
        every = self._options.log_every_n_steps
        if every is not None and logs and step % every == 0:
            session.log_metrics(logs, step)
        if self._watches_rate and session.affords("learning rate"):
            with session.spending("learning rate"):
                rate = description.learning_rate(self.model.optimizer, step + self._made)
                self._log_batch_rate(rate, step)
        if self._checkpoints is not None:
            self._checkpoints.after_batch(self.model, logs or {}, self._epoch, step)

    def _name(self, key: str, value: Any) -> str:
        """The key of a batch's metric; empty, and said so, if it is none."""
        if not self._options.log_batches:
            return ""
        if isinstance(value, (int, float)):
            return BATCH + key
        self._session.skipped(f"metric {key!r}", f"a {type(value).__name__} is no number")
        return ""

    def _test_ended(self, logs: Mapping[str, Any] | None) -> None:
        if logs and self._options.log_every_epoch:
            validation = {VALIDATION + key: value for key, value in logs.items()}
            self._session.log_metrics(validation, self._epoch)

    def _epoch_ended(self, epoch: int, logs: Mapping[str, Any] | None) -> None:
        session = self._session
        self.last_epoch = epoch
        self.epochs += 1
        metrics = dict(logs or {})
        if self._options.log_every_epoch:
            session.log_metrics(metrics, epoch)
        speed = self._speed()
        if speed is not None:
            session.log_metrics(speed, epoch)
        if self._has_schedule and perf_counter() >= self._rates_after:
            self._log_scheduled_rates()
        if RATE not in metrics:
            rate = description.learning_rate(self.model.optimizer)
            if rate is not None and rate != self._rate:
                self._rate = rate
                session.log_metrics({RATE: rate}, epoch)
        if self._checkpoints is not None:
            self._checkpoints.after_epoch(self.model, metrics, epoch, self._next)

    def finish(self) -> None:
        """Training is over, one way or another: record what was put off."""
        if self._has_schedule:
            self._log_scheduled_rates()

    def _log_scheduled_rates(self) -> None:
        """The rates of a schedule are a function of the step: those of many in one go."""
        steps = range(self._rated, self._next)
        if not self._options.log_batches or not steps:
            return
        began = perf_counter()
        rates = description.scheduled_rates(self.model.optimizer, steps, self._made)
        if rates is None:  # it takes one step at a time, which takes its time
            self._has_schedule, self._watches_rate = False, True
            return
        for step, rate in zip(steps, rates, strict=True):
            self._log_batch_rate(rate, step)
        self._rated = self._next
        ended = perf_counter()
        self._rates_after = ended + (ended - began) / DEFAULT_SHARE

    def _log_batch_rate(self, rate: float | None, step: int) -> None:
        if rate is not None and rate != self._batch_rate:
            self._batch_rate = rate
            self._session.log_metric(BATCH + RATE, rate, step)

    # How fast it went

    def _stop_clock(self) -> None:
        if self._began is not None and self._took is None:
            self._took = perf_counter() - self._began

    def _speed(self) -> dict[str, float] | None:
        """Rows, else batches, a second in the epoch that ended, validation aside."""
        took, batches = self._took, self._next - self._first
        if not took or not batches:
            return None
        if self._batch_size is None:
            return {"batches_per_second": batches / took}
        rows = batches * self._batch_size
        if self._rows is not None:
            rows = min(rows, self._rows)
        return {"samples_per_second": rows / took}
