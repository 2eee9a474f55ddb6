"""TensorFlow models on disk: Keras's ``.keras`` format, which carries no code."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

from chiplog.core.errors import CannotSave, InvalidValue
from chiplog.core.models import frames, keras_file, safety
from chiplog.core.models.flavor import Saved
from chiplog.core.models.loading import file_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from chiplog.core.models.safety import Trust

DATA: Final = "data"
FILE: Final = "data/model.keras"


class TensorFlowFlavor:
    """Saves and loads Keras models under MLflow's flavor ``tensorflow``.

    Options: ``save_kwargs`` (arguments of the model's ``save``), ``allow_code`` (save ``Lambda``
    layers' code too).
    """

    name = "tensorflow"
    module = "chiplog.integrations.tensorflow.api"

    def can_save(self, model: object) -> bool:  # noqa: ARG002
        """Never by itself: Keras models are saved in the flavor ``keras`` unless asked for this."""
        return False

    def save(self, model: Any, path: Path, options: Mapping[str, Any]) -> Saved:
        """Write the model's file; raises CannotSave for what is no Keras model, or holds code."""
        kind = getattr(sys.modules.get("keras"), "Model", None)
        if kind is None or not isinstance(model, kind):
            raise CannotSave(
                f"a {type(model).__name__} is no Keras model; tf.saved_model.save() writes other "
                "modules, and log_artifacts() stores what it wrote"
            )
        import tensorflow as tf

        folder = path / DATA
        folder.mkdir()
        file = path / FILE
        keras_file.write(model, file, options.get("save_kwargs"))
        notes = keras_file.check(file, allows_code=bool(options.get("allow_code")))
        foreign = {name.partition(".")[0] for name in keras_file.foreign_names(file)}
        (folder / "keras_module.txt").write_text("tensorflow.keras", encoding="utf-8")
        (folder / "save_format.txt").write_text("tf", encoding="utf-8")
        settings = {
            "data": DATA,
            "model_type": "keras",
            "keras_version": tf.__version__,  # so MLflow, which takes tf.keras for the version
            "save_format": "tf",
        }
        function = {"loader_module": "mlflow.tensorflow", "data": DATA}
        modules = frozenset({"tensorflow", "keras", "numpy"}) | foreign
        return Saved(settings, function, modules, notes)

    def load(self, path: Path, settings: Mapping[str, Any], trust: Trust) -> Any:
        """Read the model's file as far as it is trusted."""
        kind = settings.get("model_type", "keras")
        if kind != "keras":
            raise InvalidValue(
                f"The model is of the kind {kind!r}, a program of TensorFlow's; "
                f"tf.saved_model.load({str(path / str(settings.get('saved_model_dir', '')))!r}) "
                "reads it, if you trust where it came from."
            )
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
