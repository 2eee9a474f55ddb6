"""Every hook of chiplog, in one place.

An implementation may ask for fewer arguments than a hook offers, so hooks can grow. Unless a
docstring says otherwise, a hook runs on the thread that caused it, in the order in which plugins
were registered, and an exception in it is one warning naming the plugin; the others still run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chiplog.hooks.markers import hookspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import click

    from chiplog.core.autolog.integration import Integration
    from chiplog.core.autolog.session import TrainingSession
    from chiplog.core.entities import LoggedModel, Run
    from chiplog.core.evaluation.evaluator import ModelEvaluator
    from chiplog.core.models.flavor import Flavor
    from chiplog.core.records import SeriesPoints
    from chiplog.core.stores import ArtifactStore, TrackingStore


#: The hooks that hand back texts by name, and those that hand back things with names.
MAPPINGS = frozenset(
    {
        "chiplog_run_context",
        "chiplog_run_context_files",
        "chiplog_run_context_late",
        "chiplog_store_schemes",
    }
)
LISTS = frozenset({"chiplog_evaluators", "chiplog_flavors", "chiplog_instrumentors"})


@hookspec
def chiplog_instrumentors() -> Iterable[Integration]:  # type: ignore[empty-body]
    """Name the frameworks this plugin can record.

    Called once, at the first ``autolog()``. Must not import the framework: an integration is
    installed when the user imports it.
    """


@hookspec
def chiplog_flavors() -> Iterable[Flavor]:  # type: ignore[empty-body]
    """Name the model formats this plugin can save and load.

    Called once, when the first model is saved or loaded. Must not import the framework.
    """


@hookspec
def chiplog_evaluators() -> Iterable[ModelEvaluator]:  # type: ignore[empty-body]
    """Name what this plugin can measure models with.

    Called at each ``chiplog.models.evaluate()``. Must not import a framework.
    """


@hookspec(firstresult=True)
def chiplog_tracking_store(uri: str) -> TrackingStore | None:
    """Open the tracking store that ``uri`` names, or hand back None to leave it to the next plugin.

    Called once per process for each distinct URI, when it is first needed; never at import.
    An exception reaches the caller: the URI was the plugin's, and it cannot be opened.
    """


@hookspec(firstresult=True)
def chiplog_artifact_store(uri: str) -> ArtifactStore | None:
    """Open the artifact store that ``uri`` names, or hand back None. As for tracking stores."""


@hookspec(firstresult=True)
def chiplog_registry_store(uri: str) -> object | None:
    """Open the model registry that ``uri`` names, or hand back None. As for tracking stores."""


@hookspec
def chiplog_store_schemes(kind: str) -> Mapping[str, str]:  # type: ignore[empty-body]
    """Map each URI scheme that this plugin opens to a few words about it, for messages.

    ``kind`` is ``tracking``, ``artifact`` or ``registry``: the stores that are asked about.
    """


@hookspec
def chiplog_run_context() -> Mapping[str, str]:  # type: ignore[empty-body]
    """Hand back tags that say where a run comes from: user, source, git commit, job.

    Called once per ``start_run``, on its thread: be quick, and remember what does not change.
    Later registered plugins win over earlier ones, the user's own tags over all.
    """


@hookspec
def chiplog_run_context_late() -> Mapping[str, str]:  # type: ignore[empty-body]
    """Hand back tags of a run's context that take too long for ``chiplog_run_context``.

    Called off the training thread, once per top-level run, before ``chiplog_run_context_files``.
    The run may have ended meanwhile; its tags are set all the same.
    """


@hookspec
def chiplog_run_context_files() -> Mapping[str, str]:  # type: ignore[empty-body]
    """Map artifact paths to text that belongs to a run's context, such as an uncommitted patch.

    Called off the training thread, once per top-level run.
    """


@hookspec
def chiplog_training_started(session: TrainingSession) -> None:
    """Told that an outermost training call begins, after its parameters were recorded."""


@hookspec
def chiplog_training_finished(session: TrainingSession, outcome: str) -> None:
    """Told that the call ended, ``FINISHED`` or ``FAILED``; its run is still open."""


@hookspec
def chiplog_run_started(run: Run) -> None:
    """Told that a run began or was resumed in this process."""


@hookspec
def chiplog_run_ended(run: Run) -> None:
    """Told that a run ended in this process, after its end was recorded."""


@hookspec
def chiplog_metrics_recorded(points: Sequence[SeriesPoints]) -> None:
    """Told of metric points that have reached the store.

    Called in batches, on the writer thread, never on the training thread.
    """


@hookspec
def chiplog_model_logged(model: LoggedModel) -> None:
    """Told that a model's files are complete and the model is ready."""


@hookspec
def chiplog_cli(group: click.Group) -> None:
    """Add commands to the ``chiplog`` program.

    Called when the program starts. Keep heavy imports inside the commands.
    """
