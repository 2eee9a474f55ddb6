"""Names the plugin that does not come back.

Python cannot stop a thread, so a plugin that hangs keeps the thread it was called on. What can be
done is to say so, once, with the plugin's name, where it waits, and how to be rid of it. Only the
plugins of others are watched; with none of them there is no thread here.

Environment:
    CHIPLOG_PLUGIN_PATIENCE: seconds after which a plugin that has not come back is named,
        10 by default; 0 never names any.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import threading
import time
import traceback
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from types import TracebackType

_log = logging.getLogger("chiplog.plugins")

_IDLE_SECONDS: Final = 30.0


def patience() -> float:
    """Seconds that a plugin may take before it is named; 0 is for ever."""
    try:
        return max(0.0, float(os.environ.get("CHIPLOG_PLUGIN_PATIENCE", "10")))
    except ValueError:
        return 10.0


@dataclass
class Watched:
    """A call of a plugin's code, as a context manager around it.

    Attributes:
        plugin: its name, as in ``CHIPLOG_DISABLED_PLUGINS``.
        source: the distribution it came with.
        what: what it was asked to do.
    """

    plugin: str
    source: str
    what: str
    thread: int = field(default_factory=threading.get_ident)
    began: float = field(default_factory=time.monotonic)
    told: bool = False
    _number: int = 0

    def __enter__(self) -> None:
        self._number = next(_numbers)
        _calls[self._number] = self
        _start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        _calls.pop(self._number, None)
        if self.told:
            _log.warning(
                "Plugin %r came back from %s after %.3g s.",
                self.plugin,
                self.what,
                time.monotonic() - self.began,
            )


# Plain dictionaries and counters: signal handlers and finalizers call plugins too, and a lock that
# the interrupted code holds would never be free.
_numbers = count()
_calls: dict[int, Watched] = {}
_thread: threading.Thread | None = None
_stopped = threading.Event()


def _start() -> None:
    global _thread, _stopped  # noqa: PLW0603 - one per process
    if _thread is not None or not patience():
        return
    stopped = threading.Event()
    thread = threading.Thread(target=_watch, args=(stopped,), name="chiplog-watchdog", daemon=True)
    _thread, _stopped = thread, stopped
    try:
        thread.start()
    except RuntimeError:  # the interpreter is on its way out, or the system gives no thread
        _thread = None


def _watch(stopped: threading.Event) -> None:
    """Look at the calls that are under way, until there has been none for a while."""
    global _thread  # noqa: PLW0603 - one per process
    busy_at = time.monotonic()
    while True:
        limit = patience()
        if stopped.wait(min(1.0, limit / 4) if limit else 1.0):
            return
        now = time.monotonic()
        for call in list(_calls.values()):
            busy_at = now
            if limit and not call.told and now - call.began >= limit:
                call.told = True
                _tell(call, now - call.began)
        if now - busy_at > _IDLE_SECONDS:
            _thread = None
            if not _calls:
                return
            _thread = threading.current_thread()


def _tell(call: Watched, seconds: float) -> None:
    _log.warning(
        "Plugin %r (%s) has been in %s for %.3g s and holds up %s. It is %s. If it does not come "
        "back, stop the program (what is recorded is safe) and set CHIPLOG_DISABLED_PLUGINS=%s.",
        call.plugin,
        call.source,
        call.what,
        seconds,
        _held_up(call.thread),
        _place(call.thread),
        call.plugin,
    )


def _held_up(thread: int) -> str:
    if thread == threading.main_thread().ident:
        return "your program"
    names = {one.ident: one.name for one in threading.enumerate()}
    if names.get(thread) == "chiplog-writer":
        return "the delivery of what is recorded, which stays in its journal meanwhile"
    return f"the thread {names.get(thread, thread)!r}"


def _place(thread: int) -> str:
    """Where a thread is just now."""
    frame = sys._current_frames().get(thread)  # noqa: SLF001 - the documented way
    if frame is None:
        return "nowhere to be seen"
    last = traceback.extract_stack(frame, limit=None)[-1]
    return f"in {last.filename}, line {last.lineno}, in {last.name}()"


def _before_fork() -> None:
    """End the thread, so that Python has no reason to warn; the next call starts another."""
    global _thread
    thread, _thread = _thread, None
    _stopped.set()
    if thread is not None and thread is not threading.current_thread():
        with contextlib.suppress(RuntimeError):  # another thread is just about to start it
            thread.join(1.0)


def _after_fork_in_parent() -> None:
    if _calls:
        _start()


def _after_fork_in_child() -> None:
    _calls.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork,
        after_in_parent=_after_fork_in_parent,
        after_in_child=_after_fork_in_child,
    )
