"""What a model is asked over a wire: data as JSON, CSV or Parquet. Answers are JSON.

:func:`parse` gives the data the types that the model's schema says, as far as JSON lost them; what
then still differs is for the model's own check of its schema to tell.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import msgspec

from chiplog.core.errors import ChiplogError, MissingLibrary
from chiplog.core.models.examples import encode_example
from chiplog.core.models.json_types import BadRequest, pandas, tensors_of, typed_frame
from chiplog.core.models.predictions import serialize
from chiplog.core.models.schema import ColSpec, DataType

if TYPE_CHECKING:
    from chiplog.core.models.schema import Schema

__all__ = [
    "BadRequest",
    "ScoringInput",
    "UnsupportedMediaType",
    "convert_input_example_to_serving_input",
    "parse",
    "serialize",
]

JSON: Final = "application/json"
CSV: Final = "text/csv"
PARQUET: Final = "application/vnd.apache.parquet"
_SHORT: Final = {"json": JSON, "csv": CSV, "parquet": PARQUET}

#: The keys that data may stand under, one of them.
FORMATS: Final = ("dataframe_split", "dataframe_records", "instances", "inputs")


class UnsupportedMediaType(ChiplogError):
    """A content type that no reader is there for."""

    default_code = "BAD_REQUEST"

    def get_http_status_code(self) -> int:
        """415, as HTTP calls it."""
        return 415


@dataclass(frozen=True)
class ScoringInput:
    """What a model is asked: its data, and the parameters of the prediction."""

    data: Any
    params: dict[str, Any] | None = None


def parse(
    body: str | bytes,
    content_type: str = JSON,
    schema: Schema | None = None,
    *,
    as_given: bool = False,
) -> ScoringInput:
    """The data and parameters in a body.

    Args:
        body: JSON with exactly one of ``dataframe_split``, ``dataframe_records``, ``instances`` and
            ``inputs``, and ``params`` if there are any; or a table as CSV or Parquet.
        content_type: the media type, or ``"json"``, ``"csv"``, ``"parquet"`` for short.
        schema: of the model's inputs.
        as_given: hand back ``inputs`` as it stands, for a model that goes by its own type hints.

    Raises:
        BadRequest: the body cannot be read as what it says it is.
        UnsupportedMediaType: it is of another type, charset or parameter.
    """
    kind = _media_type(content_type)
    raw = body.encode() if isinstance(body, str) else body
    if kind == CSV:
        return ScoringInput(_from_csv(raw, schema))
    if kind == PARQUET:
        return ScoringInput(_from_parquet(raw))
    if not raw.strip():
        raise BadRequest('The input is empty; a request is JSON such as {"inputs": [[1, 2]]}.')
    try:
        given = msgspec.json.decode(raw)
    except msgspec.DecodeError as error:
        raise BadRequest(f"The input is no valid JSON: {error}.") from error
    return _from_json(given, schema, as_given=as_given)


def _media_type(content_type: str) -> str:
    kind, *parameters = [part.strip() for part in content_type.split(";")]
    kind = _SHORT.get(kind.lower(), kind.lower())
    if kind not in _SHORT.values():
        raise UnsupportedMediaType(
            f"The content type {content_type!r} is not supported; it is one of "
            f"{', '.join(_SHORT.values())}."
        )
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip().lower() != "charset" or value.strip(" \"'").lower() != "utf-8":
            raise UnsupportedMediaType(
                f"The content type {content_type!r} has the parameter {parameter!r}; the only one "
                "there is is charset=utf-8."
            )
    return kind


def _from_json(given: Any, schema: Schema | None, *, as_given: bool) -> ScoringInput:
    wanted = "It is a JSON object with exactly one of " + ", ".join(map(repr, FORMATS))
    if not isinstance(given, dict):
        raise BadRequest(f"The input is {_json_name(given)}. {wanted}.")
    found = [name for name in FORMATS if name in given]
    if len(found) != 1:
        has = " and ".join(map(repr, found or given)) or "nothing"
        raise BadRequest(f"The input has {has}. {wanted}, and may have 'params' beside it.")
    params = given.get("params")
    if params is not None and not isinstance(params, dict):
        raise BadRequest(f"'params' is {_json_name(params)}, where an object is expected.")
    name, body = found[0], given[found[0]]
    if as_given:
        if name != "inputs":
            raise BadRequest(f"This model takes its data under 'inputs', not under {name!r}.")
        return ScoringInput(body, params)
    if name.startswith("dataframe"):
        data = _frame_of(body, split=name == "dataframe_split")
        return ScoringInput(typed_frame(data, schema), params)
    if schema is not None and not schema.is_tensor_spec():
        return ScoringInput(typed_frame(_columns_of(body, schema), schema), params)
    return ScoringInput(tensors_of(body, schema, rows=name == "instances"), params)


def _frame_of(body: Any, *, split: bool) -> Any:
    pd = pandas()
    wanted = "an object with 'data' and 'columns'" if split else "a list of objects"
    try:
        if split and isinstance(body, dict) and body.keys() <= {"data", "columns", "index"}:
            return pd.DataFrame(body["data"], body.get("index"), body.get("columns"))
        if not split and isinstance(body, list) and all(isinstance(row, dict) for row in body):
            return pd.DataFrame(body)
    except (KeyError, ValueError, TypeError) as error:
        raise BadRequest(f"The data cannot be read as {wanted}: {error}.") from error
    raise BadRequest(f"The data is {_json_name(body)}, where {wanted} is expected.")


def _columns_of(body: Any, schema: Schema) -> Any:
    """A table of what stands under ``instances`` or ``inputs``."""
    pd = pandas()
    try:
        if isinstance(body, dict):
            scalar = not any(isinstance(value, list) for value in body.values())
            return pd.DataFrame([body] if scalar else body)
        if not isinstance(body, list):
            body = [body]
        if len(schema) == 1 and body and not isinstance(body[0], (dict, list)):
            return pd.DataFrame(body, columns=schema.input_names() or None)
        return pd.DataFrame(body)
    except (ValueError, TypeError) as error:
        raise BadRequest(f"The data cannot be read as columns: {error}.") from error


def _from_csv(raw: bytes, schema: Schema | None) -> Any:
    pd = pandas()
    specs = [spec for spec in schema or () if isinstance(spec, ColSpec) and spec.name is not None]
    texts = {DataType.string, DataType.datetime, DataType.binary}
    dtype = {str(spec.name): str for spec in specs if spec.type in texts}
    try:
        frame = pd.read_csv(io.BytesIO(raw), dtype=dtype)
    except (ValueError, pd.errors.EmptyDataError) as error:
        raise BadRequest(f"The input cannot be read as CSV with a header line: {error}.") from error
    return typed_frame(frame, schema)


def _from_parquet(raw: bytes) -> Any:
    try:
        return pandas().read_parquet(io.BytesIO(raw))
    except ImportError as error:
        raise MissingLibrary(
            "Reading Parquet needs pyarrow, which is not installed.\n    pip install pyarrow"
        ) from error
    except (ValueError, OSError) as error:
        raise BadRequest(f"The input cannot be read as Parquet: {error}.") from error


def _json_name(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "a truth value"}
    return "null" if value is None else names.get(type(value), "a number")


def convert_input_example_to_serving_input(input_example: Any) -> str | None:
    """An input example as the JSON that a served model takes; None for None."""
    return None if input_example is None else encode_example(input_example).serving_text
