"""Predictions as JSON."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np

from chiplog.core.errors import InvalidValue


def serialize(predictions: Any) -> str:
    """Predictions as the JSON ``{"predictions": …}``.

    Tables become lists of rows by column, arrays nested lists; what is no number (NaN, infinity,
    missing) is null, times are ISO texts and bytes base64.
    """
    return msgspec.json.encode({"predictions": plain(predictions)}).decode()


def plain(value: Any) -> Any:  # noqa: PLR0911 - a case for each kind of value
    """A value as lists, dicts, numbers and texts; raises InvalidValue if it has no such form."""
    if isinstance(value, (np.ndarray, np.generic)):
        return _plain_array(np.asarray(value))
    if value is None or isinstance(value, (str, bytes, bool, int, float)):
        return value
    if isinstance(value, dict):
        return {str(name): plain(part) for name, part in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [plain(part) for part in value]
    if hasattr(value, "iloc"):
        return _plain_table(value)
    if type(value).__name__ in {"NAType", "NaTType"}:
        return None
    if hasattr(value, "isoformat"):
        return value.isoformat()
    known = _of_library(value)
    if known is not value:
        return plain(known)
    raise InvalidValue(
        f"A prediction of type {type(value).__name__} has no form in JSON ({value!r:.100}). "
        "Have the model give arrays, tables, lists, dicts or scalars."
    )


def _of_library(value: Any) -> Any:
    """What a library's own kind of array, table or record is in numpy, pandas or as a dict."""
    if hasattr(value, "detach"):
        value = value.detach().cpu()
    for method in ("to_pandas", "toarray", "numpy", "model_dump"):
        if hasattr(value, method):
            return getattr(value, method)()
    return value


def _plain_array(found: Any) -> Any:
    if found.dtype.kind in "biufSU":
        return found.tolist()
    if found.dtype.kind in "Mm":
        texts = found.astype(str).astype(object)
        return np.where(np.isnat(found), np.array(None), texts).tolist()
    return plain(found.tolist()) if found.ndim else plain(found.item())


def _plain_table(table: Any) -> Any:
    if table.ndim == 1:
        return _plain_column(table)
    columns = [_plain_column(table.iloc[:, place]) for place in range(table.shape[1])]
    names = [str(name) for name in table.columns]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def _plain_column(column: Any) -> list[Any]:
    dtype = column.dtype
    if isinstance(dtype, np.dtype) and dtype.kind in "biuf":
        values: list[Any] = column.tolist()
        return values
    return [plain(value) for value in column.tolist()]
