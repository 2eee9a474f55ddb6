"""Says where a run comes from: user, source, git commit and uncommitted patch, job."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chiplog.hooks import hookimpl

if TYPE_CHECKING:
    from collections.abc import Mapping


@hookimpl
def chiplog_run_context() -> Mapping[str, str]:
    """Tags of the user, the program, the git commit, and the job it runs in."""
    from chiplog.integrations.context import git, jobs, source

    tags = source.tags()
    tags.update(git.tags(source.script()))
    tags.update(jobs.tags())
    return tags


@hookimpl
def chiplog_run_context_late() -> Mapping[str, str]:
    """Whether the work tree differs from the commit."""
    from chiplog.integrations.context import patch, source

    return patch.tags(source.script())


@hookimpl
def chiplog_run_context_files() -> Mapping[str, str]:
    """The difference to the commit, as a patch without secrets."""
    from chiplog.integrations.context import patch, source

    return patch.files(source.script())
