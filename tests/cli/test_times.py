"""Times and durations as people read them."""

from __future__ import annotations

import pytest

from chiplog.cli.render.times import DAY, HOUR, MINUTE, duration, iso, parse_age, relative
from chiplog.core.errors import InvalidValue

NOW = 1_750_000_000_000


@pytest.mark.parametrize(
    ("age", "text"),
    [
        (0, "just now"),
        (-500, "just now"),
        (5_000, "5 s ago"),
        (3 * MINUTE, "3 min ago"),
        (5 * HOUR, "5 h ago"),
        (3 * DAY, "3 d ago"),
    ],
)
def test_what_is_young_has_an_age(age: int, text: str) -> None:
    assert relative(NOW - age, NOW) == text


def test_what_is_old_or_in_the_future_has_a_date() -> None:
    assert relative(NOW - 400 * DAY, NOW) == "2024-05-11"
    assert relative(NOW + 3 * DAY, NOW) == "2025-06-18"


def test_a_moment_no_calendar_has_is_left_empty() -> None:
    assert relative(2**62, NOW) == ""
    assert iso(2**62) is None


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (None, ""),
        (0, "0 ms"),
        (0.42, "0.4 ms"),
        (12, "12 ms"),
        (999.4, "999 ms"),
        (999.6, "1.0 s"),
        (59_900, "59.9 s"),
        (59_960, "1 min 00 s"),
        (192_000, "3 min 12 s"),
        (3_599_700, "1 h 00 min"),
        (2 * HOUR + 5 * MINUTE, "2 h 05 min"),
        (3 * DAY + 4 * HOUR, "3 d 4 h"),
        (-1500, "-1.5 s"),
    ],
)
def test_a_duration_has_at_most_two_units(milliseconds: float | None, text: str) -> None:
    assert duration(milliseconds) == text


def test_ages_add_up() -> None:
    assert parse_age("7d") == 7 * DAY
    assert parse_age("2d8h5m20s") == 2 * DAY + 8 * HOUR + 5 * MINUTE + 20_000


@pytest.mark.parametrize("text", ["", "7", "d", "7 days", "-7d", "7d!"])
def test_what_is_no_age_is_refused_with_its_text(text: str) -> None:
    with pytest.raises(InvalidValue, match="is no age") as caught:
        parse_age(text)
    assert repr(text) in str(caught.value)
