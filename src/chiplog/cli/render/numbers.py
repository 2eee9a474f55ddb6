"""Numbers as people read them."""

from __future__ import annotations

import math

_UNITS = ("bytes", "kB", "MB", "GB", "TB", "PB")
MINUS_ZERO = "-0"


def number(value: float, digits: int = 5) -> str:
    """A metric's value: ``digits`` significant ones, whole numbers whole, nan and inf by name."""
    if math.isnan(value):
        return "nan"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    if value == 0:
        return MINUS_ZERO if math.copysign(1.0, value) < 0 else "0"
    if value == int(value) and abs(value) < 1e9:
        return str(int(value))
    size = math.floor(math.log10(abs(value)))
    if not -5 < size < digits + 4:
        mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
        return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"
    text = f"{value:.{max(digits - 1 - size, 0)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def change(before: float, after: float) -> str:
    """The way from one value to another, with its sign; empty if it cannot be told."""
    difference = after - before
    if math.isnan(difference) or difference == 0:
        return "" if math.isnan(difference) else "="
    return f"+{number(difference, 3)}" if difference > 0 else number(difference, 3)


def count(value: int) -> str:
    """A count, its thousands apart: ``1,234,567``."""
    return f"{value:,}"


def plural(value: int, singular: str, several: str | None = None) -> str:
    """A count of things: ``1 run``, ``1,200 runs``."""
    return f"{count(value)} {singular if value == 1 else several or singular + 's'}"


def size(value: int | None) -> str:
    """A size in bytes: ``512 bytes``, ``1.5 kB``, ``20 MB``; powers of 1000."""
    if value is None:
        return ""
    amount = float(value)
    for unit in _UNITS:
        if abs(amount) < 999.5 or unit == _UNITS[-1]:
            break
        amount /= 1000
    if unit == "bytes":
        return plural(value, "byte")
    return f"{amount:.1f} {unit}" if abs(amount) < 9.95 else f"{amount:.0f} {unit}"
