"""Child processes that do not begin as a copy of their parent: they are set up as it was.

A forked child has the parent's patches and run. One that ``multiprocessing`` starts by ``spawn`` or
``forkserver`` has the environment at most, which is that of the fork server's own start. So the
process object, which is pickled to it, carries a :class:`~chiplog.core.autolog.worker.Passport`.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

from chiplog.core.autolog import nesting
from chiplog.core.autolog.worker import Passport, arrive, issue_passport
from chiplog.hooks.guard import quietly

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from chiplog.hooks.patcher import Patcher

_ATTRIBUTE: Final = "_chiplog_passport"
_LOADERS: Final = ("torch.utils.data._utils.worker",)
"""Modules of workers that load data and train nothing, and are started again each epoch."""


class _Carried:
    """A passport that takes effect where it is unpickled."""

    def __init__(self, passport: Passport) -> None:
        self.passport = passport

    def __reduce__(self) -> tuple[Callable[[Passport], None], tuple[Passport]]:
        return _arrive, (self.passport,)


def _arrive(passport: Passport) -> None:
    if os.getpid() != passport.pid:
        quietly("Joining the run from a child process", arrive, None, passport)


def follow_processes(patcher: Patcher) -> None:
    """Give each process that is started outside a training what it needs to record."""

    def imported(module: ModuleType) -> None:
        patcher.wrap(module.BaseProcess, "start", _start)

    patcher.on_import("multiprocessing.process", imported)


def _start(
    start: Callable[..., Any], process: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    if not _is_pickled(process) or not nesting.is_watching():
        return start(*args, **kwargs)
    passport = quietly("Preparing a child process to record", issue_passport, None)
    if passport is None:
        return start(*args, **kwargs)
    process.__dict__[_ATTRIBUTE] = _Carried(passport)
    try:
        return start(*args, **kwargs)
    finally:
        process.__dict__.pop(_ATTRIBUTE, None)


def _is_pickled(process: Any) -> bool:
    """Whether a process starts from a pickle of itself, to do what may be a training."""
    method = getattr(process, "_start_method", None)
    if method is None:
        from multiprocessing import get_start_method

        method = get_start_method()
    target = getattr(process, "_target", None)
    return method in {"spawn", "forkserver"} and getattr(target, "__module__", "") not in _LOADERS
