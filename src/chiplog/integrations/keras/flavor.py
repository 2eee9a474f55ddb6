"""Keras models on disk: the ``.keras`` format, which carries no code."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

from chiplog.core.models import frames, keras_file, safety
from chiplog.core.models.flavor import Saved
from chiplog.core.models.loading import file_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from chiplog.core.models.safety import Trust

DATA: Final = "data"
FILE: Final = "data/model.keras"


class KerasFlavor:
    """Saves and loads Keras 3 models of any backend.

    Options: ``save_kwargs`` (arguments of the model's ``save``), ``save_exported_model``,
    ``allow_code`` (save ``Lambda`` layers' code too).
    """

    name = "keras"
    module = "chiplog.integrations.keras.api"

    def can_save(self, model: object) -> bool:
        """Whether ``model`` is a Keras model."""
        keras = sys.modules.get("keras")
        kind = getattr(keras, "Model", None)
        return kind is not None and isinstance(model, kind)

    def save(self, model: Any, path: Path, options: Mapping[str, Any]) -> Saved:
        """Write the model's file; raises CannotSave if it would hold code nobody asked for."""
        import keras

        exported = bool(options.get("save_exported_model"))
        folder = path / DATA
        folder.mkdir()
        arguments = dict(options.get("save_kwargs") or {})
        notes: tuple[str, ...] = ()
        modules = frozenset({"keras", keras.backend.backend(), "numpy"})
        if exported:
            model.export(str(folder / "model"), verbose=False, **arguments)
        else:
            file = path / FILE
            keras_file.write(model, file, arguments)
            notes = keras_file.check(file, allows_code=bool(options.get("allow_code")))
            modules |= {name.partition(".")[0] for name in keras_file.foreign_names(file)}
        (folder / "keras_module.txt").write_text("keras", encoding="utf-8")
        settings = {
            "data": DATA,
            "keras_version": keras.__version__,
            "keras_backend": keras.backend.backend(),
            "save_exported_model": exported,
        }
        function = {"loader_module": "mlflow.keras"}
        return Saved(settings, function, modules, notes)

    def load(self, path: Path, settings: Mapping[str, Any], trust: Trust) -> Any:
        """Read the model's file as far as it is trusted."""
        if settings.get("save_exported_model"):
            return safety.read_exported_keras(path / DATA / "model", trust)
        return safety.read_keras(file_of(path, f"{settings.get('data', DATA)}/model.keras"), trust)

    def predict(
        self,
        model: Any,
        data: Any,
        options: Mapping[str, Any],  # noqa: ARG002 - none of them matters to it
        params: Mapping[str, Any] | None = None,
    ) -> Any:
        """What the saved model gives for ``data``; for a frame, a frame."""
        given = model.predict(frames.array_of(data), **{"verbose": 0, **(params or {})})
        return frames.as_given(data, given)
