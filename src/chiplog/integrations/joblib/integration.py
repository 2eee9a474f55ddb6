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
            return call(_with_passport(args[0], passport))
    return call(*args, **kwargs)


def _passport_for(parallel: Any) -> Passport | None:
    """What workers need, if this call's tasks run in processes on this machine."""
    backend = getattr(parallel, "_backend", None)
    if getattr(backend, "uses_threads", True):
        return None
    if type(backend).__name__ not in {"LokyBackend", "MultiprocessingBackend"}:
        return None
    return issue_passport()


def _with_passport(
    tasks: Iterable[tuple[Any, Any, Any]], passport: Passport
) -> Iterator[tuple[Any, Any, Any]]:
    for function, args, kwargs in tasks:
        yield Task(function, passport), args, kwargs
