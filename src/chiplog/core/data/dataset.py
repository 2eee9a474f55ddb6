"""Data sets as a user makes them, to be given to ``log_input``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from chiplog.core import entities
from chiplog.core.data.describe import (
    Description,
    as_array,
    describe_frame,
    describe_polars,
    describe_tensors,
    is_frame,
    is_tensor,
)
from chiplog.core.data.sources import resolve_source
from chiplog.core.errors import InvalidValue, WrongType

if TYPE_CHECKING:
    import numpy.typing as npt

    from chiplog.core.data.sources import DatasetSource

DEFAULT_NAME: Final = "dataset"
_MAX_DIGEST: Final = 36
_MAX_NAME: Final = 500


class Dataset:
    """A data set: what it is called, where it comes from, and what it looks like.

    A subclass of your own hands its :class:`Description` to this constructor; whatever it holds
    of the data itself is its own affair.
    """

    def __init__(
        self,
        source: object,
        description: Description,
        name: str | None = None,
        digest: str | None = None,
    ) -> None:
        self._source = resolve_source(source)
        self._description = description
        self._name = _checked("name", DEFAULT_NAME if name is None else name, _MAX_NAME)
        self._digest = _checked("digest", digest or description.digest, _MAX_DIGEST)

    @property
    def name(self) -> str:
        """What the data set is called, ``dataset`` by default."""
        return self._name

    @property
    def digest(self) -> str:
        """A short text that tells this data from other data of that name."""
        return self._digest

    @property
    def source(self) -> DatasetSource:
        """Where the data comes from."""
        return self._source

    @property
    def schema(self) -> dict[str, Any] | None:
        """The types of its columns or tensors, in MLflow's format; None where there are none."""
        return self._description.schema

    @property
    def profile(self) -> dict[str, Any]:
        """Its size in numbers."""
        return self._description.profile

    def to_entity(self) -> entities.Dataset:
        """The data set as it is recorded, without the data."""
        return entities.Dataset(
            self.name,
            self.digest,
            self.source.get_source_type(),
            self.source.to_json(),
            self._description.schema_json(),
            self._description.profile_json(),
        )

    _to_mlflow_entity = to_entity  # MLflow's name

    def to_dict(self) -> dict[str, str | None]:
        """What is recorded, field by field; schema, profile and source are JSON text."""
        entity = self.to_entity()
        return {
            "name": entity.name,
            "digest": entity.digest,
            "source": entity.source,
            "source_type": entity.source_type,
            "schema": entity.schema,
            "profile": entity.profile,
        }

    def to_json(self) -> str:
        """What is recorded, as JSON text."""
        return json.dumps(self.to_dict())

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r} {self.digest} {self.profile}>"


class PandasDataset(Dataset):
    """A pandas DataFrame; ``targets`` and ``predictions`` name columns of it."""

    def __init__(
        self,
        df: Any,
        source: object = None,
        *,
        targets: str | None = None,
        name: str | None = None,
        digest: str | None = None,
        predictions: str | None = None,
    ) -> None:
        for what, column in (("targets", targets), ("predictions", predictions)):
            if column is not None and column not in df.columns:
                raise InvalidValue(
                    f"The data frame has no column {column!r} to be its {what}; "
                    f"it has {', '.join(map(repr, list(df.columns)[:20]))}."
                )
        super().__init__(source, describe_frame(df), name, digest)
        self._df = df
        self._targets = targets
        self._predictions = predictions

    @property
    def df(self) -> Any:
        """The data frame itself."""
        return self._df

    @property
    def targets(self) -> str | None:
        """The name of the column to be predicted."""
        return self._targets

    @property
    def predictions(self) -> str | None:
        """The name of the column that a model predicted."""
        return self._predictions


class PolarsDataset(Dataset):
    """A polars DataFrame."""

    def __init__(
        self, df: Any, source: object = None, name: str | None = None, digest: str | None = None
    ) -> None:
        super().__init__(source, describe_polars(df), name, digest)
        self._df = df

    @property
    def df(self) -> Any:
        """The data frame itself."""
        return self._df


class NumpyDataset(Dataset):
    """Arrays of features, and of targets if there are any."""

    def __init__(
        self,
        features: Any,
        source: object = None,
        targets: Any = None,
        name: str | None = None,
        digest: str | None = None,
    ) -> None:
        super().__init__(source, describe_tensors(features, targets), name, digest)
        self._features = features
        self._targets = targets

    @property
    def features(self) -> Any:
        """The features, an array or a dict of arrays."""
        return self._features

    @property
    def targets(self) -> Any:
        """The targets, an array, a dict of arrays, or None."""
        return self._targets


def from_pandas(
    df: Any,
    source: str | DatasetSource | None = None,
    targets: str | None = None,
    name: str | None = None,
    digest: str | None = None,
    predictions: str | None = None,
) -> PandasDataset:
    """Make a data set of a pandas DataFrame; without a source, the running code is its source."""
    if not is_frame(df):
        raise WrongType(f"from_pandas() needs a pandas DataFrame, not a {type(df).__name__}.")
    return PandasDataset(
        df, source, targets=targets, name=name, digest=digest, predictions=predictions
    )


def from_polars(
    df: Any,
    source: str | DatasetSource | None = None,
    name: str | None = None,
    digest: str | None = None,
) -> PolarsDataset:
    """Make a data set of a polars DataFrame; without a source, the running code is its source."""
    if not is_frame(df, "polars"):
        raise WrongType(f"from_polars() needs a polars DataFrame, not a {type(df).__name__}.")
    return PolarsDataset(df, source, name, digest)


def from_numpy(
    features: npt.NDArray[Any] | dict[str, npt.NDArray[Any]],
    source: str | DatasetSource | None = None,
    targets: npt.NDArray[Any] | dict[str, npt.NDArray[Any]] | None = None,
    name: str | None = None,
    digest: str | None = None,
) -> NumpyDataset:
    """Make a data set of arrays; without a source, the running code is its source."""
    for what, data in (("features", features), ("targets", targets)):
        parts = data.values() if isinstance(data, dict) else [data]
        if not all(is_tensor(part) for part in parts) and not (what == "targets" and data is None):
            raise WrongType(
                f"from_numpy() needs {what} that are an array or a dict of arrays, not "
                f"{type(data).__name__}; numpy.asarray(...) makes one."
            )
    return NumpyDataset(features, source, targets, name, digest)


def describe_dataset(
    features: Any, targets: Any = None, *, name: str | None = None, source: object = None
) -> entities.Dataset | None:
    """What is to be recorded of data that a training call was given, without keeping the data.

    Knows pandas and polars frames, numpy arrays, scipy sparse matrices, dicts of arrays, and
    lists. Hands back None for anything else, such as a generator, which is never touched.
    """
    description: Description | None = None
    if is_frame(features):
        description = describe_frame(features)
    elif is_frame(features, "polars"):
        description = describe_polars(features)
    else:
        features, targets = _tensors(features), _tensors(targets)
        if features is not None:
            description = describe_tensors(features, targets)
    return None if description is None else Dataset(source, description, name).to_entity()


def _tensors(data: Any) -> Any:
    """The data as an array or a dict of arrays; None if it is neither."""
    if data is None or is_tensor(data):
        return data
    if isinstance(data, (list, tuple)):
        return as_array(data)
    if isinstance(data, dict) and data and all(is_tensor(part) for part in data.values()):
        return data
    series = getattr(data, "to_numpy", None)
    if type(data).__module__.partition(".")[0] in {"pandas", "polars"} and callable(series):
        return series()
    return None


def _checked(what: str, text: Any, limit: int) -> str:
    if not isinstance(text, str) or not 0 < len(text) <= limit:
        raise InvalidValue(
            f"A data set's {what} must be text of 1 to {limit} characters, not {text!r}."
        )
    return text
