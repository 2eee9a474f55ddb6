"""What is recorded about data, read off a bounded part of it.

Nothing here iterates over the user's data as a whole, copies it, or keeps a reference to it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from chiplog.core.data.digests import Digest, sample_rows
from chiplog.core.errors import InvalidValue

if TYPE_CHECKING:
    from chiplog.core.models.schema import ColSpec, Schema

_MAX_SCHEMA: Final = 1_000_000  # characters; more is kept by no store
_SCAN: Final = 1_000_000  # cells that are searched for missing values; objects count tenfold
_ROW_LIMIT: Final = 100_000  # of a list that is made into an array
_QUICK: Final = "biufcM"  # kinds of numpy types whose values need not be looked at one by one


@dataclass(frozen=True)
class Description:
    """A data set's digest, and its schema and profile as plain JSON values."""

    digest: str
    schema: dict[str, Any] | None
    profile: dict[str, Any]

    def schema_json(self) -> str | None:
        """The schema as JSON text; None if there is none or it is too long to keep."""
        text = None if self.schema is None else json.dumps(self.schema)
        return None if text is None or len(text) > _MAX_SCHEMA else text

    def profile_json(self) -> str | None:
        """The profile as JSON text; None if it says nothing."""
        return json.dumps(self.profile) if self.profile else None


def is_frame(data: Any, library: str = "pandas") -> bool:
    """Whether ``data`` is a DataFrame of a library, told without importing it."""
    kind = type(data)
    return any(
        base.__name__ == "DataFrame" and base.__module__.partition(".")[0] == library
        for base in kind.__mro__
    )


def describe_frame(frame: Any) -> Description:
    """Describe a pandas DataFrame."""
    rows, columns = frame.shape
    sample = frame.iloc[sample_rows(rows, columns)]
    digest = Digest()
    digest.words("frame", rows, columns, *frame.columns, *frame.dtypes)
    for values in _values_by_type(sample):
        if values.dtype.hasobject:
            digest.objects(values.ravel().tolist())
        else:
            digest.array(values)
    return Description(digest.hexdigest(), _frame_schema(frame, sample), _frame_profile(frame))


def describe_polars(frame: Any) -> Description:
    """Describe a polars DataFrame."""
    rows, columns = frame.shape
    sample = frame[sample_rows(rows, columns)]
    digest = Digest()
    digest.words("frame", rows, columns, *frame.columns, *frame.dtypes)
    for row in sample.rows():
        digest.objects(row)
    missing = [bool(count) for count in frame.null_count().row(0)] if columns else []
    specs = [
        _polars_column(name, dtype, sample[name], lacks)
        for name, dtype, lacks in zip(frame.columns, frame.dtypes, missing, strict=True)
    ]
    schema = {"mlflow_colspec": specs} if specs else None
    return Description(digest.hexdigest(), schema, _profile(rows, rows * columns))


def describe_tensors(features: Any, targets: Any = None) -> Description:
    """Describe arrays: features and targets, each an array, a sparse matrix or a dict of them."""
    digest = Digest()
    profile: dict[str, Any] = {}
    specs: dict[str, str | None] = {"features": None, "targets": None}
    for part, data in (("features", features), ("targets", targets)):
        if data is None:
            continue
        is_named = isinstance(data, dict) and not is_sparse(data)  # one sparse format is a dict
        named = data if is_named else {"": data}
        for name, array in named.items():
            digest.words(part, name)
            _digest_tensor(digest, array)
        specs[part] = _tensor_schema(data)
        for what, read in _TENSOR_PROFILE.items():
            found = {name: read(array) for name, array in named.items()}
            profile[f"{part}_{what}"] = found if is_named else found[""]
    return Description(digest.hexdigest(), {"mlflow_tensorspec": specs}, profile)


def is_tensor(data: Any) -> bool:
    """Whether ``data`` is a numpy array or a scipy sparse matrix."""
    import numpy as np

    return isinstance(data, np.ndarray) or is_sparse(data)


def is_sparse(data: Any) -> bool:
    """Whether ``data`` is a scipy sparse matrix or array."""
    return hasattr(data, "tocsr") and hasattr(data, "nnz")


def as_array(values: list[Any] | tuple[Any, ...]) -> Any:
    """A list as an array; None if it is long or ragged, since converting it would take long."""
    import numpy as np

    if not values or len(values) > _ROW_LIMIT:
        return None
    first = values[0]
    if isinstance(first, (list, tuple)) and len(values) * len(first) > _SCAN:
        return None
    try:
        if isinstance(first, str):  # a fixed width would take the longest text's for each
            return np.array(values, dtype=object)
        array = np.asarray(values)
    except (ValueError, TypeError):
        return None
    return None if array.dtype.hasobject else array


def _digest_tensor(digest: Digest, array: Any) -> None:
    if not is_sparse(array):
        digest.array(array)
        return
    digest.words("sparse", array.shape, array.dtype, array.nnz)
    for values in _sparse_parts(array):
        digest.array(values)


def _tensor_schema(data: Any) -> str | None:
    from chiplog.core.models.signature import infer_schema

    try:
        return infer_schema(data).to_json()
    except (InvalidValue, TypeError, ValueError):
        return None


def _bytes(array: Any) -> int:
    parts = _sparse_parts(array) if is_sparse(array) else [array]
    return sum(int(part.nbytes) for part in parts)


def _sparse_parts(array: Any) -> list[Any]:
    """The arrays that a sparse matrix is made of, where its format has any."""
    parts = (getattr(array, part, None) for part in ("data", "indices", "indptr", "row", "col"))
    return [part for part in parts if hasattr(part, "dtype")]


def _size(array: Any) -> int:
    size = 1
    for length in array.shape:
        size *= int(length)
    return size


_TENSOR_PROFILE: Final = {
    "shape": lambda array: [int(length) for length in array.shape],
    "size": _size,
    "nbytes": _bytes,
}


def _values_by_type(sample: Any) -> list[Any]:
    """The values of a small frame, the columns of each type together."""
    positions: dict[Any, list[int]] = {}
    for position, dtype in enumerate(sample.dtypes):
        positions.setdefault(dtype, []).append(position)
    if len(positions) == 1:
        return [sample.to_numpy()]
    return [sample.iloc[:, chosen].to_numpy() for chosen in positions.values()]


def _profile(rows: int, cells: int) -> dict[str, Any]:
    return {"num_rows": int(rows), "num_elements": int(cells)}


def _frame_profile(frame: Any) -> dict[str, Any]:
    return _profile(len(frame), frame.size)


def _frame_schema(frame: Any, sample: Any) -> dict[str, Any] | None:
    """The columns. Missing values are searched for in up to a million cells.

    In larger data a column whose type can hold missing values counts as one that may.
    """
    if not len(frame.columns):
        return None
    quick = sum(getattr(dtype, "kind", "O") in _QUICK for dtype in frame.dtypes)
    small = len(frame) * (10 * frame.shape[1] - 9 * quick) <= _SCAN
    missing = (frame if small else sample).isna().to_numpy().any(axis=0).tolist()
    known: dict[Any, Any] = {}
    specs = []
    for position, (name, dtype) in enumerate(zip(frame.columns, frame.dtypes, strict=True)):
        kind = known.get(dtype)
        if kind is None:
            kind = _column_type(sample.iloc[:, position])
            if getattr(dtype, "kind", "O") in _QUICK:  # the type alone says it
                known[dtype] = kind
        sure = small or getattr(dtype, "kind", "O") in "biu"
        specs.append({**kind, "name": _name(name), "required": sure and not missing[position]})
    return {"mlflow_colspec": specs}


def _column_type(column: Any) -> dict[str, Any]:
    """The type of a column as the schema has it; ``any`` where it has none."""
    from chiplog.core.models.schema import type_to_dict
    from chiplog.core.models.signature import infer_schema

    try:
        schema: Schema = infer_schema(column)
        spec: ColSpec = schema.inputs[0]  # type: ignore[assignment]  # a column is no tensor
        return type_to_dict(spec.type)
    except (InvalidValue, TypeError, ValueError):
        return {"type": "any"}


def _name(name: Any) -> Any:
    """A column's name as JSON keeps it."""
    if isinstance(name, (str, int)):
        return name
    item = getattr(name, "item", None)
    value = item() if callable(item) else name
    return value if isinstance(value, (str, int)) else str(value)


_POLARS: Final = {
    "Int8": "integer",
    "Int16": "integer",
    "Int32": "integer",
    "Int64": "long",
    "UInt8": "integer",
    "UInt16": "integer",
    "UInt32": "long",
    "Float32": "float",
    "Float64": "double",
    "Boolean": "boolean",
    "String": "string",
    "Utf8": "string",
    "Categorical": "string",
    "Enum": "string",
    "Binary": "binary",
    "Date": "datetime",
    "Datetime": "datetime",
}


def _polars_column(name: str, dtype: Any, sample: Any, missing: bool) -> dict[str, Any]:
    known = _POLARS.get(getattr(dtype, "base_type", lambda: dtype)().__name__)
    kind = {"type": known} if known else _column_type_of_values(sample.to_list())
    return {**kind, "name": name, "required": not missing}


def _column_type_of_values(values: list[Any]) -> dict[str, Any]:
    from chiplog.core.models.schema import type_to_dict
    from chiplog.core.models.signature import infer_schema

    try:
        spec: ColSpec = infer_schema([values]).inputs[0]  # type: ignore[assignment]
        kind: dict[str, Any] = type_to_dict(spec.type).get("items", {"type": "any"})
        return kind
    except (InvalidValue, TypeError, ValueError):
        return {"type": "any"}
