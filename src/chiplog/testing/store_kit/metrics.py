"""Behaviour of metrics: exact, complete, summarised."""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING

import numpy as np
import pytest

from chiplog.core.records import RunUpdated
from chiplog.testing.store_kit.pen import START, Behaviour, bits, columns

if TYPE_CHECKING:
    from chiplog.core.stores import TrackingStore
    from chiplog.testing.store_kit.pen import Pen

STRANGE = [
    0.0,
    -0.0,
    math.inf,
    -math.inf,
    math.nan,
    *np.array([0xFFF8000000000000, 0x7FF0000000000001, 0xFFFFFFFFFFFFFFFF], np.uint64)
    .view(np.float64)
    .tolist(),
    5e-324,
    -5e-324,
    1.7976931348623157e308,
    0.1,
]
"""Doubles that storage likes to change."""


class MetricBehaviour(Behaviour):
    """Points, their summaries and their history."""

    @pytest.mark.parametrize("count", [1, 2, 500, 5000])
    def test_points_come_back_bit_for_bit(self, store: TrackingStore, pen: Pen, count: int) -> None:
        """Whatever the values, steps and times, however many."""
        source = random.Random(count)  # noqa: S311 - a repeatable one
        values = [source.choice(STRANGE) for _ in range(count)]
        steps = [source.choice([0, 0, 1, -5, 2**62, -(2**63)]) for _ in range(count)]
        times = [source.randrange(2**41) for _ in range(count)]
        run_id = pen.run(status=None)
        for at in range(0, count, 1700):
            part = slice(at, at + 1700)
            pen.write(points=[columns(run_id, "m", steps[part], times[part], values[part])])
        (found,) = store.get_points(run_id, "m")
        assert bits(found.values) == bits(values)
        assert found.steps.tolist() == steps
        assert found.timestamps.tolist() == times
        pen.write(RunUpdated(run_id, status="FINISHED", end_time=START))
        (found,) = store.get_points(run_id, "m")
        assert bits(found.values) == bits(values)

    @pytest.mark.parametrize("value", STRANGE)
    def test_the_latest_value_is_exact(self, store: TrackingStore, pen: Pen, value: float) -> None:
        """In the run as in the summary."""
        run_id = pen.run(metrics={"m": value})
        assert bits(store.get_run(run_id).data.metrics["m"]) == bits(value)
        assert bits(store.get_metric_summaries(run_id)[0].latest) == bits(value)

    def test_repeated_and_backward_steps_are_all_kept(self, store: TrackingStore, pen: Pen) -> None:
        """One by one, in the order in which they were recorded."""
        run_id = pen.run()
        for step, value in [(3, 1.0), (1, 2.0), (1, 2.0), (-7, 3.0)]:
            pen.write(points=[columns(run_id, "m", [step], [START], [value])])
        (found,) = store.get_points(run_id, "m")
        assert found.steps.tolist() == [3, 1, 1, -7]
        assert found.values.tolist() == [1.0, 2.0, 2.0, 3.0]

    def test_the_latest_point_is_the_greatest_step_time_and_value(
        self, store: TrackingStore, pen: Pen
    ) -> None:
        """Not the last one written; NaN counts as 0."""
        for points, expected in [
            ([(5, 1, 1.0), (4, 9, 2.0)], 1.0),
            ([(5, 1, 1.0), (5, 2, 0.5)], 0.5),
            ([(5, 2, 1.0), (5, 2, 0.5)], 1.0),
            ([(5, 2, -1.0), (5, 2, math.nan)], math.nan),
            ([(5, 2, 1.0), (5, 2, math.nan)], 1.0),
        ]:
            together, apart = pen.run(), pen.run()
            pen.write(points=[columns(together, "m", *zip(*points, strict=True))])
            for step, time, value in points:
                pen.write(points=[columns(apart, "m", [step], [time], [value])])
            for run_id in (together, apart):
                assert bits(store.get_run(run_id).data.metrics["m"]) == bits(expected), points

    def test_a_summary_knows_the_extremes_and_their_steps(
        self, store: TrackingStore, pen: Pen
    ) -> None:
        """NaNs count, but are neither smallest nor largest."""
        run_id = pen.run()
        pen.write(points=[columns(run_id, "m", [0, 1, 2], [1, 2, 3], [math.nan, 5.0, -2.0])])
        pen.write(points=[columns(run_id, "m", [3, 4], [4, 5], [math.inf, 1.0])])
        (found,) = store.get_metric_summaries(run_id)
        assert (found.key, found.count, found.latest, found.latest_step) == ("m", 5, 1.0, 4)
        assert (found.min, found.min_step, found.max, found.max_step) == (-2.0, 2, math.inf, 3)

    def test_a_summary_of_nans_alone_is_nan(self, store: TrackingStore, pen: Pen) -> None:
        """With step 0 for the extremes."""
        run_id = pen.run()
        pen.write(points=[columns(run_id, "m", [7], [1], [math.nan])])
        pen.write(points=[columns(run_id, "m", [8, 9], [1, 1], [math.nan, math.nan])])
        (found,) = store.get_metric_summaries(run_id)
        assert (found.count, found.latest_step, found.min_step, found.max_step) == (3, 9, 0, 0)
        assert math.isnan(found.min)
        assert math.isnan(found.max)

    def test_history_is_sorted_by_time_step_and_value(self, store: TrackingStore, pen: Pen) -> None:
        """As MLflow's clients expect it, page by page and all at once."""
        run_id = pen.run()
        points = [(2, 30, 1.0), (9, 10, 5.0), (1, 30, 2.0), (1, 30, 1.0), (1, 30, 1.0)]
        pen.write(points=[columns(run_id, "m", *zip(*points, strict=True))])
        expected = sorted((time, step, value) for step, time, value in points)
        whole = store.get_metric_history(run_id, "m", None, None)
        assert [(m.timestamp, m.step, m.value) for m in whole] == expected
        assert whole.token is None
        for size in (1, 2, 4):
            paged, token = [], None
            while True:
                page = store.get_metric_history(run_id, "m", size, token)
                paged += [(m.timestamp, m.step, m.value) for m in page]
                token = page.token
                if token is None:
                    break
            assert paged == expected
        assert store.get_metric_history(run_id, "unknown", None, None) == []

    def test_series_of_different_contexts_stay_apart(self, store: TrackingStore, pen: Pen) -> None:
        """Models and data sets; the summary is of all together."""
        run_id = pen.run()
        for step in range(3):
            pen.write(
                points=[
                    columns(run_id, "m", [step], [step], [1.0]),
                    columns(run_id, "m", [step], [step], [2.0], model_id="m-1"),
                    columns(
                        run_id,
                        "m",
                        [step],
                        [step],
                        [3.0],
                        model_id="m-1",
                        dataset_name="d",
                        dataset_digest="x",
                    ),
                ]
            )
        found = {
            (points.series.model_id, points.series.dataset_name): points.values.tolist()
            for points in store.get_points(run_id, "m")
        }
        assert found == {
            (None, None): [1.0] * 3,
            ("m-1", None): [2.0] * 3,
            ("m-1", "d"): [3.0] * 3,
        }
        (summary,) = store.get_metric_summaries(run_id)
        assert (summary.count, summary.latest, summary.min) == (9, 3.0, 1.0)

    def test_samples_keep_ends_and_extremes(self, store: TrackingStore, pen: Pen) -> None:
        """At most as many as asked for; every one of them was recorded."""
        count = 30_000
        values = np.sin(np.arange(count) / 500.0)
        values[12_345] = 99.0
        values[22_222] = -99.0
        run_id = pen.run(status=None)
        for at in range(0, count, 5000):
            steps = np.arange(at, at + 5000)
            pen.write(points=[columns(run_id, "m", steps, START + steps, values[at : at + 5000])])
        for most in (10, 200, 3000, count):
            (found,) = store.get_sampled_points(run_id, "m", most)
            assert most / 4 <= len(found) <= most
            assert {99.0, -99.0} <= set(found.values.tolist())
            steps = found.steps
            assert (steps[0], steps[-1]) == (0, count - 1)
            assert bool((np.diff(steps) > 0).all())
            assert found.values.tolist() == values[steps].tolist()
