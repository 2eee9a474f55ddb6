"""What is evaluated: a model by its URI or loaded, a function, or nothing but its predictions."""

from __future__ import annotations

import dataclasses
import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chiplog.core.data.describe import is_frame
from chiplog.core.errors import InvalidValue, WrongType

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from chiplog.core.models.pyfunc.model import PyFuncModel


@dataclass(frozen=True)
class Subject:
    """A model as an evaluation uses it.

    Attributes:
        predict: what it gives for data.
        raw: the framework's own model, where there is one: it may have more than ``predict``.
        prepare: brings data into the form that the framework's model takes.
        model_id: the logged model it is.
    """

    predict: Callable[[Any], Any]
    raw: Any = None
    prepare: Callable[[Any], Any] = lambda data: data
    model_id: str | None = None

    def method(self, name: str) -> Callable[..., Any] | None:
        """A method of the framework's model, such as ``predict_proba``; None if it has none.

        Its first argument is data as :attr:`predict` takes it.
        """
        found = getattr(self.raw, name, None)
        if not callable(found):
            return None
        return lambda data, *others, **options: found(self.prepare(data), *others, **options)


def subject_of(
    model: Any,
    *,
    output: str | None = None,
    env_manager: str = "local",
    model_config: Mapping[str, Any] | None = None,
    inference_params: Mapping[str, Any] | None = None,
) -> Subject | None:
    """Take a model as an evaluation uses it; None stays None.

    ``model`` is a URI, a ``PyFuncModel``, a function of the data, or an object with ``predict``.
    ``output`` names the predictions among the columns of a frame that it may give.
    """
    if model is None:
        return None
    found = _found(model, env_manager or "local", model_config, inference_params)
    return dataclasses.replace(found, predict=lambda data: _chosen(found.predict(data), output))


def _found(
    model: Any,
    env_manager: str,
    model_config: Mapping[str, Any] | None,
    inference_params: Mapping[str, Any] | None,
) -> Subject:
    if isinstance(model, (str, os.PathLike)):
        uri = os.fspath(model)
        if env_manager != "local":
            return _isolated(uri, env_manager, inference_params)
        from chiplog.core.models.pyfunc.loading import load_model

        model = load_model(uri, model_config=model_config)
    elif env_manager != "local":
        raise InvalidValue(
            f"env_manager={env_manager!r} needs a model by its URI, which can be loaded anew; this "
            f"one is a {type(model).__name__} of this process."
        )
    elif model_config:
        raise InvalidValue("model_config goes with a model's URI; this model is loaded already.")
    from chiplog.core.models.pyfunc.model import PyFuncModel

    if isinstance(model, PyFuncModel):
        return _of_pyfunc(model, inference_params)
    if inference_params:
        raise InvalidValue(
            "inference_params go to a saved model's predict(). A function takes what it needs by "
            "functools.partial(function, ...)."
        )
    return _of_object(model)


def _of_pyfunc(model: PyFuncModel, params: Mapping[str, Any] | None) -> Subject:
    from chiplog.core.models.pyfunc.checking import checked
    from chiplog.core.models.pyfunc.python_model import PythonModel

    raw = model.get_raw_model()
    if isinstance(raw, PythonModel):
        return Subject(lambda data: model.predict(data, params=params), model_id=model.model_id)
    known: list[tuple[Any, Any]] = []

    def prepare(data: Any) -> Any:
        """The data as the signature says, which need be done and told once only."""
        if not known or known[0][0] is not data:
            known[:] = [(data, checked(model.metadata, None, data, None)[0])]
        return known[0][1]

    return Subject(
        lambda data: model.predict(prepare(data), params=params), raw, prepare, model.model_id
    )


def _of_object(model: Any) -> Subject:
    predict = getattr(model, "predict", None)
    if callable(predict) and not isinstance(model, type):
        return Subject(predict, model)
    if callable(model) and not isinstance(model, type):
        return Subject(model)
    raise WrongType(
        f"Cannot evaluate a {type(model).__name__}: give a model's URI, a loaded model, a function "
        "of the data, or model=None with the name of the data's column of predictions."
    )


def _isolated(uri: str, env_manager: str, params: Mapping[str, Any] | None) -> Subject:
    """A model that predicts in an environment of its own."""
    from chiplog.core.models import isolation, prediction
    from chiplog.core.models.information import read_mlmodel

    isolation.check_manager(env_manager)

    def predict(data: Any) -> Any:
        with tempfile.TemporaryDirectory(prefix="chiplog-evaluation-") as folder:
            answer = Path(folder, "predictions.json")
            asked = (data, dict(params)) if params else data
            prediction.predict(uri, asked, output_path=answer, env_manager=env_manager)
            given = json.loads(answer.read_text(encoding="utf-8"))["predictions"]
        if given and isinstance(given[0], dict):
            import pandas as pd

            return pd.DataFrame(given)
        return given

    return Subject(predict, model_id=read_mlmodel(uri).model_id)


def _chosen(predicted: Any, output: str | None) -> Any:
    """The column of a frame of predictions that is asked for; anything else as it is."""
    if not is_frame(predicted) or output is None:
        return predicted
    if output not in predicted.columns:
        listed = ", ".join(map(repr, predicted.columns))
        raise InvalidValue(f"The model gives no column {output!r}; it gives {listed}.")
    return predicted[output]
