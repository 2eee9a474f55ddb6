"""Frames in, frames out: what models that compute with arrays do with a pandas frame."""

from __future__ import annotations

from typing import Any


def is_frame(data: Any) -> bool:
    """Whether data are a pandas frame."""
    return type(data).__module__.partition(".")[0] == "pandas" and hasattr(data, "columns")


def array_of(data: Any) -> Any:
    """A frame as an array; anything else as it is."""
    return data.to_numpy() if is_frame(data) else data


def as_given(data: Any, prediction: Any) -> Any:
    """A prediction as a frame with the rows of ``data``, if these are a frame; as MLflow has it."""
    is_table = getattr(prediction, "ndim", 0) in {1, 2} and len(prediction) == len(data)
    return type(data)(prediction, index=data.index) if is_frame(data) and is_table else prediction
