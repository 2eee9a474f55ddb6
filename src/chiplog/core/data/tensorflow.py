"""Data sets of TensorFlow: tensors, and ``tf.data`` pipelines."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from chiplog.core.data.dataset import Dataset
from chiplog.core.data.describe import Description, describe_tensors
from chiplog.core.data.digests import Digest
from chiplog.core.errors import WrongType

if TYPE_CHECKING:
    from chiplog.core.data.sources import DatasetSource

_LOOKED_AT: Final = 8  # elements of a pipeline


class TensorFlowDataset(Dataset):
    """A tensor or a ``tf.data.Dataset``, with targets if there are any."""

    def __init__(
        self,
        features: Any,
        source: object = None,
        targets: Any = None,
        name: str | None = None,
        digest: str | None = None,
    ) -> None:
        super().__init__(source, _describe(features, targets), name, digest)
        self._data = features
        self._targets = targets

    @property
    def data(self) -> Any:
        """The features."""
        return self._data

    @property
    def targets(self) -> Any:
        """The targets, or None."""
        return self._targets


def from_tensorflow(
    features: Any,
    source: str | DatasetSource | None = None,
    targets: Any = None,
    name: str | None = None,
    digest: str | None = None,
) -> TensorFlowDataset:
    """Make a data set of a tensor or a ``tf.data.Dataset``; of that, a few elements are drawn."""
    parts = [features] if targets is None else [features, targets]
    if not (all(map(_is_pipeline, parts)) or all(map(_is_tensor, parts))):
        listed = " and ".join(type(part).__name__ for part in parts)
        raise WrongType(
            "from_tensorflow() needs a tf.data.Dataset or a tensor, and targets of the same kind, "
            f"not {listed}."
        )
    return TensorFlowDataset(features, source, targets, name, digest)


def _is_pipeline(data: Any) -> bool:
    tf = sys.modules.get("tensorflow")
    return tf is not None and isinstance(data, tf.data.Dataset)


def _is_tensor(data: Any) -> bool:
    tf = sys.modules.get("tensorflow")
    return tf is not None and tf.is_tensor(data)


def _describe(features: Any, targets: Any) -> Description:
    if _is_tensor(features):
        arrays = features.numpy(), None if targets is None else targets.numpy()
        found = describe_tensors(*arrays)
        sizes = zip(("features", "targets"), arrays, strict=True)
        profile = {f"{part}_cardinality": one.size for part, one in sizes if one is not None}
        return Description(found.digest, found.schema, profile)
    digest = Digest()
    schema: dict[str, Any] = {"features": None, "targets": None}
    profile = {}
    for part, pipeline in (("features", features), ("targets", targets)):
        if pipeline is None:
            continue
        count = int(pipeline.cardinality())
        digest.words(part, count, pipeline.element_spec)
        for element in pipeline.take(_LOOKED_AT):
            for tensor in _flat(element):
                digest.array(np.asarray(tensor))
        schema[part] = _schema(pipeline.element_spec)
        profile[f"{part}_cardinality"] = count
    known = {"mlflow_tensorspec": schema} if any(schema.values()) else None
    return Description(digest.hexdigest(), known, profile)


def _flat(element: Any) -> list[Any]:
    """The tensors of an element, which may be nested; those without an array are left out."""
    flat = sys.modules["tensorflow"].nest.flatten(element)
    return [tensor.numpy() for tensor in flat if hasattr(tensor, "numpy")]


def _schema(spec: Any) -> str | None:
    """The types of one element, in MLflow's format; None for what it has no word for."""
    from chiplog.core.models.schema import Schema, TensorSpec

    def named(one: Any, name: str | None = None) -> TensorSpec:
        lengths = [-1 if length is None else int(length) for length in one.shape]
        return TensorSpec(one.dtype.name, tuple(lengths), name)

    try:
        if isinstance(spec, dict):
            return Schema([named(one, str(name)) for name, one in spec.items()]).to_json()
        return Schema([named(spec)]).to_json()
    except (AttributeError, TypeError, ValueError):
        return None
