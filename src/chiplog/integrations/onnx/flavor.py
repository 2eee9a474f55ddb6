"""ONNX models on disk: ONNX's own format, which holds a graph and tensors."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from chiplog.core.models.flavor import Saved
from chiplog.core.models.loading import file_of
from chiplog.integrations.onnx import file as onnx_file
from chiplog.integrations.onnx import inference

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from chiplog.core.models.safety import Trust


class OnnxFlavor:
    """Saves and loads ``onnx.ModelProto``.

    Options: ``onnx_execution_providers``, ``onnx_session_options``, ``save_as_external_data``.
    """

    name = "onnx"
    module = "chiplog.integrations.onnx.api"

    def can_save(self, model: object) -> bool:
        """Whether ``model`` is an ONNX model."""
        kind = getattr(sys.modules.get("onnx"), "ModelProto", None)
        return kind is not None and isinstance(model, kind)

    def save(self, model: Any, path: Path, options: Mapping[str, Any]) -> Saved:
        """Write the model's files; raises CannotSave if it is not sound."""
        import onnx

        session_options = inference.check_options(options.get("onnx_session_options"))
        providers = options.get("onnx_execution_providers")
        onnx_file.write(
            model,
            path / onnx_file.FILE,
            is_split=bool(options.get("save_as_external_data", True)),
        )
        used = {
            "providers": list(inference.PROVIDERS if providers is None else providers),
            "onnx_session_options": session_options or None,
        }
        settings = {"onnx_version": onnx.__version__, "data": onnx_file.FILE, **used}
        if (path / onnx_file.DATA_FILE).exists():
            settings["external_data"] = onnx_file.DATA_FILE
        function = {"loader_module": "mlflow.onnx", "data": onnx_file.FILE, **used}
        return Saved(settings, function, frozenset({"onnx", "onnxruntime", "numpy"}))

    def load(self, path: Path, settings: Mapping[str, Any], trust: Trust) -> Any:  # noqa: ARG002 - nothing in it asks for trust
        """Read the model's files."""
        return onnx_file.read(_file(path, settings))

    def load_function(self, path: Path, settings: Mapping[str, Any], trust: Trust) -> Any:
        """What computes the model, for :meth:`predict`: a session of onnxruntime's."""
        file = _file(path, settings)
        onnx_file.check(file)
        options = inference.check_options(settings.get("onnx_session_options"))
        inference.check_trusted(settings, path, trust)
        return inference.open_session(file, settings.get("providers"), options)

    def predict(
        self,
        model: Any,
        data: Any,
        options: Mapping[str, Any],  # noqa: ARG002 - a session has its settings
        params: Mapping[str, Any] | None = None,  # noqa: ARG002 - ONNX's models take none
    ) -> Any:
        """What the saved model gives for ``data``, by the names of its outputs."""
        if self.can_save(model):
            alone = {"intra_op_num_threads": 1}
            model = inference.open_session(model.SerializeToString(), None, alone)
        return inference.run(model, data)


def _file(path: Path, settings: Mapping[str, Any]) -> Path:
    """The file of the graph; raises if that of its tensors is named and not inside."""
    if settings.get("external_data"):
        file_of(path, settings["external_data"])
    return file_of(path, settings.get("data", onnx_file.FILE))
