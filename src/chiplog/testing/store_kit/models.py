"""Behaviour of logged models."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest

from chiplog.core.entities import LoggedModel, LoggedModelStatus, Metric
from chiplog.core.errors import NotFound
from chiplog.core.records import ModelRecorded
from chiplog.testing.store_kit.pen import Behaviour, columns

if TYPE_CHECKING:
    from chiplog.core.stores import TrackingStore
    from chiplog.testing.store_kit.pen import Pen


def model(model_id: str, run_id: str, created: int, **rest: Any) -> LoggedModel:
    """A model of the default experiment."""
    given = {"experiment_id": "0", "name": "net", "artifact_location": "", **rest}
    return LoggedModel(
        model_id=model_id,
        creation_timestamp=created,
        last_updated_timestamp=created,
        source_run_id=run_id,
        **given,
    )


class ModelBehaviour(Behaviour):
    """Recording, reading and searching models."""

    def test_a_model_reads_back_and_can_change(self, store: TrackingStore, pen: Pen) -> None:
        """The record of the same id replaces it."""
        run_id = pen.run()
        first = model("m-1", run_id, 5, tags={"a": "1"}, params={"k": "v"}, model_type="tree")
        pen.write(ModelRecorded(run_id, model=first))
        found = store.get_logged_model("m-1")
        assert found.status == LoggedModelStatus.PENDING
        assert (found.tags, found.params, found.model_type) == ({"a": "1"}, {"k": "v"}, "tree")
        assert found.artifact_location.endswith("/models/m-1/artifacts")
        found.status = LoggedModelStatus.READY
        found.tags = {"b": "2"}
        pen.write(ModelRecorded(run_id, model=found))
        assert store.get_logged_model("m-1") == found
        with pytest.raises(NotFound, match="m-2"):
            store.get_logged_model("m-2")

    def test_metrics_measured_on_a_model_belong_to_it(self, store: TrackingStore, pen: Pen) -> None:
        """The latest of each key and data set."""
        run_id = pen.run()
        pen.write(ModelRecorded(run_id, model=model("m-1", run_id, 5)))
        for step in range(3):
            point = ([step], [step], [step / 2])
            pen.write(
                points=[
                    columns(run_id, "acc", *point, model_id="m-1"),
                    columns(run_id, "acc", *point),
                ]
            )
        (metric,) = store.get_logged_model("m-1").metrics
        assert (metric.key, metric.value, metric.step) == ("acc", 1.0, 2)
        assert (metric.model_id, metric.run_id) == ("m-1", run_id)

    def test_models_are_searched_by_page(self, store: TrackingStore, pen: Pen) -> None:
        """Latest first, by attribute, param, tag and metric."""
        run_id = pen.run()
        for number in range(4):
            made = model(
                f"m-{number}",
                run_id,
                number,
                name=f"net{number}",
                params={"p": str(number % 2)},
                tags={"t": "x"} if number else {},
            )
            pen.write(
                ModelRecorded(run_id, model=made),
                points=[columns(run_id, "acc", [0], [0], [number], model_id=f"m-{number}")],
            )

        def found(text: str, order: list[str] | None = None) -> list[str]:
            token, names = None, []
            while True:
                page = store.search_logged_models(["0"], text, 2, order, token)
                names += [item.model_id for item in page]
                token = page.token
                if token is None:
                    return names

        assert found("") == ["m-3", "m-2", "m-1", "m-0"]
        assert found("", ["metrics.acc ASC"]) == ["m-0", "m-1", "m-2", "m-3"]
        assert found("metrics.acc >= 2 AND params.p = '1'") == ["m-3"]
        assert found("tags.t IS NULL OR name = 'net2'", ["name"]) == ["m-0", "m-2"]
        assert found("status = 'PENDING' AND creation_timestamp < 1") == ["m-0"]

    def test_metrics_that_a_model_comes_with_are_no_points_of_its_run(
        self, store: TrackingStore, pen: Pen
    ) -> None:
        """They are the model's; an older one replaces none, and reading them back changes none."""
        run_id = pen.run()
        pen.write(points=[columns(run_id, "acc", [0], [7], [0.5])])
        given = [
            Metric("acc", 0.5, 7, 0, "m-1", run_id=run_id),
            Metric("bad", float("nan"), 7, 3, "m-1", "d", "1", run_id),
        ]
        pen.write(ModelRecorded(run_id, model=model("m-1", run_id, 5, metrics=given)))
        older = [Metric("acc", 9.0, 6, 0, "m-1", run_id=run_id)]
        pen.write(ModelRecorded(run_id, model=model("m-1", run_id, 5, metrics=older)))
        found = store.get_logged_model("m-1")
        pen.write(ModelRecorded(run_id, model=found))
        acc, bad = sorted(store.get_logged_model("m-1").metrics, key=lambda one: one.key)
        assert acc == given[0]
        assert (bad.step, bad.dataset_name, math.isnan(bad.value)) == (3, "d", True)
        points = store.get_metric_history(run_id, "acc", None, None)
        assert [point.value for point in points] == [0.5]
        assert store.get_metric_history(run_id, "bad", None, None) == []
        assert [metric.key for metric in store.get_run(run_id).data.latest_metrics] == ["acc"]
