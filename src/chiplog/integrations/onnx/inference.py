"""What an ONNX model computes, by onnxruntime."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from chiplog.core.errors import DamagedModel, InvalidValue, MissingLibrary, UntrustedModel

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from chiplog.core.models.safety import Trust

#: Where a model is computed, the first that there is: as MLflow has it.
PROVIDERS: Final = ("CUDAExecutionProvider", "CPUExecutionProvider")

# The others take programs that a model may hold.
_HARMLESS: Final = frozenset(
    {
        "CPUExecutionProvider",
        "CUDAExecutionProvider",
        "CoreMLExecutionProvider",
        "DmlExecutionProvider",
        "ROCMExecutionProvider",
    }
)

_NUMBERS: Final = ("graph_optimization_level", "intra_op_num_threads", "inter_op_num_threads")
_LEVELS: Final = (0, 1, 2, 99)
_MODES: Final = {"sequential": "ORT_SEQUENTIAL", "parallel": "ORT_PARALLEL"}
_OTHERS: Final = "extra_session_config"

_TYPES: Final[dict[str, Any]] = {
    "tensor(bool)": np.bool_,
    "tensor(double)": np.float64,
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(int16)": np.int16,
    "tensor(int32)": np.int32,
    "tensor(int64)": np.int64,
    "tensor(int8)": np.int8,
    "tensor(uint16)": np.uint16,
    "tensor(uint32)": np.uint32,
    "tensor(uint64)": np.uint64,
    "tensor(uint8)": np.uint8,
}


def check_options(options: Mapping[str, Any] | None) -> dict[str, Any]:
    """The options of a session; raises InvalidValue for one that there is not."""
    if not isinstance(options, Mapping | None):
        raise InvalidValue(f"onnx_session_options={options!r} is no mapping.")
    given = dict(options or {})
    known = {*_NUMBERS, "execution_mode", _OTHERS}
    unknown = sorted(given.keys() - known)
    if unknown:
        raise InvalidValue(
            f"onnx_session_options has {', '.join(map(repr, unknown))}; known are "
            f"{', '.join(sorted(known))}."
        )
    for name in _NUMBERS:
        number = given.get(name, 0)
        if isinstance(number, bool) or not isinstance(number, int):
            raise InvalidValue(f"onnx_session_options has {name}={number!r}, which is no number.")
    level = given.get("graph_optimization_level", 99)
    if level not in _LEVELS:
        raise InvalidValue(
            f"onnx_session_options has graph_optimization_level={level!r}; it is one of "
            f"{', '.join(map(str, _LEVELS))}."
        )
    mode = given.get("execution_mode", "sequential")
    if mode not in _MODES:
        raise InvalidValue(
            f"onnx_session_options has execution_mode={mode!r}; it is one of {', '.join(_MODES)}."
        )
    if not isinstance(given.get(_OTHERS, {}), dict):
        raise InvalidValue(f"onnx_session_options has {_OTHERS}={given[_OTHERS]!r}, no mapping.")
    return given


def check_trusted(settings: Mapping[str, Any], path: Path, trust: Trust) -> None:
    """Raise UntrustedModel for what a model's settings ask of onnxruntime beyond computing it."""
    config = (settings.get("onnx_session_options") or {}).get(_OTHERS) or {}
    providers = set(_available(settings.get("providers"))) - _HARMLESS
    names = {*config, *providers} - set(trust.types)
    if names and not trust.allows_pickle:
        listed = ", ".join(repr(name) for name in sorted(names))
        raise UntrustedModel(
            f"The model in {str(path)!r} asks onnxruntime for {listed}, which may read and write "
            "files, or run code that the model holds. If you trust where it came from, load it "
            f"with trusted_types=[{listed}].",
            names,
        )


def open_session(
    model: bytes | Path, providers: Sequence[Any] | None, options: Mapping[str, Any]
) -> Any:
    """A session of onnxruntime's that computes a model, given as bytes or its file.

    Of the providers only the names count, and only those that there are; libraries of operators
    are never loaded. Raises DamagedModel if onnxruntime cannot compute the model.
    """
    runtime = _runtime()
    settings = runtime.SessionOptions()
    if "graph_optimization_level" in options:
        settings.graph_optimization_level = runtime.GraphOptimizationLevel(
            options["graph_optimization_level"]
        )
    for name in _NUMBERS[1:]:
        if name in options:
            setattr(settings, name, options[name])
    if "execution_mode" in options:
        settings.execution_mode = getattr(runtime.ExecutionMode, _MODES[options["execution_mode"]])
    for name, value in (options.get(_OTHERS) or {}).items():
        settings.add_session_config_entry(str(name), str(value))
    wanted = _available(PROVIDERS if providers is None else providers)
    source = model if isinstance(model, bytes) else str(model)
    try:
        return runtime.InferenceSession(source, settings, wanted or ["CPUExecutionProvider"])
    except Exception as error:
        raise DamagedModel(
            f"onnxruntime {runtime.__version__} cannot compute this ONNX model: {error}"
        ) from error


def run(session: Any, data: Any) -> Any:
    """What a model gives: an array for each output by name.

    For a frame, a frame of them, if they have its rows.
    """
    feeds = _feeds(session.get_inputs(), data)
    names = [output.name for output in session.get_outputs()]
    given = dict(zip(names, session.run(names, feeds), strict=True))
    arrays = {name: np.asarray(value) for name, value in given.items()}
    if not _is_frame(data) or any(array.shape[:1] != (len(data),) for array in arrays.values()):
        return arrays
    columns = {name: _column(array) for name, array in arrays.items()}
    return type(data)(columns, index=data.index)


def _feeds(inputs: Sequence[Any], data: Any) -> dict[str, Any]:
    """Data by the names of a model's inputs, each in its type."""
    names = [one.name for one in inputs]
    if isinstance(data, dict):
        found = data
    elif _is_frame(data) and len(inputs) > 1:
        found = {name: _values(data[name]) for name in names if name in data.columns}
    elif len(inputs) == 1:
        found = {names[0]: data.to_numpy() if hasattr(data, "to_numpy") else np.asarray(data)}
    else:
        raise InvalidValue(
            f"The ONNX model has the inputs {', '.join(map(repr, names))}; give a dict of arrays "
            f"or a frame with these names. This is a {type(data).__name__}."
        )
    missing = [name for name in names if name not in found]
    if missing:
        raise InvalidValue(
            f"The ONNX model's input {missing[0]!r} is missing; there are "
            f"{', '.join(map(repr, found)) or 'none'}."
        )
    return {one.name: _typed(np.asarray(found[one.name]), one) for one in inputs}


def _typed(array: Any, wanted: Any) -> Any:
    """An array in the type and the number of dimensions that an input has."""
    dtype = _TYPES.get(wanted.type)
    if dtype is not None and array.dtype != dtype:
        source = np.array(array.tolist()) if array.dtype == object else array
        if not np.can_cast(source.dtype, dtype, "same_kind"):
            raise InvalidValue(
                f"The ONNX model's input {wanted.name!r} is of {wanted.type}, and the data are "
                f"{array.dtype}; convert them first."
            )
        array = source.astype(dtype)
    # One value a row is a column, for which some models have a dimension of one, others none.
    if (array.ndim, len(wanted.shape)) == (1, 2):
        return array[:, np.newaxis]
    if (array.ndim, len(wanted.shape)) == (2, 1) and array.shape[1] == 1:
        return array[:, 0]
    return array


def _values(column: Any) -> Any:
    """A frame's column as an array; of lists, as an array of more dimensions."""
    values = column.to_numpy()
    if values.dtype == object and len(values) and isinstance(values[0], (list, np.ndarray)):
        return np.stack([np.asarray(value) for value in values])
    return values


def _column(array: Any) -> Any:
    """An output as a frame's column: of several values a row, lists of them."""
    if math.prod(array.shape[1:]) == 1:
        return array.reshape(-1)
    return array.tolist()


def _available(providers: Sequence[Any] | None) -> list[str]:
    """Those of the providers that there are here, in their order."""
    available = _runtime().get_available_providers()
    given = providers if isinstance(providers, (list, tuple)) else ()
    return [name for name in given if name in available]


def _is_frame(data: Any) -> bool:
    return hasattr(data, "columns") and hasattr(data, "to_numpy")


def _runtime() -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise MissingLibrary(
            "Computing an ONNX model needs onnxruntime, which is not installed.\n"
            "    pip install 'chiplog[onnx]'"
        ) from error
    return onnxruntime
