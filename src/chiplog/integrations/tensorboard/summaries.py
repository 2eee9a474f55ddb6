"""Reads what TensorBoard's summaries hold: numbers, histograms, texts, pictures."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

QUANTILES: Final = (0.05, 0.5, 0.95)
_FORBIDDEN: Final = re.compile(r"[^/\w.\- :]")
_TEXT_SUFFIX: Final = "/text_summary"


def metric_key(tag: str) -> str:
    """A tag as a metric's name: what such a name may not hold becomes an underscore."""
    if tag.isidentifier():
        return tag
    key = _FORBIDDEN.sub("_", tag.replace("@", "_at_"))
    return "/".join(part for part in key.split("/") if part not in {"", ".", ".."}) or "_"


def scalar_of(value: Any) -> float | None:
    """The number that a summary's value holds; None if it holds none."""
    if value.HasField("simple_value"):
        return float(value.simple_value)
    if plugin_of(value) != "scalars" or not value.HasField("tensor"):
        return None
    tensor = value.tensor
    for field in ("float_val", "double_val", "int_val", "int64_val"):
        held = getattr(tensor, field)
        if len(held) == 1:
            return float(held[0])
    if len(tensor.tensor_content) in {4, 8} and tensor.dtype in {1, 2}:
        kind = np.float32 if tensor.dtype == 1 else np.float64
        return float(np.frombuffer(tensor.tensor_content, kind)[0])
    return None


def plugin_of(value: Any) -> str:
    """The part of TensorBoard that a summary's value is made for; "" if it does not say."""
    name: str = value.metadata.plugin_data.plugin_name
    return name


def histogram_of(histogram: Any) -> Iterator[tuple[str, float]]:
    """What can be looked at of a histogram as curves: its ends, mean, deviation and quantiles.

    The quantiles are as exact as the histogram's own buckets.
    """
    count = histogram.num
    if not count:
        return
    mean = histogram.sum / count
    yield "min", histogram.min
    yield "max", histogram.max
    yield "mean", mean
    yield "std", max(histogram.sum_squares / count - mean * mean, 0.0) ** 0.5
    below = np.cumsum(histogram.bucket)
    if not len(below) or not below[-1] > 0:
        return
    limits = np.clip(np.array(histogram.bucket_limit), histogram.min, histogram.max)
    for share in QUANTILES:
        wanted = share * below[-1]
        at = min(int(np.searchsorted(below, wanted)), len(below) - 1)
        lower = limits[at - 1] if at else histogram.min
        before = below[at - 1] if at else 0.0
        inside = below[at] - before
        part = (wanted - before) / inside if inside else 1.0
        yield f"p{round(share * 100):02d}", float(lower + part * (limits[at] - lower))


def text_of(value: Any) -> tuple[str, str] | None:
    """A text's tag and itself; None if the value is no text."""
    if plugin_of(value) != "text" or not len(value.tensor.string_val):
        return None
    texts = [part.decode("utf-8", "replace") for part in value.tensor.string_val]
    return value.tag.removesuffix(_TEXT_SUFFIX), "\n".join(texts)


def picture_of(value: Any) -> tuple[bytes, str] | None:
    """A picture's bytes as they are encoded, and their file's suffix; None if it is none."""
    if not value.HasField("image"):
        return None
    data: bytes = value.image.encoded_image_string
    suffix = "gif" if data.startswith(b"GIF8") else "png"
    return data, suffix
