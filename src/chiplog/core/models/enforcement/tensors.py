"""Arrays, held to the ranks, dimensions and types of a signature."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from chiplog.core.models.enforcement.violations import Misfit, kind_of
from chiplog.core.models.schema import TensorSpec, type_name

if TYPE_CHECKING:
    from chiplog.core.models.enforcement.policy import Mode, Policy
    from chiplog.core.models.enforcement.violations import Findings
    from chiplog.core.models.schema import Schema


def enforce_tensors(data: Any, schema: Schema, policy: Policy, found: Findings) -> Any:
    """The data as one array, or as a dict of arrays where the signature names them."""
    specs = [spec for spec in schema.inputs if isinstance(spec, TensorSpec)]
    if type(data).__module__.partition(".")[0] in {"polars", "pyarrow"}:
        from chiplog.core.models.enforcement.frames import as_frame

        data = as_frame(data, schema)
    if not schema.has_input_names():
        made = _fit(data, specs[0], 0, policy.mode(0), found)
        found.close(1, "tensors")
        return made
    names = [str(spec.name) for spec in specs]
    given = _by_name(data, names)
    if given is None:
        got = Misfit(f"{kind_of(data)} without names", "Give a dict of numpy arrays.")
        found.refuse(f"{len(specs)} tensors named {', '.join(names)}", got, policy.default)
        return data
    tensors = {}
    for name, spec in zip(names, specs, strict=True):
        if name in given:
            tensors[name] = _fit(given[name], spec, name, policy.mode(name), found)
        else:
            found.add(name, _unnamed(spec), Misfit("missing"), policy.mode(name))
    found.extra = [name for name in given if name not in names]
    found.close(len(specs), "tensors")
    return tensors


def _by_name(data: Any, names: list[str]) -> Any:
    """What is given for each name: a dict, a DataFrame, or the one array for the one name."""
    if isinstance(data, dict) or hasattr(data, "columns"):
        return data
    return {names[0]: data} if len(names) == 1 and hasattr(data, "shape") else None


def _fit(value: Any, spec: TensorSpec, name: str | int, mode: Mode, found: Findings) -> Any:
    try:
        return fit_tensor(value, spec, mode)
    except Misfit as misfit:
        found.add(name, _unnamed(spec), misfit, mode)
        return value


def _unnamed(spec: TensorSpec) -> TensorSpec:
    return TensorSpec(spec.dtype, spec.shape)


def fit_tensor(value: Any, spec: TensorSpec, mode: Mode) -> Any:
    """An array as its spec has it, itself if it fits; raises Misfit if it does not."""
    array = _as_array(value, spec, mode)
    shape = tuple(array.shape)
    fits = len(shape) == len(spec.shape) and all(
        length in (-1, given) for length, given in zip(spec.shape, shape, strict=True)
    )
    if fits and _same_type(array.dtype, spec.dtype):
        native = array.dtype.newbyteorder("=")
        return array if native == array.dtype else array.astype(native)
    if fits and mode == "coerce":
        return _coerced(array, spec)
    raise Misfit(f"{array.dtype} of shape {shape}")


def _same_type(given: np.dtype[Any], wanted: str) -> bool:
    return type_name(given) == wanted or (wanted == "object" and given.kind in "US")


def _as_array(value: Any, spec: TensorSpec, mode: Mode) -> Any:
    if isinstance(value, np.ndarray) or hasattr(value, "tocsr"):
        return value
    if hasattr(value, "columns"):
        return _of_frame(value, spec)
    if hasattr(value, "to_numpy") and hasattr(value, "index"):
        return _of_column(value, spec)
    if mode == "coerce" and not isinstance(value, dict):
        try:
            return np.asarray(value)
        except ValueError as error:
            raise Misfit(str(error)) from None
    raise Misfit(kind_of(value), "Tensors are numpy arrays.")


def _of_frame(frame: Any, spec: TensorSpec) -> Any:
    """A DataFrame as one array: a column of lists, or as many columns as the tensor is wide."""
    if frame.shape[1] == 1:
        return _of_column(frame.iloc[:, 0], spec)
    if len(spec.shape) != 2 or spec.shape[1] not in (-1, frame.shape[1]):
        raise Misfit(f"a DataFrame of {frame.shape[1]} columns")
    return frame.to_numpy()


def _of_column(column: Any, spec: TensorSpec) -> Any:
    """A column of lists, or of numbers, in the shape and of the type of the tensor."""
    if column.dtype != object or not len(column) or not hasattr(column.iloc[0], "__len__"):
        array = column.to_numpy()
        if array.dtype.kind in "iuf":
            array = _coerced(array, spec)
        return array.reshape(-1, 1) if spec.shape[1:] == (1,) else array
    widths = {len(cell) if isinstance(cell, (list, np.ndarray)) else None for cell in column}
    if len(widths) > 1:
        listed = ", ".join(sorted(map(str, widths))[:5])
        raise Misfit(f"lists of several lengths ({listed})")
    try:
        flat = np.array([np.ravel(cell) for cell in column], dtype=spec.dtype)
        return flat.reshape(spec.shape) if -1 in spec.shape else flat.reshape(-1, *spec.shape[1:])
    except (ValueError, TypeError) as error:
        raise Misfit(f"lists of {widths.pop()} values: {error}") from None


def _coerced(array: Any, spec: TensorSpec) -> Any:
    """The array in the type wanted, if every value survives it; doubles may be rounded."""
    try:
        made = array.astype(spec.dtype)
    except (ValueError, TypeError) as error:
        raise Misfit(f"{array.dtype}: {error}") from None
    if array.dtype.kind in "iufb" and made.dtype.kind in "iub" and (made != array).any():
        first = tuple(int(i) for i in np.argwhere(made != array)[0])
        raise Misfit(f"{array.dtype}, {array[first]!r} at {first}")
    return made
