"""Where a run comes from: the tags and files that plugins hand in for it.

Tags are gathered when a run starts, on its thread. What takes longer, such as the uncommitted
patch, is gathered on the background thread, which the end of a run does not wait for.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Protocol

import msgspec

from chiplog.core import background
from chiplog.core.config import env_with_source
from chiplog.hooks.guard import quiet, quietly, report
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


def collect_late_context(writer: ContextWriter) -> None:
    """Gather, on the background thread, what takes longer than tags do.

    Tags and files reach the run through ``writer``, also when the run has ended meanwhile. Whatever
    goes wrong is reported and costs this alone.
    """
    with quiet("Gathering a run's context"):  # a thread may not be had, as at the end of a process
        background.defer(_gather, writer, failed=_report)


def _gather(writer: ContextWriter) -> None:
    tags: dict[str, str] = {}
    for found in plugins().hook.chiplog_run_context_late():
        tags.update(found)
    if tags:
        writer.set_tags(tags)
    for files in plugins().hook.chiplog_run_context_files():
        for path, text in files.items():
            writer.artifacts.put_bytes(text.encode(errors="replace"), path)


def _report(error: Exception) -> None:
    report("Gathering a run's context", error)
