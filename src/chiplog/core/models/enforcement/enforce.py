"""Holding data to a signature: the one door to columns and tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chiplog.core.errors import MissingLibrary
from chiplog.core.models.enforcement.policy import Policy
from chiplog.core.models.enforcement.violations import Findings

if TYPE_CHECKING:
    from chiplog.core.models.schema import Schema


def enforce_schema(data: Any, schema: Schema, policy: Policy | str | None = None) -> Any:
    """Hand back ``data`` as the signature has it: its columns, in its order, of its types.

    Columns come back as a DataFrame, tensors as an array or a dict of arrays. Data that fits
    already is handed back itself; nothing is ever changed in place.

    Args:
        data: for columns a DataFrame (of pandas or polars), an Arrow table, a Series, dict, list,
            array or scalar; for tensors an array, a dict of arrays, or a DataFrame.
        schema: the signature's inputs.
        policy: how strictly, by column; a text is the mode of all (see :class:`Policy`).

    Raises:
        SchemaViolation: something does not fit; names every column or tensor that does not.
    """
    rules = Policy.of(policy)
    rules.check(schema)
    found = Findings()
    if schema.is_tensor_spec():
        from chiplog.core.models.enforcement.tensors import enforce_tensors

        return enforce_tensors(data, schema, rules, found)
    try:
        from chiplog.core.models.enforcement.columns import enforce_columns
    except ImportError:
        raise MissingLibrary(
            "The model's signature has columns, which are a pandas DataFrame, and pandas is not "
            "installed: pip install pandas"
        ) from None
    return enforce_columns(data, schema, rules, found)


def validate_schema(data: Any, schema: Schema) -> None:
    """Raise SchemaViolation unless ``data`` fits the signature by MLflow's rules."""
    enforce_schema(data, schema)
