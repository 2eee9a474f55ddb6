"""Input examples: a few rows a model takes, as files beside it."""

from __future__ import annotations

import base64
import datetime as dt
import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from chiplog.core.errors import InvalidValue, MissingLibrary, NotFound

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FILE: Final = "input_example.json"
SERVING_FILE: Final = "serving_input_example.json"


@dataclass(frozen=True)
class InputExample:
    """An example ready to be written: both files' text, and what the MLmodel file says of it."""

    text: str
    serving_text: str
    info: dict[str, str]


def encode_example(example: Any) -> InputExample:
    """Prepare an example for writing; raises InvalidValue for data the format has no place for.

    A tuple of two, the second a dict, is data and prediction parameters.
    """
    params: dict[str, Any] | None = None
    if isinstance(example, tuple):
        if len(example) != 2 or not isinstance(example[1], dict):
            raise InvalidValue(
                f"An input example given as a tuple is (data, params); this one is {example!r:.200}"
            )
        example, params = example
    info, body, serving = _encode(example)
    info = {"artifact_path": FILE, "serving_input_path": SERVING_FILE, **info}
    if params:
        info["params"] = "true"
        plain = {name: _plain(value) for name, value in params.items()}
        body = {"inputs": body, "params": plain}
        serving["params"] = plain
    return InputExample(json.dumps(body), json.dumps(serving, indent=2), info)


def _encode(data: Any) -> tuple[dict[str, str], Any, dict[str, Any]]:
    if type(data).__module__.partition(".")[0] == "pandas" and hasattr(data, "columns"):
        return _encode_frame(data)
    if isinstance(data, np.ndarray):
        body = _plain(data)
        return {"type": "ndarray"}, body, {"inputs": body}
    if getattr(data, "format", None) in {"csr", "csc"} and hasattr(data, "indptr"):
        body = {name: _plain(getattr(data, name)) for name in ("data", "indices", "indptr")}
        body["shape"] = [int(length) for length in data.shape]
        kind = f"sparse_matrix_{data.format}"
        return {"type": kind}, body, {"inputs": _plain(data.toarray())}
    if isinstance(data, dict) and data and all(isinstance(v, np.ndarray) for v in data.values()):
        body = _plain(data)
        return {"type": "ndarray"}, body, {"inputs": body}
    body = _plain(data)
    return {"type": "json_object"}, body, {"inputs": body}


def _encode_frame(frame: Any) -> tuple[dict[str, str], Any, dict[str, Any]]:
    rows = [[_plain(value) for value in row] for row in frame.itertuples(index=False, name=None)]
    # Columns that are merely counted have no names worth keeping.
    if list(frame.columns) == list(range(len(frame.columns))):
        body: dict[str, Any] = {"data": rows}
        return {"type": "dataframe", "pandas_orient": "values"}, body, {"dataframe_split": body}
    body = {"columns": [_plain(name) for name in frame.columns], "data": rows}
    return {"type": "dataframe", "pandas_orient": "split"}, body, {"dataframe_split": body}


def _plain(value: Any) -> Any:  # noqa: C901, PLR0911 - a case for each kind of value
    """The value as JSON: NaN and missing values are null, binary is base64 text."""
    if isinstance(value, float):
        return None if math.isnan(value) else value
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, np.ndarray):
        items = value.tolist()
        if value.dtype.kind in "biu":
            return items
        return [_plain(item) for item in items] if value.ndim else _plain(items)
    if isinstance(value, np.generic):
        if value.dtype.kind in "Mm":
            return None if np.isnat(value) else str(value)
        return _plain(value.item())
    if isinstance(value, (bytes, bytearray)):
        return base64.encodebytes(bytes(value)).decode()
    if isinstance(value, (dt.datetime, dt.date)):
        return value.isoformat() if value == value else None  # noqa: PLR0124 - NaT equals nothing
    if isinstance(value, dict):
        return {str(name): _plain(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if type(value).__name__ in {"NAType", "NaTType"}:
        return None
    raise InvalidValue(
        f"An input example cannot hold a value of type {type(value).__name__} ({value!r:.100}). "
        "Use a DataFrame, an array, a sparse csr or csc matrix, a dict, a list, or a scalar."
    )


def first_rows(data: Any, count: int) -> Any:
    """A copy of the first rows of a frame, array, sparse matrix or list; None for anything else."""
    if hasattr(data, "iloc"):
        return data.iloc[:count].copy()
    if isinstance(data, np.ndarray) or hasattr(data, "tocsr"):
        return data[:count].copy()
    if type(data).__module__.partition(".")[0] == "polars":
        return data.head(count).to_pandas()
    if isinstance(data, (list, tuple)):
        return list(data[:count])
    return None


def read_example(directory: Path, info: Mapping[str, Any]) -> Any:
    """An example from a model's directory, in the form it was given; parameters are left out."""
    body = _read(directory, info)
    if info.get("params"):
        body = body["inputs"]
    kind = str(info.get("type"))
    if kind == "dataframe":
        return _frame(body)
    if kind == "ndarray":
        named = isinstance(body, dict)
        return {k: _array(v) for k, v in body.items()} if named else _array(body)
    if kind.startswith("sparse_matrix_"):
        return _sparse(body, kind.removeprefix("sparse_matrix_"))
    return body


def read_example_params(directory: Path, info: Mapping[str, Any]) -> dict[str, Any] | None:
    """The parameters that were given with an example, or None."""
    if not info.get("params"):
        return None
    params: dict[str, Any] = _read(directory, info)["params"]
    return params


def read_serving_input(directory: Path, info: Mapping[str, Any]) -> str | None:
    """The text that a server would be sent to be asked for an example; None if there is none."""
    name = info.get("serving_input_path")
    return None if name is None else _text(directory, str(name))


def _read(directory: Path, info: Mapping[str, Any]) -> Any:
    return json.loads(_text(directory, str(info.get("artifact_path", FILE))))


def _text(directory: Path, name: str) -> str:
    path = (directory / name).resolve()
    if not path.is_relative_to(directory.resolve()) or not path.is_file():
        raise NotFound(f"The model in {str(directory)!r} lacks its input example {name!r}.")
    return path.read_text(encoding="utf-8")


def _array(body: Any) -> Any:
    """A list as an array; null is NaN among numbers."""
    array = np.array(body)
    if array.dtype != object:
        return array
    try:
        return array.astype(float)
    except (TypeError, ValueError):
        return array


def _frame(body: dict[str, Any]) -> Any:
    try:
        import pandas as pd
    except ImportError as error:
        raise MissingLibrary(
            "The input example is a DataFrame, and pandas is not installed.\n    pip install pandas"
        ) from error
    return pd.DataFrame(body["data"], columns=body.get("columns"))


def _sparse(body: dict[str, Any], kind: str) -> Any:
    try:
        from scipy import sparse
    except ImportError as error:
        raise MissingLibrary(
            "The input example is a sparse matrix, and SciPy is not installed.\n"
            "    pip install scipy"
        ) from error
    make = sparse.csr_matrix if kind == "csr" else sparse.csc_matrix
    return make((body["data"], body["indices"], body["indptr"]), shape=body["shape"])
