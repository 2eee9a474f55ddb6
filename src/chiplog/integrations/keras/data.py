"""What ``fit`` was given: its kind, batch size, description and first rows. Nothing is consumed.

Arrays are looked at; data sets of TensorFlow are asked for their types; of anything that hands out
batches when it is asked for them (generators, ``PyDataset``, ``DataLoader``) only attributes are
read.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from chiplog.core.data import Dataset, describe_dataset
from chiplog.core.data.describe import Description
from chiplog.core.data.digests import Digest
from chiplog.core.models.examples import first_rows
from chiplog.core.models.schema import Schema, TensorSpec
from chiplog.core.models.signature import infer_signature

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chiplog.core import entities

DEFAULT_BATCH_SIZE: Final = 32  # what Keras takes for arrays
_STAGES: Final = 50  # of a data set's pipeline that are looked through
_SCHEMA_ROWS: Final = 1000


@dataclass(frozen=True)
class FitData:
    """The data that ``fit`` or ``evaluate`` was given. Lives no longer than the call.

    Attributes:
        given: the features, or whatever hands out batches.
        targets: the targets, where they come separately.
    """

    given: Any
    targets: Any = None

    @classmethod
    def of_pair(cls, pair: Any) -> FitData:
        """Validation data: ``(x, y)``, ``(x, y, weights)``, or what hands out batches."""
        if isinstance(pair, (tuple, list)) and 1 <= len(pair) <= 3:
            return cls(pair[0], pair[1] if len(pair) > 1 else None)
        return cls(pair)

    @property
    def kind(self) -> str:
        """The type of the features, in a word."""
        return type(self.given).__name__

    @property
    def has_arrays(self) -> bool:
        """Whether the features are arrays, which Keras cuts into batches itself."""
        parts = list(_leaves(self.given))
        return bool(parts) and all(hasattr(part, "shape") for part in parts)

    def rows(self) -> int | None:
        """How many rows there are, if that can be told without asking for batches."""
        if not self.has_arrays:
            return None
        shape = next(iter(_leaves(self.given))).shape
        return int(shape[0]) if len(shape) else None

    def batch_size(self, asked: object) -> int | None:
        """How many rows a batch has, if that can be told."""
        if isinstance(asked, int):
            return asked
        if self.has_arrays:
            return DEFAULT_BATCH_SIZE
        if _is_tf_dataset(self.given):
            return _batch_size_of(self.given)
        size = getattr(self.given, "batch_size", None)
        return size if isinstance(size, int) and not isinstance(size, bool) else None

    def describe(self) -> entities.Dataset | None:
        """What is recorded of the data; None if it cannot be told without asking for batches."""
        if _is_tf_dataset(self.given):
            return _describe_spec(self.given)
        features, targets = _named(self.given), _named(self.targets)
        described = describe_dataset(features, targets)
        if described is None and self.has_arrays:  # tensors of TensorFlow, torch, JAX
            return _describe_shapes(features, targets)
        return described

    def inputs(self) -> Schema | None:
        """The schema of the features as training sees them; None if that cannot be told."""
        if _is_tf_dataset(self.given):
            features, _ = _split(self.given.element_spec)
            return _schema([(name, spec.dtype, spec.shape) for name, spec in _specs(features)])
        features = _named(self.given)
        if _is_tensor(features):
            return _schema([(None, features.dtype, features.shape)])
        if isinstance(features, dict) and features and all(map(_is_tensor, features.values())):
            return _schema([(str(n), v.dtype, v.shape) for n, v in features.items()])
        sample = self.first_rows(_SCHEMA_ROWS)
        return None if sample is None else infer_signature(sample).inputs

    def first_rows(self, count: int) -> Any:
        """A copy of the first rows of arrays; None for anything else."""
        features = _named(self.given)
        if isinstance(features, dict):
            rows = {str(name): _rows(part, count) for name, part in features.items()}
            return None if any(part is None for part in rows.values()) else rows
        return _rows(features, count)


def schema_of_tensors(tensors: list[Any] | None) -> Schema | None:
    """The schema of a model's symbolic inputs or outputs; None if it has none."""
    if not tensors:
        return None
    several = len(tensors) > 1
    return _schema(
        [(tensor.name if several else None, tensor.dtype, tensor.shape) for tensor in tensors]
    )


def _rows(part: Any, count: int) -> Any:
    if _is_tensor(part):
        rows = part[:count]
        for step in ("detach", "cpu"):  # torch
            rows = getattr(rows, step, lambda rows=rows: rows)()
        return np.array(rows)
    return first_rows(part, count)


def _named(data: Any) -> Any:
    """Several arrays by name: by position where they come in a list."""
    if isinstance(data, (list, tuple)) and data and all(hasattr(part, "shape") for part in data):
        if len(data) == 1:
            return data[0]
        return {str(position): part for position, part in enumerate(data)}
    return data


def _leaves(data: Any) -> Iterator[Any]:
    if isinstance(data, dict):
        for part in data.values():
            yield from _leaves(part)
    elif isinstance(data, (list, tuple)) and any(hasattr(part, "shape") for part in data[:3]):
        for part in data:
            yield from _leaves(part)
    elif data is not None:
        yield data


def _is_tensor(data: Any) -> bool:
    """Whether ``data`` is a tensor of a framework, rather than numpy's or pandas's."""
    root = type(data).__module__.partition(".")[0]
    return root in {"tensorflow", "torch", "jax", "jaxlib"} and hasattr(data, "shape")


def _is_tf_dataset(data: Any) -> bool:
    """Whether ``data`` is a ``tf.data.Dataset``, told without importing TensorFlow."""
    tf = sys.modules.get("tensorflow")
    kind = getattr(getattr(tf, "data", None), "Dataset", None)
    return kind is not None and isinstance(data, kind)


def _batch_size_of(dataset: Any) -> int | None:
    """The batch size of a ``tf.data.Dataset``: its type's, else that of its stage ``batch``."""
    for _, spec in _specs(dataset.element_spec):
        size = spec.shape[0] if spec.shape.rank else None
        if size is not None:
            return int(size)
    stage = dataset
    for _ in range(_STAGES):
        size = getattr(stage, "_batch_size", None)
        if size is not None:
            return int(size)
        stage = getattr(stage, "_input_dataset", None)
        if stage is None:
            return None
    return None


def _split(spec: Any) -> tuple[Any, Any]:
    """Features and targets in the type of a data set's elements, as Keras takes them apart."""
    if isinstance(spec, (tuple, list)):
        return spec[0], spec[1] if len(spec) > 1 else None
    return spec, None


def _specs(structure: Any, name: str | None = None) -> Iterator[tuple[str | None, Any]]:
    """The tensors in the type of a data set's elements, by name where there are several."""
    if isinstance(structure, dict):
        for key, part in structure.items():
            yield from _specs(part, str(key))
    elif isinstance(structure, (tuple, list)):
        for position, part in enumerate(structure):
            yield from _specs(part, str(position))
    elif hasattr(structure, "shape") and hasattr(structure, "dtype"):
        yield name, structure


def _schema(tensors: list[tuple[str | None, Any, Any]]) -> Schema | None:
    specs = [
        TensorSpec(_dtype(dtype), (-1, *_lengths(shape)[1:]), name)
        for name, dtype, shape in tensors
    ]
    return Schema(specs) if specs else None


def _dtype(dtype: Any) -> str:
    return str(getattr(dtype, "name", dtype)).removeprefix("torch.")


def _lengths(shape: Any) -> list[int]:
    """The lengths of a shape, -1 for any."""
    if getattr(shape, "rank", 0) is None:  # TensorFlow's unknown rank
        return [-1]
    return [-1 if length is None else int(length) for length in shape]


def _describe_spec(dataset: Any) -> entities.Dataset:
    features, targets = _split(dataset.element_spec)
    batches = int(dataset.cardinality())
    profile = {"num_batches": batches if batches >= 0 else None}
    return _described(
        {
            part: [(name, spec.dtype, spec.shape) for name, spec in _specs(structure)]
            for part, structure in (("features", features), ("targets", targets))
        },
        profile,
    )


def _describe_shapes(features: Any, targets: Any) -> entities.Dataset:
    parts = {}
    for part, data in (("features", features), ("targets", targets)):
        named = data if isinstance(data, dict) else {None: data}
        parts[part] = [
            (None if name is None else str(name), array.dtype, array.shape)
            for name, array in named.items()
            if hasattr(array, "shape")
        ]
    return _described(parts, {})


def _described(
    parts: dict[str, list[tuple[str | None, Any, Any]]], profile: dict[str, Any]
) -> entities.Dataset:
    """A data set by its tensors' types and shapes alone."""
    digest = Digest()
    schema: dict[str, str | None] = {}
    for part, tensors in parts.items():
        found = _schema(tensors) if tensors else None
        schema[part] = None if found is None else found.to_json()
        shapes = {name or "": _lengths(shape) for name, _, shape in tensors}
        if shapes:
            profile[f"{part}_shape"] = shapes[""] if list(shapes) == [""] else shapes
        digest.words(part, schema[part], shapes)
    digest.words(*profile.values())
    description = Description(digest.hexdigest(), {"mlflow_tensorspec": schema}, profile)
    return Dataset(None, description).to_entity()
