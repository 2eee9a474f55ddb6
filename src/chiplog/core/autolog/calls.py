"""Around the user's call: what happens before and after it, and that it happens exactly once.

The two functions here that call the user's function do so once, outside every guard. What comes
before it cannot keep it from happening; what comes after it cannot change what it gave.
"""

from __future__ import annotations

import logging
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

from chiplog.core.autolog import nesting
from chiplog.core.autolog.account import account
from chiplog.core.autolog.integration import Call, Watch
from chiplog.core.autolog.nesting import Scope
from chiplog.core.autolog.randomness import untouched_random_state
from chiplog.core.autolog.receipt import TRAINING, CallNote
from chiplog.core.autolog.session import TrainingSession
from chiplog.core.autolog.session_run import open_run, users_run
from chiplog.core.autolog.silence import hushed
from chiplog.core.runs import ranks
from chiplog.hooks.guard import is_strict, report
from chiplog.hooks.manager import plugins

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from chiplog.core.autolog.installation import Installation
    from chiplog.core.autolog.integration import Point
    from chiplog.hooks.wrapping import Wrapper

_log = logging.getLogger("chiplog.autolog")

CALLS_KEPT = 100
AT_THE_END: Final = "what is recorded at the end, such as the model"


def training_wrapper(installation: Installation, point: Point, label: str) -> Wrapper:
    """What stands around a training function: a session, if the call is an outermost one."""
    state = nesting._state  # noqa: SLF001 - the fast path of every nested call
    watch = point.watch or Watch

    def around(
        wrapped: Callable[..., Any], instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        if state.asleep:
            return wrapped(*args, **kwargs)
        scope = state.scope
        if scope is not None and scope.is_open:
            scope.note(label)
            return wrapped(*args, **kwargs)

        call = Call(wrapped, instance, args, dict(kwargs), point.name)
        sitting = Sitting(installation, watch, label, call)
        sitting.begin()
        if not sitting.may_replace_arguments:
            call.args, call.kwargs = args, kwargs
        try:
            result = wrapped(*call.args, **call.kwargs)  # the user's own call: once, unguarded
        except BaseException as error:
            sitting.failed(error)
            raise
        sitting.done(result)
        return result

    return around


def observing_wrapper(installation: Installation, point: Point, label: str) -> Wrapper:
    """What stands around a function that is looked at outside training, such as ``predict``."""
    state = nesting._state  # noqa: SLF001 - as above
    observer, look_before = point.observer, point.before

    def around(
        wrapped: Callable[..., Any], instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        if state.asleep or not installation.trained:
            return wrapped(*args, **kwargs)
        scope = state.scope
        if scope is not None and scope.is_open:
            return wrapped(*args, **kwargs)

        call = Call(wrapped, instance, args, kwargs, point.name)
        if look_before is not None:
            installation.guarded(f"Looking at {label}", look_before, call)
        result = wrapped(*args, **kwargs)  # the user's own call: once, unguarded
        if observer is not None:
            installation.guarded(f"Looking at {label}", observer, call, result)
        return result

    return around


def missing_wrapper(installation: Installation, point: Point, label: str) -> Wrapper:
    """What stands around a training function that cannot be recorded: its calls are counted.

    Not those inside which something was recorded after all, nor where nothing is to be.
    """
    reason = point.uncaptured or ""

    def around(
        wrapped: Callable[..., Any],
        instance: Any,  # noqa: ARG001 - wrapt's signature
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        if not nesting.is_watching():
            return wrapped(*args, **kwargs)
        before = account.recorded
        try:
            return wrapped(*args, **kwargs)  # the user's own call: once, unguarded
        finally:
            if account.recorded == before and not is_to_be_left(installation):
                account.unrecorded(label, reason)

    return around


def is_to_be_left(installation: Installation) -> bool:
    """Whether no training is to be recorded here: ``exclusive`` says so, or rank 0 does it."""
    return (installation.config.exclusive and users_run() is not None) or not ranks.is_main()


class Sitting:
    """One watched training call, from before it begins until it has ended.

    Its methods raise nothing but what stops a program (KeyboardInterrupt, SystemExit), and in
    strict mode what went wrong, once the user's call is over.
    """

    def __init__(
        self, installation: Installation, watch: type[Watch[Any]], label: str, call: Call
    ) -> None:
        self._installation = installation
        self._label = label
        self._call = call
        self._watch_class = watch
        self._session: TrainingSession | None = None
        self._watch: Watch[Any] | None = None
        self._scope: Scope | None = None
        self._outer: Scope | None = None
        self._error: Exception | None = None
        self._base = 0.0
        self.may_replace_arguments = True

    @property
    def session(self) -> TrainingSession | None:
        """The session, while it is open."""
        return self._session

    # The three moments

    def begin(self) -> None:
        """Open the session, if this call is to have one, and record what is known before."""
        arrived = perf_counter()
        try:
            with hushed(silent=self._installation.config.silent):
                self._open()
        except Exception as error:
            self._went_wrong("Recording the start", error)
            self.may_replace_arguments = False
        except BaseException as error:
            self._abandon(error)
            raise
        if self._session is not None:
            budget = self._session.budget
            budget.charge("opening the run", arrived, self._base)
            budget.start()

    def done(self, result: Any) -> None:
        """Record what training came to, and end the session."""
        session = self._session
        self._end(result, None)
        if session is not None:
            self._error = self._error or session.error
        if self._error is not None and is_strict():
            error, self._error = self._error, None
            raise error

    def failed(self, error: BaseException) -> None:
        """Record that training raised; never raises itself."""
        self._end(None, error)
        self._error = None

    # How they are done

    def _open(self) -> None:
        watch_class, config = self._watch_class, self._installation.config
        with self._watched("wants"):
            if not watch_class.wants(self._call, config):
                return
        if is_to_be_left(self._installation):
            return
        self._scope = Scope()
        self._outer = nesting.enter(self._scope)
        self._scope.note(self._label)
        with untouched_random_state(), nesting.suspended():
            self._session = self._find_session(watch_class)
            self._base = self._session.budget.total
            self._watch = watch_class(self._session, config, self._installation)
            try:
                with self._watched("before"):
                    self._watch.before(self._call)
            except Exception as error:
                self._went_wrong("Recording the start", error)
                self.may_replace_arguments = False
            if self._session.step > 0:
                return
            self._try("Attaching the receipt", self._say_it_began, self._session)
            if self.may_replace_arguments:
                plugins().hook.chiplog_training_started(session=self._session)

    def _say_it_began(self, session: TrainingSession) -> None:
        """Attach a receipt which says so until the end: a process that is killed has no end."""
        calls = session.receipt.calls
        calls.append(CallNote(self._label, TRAINING, 0.0))
        try:
            session.run.attach_receipt()
        finally:
            calls.pop()

    def _find_session(self, watch_class: type[Watch[Any]]) -> TrainingSession:
        """The session this call goes on with, else a new one."""
        installation = self._installation
        trained = watch_class.continues(self._call)
        if trained is not None:
            session = installation.continuing.get(trained)
            if session is not None and session.run.goes_on():
                session.step += 1
                session.run.resume()
                return session
        into = watch_class.destination(self._call)
        run = open_run(installation.tag, installation.config, installation.trained, into)
        try:
            receipt = installation.new_receipt()
            run.document.sessions.append(receipt)
            session = TrainingSession(installation.flavor, installation.config, run, receipt)
        except BaseException as error:
            run.end(error)
            raise
        if trained is not None:
            installation.continuing.set(trained, session)
        elif self._call.instance is not None:
            installation.continuing.pop(self._call.instance)
        return session

    def _end(self, result: Any, error: BaseException | None) -> None:
        returned = perf_counter()
        try:
            with hushed(silent=self._installation.config.silent):
                self._record_end(result, error, returned)
        except Exception as ours:
            self._went_wrong("Ending the recording", ours)
        except BaseException as stop:
            self._abandon(stop)
            raise

    def _record_end(self, result: Any, error: BaseException | None, returned: float) -> None:
        session, scope = self._session, self._scope
        if scope is None:
            return
        if session is None:
            nesting.leave(scope, self._outer)
            return
        outcome = "FINISHED" if error is None else "FAILED"
        budget = session.budget
        training_ms, base = budget.stop() * 1e3, budget.total
        try:
            with untouched_random_state(), nesting.suspended():
                self._try("Recording the outcome", self._look_at_outcome, session, result, error)
        finally:
            nesting.leave(scope, self._outer)
            with nesting.suspended():
                self._try("Filling the receipt", self._fill_receipt, training_ms, error)
                told = plugins().hook.chiplog_training_finished
                self._try("Telling of the end", told, session=session, outcome=outcome)
                budget.charge("ending the run", returned, base)
                budget.fill(session.receipt)
                self._try("Attaching the receipt", session.run.attach_receipt)
                if not self._try("Ending the run", session.run.end, error):
                    self._try("Letting go of the run", session.run.let_go)
                self._session = None
                account.recorded += 1

    def _look_at_outcome(
        self, session: TrainingSession, result: Any, error: BaseException | None
    ) -> None:
        if error is None:
            for trained in (self._call.instance, result):
                if trained is not None and not isinstance(trained, type):
                    session.remember(trained)
        elif all(one.what != AT_THE_END for one in session.receipt.skipped):
            session.skipped(AT_THE_END, f"training raised {type(error).__name__}")
        if self._watch is None:
            return
        with self._watched("after" if error is None else "failed"):
            if error is None:
                self._watch.after(self._call, result)
            else:
                self._watch.failed(self._call, error)

    def _fill_receipt(self, training_ms: float, error: BaseException | None) -> None:
        session, scope = self._session, self._scope
        if session is None or scope is None:
            return
        receipt = session.receipt
        receipt.training_ms += training_ms
        outcome = "FINISHED" if error is None else f"FAILED: {type(error).__name__}"
        if len(receipt.calls) < CALLS_KEPT:
            receipt.calls.append(CallNote(self._label, outcome, training_ms))
        self._installation.fill_hooks(receipt, scope.fired)

    def _watched(self, method: str) -> AbstractContextManager[None]:
        """Around the integration's own code, which is named if it does not come back."""
        return self._installation.watched(f"{method}() of its watch of {self._label}")

    def _try(self, what: str, function: Callable[..., Any], *args: Any, **kwargs: Any) -> bool:
        """Do one thing of ours, and say whether it went well; the others are done all the same."""
        try:
            function(*args, **kwargs)
        except Exception as error:
            self._went_wrong(what, error)
            return False
        return True

    def _went_wrong(self, what: str, error: Exception) -> None:
        """Report a mistake of ours; in strict mode keep it until the user's call is over."""
        session = self._session
        if session is not None and self._watch is not None:
            session.degraded(what, f"{type(error).__name__}: {error}")
        else:
            account.unrecorded(self._label, f"{type(error).__name__}: {error}")
        if is_strict():
            self._error = self._error or error
        elif not self._installation.config.silent:
            tell = report if session is None else session.warn
            tell(f"{what} of {self._label}", error)

    def _abandon(self, stop: BaseException) -> None:
        """The program is being stopped inside our own code: leave nothing open."""
        session, self._session = self._session, None
        if self._scope is not None:
            nesting.leave(self._scope, self._outer)
        if session is not None:
            session.run.end(stop)
