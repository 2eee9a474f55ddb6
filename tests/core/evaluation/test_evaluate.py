"""``evaluate`` with an evaluator of the test's own: what is asked, and what is recorded."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

import chiplog
from chiplog.core.errors import InvalidValue, NotFound
from chiplog.core.evaluation.artifacts import EvaluationArtifact
from chiplog.core.evaluation.evaluate import _model_id, evaluate
from chiplog.core.evaluation.evaluator import EvaluationTask, Findings, list_evaluators
from chiplog.core.evaluation.metrics import MetricValue, make_metric
from chiplog.core.evaluation.subject import Subject
from chiplog.hooks.manager import plugins
from chiplog.hooks.markers import hookimpl
from chiplog.testing.project import own_project

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from chiplog.testing.project import Project

FRAME = pd.DataFrame({"a": [1.0, 2.0, 3.0], "y": [0, 1, 1], "p": [0, 1, 0]})


class Counting:
    """Measures models of the type ``counter``: counts rows."""

    name = "counting"

    def __init__(self) -> None:
        self.tasks: list[EvaluationTask] = []

    def can_evaluate(self, model_type: str | None, config: Mapping[str, Any]) -> bool:
        return model_type in {None, "counter", "both", "regressor"}

    def evaluate(self, task: EvaluationTask) -> Findings:
        self.tasks.append(task)
        given: Any = task.dataset.predictions
        if task.model is not None:
            given = task.model.predict(task.dataset.features)
        return Findings(
            {f"{task.config.get('prefix', '')}rows": len(task.dataset), "sum": float(sum(given))},
            {"note": EvaluationArtifact("note.txt", b"counted")},
            {"rows": pd.DataFrame({"given": given})},
            {"colour": "numbers have none"},
        )


class Other(Counting):
    """A second one."""

    name = "other"

    def can_evaluate(self, model_type: str | None, config: Mapping[str, Any]) -> bool:
        return model_type == "both"


class Plugin:
    """Provides both."""

    def __init__(self) -> None:
        self.evaluators = [Counting(), Other()]

    @hookimpl
    def chiplog_evaluators(self) -> list[Counting]:
        return self.evaluators


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with own_project(tmp_path) as project:
        yield project


@pytest.fixture
def counting(project: Project) -> Iterator[Counting]:
    plugin = Plugin()
    plugins().add(plugin, "counting")
    yield plugin.evaluators[0]
    plugins().remove("counting")


def double(data: Any) -> Any:
    return data["a"] * 2


def test_what_an_evaluator_finds_is_recorded_and_handed_back(
    project: Project, counting: Counting
) -> None:
    result = evaluate(double, FRAME, model_type="counter", targets="y", predictions="p")
    assert result.metrics == {"rows": 3, "sum": 12.0}
    assert result.left_out == {"colour": "numbers have none"}
    assert result.tables["rows"]["given"].tolist() == [2.0, 4.0, 6.0]
    run = project.only_run()
    assert run.info.run_id == result.run_id
    assert run.info.status == "FINISHED"
    assert run.data.metrics == result.metrics
    (entry,) = run.inputs.dataset_inputs
    assert [(tag.key, tag.value) for tag in entry.tags] == [("mlflow.data.context", "eval")]
    (metric, _) = run.data.latest_metrics
    assert (metric.dataset_name, metric.dataset_digest) == ("dataset", entry.dataset.digest)
    assert project.read(run.info.run_id, "note.txt") == b"counted"
    assert result.artifacts["note"].uri.endswith("/note.txt")
    assert chiplog.artifacts.load_text(result.artifacts["note"].uri) == "counted"
    assert chiplog.load_table("rows.json").columns.tolist() == ["given"]


def test_the_active_run_is_used_and_stays_open(project: Project, counting: Counting) -> None:
    with chiplog.start_run() as run:
        result = evaluate(double, FRAME, model_type="counter")
        active = chiplog.active_run()
        assert active is not None
        assert active.info.run_id == result.run_id == run.info.run_id
    assert project.only_run().data.metrics["rows"] == 3


def test_a_run_of_its_own_says_that_the_evaluation_failed(
    project: Project, counting: Counting
) -> None:
    def broken(data: Any) -> Any:
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        evaluate(broken, FRAME, model_type="counter")
    assert project.only_run().info.status == "FAILED"


def test_metrics_belong_to_the_model_that_is_named_or_active(
    project: Project, counting: Counting
) -> None:
    model = chiplog.create_external_model("mine")
    evaluate(double, FRAME, model_type="counter", model_id=model.model_id)
    with chiplog.set_active_model(model_id=model.model_id):
        evaluate(double, FRAME, model_type="counter")
    for run in project.runs():
        assert {metric.model_id for metric in run.data.latest_metrics} == {model.model_id}
        assert [one.model_id for one in run.inputs.model_inputs] == [model.model_id]
    assert {m.key for m in chiplog.get_logged_model(model.model_id).metrics} == {"rows", "sum"}


class Model:
    """An object with ``predict``."""

    extra = 1

    def predict(self, data: Any) -> Any:
        return data["a"] + self.extra


def test_objects_functions_and_columns_can_be_evaluated(
    project: Project, counting: Counting
) -> None:
    with chiplog.start_run():
        assert evaluate(Model(), FRAME, model_type="counter").metrics["sum"] == 9
        made = functools.partial(lambda data, times: data["a"] * times, times=3)
        assert evaluate(made, FRAME, model_type="counter").metrics["sum"] == 18
        static = evaluate(data=FRAME, model_type="counter", predictions="p")
        assert static.metrics["sum"] == 1


def test_a_frame_of_answers_names_its_column(project: Project, counting: Counting) -> None:
    def answers(data: Any) -> Any:
        return pd.DataFrame({"one": data["a"], "two": data["a"] * 10})

    found = evaluate(answers, FRAME, model_type="counter", predictions="two")
    assert found.metrics["sum"] == 60
    with pytest.raises(InvalidValue, match="no column 'three'; it gives 'one', 'two'"):
        evaluate(answers, FRAME, model_type="counter", predictions="three")


def test_settings_go_to_the_one_evaluator_or_to_each_by_name(
    project: Project, counting: Counting
) -> None:
    with chiplog.start_run():
        found = evaluate(
            double,
            FRAME,
            model_type="counter",
            evaluators="counting",
            evaluator_config={"prefix": "x_", "sample_weights": [1, 2, 3]},
        )
        assert "x_rows" in found.metrics
        weights = counting.tasks[0].dataset.weights
        assert weights is not None
        assert weights.tolist() == [1, 2, 3]
        both = evaluate(
            double,
            FRAME,
            model_type="both",
            evaluators=["counting", "other"],
            evaluator_config={"counting": {"prefix": "c_"}, "other": {"prefix": "o_"}},
        )
        assert {"c_rows", "o_rows"} < both.metrics.keys()
        with pytest.raises(InvalidValue, match="by its name, 'counting', 'other'; it has 'prefix'"):
            evaluate(
                double,
                FRAME,
                model_type="both",
                evaluators=["counting", "other"],
                evaluator_config={"prefix": "x_"},
            )


def test_evaluators_are_listed_and_chosen_by_what_they_can(
    project: Project, counting: Counting
) -> None:
    assert {"counting", "other"} <= set(list_evaluators())
    with pytest.raises(NotFound, match=r"'nobody'.*counting"):
        evaluate(double, FRAME, model_type="counter", evaluators="nobody")
    with pytest.raises(InvalidValue, match="'counting' measures no model_type='classifier'"):
        evaluate(double, FRAME, model_type="classifier", targets="y", evaluators="counting")
    with pytest.raises(InvalidValue, match=r"No evaluator measures model_type='poet'.*counting"):
        evaluate(double, FRAME, model_type="poet")
    assert project.runs() == []


@pytest.mark.parametrize(
    ("model", "options", "text"),
    [
        (double, {"data": None}, "nothing to evaluate on"),
        (None, {}, "give a model, or predictions="),
        (double, {"model_type": None}, "Nothing says what to measure"),
        (double, {"model_type": "regressor", "targets": None}, "A regressor is measured against"),
        (double, {"data": FRAME.iloc[:0]}, "no rows"),
        (3, {}, "Cannot evaluate a int"),
        (Model, {}, "Cannot evaluate a type"),
        (double, {"extra_metrics": [double]}, "make_metric"),
        (double, {"env_manager": "uv"}, "needs a model by its URI"),
        (double, {"model_config": {"a": 1}}, "model_config goes with a model's URI"),
        (double, {"inference_params": {"a": 1}}, "functools.partial"),
    ],
)
def test_what_cannot_be_evaluated_is_told_before_a_run_is_made(
    project: Project, counting: Counting, model: Any, options: dict[str, Any], text: str
) -> None:
    with pytest.raises(InvalidValue, match=text):
        evaluate(model, **{"data": FRAME, "model_type": "counter", **options})
    assert project.runs() == []


def test_a_models_id_that_is_another_ones_is_refused(project: Project) -> None:
    assert _model_id(None, Subject(double, model_id="m-1")) == "m-1"
    assert _model_id("m-1", Subject(double, model_id="m-1")) == "m-1"
    with pytest.raises(InvalidValue, match="'m-2' is not the model that is evaluated, 'm-1'"):
        _model_id("m-2", Subject(double, model_id="m-1"))


def test_a_metric_is_named_by_its_function_or_by_you() -> None:
    assert make_metric(eval_fn=double, greater_is_better=True).key == "double"
    named = make_metric(eval_fn=lambda: 1, greater_is_better=True, name="n", version="v1")
    assert named.key == "n/v1"
    with pytest.raises(InvalidValue, match="give name="):
        make_metric(eval_fn=lambda: 1, greater_is_better=True)
    with pytest.raises(TypeError, match="function, not 3"):
        make_metric(eval_fn=3, greater_is_better=True)  # type: ignore[arg-type]


def test_scores_are_summed_up() -> None:
    found = MetricValue([1.0, 2.0, 3.0]).aggregate_results
    assert found == {
        "mean": 2.0,
        "variance": pytest.approx(2 / 3),
        "p90": float(np.percentile([1, 2, 3], 90)),
    }
    assert MetricValue(["good", "bad"]).aggregate_results is None
    assert MetricValue([1.0], aggregate_results={"max": 1.0}).aggregate_results == {"max": 1.0}
