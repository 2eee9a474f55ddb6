"""What runs in every step of a user's loop: next to nothing.

A training step has emptied the processor's caches by the time these functions are called, so that
whatever they touch costs many times what it costs in a tight loop: the plain functions here stand
in for general wrappers, and turn to the watcher for everything that is not every step.
"""

from __future__ import annotations

import sys
import threading
from time import perf_counter
from typing import TYPE_CHECKING, Any

from chiplog.core.autolog import nesting
from chiplog.integrations.pytorch.batches import Batches
from chiplog.integrations.pytorch.losses import LossBook

if TYPE_CHECKING:
    import weakref
    from collections.abc import Callable

    from chiplog.integrations.pytorch.training import Tracked
    from chiplog.integrations.pytorch.watcher import Watcher


class Here:
    """What a thread is in the middle of.

    Attributes:
        losses: those since the last step.
        batches: those since the last step.
        stepping: the optimizer that is at its step, by its id.
        tracked: that optimizer, if its steps are recorded.
        last: the one that was tracked last.
        is_in_backward: ``backward`` is running.
        scaled: the losses that a gradient scaler has scaled: the scaled one, and what it was.
        clipped: the norm that ``clip_grad_norm_`` has computed since the last step.
        seconds: what was spent since the last step.
        backwards: how often ``backward`` was called since the last step.
        inside: what the thread is inside of; see :func:`nesting.of_this_thread`.
    """

    __slots__ = (
        "backwards",
        "batches",
        "clipped",
        "inside",
        "is_in_backward",
        "last",
        "losses",
        "scaled",
        "seconds",
        "stepping",
        "tracked",
    )

    def __init__(self) -> None:
        self.losses = LossBook()
        self.batches = Batches()
        self.stepping: int | None = None
        self.tracked: Tracked | None = None
        self.last: Tracked | None = None
        self.is_in_backward = False
        self.scaled: list[tuple[weakref.ref[Any], Any, Any]] = []
        self.clipped: Any = None
        self.seconds = 0.0
        self.backwards = 0
        self.inside = nesting.of_this_thread()


class Threads(threading.local):
    """Each thread's own :class:`Here`."""

    def __init__(self) -> None:
        self.here = Here()


def backward_for(watcher: Watcher, raw: Callable[..., Any], on: list[bool]) -> Callable[..., Any]:
    """What takes the place of ``torch.autograd.backward``, which ``Tensor.backward`` calls."""
    threads, frame_at, clock = watcher.threads, sys._getframe, perf_counter  # noqa: SLF001 - who calls
    plain: Any = sys.modules["torch"].Tensor

    def backward(tensors: Any, *args: Any, **kwargs: Any) -> Any:
        began = clock()
        here = threads.here
        inside = here.inside
        if (
            here.is_in_backward
            or not on
            or inside["asleep"]
            or ((scope := inside["scope"]) is not None and scope.is_open)
        ):
            return raw(tensors, *args, **kwargs)
        try:
            book = here.losses
            if (
                type(tensors) is plain
                and tensors.is_cpu
                and tensors.numel() == 1
                and book.site is None
                and not book.sums
                and here.stepping is None
                and not here.scaled
                and (frame := frame_at(2)).f_code is book.code
                and frame.f_lasti == book.position
                and type(value := tensors.item()) is float
            ):
                book.site, book.value = book.latest, value
                here.backwards += 1
            else:
                watcher.saw_backward(here, tensors, args, kwargs, frame_at(1))
        except Exception as error:
            watcher.went_wrong("losses", error)
        here.seconds += clock() - began
        here.is_in_backward = True
        try:
            return raw(tensors, *args, **kwargs)
        finally:
            here.is_in_backward = False

    return backward


def hooks_for(
    watcher: Watcher, is_compiling: Callable[[], bool]
) -> tuple[Callable[..., None], Callable[..., None]]:
    """What torch is to call before and after every optimizer's step.

    They are nothing to ``torch.compile``: what it traces is the early return.
    """
    threads = watcher.threads

    def before(optimizer: Any, args: Any, kwargs: Any) -> None:  # noqa: ARG001 - torch's signature
        if is_compiling():
            return
        here = threads.here
        inside = here.inside
        if inside["asleep"] or ((scope := inside["scope"]) is not None and scope.is_open):
            return
        known = here.last
        if known is None or known.reference() is not optimizer:
            known = here.last = watcher.tracked(optimizer)
        if known is not None and here.stepping is None and known.training.loop.is_open:
            here.stepping = id(optimizer)
            here.tracked = known
        else:
            here.last = None
            watcher.before_step(here, optimizer)

    def after(optimizer: Any, args: Any, kwargs: Any) -> None:  # noqa: ARG001 - torch's signature
        if is_compiling():
            return
        here = threads.here
        if here.stepping != id(optimizer):
            return
        here.stepping = None
        tracked, here.tracked = here.tracked, None
        if tracked is None:
            here.losses.forget()
        else:
            watcher.record(here, tracked)

    return before, after


def next_for(watcher: Watcher, raw: Callable[[Any], Any], on: list[bool]) -> Callable[[Any], Any]:
    """What takes the place of the ``__next__`` of a ``DataLoader``'s iterators."""
    threads, clock, source_of = watcher.threads, perf_counter, watcher.loaders.of

    def __next__(self: Any) -> Any:  # noqa: N807 - its name in tracebacks
        batch = raw(self)
        if not on:
            return batch
        began = clock()
        here = threads.here
        try:
            here.batches.took(source_of(self), batch)
        except Exception as error:
            watcher.went_wrong("samples", error)
        here.seconds += clock() - began
        return batch

    return __next__
