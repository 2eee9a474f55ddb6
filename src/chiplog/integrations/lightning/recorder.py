"""What one training records while it goes on: metrics of steps and epochs, rates, checkpoints."""

from __future__ import annotations

from collections import Counter
from time import time_ns
from typing import TYPE_CHECKING, Any, Final

from chiplog.core.autolog.scalars import Backlog, number
from chiplog.core.runs import active, exits, sigterm
from chiplog.integrations.lightning import beginning, ending
from chiplog.integrations.lightning.checkpoints import Follower
from chiplog.integrations.lightning.rates import LearningRates
from chiplog.integrations.lightning.sample import Sample
from chiplog.integrations.lightning.series import StepMetrics, of_epochs, only_at_steps

if TYPE_CHECKING:
    from collections.abc import Callable

    from chiplog.core.autolog.session import TrainingSession
    from chiplog.integrations.lightning.config import LightningConfig
    from chiplog.integrations.lightning.content import Content

LOSS: Final = "loss_step"


class Recorder:
    """Records one ``Trainer.fit``. Holds nothing of the module, the data or the trainer.

    Attributes:
        session: where it records.
        options: the settings.
        content: which parts are recorded.
    """

    def __init__(
        self, session: TrainingSession, options: LightningConfig, content: Content
    ) -> None:
        self.session = session
        self.options = options
        self.content = content
        self.follower = Follower(session, options, content)
        self.sample = Sample()
        self.sample.is_wanted = (
            content.model and options.log_models and options.log_model_signatures
        )
        self._every = options.log_every_n_step or 1
        self._backlog = Backlog(session.log_metric)
        self._steps: StepMetrics | None = None
        self._checks: StepMetrics | None = None
        self._rates = LearningRates(self._put)
        self._batches = 0
        self._last_step = -1
        self._progress: Any = None
        self._is_automatic = True
        self._factor = 1
        self._epoch = 0
        self._epoch_points = 0
        self._epoch_series: set[str] = set()
        self._before: dict[str, Any] | None = None
        self._alone: set[str] = set()
        self._is_over = False

    # Beginning

    def begin(self, trainer: Any, module: Any) -> None:
        """Record what is known before the first batch."""
        sigterm.remove()  # Lightning's own handler lets training end in good order
        beginning.record(self.session, trainer, module, self.options, self.content)

    def train_begins(self, trainer: Any, module: Any) -> None:
        """Find the collections that the loops keep what is logged in."""
        keeps = self.content.keeps_names
        loop = trainer.fit_loop.epoch_loop
        self._steps = StepMetrics(self.session, loop._results, self._backlog, keeps_names=keeps)  # noqa: SLF001 - Lightning's
        self._checks = StepMetrics(
            self.session,
            loop.val_loop._results,  # noqa: SLF001 - Lightning's
            self._backlog,
            keeps_names=keeps,
        )
        self._is_automatic = bool(module.automatic_optimization)
        self._factor = int(trainer.accumulate_grad_batches) if self._is_automatic else 1
        self._progress = (
            loop.automatic_optimization.optim_progress.optimizer.step.total
            if self._is_automatic
            else loop.manual_optimization.optim_step_progress.total
        )
        self._last_step = int(trainer.global_step)

    def epoch_begins(self, trainer: Any) -> None:
        """An epoch begins; what the last one came to is complete by now."""
        self.settle(trainer)
        if self._steps is not None:
            self._steps.begin_epoch()
        self._rates.look(trainer.optimizers)

    # Each batch

    def step_hook(self) -> Callable[[Any, Any, Any, Any, int], None]:
        """What records a training batch, at the number of optimizer steps so far.

        Called with Trainer, module, outputs, batch and its number. One function with what it needs
        at hand: each frame costs a training step that has emptied the processor's caches a
        microsecond.
        """
        steps, progress, follower = self._steps, self._progress, self.follower
        every, is_automatic = self._every, self._is_automatic
        rates, sample, clock = self._rates, self.sample, time_ns
        keeps = self.session.keeps_step if self.session.budget.limit is not None else None

        def record(trainer: Any, module: Any, outputs: Any, batch: Any, index: int) -> None:  # noqa: ARG001 - Lightning's
            if follower.is_expecting:
                follower.catch_up(trainer)
            step = progress.completed  # trainer.global_step, by a shorter way
            if step == self._last_step and is_automatic:
                return  # gradients are being accumulated
            self._last_step = step
            if steps is None or step % every or (keeps is not None and not keeps()):
                return
            at = clock() // 1_000_000
            if not steps.record(step, at):
                loss = outputs.get("loss") if isinstance(outputs, dict) else outputs
                if loss is not None:
                    self._put_loss(steps, loss, step, at)
            rates.record(step, at)
            if sample.is_wanted:
                sample.take(batch)

        return record

    def _put_loss(self, steps: StepMetrics, loss: Any, step: int, at: int) -> None:
        if self._factor != 1 and hasattr(loss, "detach"):
            loss = loss.detach() * self._factor  # Lightning hands out the part of one batch
        steps.put(LOSS, loss, step, at)

    def check(self, trainer: Any) -> None:
        """Record what a validation batch logged by itself, at the number of such batches so far."""
        if trainer.sanity_checking or self._checks is None:
            return
        self._batches += 1
        self._checks.record(self._batches, time_ns() // 1_000_000)

    def _put(self, key: str, value: float, step: int, at: int) -> None:
        self.session.log_metric(key, value, step, at)

    # Epochs

    def epoch_ends(self, trainer: Any) -> None:
        """The module may still log in its own hook, so this epoch's metrics are read later."""
        self._epoch = int(trainer.current_epoch)
        self._before = dict(trainer._logger_connector._callback_metrics)  # noqa: SLF001 - the property would compute them, on one rank alone
        self._alone = set()
        if not self.content.keeps_names:
            self._alone = only_at_steps(trainer.fit_loop.epoch_loop._results)  # noqa: SLF001
        if self._checks is not None:
            self._checks.begin_epoch()

    def settle(self, trainer: Any) -> None:
        """Record the metrics of the training epoch that has ended, once."""
        before, self._before = self._before, None
        if before is None:
            return
        now = trainer._logger_connector._callback_metrics  # noqa: SLF001 - as above
        fresh = {
            key: value
            for key, value in now.items()
            if before.get(key) is not value or key in self._alone
        }
        self._log_epoch(fresh, self._epoch)
        self._put("epoch", float(self._epoch), self._last_step, time_ns() // 1_000_000)

    def validation_ends(self, trainer: Any) -> None:
        """Record the metrics of a validation, at the epoch it belongs to."""
        self.follower.catch_up(trainer)
        if trainer.sanity_checking:
            return
        names = of_epochs(trainer.fit_loop.epoch_loop.val_loop._results)  # noqa: SLF001 - Lightning's
        now = trainer._logger_connector._callback_metrics  # noqa: SLF001 - as above
        found = {name: now[name] for name in names if name in now}
        self._log_epoch(found, int(trainer.current_epoch))

    def _log_epoch(self, metrics: dict[str, Any], epoch: int) -> None:
        if (epoch + 1) % self.options.log_every_n_epoch:
            return
        at = time_ns() // 1_000_000
        for key, value in sorted(metrics.items()):
            found = number(value)
            if found is None:
                self.session.skipped(f"metric {key!r}", f"{type(value).__name__} is no scalar")
                continue
            self._backlog.add(key, found, epoch, at)
            self._epoch_points += 1
            self._epoch_series.add(key)

    # Ending

    def saves(self, trainer: Any, checkpoint: dict[str, Any]) -> None:
        """A checkpoint is about to be written: let it say which run it belongs to."""
        from chiplog.integrations.lightning.resuming import mark

        self.settle(trainer)
        mark(checkpoint, self.session.writer)
        self.follower.expect(int(trainer.current_epoch), int(trainer.global_step))

    def train_ends(self, trainer: Any) -> None:
        """The last epoch is over."""
        self.settle(trainer)

    def fit_ends(self, trainer: Any) -> None:
        """Everything has been written: look at the checkpoints once more."""
        self.follower.catch_up(trainer, is_last=True)

    def broke(self, trainer: Any, error: BaseException) -> None:
        """Training raised; Lightning makes another exception of some."""
        self.settle(trainer)
        self.follower.catch_up(trainer, is_last=True)
        if isinstance(error, KeyboardInterrupt):
            self.session.run.cause = error
        elif exits.stands_for_sigterm(error):
            self.session.run.killed_by = "SIGTERM"
            exits.note_sigterm(error)

    def conclude(self, trainer: Any, module: Any, error: BaseException | None) -> None:
        """Record what is known after training, in good order or not. Done once."""
        if self._is_over:
            return
        self._is_over = True
        self.settle(trainer)
        self._backlog.flush()
        self._tell()
        ending.record(self, trainer, module, error)
        self._steps = self._checks = self._progress = None
        self._rates.let_go()
        self.sample.drop()
        if active.owned_runs:
            sigterm.install()

    def _tell(self) -> None:
        counts: Counter[str] = Counter()
        for one in (self._steps, self._checks):
            counts += one.counts() if one is not None else Counter()
        if counts:
            self.session.captured("metrics of steps", counts.total(), _listed(sorted(counts)))
        if self._epoch_points:
            self.session.captured(
                "metrics of epochs", self._epoch_points, _listed(sorted(self._epoch_series))
            )


def _listed(names: list[str], most: int = 8) -> str:
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")
