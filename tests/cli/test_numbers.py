"""Numbers as people read them."""

from __future__ import annotations

import math

import pytest

from chiplog.cli.render.numbers import change, number, plural, size


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.9736842105, "0.97368"),
        (1234.5678, "1234.6"),
        (123456.789, "123457"),
        (1e-7, "1e-7"),
        (1.5e-3, "0.0015"),
        (1e300, "1e300"),
        (-1.23456789e-12, "-1.2346e-12"),
        (3.0, "3"),
        (-2.5, "-2.5"),
        (0.1 + 0.2, "0.3"),
        (100.0, "100"),
        (0.0, "0"),
        (-0.0, "-0"),
        (math.nan, "nan"),
        (math.inf, "inf"),
        (-math.inf, "-inf"),
        (5e-324, "4.9407e-324"),
        (1.7976931348623157e308, "1.7977e308"),
    ],
)
def test_a_metric_has_five_significant_digits(value: float, text: str) -> None:
    assert number(value) == text


def test_a_number_that_is_shortened_still_reads_as_nearly_the_same() -> None:
    for exponent in range(-320, 309, 3):
        value = 1.23456789 * 10.0**exponent
        assert float(number(value)) == pytest.approx(value, rel=1e-4, abs=1e-323)


def test_a_change_has_its_sign() -> None:
    assert change(1.0, 1.5) == "+0.5"
    assert change(1.5, 1.0) == "-0.5"
    assert change(2.0, 2.0) == "="
    assert change(1.0, math.nan) == ""
    assert change(1.0, math.inf) == "+inf"


@pytest.mark.parametrize(
    ("bytes_", "text"),
    [
        (None, ""),
        (0, "0 bytes"),
        (1, "1 byte"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (9949, "9.9 kB"),
        (9950, "10 kB"),
        (999_499, "999 kB"),
        (999_500, "1.0 MB"),
        (12_345_678_901, "12 GB"),
    ],
)
def test_a_size_has_two_or_three_digits(bytes_: int | None, text: str) -> None:
    assert size(bytes_) == text


def test_one_thing_is_singular_and_thousands_stand_apart() -> None:
    assert plural(1, "run") == "1 run"
    assert plural(1200, "run") == "1,200 runs"
    assert plural(2, "entry", "entries") == "2 entries"
