"""Sessions that no single call spans: opened and ended by a framework's callbacks or logger.

opened = open_session("lightning", trained=module)
if opened is not None:            # None inside another training call, which logs already
opened.session.log_params(...)
...
opened.finish()               # or opened.fail(error)
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from chiplog.core.autolog import engine, nesting
from chiplog.core.autolog.calls import Sitting
from chiplog.core.autolog.integration import Call, Watch

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from chiplog.core.autolog.config import AutologConfig
    from chiplog.core.autolog.destination import Destination
    from chiplog.core.autolog.session import TrainingSession

__all__ = ["OpenSession", "open_session"]


class OpenSession:
    """An open session and the means to end it. Also a context manager.

    Ending it twice is ending it once. It may be ended from another thread.
    """

    def __init__(self, sitting: Sitting, session: TrainingSession) -> None:
        self.session = session
        self._sitting: Sitting | None = sitting

    def finish(self, result: Any = None) -> None:
        """End the session: the training came to its end."""
        sitting, self._sitting = self._sitting, None
        if sitting is not None:
            sitting.done(result)

    def fail(self, error: BaseException) -> None:
        """End the session: the training raised ``error``, which stays the caller's to raise."""
        sitting, self._sitting = self._sitting, None
        if sitting is not None:
            sitting.failed(error)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is None:
            self.finish()
        else:
            self.fail(error)


def open_session(
    flavor: str,
    *,
    trained: object = None,
    what: str = "training",
    config: AutologConfig | None = None,
    into: Destination | None = None,
) -> OpenSession | None:
    """Open a session of the integration ``flavor`` on this thread; None if it is not to be logged.

    That is so inside another session, while watching is suspended, and in a run of the user's with
    ``exclusive``. Works without ``autolog()`` too.

    Args:
        flavor: the integration's name.
        config: settings to use instead of those in force.
        trained: the object being trained; its run is found again by it. No reference is kept.
        what: the name of the training in the receipt.
        into: the run to record into, instead of the active one or a new one.
    """
    if not nesting.is_watching():
        return None
    installation = engine.installation_for(flavor, config)
    call = Call(_nothing, trained, (), {"into": into}, what)
    sitting = Sitting(installation, _OpenWatch, f"{flavor}: {what}", call)
    sitting.begin()
    if sitting.session is None:
        with contextlib.suppress(Exception):
            sitting.failed(RuntimeError("not opened"))
        return None
    return OpenSession(sitting, sitting.session)


class _OpenWatch(Watch[Any]):
    """Watches nothing; says where its session is recorded."""

    @classmethod
    def destination(cls, call: Call) -> Destination | None:
        """What the caller of :func:`open_session` named."""
        into: Destination | None = call.kwargs["into"]
        return into


def _nothing() -> None:
    """Stands for the call that there is not."""
