"""Curves drawn with block characters."""

from __future__ import annotations

import math

import pytest

from chiplog.cli.render.charts import chart
from chiplog.cli.render.curves import ASCII, curve, sparkline

RISING = [(float(step), float(step)) for step in range(8)]


def test_eight_rising_points_use_every_level() -> None:
    assert sparkline(RISING, 8) == "▁▂▃▄▅▆▇█"


def test_no_points_draw_nothing() -> None:
    assert sparkline([], 10) == ""
    assert curve([], 10, 3) == ["", "", ""]


def test_one_point_is_one_cell_in_the_middle() -> None:
    assert sparkline([(7, 3.0)], 10) == "▄"


def test_a_constant_lies_in_the_middle() -> None:
    assert set(sparkline([(step, 2.0) for step in range(100)], 20)) == {"▄"}


def test_few_points_are_wide_and_equally_so() -> None:
    assert sparkline([(0, 0.0), (1, 1.0)], 40) == "▁▁▁▁████"


def test_a_curve_is_never_wider_than_asked() -> None:
    for number_of in (1, 2, 3, 7, 40, 41, 5000):
        points = [(step, math.sin(step)) for step in range(number_of)]
        for width in (1, 2, 10, 40):
            assert len(sparkline(points, width)) <= width
            assert all(len(line) <= width for line in curve(points, width, 3))


def test_order_and_repeats_of_steps_do_not_matter() -> None:
    assert sparkline(list(reversed(RISING)), 8) == "▁▂▃▄▅▆▇█"
    assert sparkline([(1, 0.0), (1, 4.0), (2, 8.0)], 2) == "▃█"


def test_negative_steps_are_steps() -> None:
    assert sparkline([(-3, 0.0), (-2, 1.0)], 2) == "▁█"


def test_uneven_steps_keep_their_distances() -> None:
    """Between steps 1 and 9 nothing was recorded: the value holds."""
    assert sparkline([(0, 0.0), (1, 1.0), (9, 0.0)], 10) == "▁████████▁"


@pytest.mark.parametrize(
    ("value", "mark"),
    [(math.nan, "×"), (math.inf, "↑"), (-math.inf, "↓")],  # noqa: RUF001 - the sign is meant
)
def test_what_is_no_number_is_marked_and_does_not_move_the_scale(value: float, mark: str) -> None:
    points = [(0, 0.0), (1, 7.0), (2, value), (3, 0.0)]
    assert sparkline(points, 4) == f"▁█{mark}▁"


def test_all_nan_is_all_marks() -> None:
    assert sparkline([(step, math.nan) for step in range(3)], 3) == "×××"  # noqa: RUF001


def test_the_greatest_doubles_do_not_overflow() -> None:
    most = 1.7976931348623157e308
    assert sparkline([(0, -most), (1, most)], 2) == "▁█"
    assert sparkline([(0, most), (0, most), (1, 0.0)], 2) == "█▁"


def test_a_tall_curve_has_as_many_lines_as_asked_and_fills_them() -> None:
    lines = curve(RISING, 8, 4)
    assert len(lines) == 4
    assert lines[0].strip()
    assert lines[3].startswith("▁")
    assert lines[3].endswith("█")


def test_a_spike_among_many_points_is_shaded() -> None:
    points = [(step, 100.0 if step == 500 else 0.0) for step in range(1000)]
    assert "░" in "".join(curve(points, 20, 4))


def test_ascii_characters_are_ascii() -> None:
    points = [*RISING, (8, math.nan), (9, math.inf), (10, -math.inf)]
    for line in chart(points, 40, 4, ASCII):
        assert line.plain.isascii()


def test_a_chart_names_its_extremes_and_its_steps() -> None:
    text = "\n".join(line.plain for line in chart(RISING, 40, 4))
    assert text.splitlines()[0].startswith("7 │")
    assert text.splitlines()[3].startswith("0 │")
    assert "0 ─" in text.splitlines()[4]
    assert text.endswith("7")


def test_a_chart_of_a_constant_names_it_once() -> None:
    text = "\n".join(line.plain for line in chart([(0, 0.5), (1, 0.5)], 40, 4))
    assert text.count("0.5") == 1


def test_a_chart_without_a_finite_value_says_so() -> None:
    (line,) = chart([(0, math.nan), (1, math.inf)], 40, 4)
    assert "no finite value" in line.plain
    assert "inf or nan" in line.plain
