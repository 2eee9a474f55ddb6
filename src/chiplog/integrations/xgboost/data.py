"""What is looked at of XGBoost's data: its first rows when it is made, its size and labels."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any, Final

from chiplog.core.autolog import nesting
from chiplog.core.autolog.boosting import sample_of
from chiplog.core.autolog.weakmap import WeakIdMap
from chiplog.core.data.dataset import Dataset
from chiplog.core.data.describe import Description
from chiplog.core.data.digests import Digest

if TYPE_CHECKING:
    from collections.abc import Callable

    from chiplog.core.autolog.installation import Installation
    from chiplog.core.entities import Dataset as Entity
    from chiplog.hooks.wrapping import Wrapper

#: What XGBoost calls the type of a feature, and what a schema calls it.
_TYPES: Final = {"float": "double", "q": "double", "int": "long", "i": "boolean"}

_samples: WeakIdMap[Any] = WeakIdMap()


def keep_samples(installation: Installation) -> Wrapper:
    """Around ``DMatrix.__init__``: keeps a copy of the first rows it was made from.

    As long as the DMatrix lives; from an iterator, a file or a foreign kind of data nothing is.
    """

    def keep(matrix: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        sample = sample_of(args[0] if args else kwargs.get("data"))
        if sample is not None:
            _samples.set(matrix, sample)

    def around(
        wrapped: Callable[..., Any], instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        result = wrapped(*args, **kwargs)
        if nesting.is_watching():
            installation.guarded("Looking at a DMatrix", keep, instance, args, kwargs)
        return result

    return around


def sample_of_matrix(matrix: Any) -> Any:
    """The first rows of what a DMatrix was made from, if they were kept, with its columns' names.

    A model with named columns takes no others, so an array that was given names becomes a frame,
    where pandas is at hand.
    """
    sample: Any = _samples.get(matrix)
    names = getattr(matrix, "feature_names", None)
    if sample is None or not names or hasattr(sample, "columns") or "pandas" not in sys.modules:
        return sample
    rows = sample.toarray() if hasattr(sample, "toarray") else sample
    return sys.modules["pandas"].DataFrame(rows, columns=names)


def forget_samples() -> None:
    """Let go of all that is kept."""
    _samples.clear()


def describe_matrix(matrix: Any, name: str | None = None) -> Entity:
    """What is recorded of a DMatrix: its size, columns and labels, without reading the features.

    The digest covers these, and the first rows where they were kept.
    """
    rows, columns = int(matrix.num_row()), int(matrix.num_col())
    names, types = matrix.feature_names, matrix.feature_types
    label = matrix.get_label()
    digest = Digest()
    digest.words("dmatrix", rows, columns, *(names or ()), *(types or ()))
    digest.array(label)
    sample: Any = _samples.get(matrix)
    if hasattr(sample, "to_numpy"):
        sample = sample.to_numpy()
    if hasattr(sample, "dtype"):
        digest.array(sample)
    schema: dict[str, Any]
    profile: dict[str, Any]
    if names:
        kinds = types or ["float"] * len(names)
        schema = {
            "mlflow_colspec": [
                {"type": _TYPES.get(kind, "any"), "name": name, "required": False}
                for name, kind in zip(names, kinds, strict=True)
            ]
        }
        profile = {"num_rows": rows, "num_elements": rows * columns}
    else:
        tensor = json.dumps(
            [{"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1, columns]}}]
        )
        schema = {"mlflow_tensorspec": {"features": tensor, "targets": None}}
        profile = {"features_shape": [rows, columns], "features_size": rows * columns}
    return Dataset(None, Description(digest.hexdigest(), schema, profile), name).to_entity()
