"""Sessions of training loops that users write themselves: no call spans them.

    loop = open_loop("pytorch", "training loop", ending=write_the_model)
    if loop is not None:               # None inside another training, which logs already
        loop.lives_with(model, optimizer)
        loop.session.log_metric("loss", 0.3, step)

It ends with the user's run if it records into one, when everything it lives with is gone, when the
user starts a run while its own is active, when :meth:`LoopSession.end` is called, and with the
program at the latest, whose exception then is the run's. Unlike a call's session it does not make
its thread one that is inside a training: other trainings of the same program go on being recorded.
"""

from __future__ import annotations

import atexit
import functools
import os
import sys
import threading
import weakref
from time import perf_counter
from typing import TYPE_CHECKING, Any

from chiplog.core import background
from chiplog.core.autolog import engine, nesting
from chiplog.core.autolog.account import account
from chiplog.core.autolog.randomness import untouched_random_state
from chiplog.core.autolog.receipt import TRAINING, CallNote
from chiplog.core.autolog.session import TrainingSession
from chiplog.core.autolog.session_run import open_run, users_run
from chiplog.core.autolog.silence import hushed
from chiplog.core.runs import active, exits
from chiplog.hooks.guard import is_strict, report
from chiplog.hooks.manager import plugins

if TYPE_CHECKING:
    from collections.abc import Callable

    from chiplog.core.autolog.config import AutologConfig
    from chiplog.core.autolog.installation import Installation

__all__ = ["LoopSession", "open_loop"]

_open: list[LoopSession] = []
_registered = False


class LoopSession:
    """An open session of a loop.

    Attributes:
        session: where to log.
        fired: how often each hook was called in it, for the receipt.
        is_open: whether it goes on.
        thread: the thread it was opened on.
        last_step: when the integration last saw a step of it, in ms since the epoch.
    """

    def __init__(
        self,
        installation: Installation,
        session: TrainingSession,
        what: str,
        ending: Callable[[BaseException | None], object],
    ) -> None:
        self.session = session
        self.fired: dict[str, int] = {}
        self.thread = threading.get_ident()
        self.last_step = session.started
        self._installation = installation
        self._what = what
        self._ending = ending
        self._lock = threading.RLock()
        self.is_open = True
        self._alive: dict[int, weakref.ref[Any]] = {}

    def lives_with(self, *things: object) -> None:
        """End soon after all of these objects are gone, on the background thread.

        Called again, it adds to them. No reference to them is kept.
        """
        for thing in things:
            number = id(thing)
            if number not in self._alive:
                self._alive[number] = weakref.ref(thing, functools.partial(self._gone, number))

    def _gone(self, number: int, _: object) -> None:
        """One of them is gone. May be called in the middle of anything: do next to nothing."""
        self._alive.pop(number, None)
        if self._alive or not self.is_open:
            return
        if threading.get_ident() == self.thread:
            self.session.run.step_aside()
        background.defer(self.end, failed=lambda error: report("Ending a loop's run", error))

    def end(self, error: BaseException | None = None) -> None:
        """End the session, and its run if that was made for it. Twice is once."""
        self._end(error, run_ends_by_itself=False)

    def reopen(self) -> None:
        """Go on with a session that was ended; its run is RUNNING again."""
        with self._lock:
            if self.is_open:
                return
            self.is_open = True
            self.session.run.resume()
            self.session.budget.start()
            _open.append(self)

    def run_is_ending(self) -> None:
        """Told by the run when it is about to end, whoever ends it."""
        self._end(sys.exc_info()[1] or exits.uncaught(), run_ends_by_itself=True)

    def parent_is_ending(self) -> None:
        """Told by the user's run that this one is a child of when it is about to end."""
        self._end(sys.exc_info()[1] or exits.uncaught(), run_ends_by_itself=False)

    def _end(self, error: BaseException | None, *, run_ends_by_itself: bool) -> None:
        with self._lock:
            if not self.is_open:
                return
            self.is_open = False
            try:
                with (
                    hushed(silent=self._installation.config.silent),
                    untouched_random_state(),
                    nesting.suspended(),
                    self._installation.watched(f"the end of a {self._what}"),
                ):
                    self._record_end(error, run_ends_by_itself=run_ends_by_itself)
            finally:
                if self in _open:
                    _open.remove(self)

    def _record_end(self, error: BaseException | None, *, run_ends_by_itself: bool) -> None:
        session, budget = self.session, self.session.budget
        outcome = "FINISHED" if error is None else "FAILED"
        training_ms = budget.stop() * 1e3
        began, base = perf_counter(), budget.total
        self._try("Recording the outcome", self._ending, error)
        self._try("Filling the receipt", self._fill_receipt, training_ms, error)
        freed = session.run.free_children_since
        self._try("Letting later trainings go", freed, self.last_step)
        told = plugins().hook.chiplog_training_finished
        self._try("Telling of the end", told, session=session, outcome=outcome)
        budget.charge("ending the run", began, base)
        self._try("Filling the receipt", budget.fill, session.receipt)
        self._try("Attaching the receipt", session.run.attach_receipt)
        if not run_ends_by_itself and not self._try("Ending the run", session.run.end, error):
            self._try("Letting go of the run", session.run.let_go)
        account.recorded += 1
        if session.error is not None and is_strict():
            kept, session.error = session.error, None
            raise kept

    def _fill_receipt(self, training_ms: float, error: BaseException | None) -> None:
        receipt = self.session.receipt
        receipt.training_ms += training_ms
        outcome = "FINISHED" if error is None else f"FAILED: {type(error).__name__}"
        receipt.calls.append(CallNote(self._what, outcome, training_ms))
        self._installation.fill_hooks(receipt, self.fired)

    def _try(self, what: str, function: Callable[..., Any], *args: Any, **kwargs: Any) -> bool:
        """Do one thing of ours, and say whether it went well; the others are done all the same."""
        try:
            function(*args, **kwargs)
        except Exception as error:
            self.session.degraded(what, f"{type(error).__name__}: {error}")
            if is_strict():
                self.session.error = self.session.error or error
            elif not self._installation.config.silent:
                self.session.warn(f"{what} of a {self._what}", error)
            return False
        return True


def open_loop(
    flavor: str,
    what: str,
    *,
    ending: Callable[[BaseException | None], object],
    config: AutologConfig | None = None,
) -> LoopSession | None:
    """Open a session of a loop on this thread; None if the loop is not to be logged.

    That is so inside another training, while watching is suspended, and in a run of the user's with
    ``exclusive``. Another loop of this thread that records into a run made for it is ended first.

    Args:
        flavor: the integration's name.
        what: the name of the loop in the receipt.
        ending: called once when it ends, before the receipt is written, with the exception that
            ended it if there was one: to record what is left. Must not keep what is trained alive.
        config: settings to use instead of those in force.
    """
    if not nesting.is_watching():
        return None
    installation = engine.installation_for(flavor, config)
    active.make_way(for_training=True)
    if installation.config.exclusive and users_run() is not None:
        return None
    began = perf_counter()
    with hushed(silent=installation.config.silent), untouched_random_state(), nesting.suspended():
        loop = _opened(installation, what, ending)
        plugins().hook.chiplog_training_started(session=loop.session)
    loop.session.budget.charge("opening the run", began, 0.0)
    loop.session.budget.start()
    return loop


def _opened(
    installation: Installation, what: str, ending: Callable[[BaseException | None], object]
) -> LoopSession:
    run = open_run(installation.tag, installation.config, installation.trained)
    try:
        receipt = installation.new_receipt()
        run.document.sessions.append(receipt)
        session = TrainingSession(installation.flavor, installation.config, run, receipt)
        loop = LoopSession(installation, session, what, ending)
        run.spans_no_call(loop.run_is_ending, loop.parent_is_ending, loop.end)
        receipt.calls.append(CallNote(what, TRAINING, 0.0))
        try:
            run.attach_receipt()
        finally:
            receipt.calls.pop()
    except BaseException as error:
        run.end(error)
        raise
    _open.append(loop)
    _end_with_the_program()
    return loop


def _end_with_the_program() -> None:
    global _registered  # noqa: PLW0603 - one per process
    if not _registered:
        _registered = True
        atexit.register(_end_all)


def _end_all() -> None:
    """The program ends: so do its loops, while there still is a thread for their files."""
    error = exits.uncaught()
    for loop in reversed(_open[:]):
        try:
            loop._end(error, run_ends_by_itself=loop.session.run.ends_with_the_program)  # noqa: SLF001 - of this module
        except Exception as ours:
            report("Ending a loop's run", ours)
    background.flush(background.EXIT_SECONDS)


def end_loops(flavor: str | None = None) -> None:
    """End every open loop, or those of one integration."""
    for loop in reversed(_open[:]):
        if flavor is None or loop.session.flavor == flavor:
            loop.end()


def _after_fork_in_child() -> None:
    """The parent's loops are the parent's."""
    global _registered  # noqa: PLW0603 - one per process
    _registered = False
    for loop in _open:
        loop.is_open = False
        loop._alive.clear()  # noqa: SLF001 - of this module
    _open.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
