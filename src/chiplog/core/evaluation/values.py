"""Values of rows as plain arrays, whatever library they come from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from chiplog.core.errors import InvalidValue

if TYPE_CHECKING:
    import numpy.typing as npt


def column_of(what: str, values: Any, rows: int) -> npt.NDArray[Any]:
    """Values of the rows as an array; raises InvalidValue if their number is another."""
    array = as_values(values)
    if array.ndim == 0 or len(array) != rows:
        found = f"{len(array)} values" if array.ndim else repr(values)
        raise InvalidValue(f"The {what} must be one for each of the {rows} rows, not {found}.")
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    missing = missing_in(array)
    if missing and what != "predictions":
        raise InvalidValue(
            f"The {what} lack {missing} of {rows} values (None or NaN): leave those rows out."
        )
    return array


def as_values(values: Any) -> npt.NDArray[Any]:
    """Values as an array of plain types; categories and pandas's nullable types as what they hold.

    Missing values are NaN among numbers, and None among anything else.
    """
    if type(values).__module__.partition(".")[0] == "polars":
        values = values.to_pandas()
    dtype = getattr(values, "dtype", None)
    if hasattr(dtype, "categories"):
        values = np.asarray(values)
    elif dtype is not None and not isinstance(dtype, np.dtype) and hasattr(values, "isna"):
        if getattr(dtype, "kind", "O") not in "biuf":
            values = values.to_numpy(dtype=object, na_value=None)
        elif values.isna().any():
            values = values.to_numpy(dtype=np.float64, na_value=np.nan)
        else:
            values = np.asarray(values.tolist())
    if hasattr(values, "detach"):  # a tensor
        values = values.detach().cpu()
    return np.asarray(values)


def missing_in(array: npt.NDArray[Any]) -> int:
    """How many values are None or NaN."""
    if array.dtype.kind == "f":
        return int(np.isnan(array).sum())
    if array.dtype.kind == "O":
        flat = array.ravel().tolist()
        return sum(one is None or (isinstance(one, float) and one != one) for one in flat)  # noqa: PLR0124 - NaN equals nothing
    return 0


def weights_of(values: Any) -> npt.NDArray[np.float64] | None:
    """Sample weights as numbers; raises InvalidValue for what cannot weigh rows."""
    if values is None:
        return None
    try:
        weights = np.asarray(values, dtype=np.float64).ravel()
    except (TypeError, ValueError) as error:
        raise InvalidValue(f"The sample weights are no numbers: {error}.") from error
    if (weights < 0).any() or not weights.sum() > 0:
        raise InvalidValue("The sample weights must not be negative, and not all zero.")
    return weights
