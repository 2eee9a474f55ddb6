"""Small trained models of every framework, made alike in the tests and in MLflow's process.

Imports neither chiplog nor MLflow, and each framework when it is asked for.
"""

from __future__ import annotations

import base64
import contextlib
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable


class Entry:
    """A kind of model.

    Attributes:
        flavor: whose it is, as in ``mlflow.<flavor>``.
        make: a trained model.
        data: what it predicts from, as a user of ``pyfunc`` gives it.
        predict: what a model predicts from that, by the framework's own means.
    """

    def __init__(
        self,
        flavor: str,
        make: Callable[[], Any],
        data: Callable[[], Any],
        predict: Callable[[Any, Any], Any],
    ) -> None:
        self.flavor, self.make, self.data, self.predict = flavor, make, data, predict


FRAMEWORKS = (
    "skops.io",
    "xgboost",
    "lightgbm",
    "catboost",
    "onnxruntime",
    "statsmodels.api",
    "torch.export",
    "keras",
)


def import_frameworks() -> None:
    """Import them all, which takes most of the time; both processes do so at the same time."""
    for name in FRAMEWORKS:
        with contextlib.suppress(ImportError):
            import_module(name)


# Data


def features() -> Any:
    """Sixty rows of three numbers."""
    return np.random.RandomState(0).normal(size=(60, 3))


def target() -> Any:
    """A class for each row."""
    return (features()[:, 0] + features()[:, 1] ** 2 > 0.5).astype(int)


def frame() -> Any:
    """The rows as a frame, with a column of text."""
    import pandas as pd

    data = pd.DataFrame(features(), columns=["a", "b", "c"])
    data["kind"] = np.where(features()[:, 2] > 0, "up", "down")
    return data


def numbers() -> Any:
    """The columns of numbers of the frame."""
    return frame()[["a", "b", "c"]]


def singles() -> Any:
    """The rows as 32-bit floats."""
    return features().astype("float32")


def single_frame() -> Any:
    """The same in a frame, whose rows have numbers of their own."""
    import pandas as pd

    return pd.DataFrame(singles(), columns=["a", "b", "c"], index=range(100, 160))


def two() -> Any:
    """Two inputs by name."""
    return {"left": singles(), "right": singles()[::-1].copy()}


def head(data: Any) -> Any:
    """The first rows, as an example."""
    if isinstance(data, dict):
        return {name: part[:5] for name, part in data.items()}
    return data[:5]


def _predict(model: Any, data: Any) -> Any:
    return model.predict(data)


# Models


def _logistic() -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression().fit(numbers(), target())


def _forest() -> Any:
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(n_estimators=4, random_state=0).fit(numbers(), target())


def _pipeline() -> Any:
    from sklearn.compose import make_column_transformer
    from sklearn.linear_model import Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    columns = make_column_transformer((StandardScaler(), ["a", "b"]), (OneHotEncoder(), ["kind"]))
    return make_pipeline(columns, Ridge()).fit(frame(), target())


def _booster() -> Any:
    import xgboost

    data = xgboost.DMatrix(numbers(), target())
    return xgboost.train({"objective": "binary:logistic", "max_depth": 2, "nthread": 1}, data, 3)


def _boosted(model: Any, data: Any) -> Any:
    import xgboost

    return model.predict(xgboost.DMatrix(data))


def _xgb_classifier() -> Any:
    import xgboost

    return xgboost.XGBClassifier(n_estimators=3, max_depth=2, n_jobs=1).fit(numbers(), target())


def _lgb_params() -> dict[str, Any]:
    return {"num_leaves": 3, "min_child_samples": 2, "verbose": -1, "num_threads": 1}


def _lgb_booster() -> Any:
    import lightgbm

    return lightgbm.train(_lgb_params(), lightgbm.Dataset(numbers(), target()), 3)


def _lgb_classifier() -> Any:
    import lightgbm

    model = lightgbm.LGBMClassifier(n_estimators=20, learning_rate=0.5, **_lgb_params())
    return model.fit(numbers(), target())


def _torch_model() -> Any:
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.ReLU(), torch.nn.Linear(4, 2))


def _torch_predict(model: Any, data: Any) -> Any:
    import torch

    with torch.no_grad():
        return model(torch.from_numpy(np.array(data)))


def _keras_model() -> Any:
    import keras

    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(4, "relu"), keras.layers.Dense(2, "softmax")]
    )
    model.compile(optimizer="sgd", loss="sparse_categorical_crossentropy")
    return model


def _keras_of_two() -> Any:
    import keras

    keras.utils.set_random_seed(0)
    inputs = {name: keras.Input((3,), name=name) for name in ("left", "right")}
    outputs = keras.layers.Dense(2)(keras.layers.Concatenate()(list(inputs.values())))
    return keras.Model(inputs, outputs)


def _predict_two(model: Any, data: Any) -> Any:
    return model.predict(data, verbose=0)


def _keras_predict(model: Any, data: Any) -> Any:
    return model.predict(np.array(data), verbose=0)


def _onnx_model(width: int) -> Any:
    """``relu(x @ w + b)``, whose weights are as many as ``width`` asks for."""
    from onnx import TensorProto, checker, helper, numpy_helper

    random = np.random.RandomState(0)
    weights = [
        numpy_helper.from_array(random.normal(size=(3, width)).astype("float32"), "w"),
        numpy_helper.from_array(random.normal(size=width).astype("float32"), "b"),
    ]
    nodes = [
        helper.make_node("Gemm", ["x", "w", "b"], ["h"]),
        helper.make_node("Relu", ["h"], ["y"]),
    ]
    taken = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3])
    given = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", width])
    graph = helper.make_graph(nodes, "relu", [taken], [given], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    checker.check_model(model)
    return model


def _onnx_of_two() -> Any:
    """The sum and the difference of two inputs."""
    from onnx import TensorProto, helper

    taken, given = (
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 3]) for name in names]
        for names in (("left", "right"), ("sum", "difference"))
    )
    nodes = [
        helper.make_node("Add", ["left", "right"], ["sum"]),
        helper.make_node("Sub", ["left", "right"], ["difference"]),
    ]
    graph = helper.make_graph(nodes, "two", taken, given)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def _onnx_predict_two(model: Any, data: Any) -> Any:
    import onnxruntime

    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return dict(zip(("sum", "difference"), session.run(None, data), strict=True))


def _onnx_predict(model: Any, data: Any) -> Any:
    import onnxruntime

    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return {"y": session.run(None, {"x": data})[0]}


def _ols() -> Any:
    import statsmodels.api as sm

    return sm.OLS(target(), numbers()).fit()


def _formula() -> Any:
    import statsmodels.formula.api as smf

    return smf.ols("y ~ a + b * C(kind)", frame().assign(y=target())).fit()


def _arima() -> Any:
    from statsmodels.tsa.arima.model import ARIMA

    return ARIMA(np.cumsum(features()[:, 0]), order=(1, 0, 0)).fit()


def _span() -> Any:
    import pandas as pd

    return pd.DataFrame({"start": [50], "end": [70]})


def _arima_predict(model: Any, data: Any) -> Any:
    return model.predict(start=int(data["start"][0]), end=int(data["end"][0]))


def _catboost(kind: str) -> Any:
    import catboost

    model = getattr(catboost, kind)(
        iterations=3, depth=2, verbose=False, allow_writing_files=False, thread_count=1
    )
    return model.fit(numbers(), target())


ZOO: dict[str, Entry] = {
    "sklearn linear": Entry("sklearn", _logistic, numbers, _predict),
    "sklearn forest": Entry("sklearn", _forest, numbers, _predict),
    "sklearn pipeline": Entry("sklearn", _pipeline, frame, _predict),
    "xgboost booster": Entry("xgboost", _booster, numbers, _boosted),
    "xgboost estimator": Entry("xgboost", _xgb_classifier, numbers, _predict),
    "lightgbm booster": Entry("lightgbm", _lgb_booster, numbers, _predict),
    "lightgbm estimator": Entry("lightgbm", _lgb_classifier, numbers, _predict),
    "pytorch": Entry("pytorch", _torch_model, singles, _torch_predict),
    "pytorch frame": Entry("pytorch", _torch_model, single_frame, _torch_predict),
    "keras frame": Entry("keras", _keras_model, single_frame, _keras_predict),
    "keras": Entry("keras", _keras_model, singles, _keras_predict),
    "keras two inputs": Entry("keras", _keras_of_two, two, _predict_two),
    "onnx two inputs": Entry("onnx", _onnx_of_two, two, _onnx_predict_two),
    "tensorflow": Entry("tensorflow", _keras_model, singles, _keras_predict),
    "onnx": Entry("onnx", lambda: _onnx_model(2), singles, _onnx_predict),
    "onnx with large tensors": Entry("onnx", lambda: _onnx_model(500), singles, _onnx_predict),
    "statsmodels array": Entry("statsmodels", _ols, numbers, _predict),
    "statsmodels formula": Entry("statsmodels", _formula, frame, _predict),
    "statsmodels series": Entry("statsmodels", _arima, _span, _arima_predict),
    "catboost classifier": Entry(
        "catboost", lambda: _catboost("CatBoostClassifier"), numbers, _predict
    ),
    "catboost regressor": Entry(
        "catboost", lambda: _catboost("CatBoostRegressor"), numbers, _predict
    ),
}


def python_model(base: type) -> Any:
    """A model of the user's own, of the ``PythonModel`` of either library."""

    class Scaled(base):  # type: ignore[misc]  # whose it is, is known when it runs
        def load_context(self, context: Any) -> None:
            with open(context.artifacts["factor"], encoding="utf-8") as file:  # noqa: PTH123 - few imports
                self.factor = float(file.read())

        def predict(self, context: Any, model_input: Any, params: Any = None) -> Any:
            shift = (params or {}).get("shift", 0.0)
            return model_input.to_numpy().sum(axis=1) * self.factor + shift

    return Scaled()


def shout(model_input: list[str]) -> list[str]:
    """A model that is a function: what it takes and gives is in its type hints."""
    return [text.upper() for text in model_input]


# Between processes


def plain(prediction: Any) -> Any:
    """A prediction as JSON that keeps every bit: arrays by their bytes, frames as arrays."""
    if isinstance(prediction, dict):
        return {name: plain(value) for name, value in prediction.items()}
    array = np.asarray(prediction)
    if array.dtype == object:
        return {"texts": [str(value) for value in array.ravel()], "shape": list(array.shape)}
    data = base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()
    return {"dtype": array.dtype.str, "shape": list(array.shape), "data": data}
