"""What torch's hooks and our wrappers see of a training loop, thread by thread.

They raise nothing, and let nothing of the loop outlive its step but numbers. What is the same in
every step is done in :mod:`.steps`.
"""

from __future__ import annotations

import functools
import sys
import threading
import weakref
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

from chiplog.core.autolog import nesting
from chiplog.core.autolog.account import account
from chiplog.core.autolog.scalars import number
from chiplog.core.autolog.silence import hushed
from chiplog.core.autolog.weakmap import WeakIdMap
from chiplog.core.runs import ranks
from chiplog.hooks.guard import is_strict, report
from chiplog.integrations.pytorch.batches import Loaders
from chiplog.integrations.pytorch.callsites import name_at, users_frame
from chiplog.integrations.pytorch.models import Modules, parameters_of
from chiplog.integrations.pytorch.recording import BACKWARD, STEP, begin
from chiplog.integrations.pytorch.steps import Threads
from chiplog.integrations.pytorch.training import Tracked, Training

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import CodeType, FrameType

    from chiplog.core.autolog.installation import Installation
    from chiplog.integrations.pytorch.steps import Here

#: Those of the methods below that call a function of torch's.
_CALLING_USERS: Final = frozenset(
    {
        *("scale", "scaler_step", "scaler_update", "clip"),
        *("iterate", "born", "scheduler_born", "compiled"),
    }
)
_LOOK_AGAIN_SECONDS: Final = 1.0
_NO_STEP: Final = (
    "no step of a torch.optim optimizer was seen; one that torch.compile compiled cannot be seen: "
    "leave optimizer.step() outside of what is compiled"
)


class _Unwatched:
    """An optimizer whose steps are not recorded, until it is looked at again."""

    __slots__ = ("until",)

    def __init__(self) -> None:
        self.until = perf_counter() + _LOOK_AGAIN_SECONDS


class Watcher:
    """Everything that is watched while autologging of PyTorch is switched on."""

    def __init__(self, installation: Installation, backward_code: CodeType) -> None:
        self.installation = installation
        self.trainings: list[Training] = []
        self.modules = Modules()
        self.stepless = 0
        self.has_stepped = False
        self._backward_code = backward_code
        self.threads = Threads()
        self.optimizers: WeakIdMap[Tracked | _Unwatched] = WeakIdMap()
        self._births: WeakIdMap[int] = WeakIdMap()
        self._clock = 0
        self._new: dict[int, tuple[weakref.ref[Any], int]] = {}  # and the thread it was made on
        self._schedulers: WeakIdMap[list[weakref.ref[Any]]] = WeakIdMap()
        self.loaders = Loaders()
        self._broken: set[str] = set()
        self._tensor: Any = sys.modules["torch"].Tensor

    # Around torch's functions: (wrapped, instance, args, kwargs)

    def scale(self, wrapped: Any, _: Any, args: Any, kwargs: Any) -> Any:
        """Around ``GradScaler.scale``."""
        result = wrapped(*args, **kwargs)
        try:
            self._saw_scale(args[0] if args else kwargs["outputs"], result, sys._getframe(1))  # noqa: SLF001 - as above
        except Exception as error:
            self.went_wrong("losses", error)
        return result

    def scaler_step(self, wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
        """Around ``GradScaler.step``, which may leave the optimizer's step out."""
        optimizer = args[0] if args else kwargs.get("optimizer")
        before = self.optimizers.get(optimizer)
        steps = before.steps if isinstance(before, Tracked) else 0
        result = wrapped(*args, **kwargs)
        if (
            isinstance(before, Tracked)
            and before.steps == steps
            and before.training.loop.is_open
            and instance.is_enabled()
        ):
            self.record(self.threads.here, before, was_made=False)
        return result

    def scaler_update(self, wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
        """Around ``GradScaler.update``."""
        result = wrapped(*args, **kwargs)
        training = self._current()
        if training is not None and getattr(instance, "_scale", None) is not None:
            try:
                training.scaled(instance._scale)  # noqa: SLF001 - get_scale() waits for the device
            except Exception as error:
                self.went_wrong("the gradient scaler's scale", error)
        return result

    def clip(self, wrapped: Any, _: Any, args: Any, kwargs: Any) -> Any:
        """Around ``clip_grad_norm_``, which computes the norm that we want."""
        norm = wrapped(*args, **kwargs)
        kind = kwargs.get("norm_type", args[2] if len(args) > 2 else 2.0)
        self.threads.here.clipped = norm if kind == 2 else None
        return norm

    def iterate(self, wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
        """Around ``DataLoader.__iter__``."""
        iterator = wrapped(*args, **kwargs)
        try:
            self.loaders.iterated(instance, iterator)
        except Exception as error:
            self.went_wrong("epochs", error)
        return iterator

    def born(self, wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
        """Around ``Optimizer.__init__``."""
        result = wrapped(*args, **kwargs)
        self._clock += 1
        self._births.set(instance, self._clock)
        made = weakref.ref(instance, functools.partial(_forget, self._new, id(instance)))
        self._new[id(instance)] = made, threading.get_ident()
        return result

    def scheduler_born(self, wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
        """Around the ``__init__`` of learning rate schedulers."""
        result = wrapped(*args, **kwargs)
        try:
            self._saw_scheduler(instance)
        except Exception as error:
            self.went_wrong("schedulers", error)
        return result

    def compiled(self, wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:  # noqa: ARG002 - wrapt's signature
        """Around the making of a compiled module, which warns of hooks like ours."""
        for training in self.trainings:
            training.seen.stop()
        return wrapped(*args, **kwargs)

    def training_of(self, optimizer: Any) -> Training | None:
        """The training that an optimizer's steps are recorded in."""
        known = self.optimizers.get(optimizer)
        if isinstance(known, Tracked) and known.training.loop.is_open:
            return known.training
        return None

    # Called by the functions of `steps`

    def tracked(self, optimizer: Any) -> Tracked | None:
        """What is known of an optimizer whose steps are recorded, or were."""
        known = self.optimizers.get(optimizer)
        return known if isinstance(known, Tracked) else None

    def before_step(self, here: Here, optimizer: Any) -> None:
        """Before the step of an optimizer that is not known to be recorded, or inside another's."""
        if not self.has_stepped:
            self.has_stepped = True
            account.recorded_after_all(BACKWARD)
        try:
            at = here.stepping
            if at is not None and at != id(optimizer) and self._is_inside(at, optimizer):
                return
            here.stepping = id(optimizer)
            here.tracked = None
            known = self.optimizers.get(optimizer)
            if known is None or not self._is_settled(known):
                self._first_step(optimizer, known)
                here.seconds = 0.0
                known = self.optimizers.get(optimizer)
            if isinstance(known, Tracked):
                here.tracked = known
        except Exception as error:
            self.went_wrong("steps", error)

    def record(self, here: Here, tracked: Tracked, *, was_made: bool = True) -> None:
        """Record a step that has just been made, or that the gradient scaler left out."""
        began = perf_counter()
        training = tracked.training
        budget = training.budget
        base = budget.total
        try:
            training.stepped(tracked, here, began, was_made=was_made)
        except Exception as error:
            self.went_wrong("steps", error, training)
        # As budget.charge() does, without its calls: this is every step.
        total = base + perf_counter() - began + here.seconds
        here.seconds = 0.0
        meter = training.meter
        meter.seconds += total - budget.total
        meter.times += 1
        budget.total = total

    def saw_backward(
        self, here: Here, tensors: Any, args: Any, kwargs: Any, caller: FrameType
    ) -> None:
        """Put down the losses that ``backward`` is called for, whatever they are."""
        given = args[0] if args else kwargs.get("grad_tensors")
        here.backwards += 1
        if not self.has_stepped:
            self.stepless += 1
            account.unrecorded(BACKWARD, _NO_STEP)
        during = here.stepping is not None
        if not isinstance(tensors, (list, tuple)):
            tensors = (tensors,)
        for tensor in tensors:
            if not isinstance(tensor, self._tensor):
                continue
            if here.scaled and self._is_scaled(here, tensor, during=during):
                continue
            if given is not None and tensor.numel() != 1:
                continue  # no loss: a gradient is passed on
            site = here.losses.site_of_backward(caller, self._backward_code)
            here.losses.note(site, number(tensor), tensor, during=during)

    def _is_scaled(self, here: Here, tensor: Any, *, during: bool) -> bool:
        """Whether a tensor is a loss that a gradient scaler has scaled; puts the loss down."""
        for reference, site, value in here.scaled:
            if reference() is tensor:
                here.losses.note(site, value, None, during=during)
                return True
        return False

    def _saw_scale(self, outputs: Any, result: Any, caller: FrameType) -> None:
        here = self.threads.here
        if nesting.is_watching():
            pairs = [(outputs, result)]
            if isinstance(outputs, (list, tuple)) and isinstance(result, (list, tuple)):
                pairs = list(zip(outputs, result, strict=False))
            for loss, scaled in pairs:
                if isinstance(scaled, self._tensor):
                    site = here.losses.site_of_scale(caller)
                    here.losses.learn_divisor(site, loss)
                    here.scaled.append((weakref.ref(scaled), site, number(loss)))
            del here.scaled[:-16]

    def _saw_scheduler(self, scheduler: Any) -> None:
        optimizer = getattr(scheduler, "optimizer", None)
        if optimizer is None:
            return
        known = self.optimizers.get(optimizer)
        if isinstance(known, Tracked) and known.training.loop.is_open:
            known.training.add_scheduler(scheduler)
            return
        waiting = self._schedulers.get(optimizer)
        if waiting is None:
            waiting = []
            self._schedulers.set(optimizer, waiting)
        if not any(one() is scheduler for one in waiting):
            waiting.append(weakref.ref(scheduler))

    def _is_inside(self, outer: int, optimizer: Any) -> bool:
        """Whether an optimizer's step is part of another's, which it is if they train the same."""
        for known in self._tracked():
            found = known.optimizer
            if found is not None and id(found) == outer:
                theirs = {id(one) for one in parameters_of(found)}
                return any(id(one) in theirs for one in parameters_of(optimizer))
        return False  # its step raised, and nobody told us

    def _is_settled(self, known: Tracked | _Unwatched) -> bool:
        if isinstance(known, Tracked):
            return known.training.loop.is_open
        return perf_counter() < known.until

    def _first_step(self, optimizer: Any, known: Tracked | _Unwatched | None) -> None:
        """Find out what an optimizer belongs to, at its first step or when that has ended."""
        self.optimizers.set(optimizer, _Unwatched())
        if isinstance(known, Tracked) and known.training.gave_way and self._resume(known):
            self.optimizers.set(optimizer, known)
            return
        if not ranks.is_main():
            return
        with hushed(silent=self.installation.config.silent):
            training = self._training_of(optimizer)
            if training is None:
                return
            with nesting.suspended():
                tracked = training.add(optimizer, self._name_of(optimizer))
                for reference in self._schedulers.pop(optimizer) or ():
                    scheduler = reference()
                    if scheduler is not None:
                        training.add_scheduler(scheduler)
        self._new.pop(id(optimizer), None)
        self.optimizers.set(optimizer, tracked)

    def _training_of(self, optimizer: Any) -> Training | None:
        """The training that an optimizer's first step belongs to; a new one if to none there is."""
        here = threading.get_ident()
        mine = [one for one in self.trainings if one.loop.is_open and one.loop.thread == here]
        self.trainings = [one for one in self.trainings if one.loop.is_open or one.gave_way]
        born = self._births.get(optimizer) or 0
        parameters = parameters_of(optimizer)
        for training in reversed(mine):
            if training.takes_all or born <= training.began_at or training.trains(parameters):
                return training
        for training in mine:
            training.gave_way = True
            training.loop.end()
        several = self._has_several(optimizer)
        begun = begin(self.installation, self.modules, has_several=several)
        if begun is not None:
            begun.began_at = self._clock
            self.trainings.append(begun)
        return begun

    def _has_several(self, optimizer: Any) -> bool:
        """Whether others were made by now, by the same thread, that have made no step yet."""
        theirs = {id(one) for one in parameters_of(optimizer)}
        _, mine = self._new.get(id(optimizer), (None, threading.get_ident()))
        for reference, thread in list(self._new.values()):
            other = reference()
            if other is None or other is optimizer or thread != mine:
                continue
            if not any(id(one) in theirs for one in parameters_of(other)):
                return True
        return False

    def _resume(self, known: Tracked) -> bool:
        """Go on with a training that gave way to another, which was part of it as it turns out."""
        here = threading.get_ident()
        training = known.training
        if training.loop.thread != here or not nesting.is_watching():
            return False
        for other in self.trainings:
            if other.loop.is_open and other.loop.thread == here:
                other.loop.end()
        training.loop.reopen()
        training.gave_way, training.takes_all = False, True
        return True

    def _name_of(self, optimizer: Any) -> str:
        frame, is_direct = users_frame(sys._getframe(1))  # noqa: SLF001 - to see who calls
        name = None
        if frame is not None:
            name = name_at(frame.f_code, frame.f_lasti, "step", is_receiver=is_direct)
        return name or type(optimizer).__name__

    def _tracked(self) -> list[Tracked]:
        return [tracked for training in self.trainings for tracked in training.tracked]

    def _current(self) -> Training | None:
        here = threading.get_ident()
        for training in reversed(self.trainings):
            if training.loop.is_open and training.loop.thread == here:
                return training
        return None

    def went_wrong(self, what: str, error: Exception, training: Training | None = None) -> None:
        """Report a mistake of ours once; in strict mode keep it until the training ends."""
        training = training or self._current()
        if training is None:
            account.unrecorded(STEP, f"{what}: {type(error).__name__}: {error}")
            if is_strict():
                raise error
            report(f"Recording {what} of PyTorch", error)
            return
        if what not in self._broken:
            self._broken.add(what)
            training.loop.session.degraded(what, f"{type(error).__name__}: {error}")
        if is_strict():
            training.loop.session.error = training.loop.session.error or error
        elif not self.installation.config.silent:
            report(f"Recording {what} of PyTorch", error)


def keep_from_compiling(
    watcher: Watcher, calling: Iterable[Any] = (), others: Iterable[Any] = ()
) -> None:
    """Have ``torch.compile`` leave our own functions alone where it meets them.

    It looks at whatever is called from what it compiles. Ours run as they are; functions of the
    user's and torch's that wrappers call, ``calling`` among them, are compiled as ever.
    """
    frames: Any = sys.modules.get("torch._C._dynamo")
    frames = getattr(frames, "eval_frame", None)
    action, strategy = (
        getattr(frames, name, None) for name in ("_FrameAction", "_FrameExecStrategy")
    )
    if frames is None or action is None or strategy is None:
        return
    around = strategy(action.SKIP, action.DEFAULT)
    wholly = strategy(action.SKIP, action.SKIP)
    for function in calling:
        frames.set_code_exec_strategy(function.__code__, around)
    for function in others:
        frames.set_code_exec_strategy(function.__code__, wholly)
    for name, function in vars(type(watcher)).items():
        if callable(function) and hasattr(function, "__code__"):
            calls_user = name in _CALLING_USERS
            frames.set_code_exec_strategy(function.__code__, around if calls_user else wholly)


def _forget(entries: dict[int, Any], number: int, _: object) -> None:
    entries.pop(number, None)
