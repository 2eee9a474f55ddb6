"""The first rows of the first training batch, for the model's signature. Never more."""

from __future__ import annotations

from typing import Any, Final

ROWS: Final = 5
_MOST_ELEMENTS: Final = 1_000_000


class Sample:
    """What one model input looks like.

    Attributes:
        is_wanted: whether a batch is still to be looked at.
        inputs: the rows on the CPU, if a batch's first part is one tensor.
        reason: why there are none.
    """

    def __init__(self) -> None:
        self.is_wanted = False
        self.inputs: Any = None
        self.reason = "no batch was seen in this process"

    def take(self, batch: Any) -> None:
        """Keep a copy of the first rows of a batch's inputs."""
        self.is_wanted = False
        inputs = batch[0] if isinstance(batch, (tuple, list)) and batch else batch
        if not hasattr(inputs, "detach") or getattr(inputs, "ndim", 0) < 1:
            self.reason = f"a batch's first part is a {type(inputs).__name__}, not one tensor"
            return
        rows = inputs[:ROWS]
        if rows.numel() > _MOST_ELEMENTS:
            self.reason = f"{ROWS} rows have {rows.numel()} elements"
            return
        self.inputs = rows.detach().to("cpu", copy=True)

    def drop(self) -> None:
        """Let go of the rows."""
        self.inputs = None
