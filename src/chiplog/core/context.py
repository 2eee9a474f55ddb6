"""Where a run comes from: the tags and files that plugins hand in for it.

Tags are gathered when a run starts, on its thread. What takes longer, such as the uncommitted
patch, is gathered in a short thread per run; :func:`wait_for_context` waits for it.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from typing import TYPE_CHECKING, Protocol

import msgspec

from chiplog.core.config import env_with_source
from chiplog.hooks.guard import is_strict, quietly, report
from chiplog.hooks.manager import plugins

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chiplog.core.stores import ArtifactStore

_log = logging.getLogger("chiplog")


class ContextWriter(Protocol):
    """What is needed of a run to give it its context; a RunWriter is one."""

    @property
    def run_id(self) -> str:
        """The run's id."""

    @property
    def artifacts(self) -> ArtifactStore:
        """Where the run's files go."""

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Set tags of the run."""


def run_context_tags(user_tags: Mapping[str, str] | None = None) -> dict[str, str]:
    """The tags of a new run: those of every plugin, those of MLFLOW_RUN_CONTEXT, the user's own.

    Later ones win. Whatever goes wrong on the way costs the tags concerned and never raises.
    """
    tags: dict[str, str] = {}
    for found in quietly("Gathering a run's context", plugins().hook.chiplog_run_context, []):
        tags.update(found)
    tags.update(quietly("Reading the run context variable", _environment_tags, {}))
    tags.update(user_tags or {})
    return tags


def _environment_tags() -> dict[str, str]:
    text, variable = env_with_source("RUN_CONTEXT")
    if text is None:
        return {}
    try:
        given = msgspec.json.decode(text, type=dict[str, str | int | float | bool])
    except msgspec.DecodeError as error:
        _log.warning("%s is no JSON object of tags and is left out: %s", variable, error)
        return {}
    return {key: str(value) for key, value in given.items()}


class _Gathering:
    """One run's context on its way to the run."""

    def __init__(self, writer: ContextWriter) -> None:
        self._pid = os.getpid()
        self._writer = writer
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="chiplog-context", daemon=True)
        self._thread.start()

    def wait(self, timeout: float) -> bool:
        if self._pid != os.getpid():  # a forked child: the parent's thread does it
            return True
        self._thread.join(timeout)
        if self._error is not None and is_strict():
            error, self._error = self._error, None
            raise error
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            tags: dict[str, str] = {}
            for found in plugins().hook.chiplog_run_context_late():
                tags.update(found)
            if tags:
                self._writer.set_tags(tags)
            for files in plugins().hook.chiplog_run_context_files():
                for path, text in files.items():
                    self._writer.artifacts.put_bytes(text.encode(errors="replace"), path)
        except Exception as error:
            self._error = error
            if not is_strict():
                report("Gathering a run's context", error)


_gatherings: dict[str, _Gathering] = {}


def collect_context_files(writer: ContextWriter) -> None:
    """Begin to gather what takes longer than tags do, in a thread that ends by itself.

    Tags and files reach the run through ``writer``, also when the run ends meanwhile.
    """
    _gatherings[writer.run_id] = _Gathering(writer)


def wait_for_context(run_id: str | None = None, timeout: float = 5.0) -> bool:
    """Wait until the context of a run, or of all, is complete; False when ``timeout`` ran out.

    What is not complete by then still arrives if the process lives on.
    """
    deadline = time.monotonic() + timeout
    complete = True
    for one in [run_id] if run_id is not None else list(_gatherings):
        gathering = _gatherings.pop(one, None)
        if gathering is not None and not gathering.wait(max(0.0, deadline - time.monotonic())):
            _gatherings[one] = gathering
            complete = False
    return complete
