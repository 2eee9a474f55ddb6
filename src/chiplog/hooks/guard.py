"""The one guard between chiplog's mistakes and the user's program.

What chiplog does beside the user's own call runs under :func:`quietly` or :class:`quiet`: an
exception is one warning, and the program goes on with less recorded. ``CHIPLOG_STRICT=1`` raises
instead; chiplog's tests run so: a guard that hides bugs from users must not hide them from us.
"""

from __future__ import annotations

import contextlib
import logging
import os
from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_log = logging.getLogger("chiplog")

P = ParamSpec("P")
T = TypeVar("T")
D = TypeVar("D")

_seen: set[tuple[str, str]] = set()


def is_strict() -> bool:
    """Whether chiplog's own errors are raised."""
    return os.environ.get("CHIPLOG_STRICT", "") not in {"", "0"}


def report(what: str, error: BaseException) -> None:
    """Say once per kind that ``what`` failed, and that the program goes on."""
    kind = (what, type(error).__name__)
    if kind in _seen:
        _log.debug("again: %s failed", what, exc_info=error)
        return
    _seen.add(kind)
    _log.warning(
        "%s failed; your program is not affected, less is recorded. %s: %s "
        "(CHIPLOG_STRICT=1 raises this error)",
        what,
        type(error).__name__,
        error,
        exc_info=error if _log.isEnabledFor(logging.DEBUG) else None,
    )


@contextlib.contextmanager
def quiet(what: str) -> Iterator[None]:
    """Run a block of chiplog's own; its exceptions are reported, not raised."""
    try:
        yield
    except Exception as error:
        if is_strict():
            raise
        report(what, error)


def quietly(
    what: str, function: Callable[P, T], otherwise: D, *args: P.args, **kwargs: P.kwargs
) -> T | D:
    """Call a function of chiplog's own; hand back ``otherwise`` if it raises."""
    try:
        return function(*args, **kwargs)
    except Exception as error:
        if is_strict():
            raise
        report(what, error)
        return otherwise
