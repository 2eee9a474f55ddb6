"""Which calls are inside another training call: only the outermost one logs.

A call is inside when its thread is in a session, or when its thread was started, at whatever
remove, by a thread that was in a session which is still open. So the threads of a pool that a fit
makes (joblib's threading backend, a ``ThreadPoolExecutor`` made inside) belong to that fit, and a
thread the user started outside any fit is on its own, whatever other threads do meanwhile. Threads
that were there before the fit and are merely lent to it cannot be told from the user's own.

Processes forked inside a session inherit being inside. Other processes started there learn it from
the variable ``CHIPLOG_INSIDE_TRAINING``.
"""

from __future__ import annotations

import contextlib
import os
import threading
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from chiplog.hooks.patcher import Patcher

VARIABLE: Final = "CHIPLOG_INSIDE_TRAINING"

_ATTRIBUTE: Final = "_chiplog_scope"


class Scope:
    """The stretch of a training session, as its threads know it. Holds nothing of the training."""

    __slots__ = ("fired", "is_open", "thread")

    def __init__(self) -> None:
        self.is_open = True
        self.thread = threading.get_ident()
        self.fired: dict[str, int] = {}

    def note(self, point: str) -> None:
        """Count a watched call made inside."""
        self.fired[point] = self.fired.get(point, 0) + 1


class _State(threading.local):
    """What a thread is inside of.

    Attributes:
        scope: the innermost session opened by this thread, or the one it was started in.
        asleep: above zero while watching is switched off for this thread.
    """

    def __init__(self) -> None:
        scope = threading.current_thread().__dict__.get(_ATTRIBUTE)
        self.scope: Scope | None = scope
        self.asleep = 1 if _asleep_by_default else 0


_asleep_by_default = False
_state = _State()
_open_scopes = 0
_count_lock = threading.Lock()


def is_watching() -> bool:
    """Whether a training call made now, on this thread, is an outermost one to be logged."""
    if _state.asleep:
        return False
    scope = _state.scope
    return scope is None or not scope.is_open


def of_this_thread() -> dict[str, Any]:
    """What this thread is inside of, as a dict of ``scope`` and ``asleep`` that is kept up to date.

    For what asks in every step, on this thread only: it costs half of :func:`is_watching`.
    """
    return _state.__dict__


def current_scope() -> Scope | None:
    """The open session this thread is inside of."""
    scope = _state.scope
    return scope if scope is not None and scope.is_open else None


def is_suspended() -> bool:
    """Whether watching is switched off for this thread."""
    return _state.asleep > 0


@contextlib.contextmanager
def suspended() -> Iterator[None]:
    """Switch watching off for this thread: for calls of chiplog's own into a framework."""
    _state.asleep += 1
    try:
        yield
    finally:
        _state.asleep -= 1


def sleep_by_default() -> None:
    """Watch nothing in this process but inside :func:`awake`, as a lent worker process does."""
    global _asleep_by_default  # noqa: PLW0603 - one per process
    if not _asleep_by_default:
        _asleep_by_default = True
        _state.asleep += 1


@contextlib.contextmanager
def awake() -> Iterator[None]:
    """Watch on this thread, whatever the process's default and the session it is in."""
    asleep, scope = _state.asleep, _state.scope
    _state.asleep, _state.scope = 0, None
    try:
        yield
    finally:
        _state.asleep, _state.scope = asleep, scope


def enter(scope: Scope) -> Scope | None:
    """Put this thread inside ``scope``; hands back what it was inside of, for :func:`leave`."""
    global _open_scopes  # noqa: PLW0603 - one per process
    before = _state.scope
    _state.scope = scope
    with _count_lock:
        _open_scopes += 1
        if _open_scopes == 1:
            os.environ[VARIABLE] = "1"
    return before


def leave(scope: Scope, before: Scope | None) -> None:
    """Close ``scope``. Safe to call from another thread than the one that entered."""
    global _open_scopes  # noqa: PLW0603 - one per process
    if not scope.is_open:
        return
    scope.is_open = False
    if _state.scope is scope:
        _state.scope = before
    with _count_lock:
        _open_scopes -= 1
        if _open_scopes == 0 and not _started_inside:
            os.environ.pop(VARIABLE, None)


_started_inside = os.environ.get(VARIABLE) == "1"
if _started_inside:
    sleep_by_default()


def follow_threads(patcher: Patcher) -> None:
    """Let each thread know the session that it is started in."""
    patcher.wrap(threading.Thread, "start", _start_inside)


def _start_inside(
    start: Callable[..., Any], thread: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    scope = _state.scope
    if scope is not None and scope.is_open and thread is not None:
        thread.__dict__[_ATTRIBUTE] = scope
    return start(*args, **kwargs)


def _after_fork() -> None:
    """A forked child is inside what its parent's thread was inside of; the rest is gone."""
    global _open_scopes, _count_lock  # noqa: PLW0603 - one per process
    _count_lock = threading.Lock()
    scope = current_scope()
    _open_scopes = 1 if scope is not None else 0


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
