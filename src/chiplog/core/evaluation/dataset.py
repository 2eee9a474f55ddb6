"""The data of an evaluation: features, what is true of each row, and what a model made of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from chiplog.core import data as datasets
from chiplog.core.data.dataset import DEFAULT_NAME
from chiplog.core.data.describe import is_frame, is_tensor
from chiplog.core.errors import InvalidValue, WrongType
from chiplog.core.evaluation.values import column_of, weights_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from chiplog.core import entities


@dataclass(frozen=True, eq=False)
class EvaluationDataset:
    """Data to evaluate on.

    Attributes:
        features: what a model is given: a pandas DataFrame, an array, or what the data set holds.
        labels: what is true, a value for each row, shape (n,) or (n, k); None if it is not known.
        predictions: what a model gave for each row, if the data says so.
        weights: how much each row counts, shape (n,); None if all count the same.
        feature_names: the names of the features' columns.
        entity: what is recorded of the data.
    """

    features: Any
    labels: npt.NDArray[Any] | None
    predictions: npt.NDArray[Any] | None
    weights: npt.NDArray[np.float64] | None
    feature_names: list[str]
    entity: entities.Dataset | None
    targets_name: str | None = None
    predictions_name: str | None = None

    @property
    def name(self) -> str:
        """What the data set is called."""
        return self.entity.name if self.entity else DEFAULT_NAME

    @property
    def features_data(self) -> Any:
        """The features, under MLflow's name."""
        return self.features

    @property
    def labels_data(self) -> npt.NDArray[Any] | None:
        """What is true of each row, under MLflow's name."""
        return self.labels

    @property
    def predictions_data(self) -> npt.NDArray[Any] | None:
        """What a model gave for each row, under MLflow's name."""
        return self.predictions

    def __len__(self) -> int:
        return _rows(self.features)


def read_dataset(
    data: Any,
    targets: Any = None,
    predictions: str | None = None,
    *,
    is_predicted: bool = False,
    feature_names: Sequence[str] | None = None,
    weights: Any = None,
    source: str | None = None,
) -> EvaluationDataset:
    """Take data apart for an evaluation.

    Args:
        data: a DataFrame of pandas or polars, an array, a list of rows, or a ``chiplog.data`` set.
        targets: what is true: the name of a column of a frame, or a value for each row.
        predictions: the name of the column with a model's predictions, or the predictions.
        is_predicted: a model is to predict: the column is no feature, and need not be there.
        feature_names: the columns that are features; all others by default. An array with names
            becomes a DataFrame.
        weights: the name of a column, or a number for each row.
        source: where the data comes from, if it does not say so itself.
    """
    entity = None
    if isinstance(data, datasets.Dataset):
        entity = data.to_entity()
        data, targets, predictions = _opened(data, targets, predictions)
    if is_frame(data, "polars"):
        entity = entity or datasets.from_polars(data, source).to_entity()
        data = data.to_pandas()
    if is_predicted and not (isinstance(predictions, str) and predictions in _columns(data)):
        predictions = None
    if is_frame(data):
        entity = entity or datasets.from_pandas(data, source).to_entity()
        return _of_frame(data, entity, targets, predictions, feature_names, weights)
    return _of_array(data, entity, targets, predictions, feature_names, weights, source)


def _columns(data: Any) -> list[Any]:
    return list(data.columns) if is_frame(data) else []


def _opened(data: datasets.Dataset, targets: Any, predictions: Any) -> tuple[Any, Any, Any]:
    """The data in a data set, its targets and its predictions."""
    own = getattr(data, "targets", None)
    is_same = targets is own or (isinstance(targets, str) and targets == own)
    if targets is not None and own is not None and not is_same:
        raise InvalidValue(
            f"The data set {data.name!r} has its targets already: leave targets={targets!r:.50} "
            "out."
        )
    targets = own if targets is None else targets
    predictions = getattr(data, "predictions", None) if predictions is None else predictions
    for attribute in ("df", "features"):
        if hasattr(data, attribute):
            return getattr(data, attribute), targets, predictions
    if hasattr(data, "to_pandas"):
        return data.to_pandas(), targets, predictions
    raise WrongType(f"{type(data).__name__} is no data set that can be evaluated on: use a frame.")


def _of_frame(
    frame: Any,
    entity: entities.Dataset,
    targets: Any,
    predictions: Any,
    feature_names: Sequence[str] | None,
    weights: Any,
) -> EvaluationDataset:
    taken: list[Any] = []

    def values(what: str, given: Any) -> Any:
        if given is None:
            return None
        if np.ndim(given):
            return column_of(what, given, len(frame))
        if given not in frame.columns:
            listed = ", ".join(map(repr, list(frame.columns)[:20]))
            raise InvalidValue(
                f"The data has no column {given!r} to be its {what}; it has {listed}."
            )
        taken.append(given)
        return column_of(what, frame[given], len(frame))

    labels, predicted = values("targets", targets), values("predictions", predictions)
    weighed = weights_of(values("sample weights", weights))
    if feature_names is None:
        features = frame.drop(columns=taken)
    else:
        missing = [name for name in feature_names if name not in frame.columns]
        if missing:
            raise InvalidValue(f"The data has no columns {missing!r} to be features.")
        features = frame[list(feature_names)]
    return EvaluationDataset(
        features,
        labels,
        predicted,
        weighed,
        [str(name) for name in features.columns],
        entity,
        None if np.ndim(targets) or targets is None else str(targets),
        None if np.ndim(predictions) or predictions is None else str(predictions),
    )


def _of_array(
    data: Any,
    entity: entities.Dataset | None,
    targets: Any,
    predictions: Any,
    feature_names: Sequence[str] | None,
    weights: Any,
    source: str | None,
) -> EvaluationDataset:
    if isinstance(data, (list, tuple)):
        data = np.asarray(data)
    named = isinstance(data, dict) and all(is_tensor(part) for part in data.values())
    if not named and not is_tensor(data):
        raise WrongType(
            f"Cannot evaluate on a {type(data).__name__}: give a DataFrame, an array, a list of "
            "rows, or a data set of chiplog.data."
        )
    for what, given in (("targets", targets), ("predictions", predictions)):
        if isinstance(given, str):
            raise InvalidValue(
                f"{what}={given!r} names a column, and the data is an array without names: "
                f"give {what} as an array, or the data as a DataFrame."
            )
    names = _names(data, feature_names)
    rows = _rows(data)
    labels = None if targets is None else column_of("targets", targets, rows)
    if entity is None:
        entity = datasets.from_numpy(data, source, labels).to_entity()
    if feature_names is not None and isinstance(data, np.ndarray):
        import pandas as pd

        data = pd.DataFrame(data, columns=names)  # a model may ask for its columns by name
    return EvaluationDataset(
        data,
        labels,
        None if predictions is None else column_of("predictions", predictions, rows),
        None if weights is None else weights_of(column_of("sample weights", weights, rows)),
        names,
        entity,
    )


def _names(data: Any, given: Sequence[str] | None) -> list[str]:
    """The names of an array's columns, made up if there are none given."""
    if isinstance(data, dict):
        return list(data)
    columns = int(data.shape[1]) if len(data.shape) == 2 else 1
    if given is None:
        digits = len(str(columns))
        return [f"feature_{number:0{digits}}" for number in range(1, columns + 1)]
    if len(given) != columns:
        raise InvalidValue(f"{len(given)} feature_names are given for {columns} columns.")
    return list(given)


def _rows(data: Any) -> int:
    if isinstance(data, dict):
        return min((_rows(part) for part in data.values()), default=0)
    return int(data.shape[0])
