"""One recorded training: what its optimizers' steps come to, until it ends."""

from __future__ import annotations

import weakref
from time import time_ns
from typing import TYPE_CHECKING, Any

from chiplog.core.autolog.scalars import Backlog, number
from chiplog.integrations.pytorch import settings
from chiplog.integrations.pytorch.batches import Pace
from chiplog.integrations.pytorch.gradients import gradient_norm
from chiplog.integrations.pytorch.losses import LOSS
from chiplog.integrations.pytorch.models import TrainedModel, count_parameters, parameters_of
from chiplog.integrations.pytorch.signatures import SeenCall

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from chiplog.core.autolog.budget import Budget, Meter
    from chiplog.core.autolog.loop import LoopSession
    from chiplog.core.autolog.scalars import Pending
    from chiplog.integrations.pytorch.batches import Batches, Loader
    from chiplog.integrations.pytorch.config import PytorchConfig
    from chiplog.integrations.pytorch.losses import LossBook, Site, Sum
    from chiplog.integrations.pytorch.models import Modules
    from chiplog.integrations.pytorch.steps import Here

GRADIENT_NORM = "gradient norm"


class Tracked:
    """An optimizer in training.

    Attributes:
        reference: to the optimizer, weak.
        name: what the user's code calls it.
        training: the training it belongs to.
        steps: how many steps it has made in it.
        last: the training's step at which it stepped last; -1 if it has not.
        rates: the learning rates recorded last, by group.
        rate: the object that the only group's was, if it is a plain number.
    """

    __slots__ = (
        "grad_key",
        "last",
        "name",
        "parameters",
        "rate",
        "rate_keys",
        "rates",
        "reference",
        "steps",
        "training",
    )

    def __init__(self, optimizer: Any, name: str, training: Training, *, is_only_one: bool) -> None:
        self.reference = weakref.ref(optimizer)
        self.name = name
        self.training = training
        self.steps = 0
        self.last = -1
        self.rates: list[Any] = []
        self.rate: Any = None
        self.rate_keys: list[str] = []
        self.grad_key = "grad_norm" if is_only_one else f"grad_norm/{name}"
        self.parameters = [weakref.ref(tensor) for tensor in parameters_of(optimizer)]

    @property
    def optimizer(self) -> Any | None:
        """The optimizer itself, if it is still there."""
        return self.reference()

    def groups(self) -> list[dict[str, Any]]:
        """Its parameter groups."""
        optimizer = self.reference()
        return [] if optimizer is None else optimizer.param_groups


class Training:
    """A training that is recorded.

    A step of its axis is a round in which each optimizer steps at most once: with one optimizer
    its steps, with a GAN's two an iteration of the loop.

    Attributes:
        loop: its session.
        step: the step that goes on, from 0; -1 before the first.
        tracked: its optimizers.
        models: what they train.
        takes_all: every further optimizer belongs to it, since others were interleaved with it.
        gave_way: it was ended because another training began.
        backwards: how often ``backward`` was called in it.
        seen: what its models take and give.
    """

    def __init__(self, config: PytorchConfig, modules: Modules) -> None:
        self.config = config
        self._modules = modules
        self.step = -1
        self.tracked: list[Tracked] = []
        self.models: list[TrainedModel] = []
        self.takes_all = False
        self.gave_way = False
        self.began_at = 0
        self.loop: LoopSession
        self._backlog: Backlog
        self._pace = Pace()
        self.budget: Budget
        self.meter: Meter
        self.backwards = 0
        self.seen = SeenCall()
        self._log: Callable[..., None]
        self._every = config.log_every_n_step
        self._takes_all = config.log_every_n_step is None and config.max_overhead is None
        self._has_pending = False
        self._norm_at = 0.0  # not before
        self._norms_left_out = 0
        self._names: dict[Site, str] = {}
        self._pens: dict[Site, Callable[[float, int, int], None]] = {}
        self._has_several = False
        self._skipped = 0
        self._schedulers = 0
        self._last_loader: Loader | None = None

    def opened(self, loop: LoopSession, *, has_several: bool) -> None:
        """Begin; ``has_several`` says that further optimizers are to be expected."""
        self.loop = loop
        self.budget = loop.session.budget
        self.meter = self.budget.meter("metrics of each step")
        self._log = loop.session.log_metric
        self._backlog = Backlog(self._log)
        self._has_several = has_several

    # What is trained

    def add(self, optimizer: Any, name: str) -> Tracked:
        """Take an optimizer in, at its first step."""
        is_only_one = not self._has_several and not self.tracked
        taken = {known.name for known in self.tracked}
        number_of = 2
        while name in taken:
            name = f"{name.rstrip('0123456789_')}_{number_of}"
            number_of += 1
        tracked = Tracked(optimizer, name, self, is_only_one=is_only_one)
        if self.step > 0:
            tracked.last = self.step  # who comes later begins a step: the others' last is over
        session = self.loop.session
        with session.capture(f"settings of {name}") as note:
            prefix = "" if is_only_one else f"{name}/"
            note.count = session.log_params(settings.optimizer_params(optimizer, prefix))
        with session.capture("model") as note:
            found = self._add_models(optimizer)
            note.detail = ", ".join(model.class_path for model in found)
            if not self.models:
                note.skip("no module holds the parameters that are trained")
            elif not found:
                note.is_preparation = True
        self.tracked.append(tracked)
        self.loop.lives_with(optimizer)
        return tracked

    def _add_models(self, optimizer: Any) -> list[TrainedModel]:
        session, found = self.loop.session, []
        for module in self._modules.find(parameters_of(optimizer)):
            if any(known.module is module for known in self.models):
                continue
            model = TrainedModel(module)
            same = sum(known.class_path == model.class_path for known in self.models)
            if same:
                model.name = f"{model.name}_{same + 1}"
            prefix = f"{model.name}/" if self.models or self._has_several else ""
            self.models.append(model)
            found.append(model)
            self.loop.lives_with(module)
            session.remember(module)
            if self.config.log_models and self.config.log_model_signatures:
                self.seen.await_call(module)
            total, trainable = count_parameters(module)
            session.log_params(
                {
                    f"{prefix}model_class": model.class_path,
                    f"{prefix}total_parameters": total,
                    f"{prefix}trainable_parameters": trainable,
                }
            )
            file = "model_summary.txt" if not prefix else f"model_summary_{model.name}.txt"
            session.log_text(f"{module!r}\n\n{total:,} parameters, {trainable:,} trained\n", file)
        return found

    def trains(self, parameters: Iterable[Any]) -> bool:
        """Whether one of these tensors is one that it trains, or of a model that it trains."""
        wanted = {id(tensor) for tensor in parameters}
        for tracked in self.tracked:
            for reference in tracked.parameters:
                tensor = reference()
                if tensor is not None and id(tensor) in wanted:
                    return True
        for model in self.models:
            module = model.module
            if module is not None and any(id(one) in wanted for one in module.parameters()):
                return True
        return False

    def add_scheduler(self, scheduler: Any) -> None:
        """Record a scheduler's settings."""
        session = self.loop.session
        prefix = "" if not self._schedulers else f"{type(scheduler).__name__}/"
        self._schedulers += 1
        with session.capture(f"settings of {type(scheduler).__name__}") as note:
            note.count = session.log_params(settings.scheduler_params(scheduler, prefix))

    # Each step

    def stepped(self, tracked: Tracked, here: Here, now: float, *, was_made: bool = True) -> None:
        """Record a step that an optimizer has just made, with what led to it on its thread.

        ``was_made`` is False for one that the gradient scaler left out. ``now`` is the time by
        :func:`time.perf_counter`.
        """
        step = self.step
        is_new = tracked.last == step
        if is_new:
            self.step = step = step + 1
        tracked.last = step
        tracked.steps += was_made
        self.backwards += here.backwards
        here.backwards = 0
        if here.scaled:
            here.scaled.clear()
        clipped, here.clipped = here.clipped, None
        if not (self._takes_all or self._keeps(step)):
            here.losses.forget()
            return
        at = time_ns() // 1_000_000
        self.loop.last_step = at
        self._record_losses(here.losses, step, at)
        optimizer = tracked.reference()
        if optimizer is not None:
            groups = optimizer.param_groups
            if len(groups) != 1 or tracked.rate is None or groups[0].get("lr") is not tracked.rate:
                self._look_at_rates(tracked, groups, step, at)
        if is_new and here.batches.source is not None:
            self._record_pace(here.batches, now, step, at)
        if not was_made:
            self._skipped += 1
            self._log("amp/skipped_steps", float(self._skipped), step, at)
        elif clipped is not None or now >= self._norm_at:
            self._record_norm(tracked, clipped, step, at)
        else:
            self._norms_left_out += 1
        if self._has_pending:
            self._backlog.look()

    def _keeps(self, step: int) -> bool:
        """Whether a step is one that is to be recorded."""
        if self._every is not None and step % self._every:
            return False
        return self.loop.session.keeps_step()

    def _record_losses(self, losses: LossBook, step: int, at: int) -> None:
        site = losses.site
        if site is not None:
            if site.usual == 1 and not losses.during:  # the only loss, as ever
                record = self._pens.get(site)
                if record is not None:
                    losses.site = None
                    record(losses.value, step, at)
                    return
            losses.settle()
        sums, during = losses.sums, losses.during
        losses.forget()
        if sums:
            self._record_sums(sums, step, at)
        if during:
            self._record_closure(during, step, at)

    def _record_sums(self, sums: dict[Site, Sum], step: int, at: int) -> None:
        for site, losses in sums.items():
            value = losses.mean()
            name = self._names.get(site) or self._name(site, sums)
            if type(value) is float:
                self._log(name, value, step, at)
            else:
                self._put_by(name, value, step, at)

    def _put_by(self, name: str, value: float | Pending, step: int, at: int) -> None:
        """Record a number that may still lie on a device."""
        self._has_pending = self._has_pending or type(value) is not float
        self._backlog.add(name, value, step, at)

    def _record_pace(self, batches: Batches, now: float, step: int, at: int) -> None:
        told = self._pace.stepped(batches, now)
        if told is not None:
            self._log("samples_per_second", told, step, at)
        if self._pace.began:
            self._epoch_begins(step, at)

    def _record_closure(self, during: dict[Site, Sum], step: int, at: int) -> None:
        """Record the losses of a closure that the optimizer called: the first evaluation's."""
        for site, losses in during.items():
            name = self._names.get(site) or self._name(site, during)
            self._put_by(name, losses.values[0], step, at)
        evaluations = max(len(losses.values) for losses in during.values())
        if evaluations > 1:
            self._log("closure_evaluations", float(evaluations), step, at)

    def _look_at_rates(
        self, tracked: Tracked, groups: list[dict[str, Any]], step: int, at: int
    ) -> None:
        rates = [group.get("lr") for group in groups]
        if rates != tracked.rates:
            self._record_rates(tracked, rates, step, at)
        # A tensor is changed in place: keep none, so that it is looked at again.
        tracked.rate = rates[0] if len(rates) == 1 and type(rates[0]) in {float, int} else None

    def _record_rates(self, tracked: Tracked, rates: list[Any], step: int, at: int) -> None:
        if len(tracked.rate_keys) != len(rates):
            tracked.rate_keys = self._rate_keys(tracked)
            tracked.rates = []
        before = tracked.rates or [None] * len(rates)
        for key, rate, last in zip(tracked.rate_keys, rates, before, strict=True):
            if type(rate) in {float, int} and rate == last:
                continue
            value = number(rate)
            if value is not None:
                self._has_pending = self._has_pending or type(value) is not float
                self._backlog.add(key, value, step, at, if_changed=True)
        # A tensor is changed in place: keep none, so that it is looked at again.
        tracked.rates = [rate if type(rate) in {float, int} else None for rate in rates]

    def _rate_keys(self, tracked: Tracked) -> list[str]:
        is_only_one = tracked.grad_key == "grad_norm"
        groups = tracked.groups()
        start = "lr" if is_only_one else f"lr/{tracked.name}"
        if len(groups) == 1:
            return [start]
        return [f"{start}/{settings.group_name(group, i)}" for i, group in enumerate(groups)]

    def _record_norm(self, tracked: Tracked, clipped: Any, step: int, at: int) -> None:
        if clipped is not None:
            value = number(clipped)
        elif self.budget.affords(GRADIENT_NORM):
            with self.loop.session.spending(GRADIENT_NORM):
                value = gradient_norm(tracked.optimizer)
        else:
            self._norm_at = self.budget.affordable_at(GRADIENT_NORM)
            return
        if value is not None:
            self._put_by(tracked.grad_key, value, step, at)

    def _epoch_begins(self, step: int, at: int) -> None:
        session, pace = self.loop.session, self._pace
        session.log_metric("epoch", float(pace.epoch or 0), step, at)
        if pace.loader is self._last_loader or pace.loader is None:
            return
        loader = pace.loader.loader
        if loader is None or self._last_loader is not None:
            return
        self._last_loader = pace.loader
        with session.capture("data loader") as note:
            params = {"batch_size": loader.batch_size, "dataset": type(loader.dataset).__name__}
            if hasattr(type(loader.dataset), "__len__"):
                params["dataset_size"] = len(loader.dataset)
            note.count = session.log_params({k: v for k, v in params.items() if v is not None})

    def _name(self, site: Site, among: dict[Site, Sum]) -> str:
        """The metric's name for a loss: ``loss`` if it is the only one, else what the code says."""
        is_alone = not self._has_several and not self._names and len(among) == 1
        name = LOSS if is_alone else site.name or LOSS
        for other, given in self._names.items():
            if other.name == site.name and other not in among:
                name = given  # the same loss, in another branch
        taken = {self._names[one] for one in among if one in self._names}
        count = 2
        while name in taken:
            name = f"{site.name or LOSS}_{count}"
            count += 1
        self._names[site] = name
        self._pens[site] = self.loop.session.writer.pen(name)
        return name

    def scaled(self, scale: Any) -> None:
        """Put down the gradient scaler's scale, if it changed."""
        value = number(scale)
        if value is not None:
            self._has_pending = self._has_pending or type(value) is not float
            self._backlog.add("amp/scale", value, max(self.step, 0), if_changed=True)

    # The end

    def finish(self) -> None:
        """Record what is left of the numbers; may wait for the device."""
        self.seen.stop()
        self._backlog.flush()
        norms = self.budget.meter(GRADIENT_NORM)
        norms.asked += self._norms_left_out
        norms.denied += self._norms_left_out
        self._norms_left_out = 0
        told = self._pace.rest()
        if told is not None:
            self.loop.session.log_metric("samples_per_second", told, max(self.step, 0))

    @property
    def why_no_loss(self) -> str | None:
        """Why no loss was recorded; None if one was."""
        if self._names:
            return None
        if not self.backwards:
            return "backward() was not called in it, as it is not by torch.autograd.grad()"
        return "no tensor of one element was seen to call backward()"

    @property
    def epoch(self) -> int | None:
        """The epoch that goes on."""
        return self._pace.epoch
