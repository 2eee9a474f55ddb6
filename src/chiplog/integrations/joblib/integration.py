"""Hands the tasks of a ``joblib.Parallel`` to worker processes with what they need to record.

Only calls made outside a training do: the workers of a search or a forest train parts of what is
recorded already. Tasks are taken from the user's iterable when joblib asks for them, as ever.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chiplog.core.autolog import nesting
from chiplog.core.autolog.integration import Integration
from chiplog.core.autolog.worker import Passport, Task, issue_passport
from chiplog.hooks.guard import quietly

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from chiplog.core.autolog.installation import Installation


class JoblibIntegration(Integration):
    """Records what is trained inside ``Parallel(...)(delayed(train)(...) for ...)``."""

    name = "joblib"
    distribution = "joblib"
    versions = ">=1.2"
    modules = ("joblib.parallel",)
    accompanies = True

    def install(self, installation: Installation) -> None:
        """Wrap the dispatch of tasks."""
        from joblib.parallel import Parallel

        installation.patcher.wrap(Parallel, "__call__", _dispatch)


def _dispatch(
    call: Callable[..., Any], parallel: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    if len(args) == 1 and not kwargs and nesting.is_watching():
        passport = quietly("Preparing joblib's workers to record", _passport_for, None, parallel)
        if passport is not None:
            tasks = args[0]
            return call((_SizedTasks if hasattr(tasks, "__len__") else _Tasks)(tasks, passport))
    return call(*args, **kwargs)


def _passport_for(parallel: Any) -> Passport | None:
    """What workers need, if this call's tasks run in processes on this machine."""
    from joblib._parallel_backends import LokyBackend, MultiprocessingBackend

    backend = getattr(parallel, "_backend", None)
    return issue_passport() if isinstance(backend, (LokyBackend, MultiprocessingBackend)) else None


class _Tasks:
    """The user's tasks with a passport each, made when joblib asks for the next one."""

    def __init__(self, tasks: Iterable[tuple[Any, Any, Any]], passport: Passport) -> None:
        self._tasks = tasks
        self._passport = passport

    def __iter__(self) -> Iterator[tuple[Any, Any, Any]]:
        for function, args, kwargs in self._tasks:
            yield Task(function, self._passport), args, kwargs


class _SizedTasks(_Tasks):
    """As many tasks as the user's, where their number is known."""

    def __len__(self) -> int:
        return len(self._tasks)  # type: ignore[arg-type]
