"""A loaded model as one function of data and parameters."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from chiplog.core.errors import InvalidValue
from chiplog.core.models.flavor import PYTHON_FUNCTION
from chiplog.core.models.pyfunc import checking
from chiplog.core.models.pyfunc.implementations import OfPythonModel
from chiplog.core.models.pyfunc.python_model import hint_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from chiplog.core.models.enforcement import Policy
    from chiplog.core.models.model import Model
    from chiplog.core.models.pyfunc.implementations import Implementation
    from chiplog.core.models.pyfunc.python_model import PythonModel


class PyFuncModel:
    """A loaded model of any flavor; ``chiplog.pyfunc.load_model`` makes one.

    Attributes:
        metadata: what its MLmodel file says.
    """

    def __init__(
        self,
        model_meta: Model,
        model_impl: Implementation,
        *,
        directory: Path | None = None,
        model_config: Mapping[str, Any] | None = None,
        policy: Policy | str | None = None,
    ) -> None:
        self.metadata = model_meta
        self._model_impl = model_impl
        self._directory = directory
        self._model_config = dict(model_config or {})
        self._policy = policy

    def predict(self, data: Any, params: Mapping[str, Any] | None = None) -> Any:
        """What the model gives for ``data``, once that is as its signature says.

        Raises InvalidValue with everything in which the data or the parameters differ from it.
        """
        data, params = self._checked(data, params)
        return self._model_impl.predict(data, params)

    def predict_stream(self, data: Any, params: Mapping[str, Any] | None = None) -> Iterator[Any]:
        """What the model gives for ``data``, part after part; for models made for that."""
        data, params = self._checked(data, params)
        return self._model_impl.stream(data, params)

    @property
    def model_id(self) -> str | None:
        """The logged model's id; None for one that was saved to a plain path."""
        return self.metadata.model_id

    @property
    def model_config(self) -> dict[str, Any]:
        """The model's settings: those it was saved with, with those it was loaded with on top."""
        return self._model_config

    @property
    def loader_module(self) -> str | None:
        """The module that the MLmodel file names for loading it."""
        found: str | None = self._settings.get("loader_module")
        return found

    @property
    def input_example(self) -> Any:
        """The example saved with the model, as it was given; None if there is none."""
        if self._directory is None:
            return None
        return self.metadata.load_input_example(self._directory)

    def unwrap_python_model(self) -> PythonModel:
        """The PythonModel that was saved; raises InvalidValue for a model of a framework."""
        if isinstance(self._model_impl, OfPythonModel):
            return self._model_impl.raw
        raise InvalidValue(
            f"The model is loaded by {self.loader_module!r} and is no PythonModel; "
            "get_raw_model() hands back what it is."
        )

    def get_raw_model(self) -> Any:
        """The model in its own form: the framework's, the PythonModel, or a loader's object."""
        return self._model_impl.raw

    def __repr__(self) -> str:
        lines = [f"  {name}: {value}" for name, value in self._described().items()]
        return "\n".join(["chiplog.pyfunc.loaded_model:", *lines])

    @property
    def _settings(self) -> dict[str, Any]:
        return self.metadata.flavors.get(PYTHON_FUNCTION, {})

    def _described(self) -> dict[str, str | None]:
        found = {
            "artifact_path": self.metadata.artifact_path,
            "flavor": self.loader_module,
            "run_id": self.metadata.run_id,
            "model_id": self.metadata.model_id,
        }
        return {name: value for name, value in found.items() if value is not None}

    def _checked(
        self, data: Any, params: Mapping[str, Any] | None
    ) -> tuple[Any, Mapping[str, Any] | None]:
        return checking.checked(self.metadata, self._hint, data, params, self._policy)

    @functools.cached_property
    def _hint(self) -> Any:
        """The type hint that the model's signature is from, or None."""
        is_hinted = self.metadata.extra.get("is_signature_from_type_hint")
        if not is_hinted or not isinstance(self._model_impl, OfPythonModel):
            return None
        return hint_of(self._model_impl.raw)
