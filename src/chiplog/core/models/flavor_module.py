"""What is the same in the public module of every flavor: saving, logging and loading its models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from chiplog.core.models import loading, logging, saving
from chiplog.core.models.entry import entry_of
from chiplog.core.models.safety import Trust
from chiplog.core.models.saving import ModelContent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from chiplog.core.models.flavor import Flavor
    from chiplog.core.models.model import ModelInfo

_CONTENT: Final = (
    "signature",
    "input_example",
    "metadata",
    "conda_env",
    "pip_requirements",
    "extra_pip_requirements",
    "code_paths",
    "extra_files",
)
_ENTRY: Final = ("params", "tags", "model_type", "registered_model_name", "model_id")


class FlavorModule:
    """Does what the functions of a flavor's public module are called for.

    Those functions have MLflow's arguments, by name and in its order, and documentation of their
    own. Each hands its arguments on as ``locals()``; what it does not have is left at its default.

    Args:
        flavor: whose models they are.
        model: the name of the argument that is the model.
        options: the names of those that are the flavor's own, or what makes its options of all.
    """

    def __init__(
        self,
        flavor: Flavor,
        model: str,
        options: Iterable[str] | Callable[[Mapping[str, Any]], Mapping[str, Any]] = (),
    ) -> None:
        self._flavor = flavor
        self._model = model
        self._options = options if callable(options) else tuple(options)

    def save(self, given: Mapping[str, Any]) -> None:
        """Save a model into a directory, for ``save_model``."""
        saving.save_model(
            self._flavor, self._content(given), given["path"], given.get("mlflow_model")
        )

    def log(self, given: Mapping[str, Any]) -> ModelInfo:
        """Save a model into the active run, or beside the runs, for ``log_model``."""
        entry = entry_of(
            given.get("name"),
            given.get("artifact_path"),
            step=given.get("step", 0),
            **{name: given.get(name) for name in _ENTRY},
        )
        return logging.log_into_current_run(self._flavor, self._content(given), entry)

    def load(self, given: Mapping[str, Any]) -> Any:
        """Load a model as far as it is trusted, for ``load_model``."""
        trust = Trust(given.get("allow_pickle"), tuple(given.get("trusted_types", ())))
        return loading.load_model(
            self._flavor.name, given["model_uri"], trust, given.get("dst_path")
        )

    def _content(self, given: Mapping[str, Any]) -> ModelContent:
        options = self._options
        return ModelContent(
            given[self._model],
            **{name: given.get(name) for name in _CONTENT},
            options=options(given) if callable(options) else {o: given.get(o) for o in options},
        )
