"""Which of the losses between two steps of an optimizer count."""

from __future__ import annotations

import pytest

from chiplog.integrations.pytorch.losses import Site, Sum


def recorded(site: Site, values: list[float]) -> object:
    """What is recorded of a step that these losses led to."""
    together = Sum(site, values[0])
    together.values += values[1:]
    return together.mean()


def accumulating(divisor: float | None, usual: int) -> Site:
    """A place at which a step's first round has been seen."""
    site = Site("loss")
    site.is_known, site.divisor = True, divisor
    recorded(site, [1.0] * usual)
    return site


def test_losses_that_were_thrown_away_before_a_round_do_not_count() -> None:
    site = accumulating(4.0, 4)
    for _ in range(3):
        assert recorded(site, [9.0, 9.0, 9.0, 0.25, 0.5, 0.75, 1.0]) == pytest.approx(2.5)
        assert recorded(site, [0.25, 0.25, 0.5, 0.5]) == pytest.approx(1.5)


def test_a_part_of_a_round_is_undivided_like_the_whole() -> None:
    assert recorded(accumulating(4.0, 4), [0.25, 0.5]) == pytest.approx(1.5)


@pytest.mark.parametrize("count", [2, 8])
def test_what_comes_twice_in_a_row_is_usual_from_then_on(count: int) -> None:
    site = accumulating(None, 4)
    values = [float(one) for one in range(count)]
    recorded(site, values)
    assert recorded(site, values) == pytest.approx(sum(values) / count)
    assert site.usual == count
