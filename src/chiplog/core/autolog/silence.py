"""``silent=True``: chiplog's loggers say nothing on this thread for a while."""

from __future__ import annotations

import contextlib
import logging
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_ROOT = "chiplog"


class _Hush(logging.Filter):
    """Drops what is said on a thread that asked for silence."""

    def __init__(self) -> None:
        super().__init__()
        self.depth = threading.local()

    def filter(self, record: logging.LogRecord) -> bool:  # noqa: ARG002
        return getattr(self.depth, "count", 0) == 0


_hush = _Hush()


@contextlib.contextmanager
def hushed(*, silent: bool) -> Iterator[None]:
    """Keep chiplog's loggers quiet on this thread, if ``silent``."""
    if not silent:
        yield
        return
    for logger in _our_loggers():
        if _hush not in logger.filters:
            logger.addFilter(_hush)
    depth = _hush.depth
    depth.count = getattr(depth, "count", 0) + 1
    try:
        yield
    finally:
        depth.count -= 1


def _our_loggers() -> list[logging.Logger]:
    """Chiplog's loggers as they are now; a filter on a parent does not see its children's."""
    known = list(logging.root.manager.loggerDict.items())
    return [
        logger
        for name, logger in known
        if isinstance(logger, logging.Logger) and name.partition(".")[0] == _ROOT
    ]
