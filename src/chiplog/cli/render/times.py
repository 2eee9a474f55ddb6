"""Times and durations as people read them. Times are milliseconds since the epoch, UTC."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from chiplog.core.clock import now_ms
from chiplog.core.errors import InvalidValue

SECOND = 1000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
_RELATIVE_UNTIL = 14 * DAY
_PARTS = {"d": DAY, "h": HOUR, "m": MINUTE, "s": SECOND}


def absolute(moment: int | None) -> str:
    """A moment in local time: ``2025-11-21 14:05:09``."""
    local = _local(moment)
    return local.strftime("%Y-%m-%d %H:%M:%S") if local else ""


def relative(moment: int | None, at: int | None = None) -> str:
    """How long ago, as far as that says something: ``3 min ago``, later ``2025-11-21``."""
    local = _local(moment)
    if moment is None or local is None:
        return ""
    age = (now_ms() if at is None else at) - moment
    if age < -MINUTE or age > _RELATIVE_UNTIL:
        return local.strftime("%Y-%m-%d")
    if age < 2 * SECOND:
        return "just now"
    for unit, name in ((MINUTE, "s"), (HOUR, "min"), (DAY, "h")):
        if age < unit:
            return f"{age // {'s': SECOND, 'min': MINUTE, 'h': HOUR}[name]} {name} ago"
    return f"{age // DAY} d ago"


def iso(moment: int | None) -> str | None:
    """A moment as ISO 8601 in UTC, for machines."""
    if moment is None:
        return None
    try:
        return datetime.fromtimestamp(moment / 1000, tz=UTC).isoformat(timespec="milliseconds")
    except (OverflowError, OSError, ValueError):
        return None


def duration(milliseconds: float | None) -> str:
    """A duration: ``0.4 ms``, ``850 ms``, ``4.2 s``, ``3 min 12 s``, ``2 h 05 min``, ``3 d 4 h``.

    Empty for None.
    """
    if milliseconds is None:
        return ""
    if milliseconds < 0:
        return f"-{duration(-milliseconds)}"
    if milliseconds < 999.5:
        digits = 1 if milliseconds < 9.95 and milliseconds % 1 else 0
        return f"{milliseconds:.{digits}f} ms"
    if milliseconds < 59.95 * SECOND:
        return f"{milliseconds / SECOND:.1f} s"
    return _long_duration(round(milliseconds / SECOND) * SECOND)


def _long_duration(whole: int) -> str:
    if whole < HOUR:
        return f"{whole // MINUTE} min {whole % MINUTE // SECOND:02d} s"
    if whole < DAY:
        return f"{whole // HOUR} h {whole % HOUR // MINUTE:02d} min"
    return f"{whole // DAY} d {whole % DAY // HOUR} h"


def parse_age(text: str) -> int:
    """Milliseconds of an age such as ``7d`` or ``2d8h5m20s``; raises InvalidValue."""
    parts = re.findall(r"(\d+(?:\.\d+)?)([dhms])", text)
    if not parts or "".join(amount + unit for amount, unit in parts) != text.strip():
        raise InvalidValue(f"{text!r} is no age. Write days, hours, minutes, seconds: 7d or 2d8h.")
    return round(sum(float(amount) * _PARTS[unit] for amount, unit in parts))


def _local(moment: int | None) -> datetime | None:
    if moment is None:
        return None
    try:
        return datetime.fromtimestamp(moment / 1000, tz=UTC).astimezone()
    except (OverflowError, OSError, ValueError):
        return None
