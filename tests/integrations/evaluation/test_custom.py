"""Metrics and files of the user's own, in the default evaluator."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

pytestmark = pytest.mark.framework

pytest.importorskip("sklearn")

import chiplog  # noqa: E402 - scikit-learn may be missing
from chiplog.core.evaluation.metrics import MetricValue  # noqa: E402
from chiplog.models import make_metric  # noqa: E402

if TYPE_CHECKING:
    from chiplog.testing.project import Project

FRAME = pd.DataFrame({"x": [1.0, 2.0, 3.0], "group": ["u", "v", "v"], "y": [1.0, 2.0, 4.0]})


def same(data: Any) -> Any:
    return data["x"].to_numpy()


def evaluate(*functions: Any, model_type: str | None = None, **options: Any) -> Any:
    metrics = [make_metric(eval_fn=one, greater_is_better=True) for one in functions]
    return chiplog.models.evaluate(
        same, FRAME, targets="y", model_type=model_type, extra_metrics=metrics, **options
    )


def test_a_metric_asks_for_what_it_needs_by_name(project: Project) -> None:
    def worst(predictions: Any, targets: Any) -> float:
        return float((predictions - targets).abs().max())

    def old_way(eval_df: Any, builtin_metrics: dict[str, float]) -> float:
        return (
            float((eval_df["prediction"] - eval_df["target"]).sum()) + builtin_metrics["max_error"]
        )

    def after(metrics: dict[str, MetricValue]) -> float:
        found = metrics["worst"].aggregate_results
        assert found is not None
        return found["worst"] * 10

    def with_column(predictions: Any, group: Any, factor: int, scale: float = 2.0) -> Any:
        return np.float32(predictions[group == "v"].sum() * factor * scale)

    result = evaluate(
        worst,
        old_way,
        after,
        with_column,
        model_type="regressor",
        evaluator_config={"factor": 3},
    )
    found = result.metrics
    assert (found["worst"], found["old_way"], found["after"]) == (1.0, 0.0, 10.0)
    assert found["with_column"] == 30.0
    assert chiplog.get_run(result.run_id).data.metrics["after"] == 10.0


def test_parameters_may_stand_for_columns_of_other_names(project: Project) -> None:
    def shares(kind: Any, extra: float) -> float:
        return float((kind == "v").mean() + extra)

    config = {"col_mapping": {"kind": "group", "extra": 0.5}}
    result = evaluate(shares, evaluator_config=config)
    assert result.metrics == {"shares": pytest.approx(2 / 3 + 0.5)}


def test_scores_of_rows_become_a_table_and_their_mean(project: Project) -> None:
    def error(predictions: Any, targets: Any) -> MetricValue:
        scores = (targets - predictions).tolist()
        return MetricValue(scores, justifications=[f"off by {score}" for score in scores])

    metric = make_metric(eval_fn=error, greater_is_better=False, version="v1")
    result = chiplog.models.evaluate(same, FRAME, targets="y", extra_metrics=[metric])
    assert result.metrics == {
        "error/v1/mean": pytest.approx(1 / 3),
        "error/v1/variance": pytest.approx(2 / 9),
        "error/v1/p90": pytest.approx(0.8),
    }
    table = result.tables["eval_results_table"]
    assert table.columns.tolist() == [
        "x",
        "group",
        "y",
        "outputs",
        "error/v1/score",
        "error/v1/justification",
    ]
    assert table["error/v1/score"].tolist() == [0.0, 0.0, 1.0]
    stored = chiplog.load_table("eval_results_table.json")
    assert stored["error/v1/justification"].tolist()[2] == "off by 1.0"


def test_rows_that_are_no_table_leave_their_scores(project: Project) -> None:
    def error(predictions: Any, targets: Any) -> Any:
        return (targets - predictions).abs()

    result = chiplog.models.evaluate(
        lambda images: images.mean(axis=(1, 2)),
        np.ones((2, 3, 3)),
        targets=[1.0, 3.0],
        extra_metrics=[make_metric(eval_fn=error, greater_is_better=False)],
    )
    table = result.tables["eval_results_table"]
    assert table.columns.tolist() == ["target", "outputs", "error/score"]
    assert table["error/score"].tolist() == [0.0, 2.0]
    assert result.metrics["error/mean"] == 1.0
    assert result.artifacts["eval_results_table"].content["columns"] == list(table.columns)


def test_a_metric_that_fails_costs_itself_alone(
    project: Project, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(predictions: Any) -> float:
        raise ZeroDivisionError("mine")

    def wanting(nothing: Any) -> float:
        return 1.0

    def wordy(predictions: Any) -> str:
        return "good"

    def fine(predictions: Any) -> float:
        return 1.0

    result = evaluate(broken, wanting, wordy, fine, model_type="regressor")
    assert result.metrics["fine"] == 1.0
    assert result.metrics["max_error"] == 1.0
    assert result.left_out["extra metric 'broken'"] == "ZeroDivisionError: mine"
    assert "it asks for 'nothing'" in result.left_out["extra metric 'wanting'"]
    assert "it gave a str" in result.left_out["extra metric 'wordy'"]
    assert "without the extra metric 'broken': ZeroDivisionError: mine" in caplog.text


def test_files_of_ones_own_are_recorded(project: Project) -> None:
    def files(eval_df: Any, builtin_metrics: Any, artifacts_dir: str) -> dict[str, Any]:
        (Path(artifacts_dir) / "note.txt").write_text(f"{builtin_metrics['max_error']}")
        return {
            "note": str(Path(artifacts_dir) / "note.txt"),
            "table": eval_df,
            "numbers": np.arange(2),
            "settings": {"a": 1},
        }

    def broken(eval_df: Any, builtin_metrics: Any, artifacts_dir: str) -> Any:
        return [1]

    def elsewhere(eval_df: Any, builtin_metrics: Any, artifacts_dir: str) -> Any:
        return {"../../note": "text"}

    result = evaluate(model_type="regressor", custom_artifacts=[files, broken, elsewhere])
    found = {name: one.content for name, one in result.artifacts.items()}
    assert (found["note"], found["settings"]) == ("1.0", {"a": 1})
    assert found["table"].columns.tolist() == ["prediction", "target"]
    assert found["numbers"].tolist() == [0, 1]
    assert project.read(result.run_id, "table.csv").startswith(b"prediction,target")
    assert "../../note" in result.left_out["custom artifact 'elsewhere'"]
    assert "it gave a list" in result.left_out["custom artifact 'broken'"]


def test_a_result_is_saved_loaded_and_checked(project: Project, tmp_path: Path) -> None:
    result = evaluate(model_type="regressor")
    result.save(tmp_path / "kept")
    again = chiplog.models.EvaluationResult.load(tmp_path / "kept")
    assert again.metrics == result.metrics
    threshold = chiplog.models.MetricThreshold(threshold=0.5, greater_is_better=False)
    with pytest.raises(chiplog.ChiplogError, match=r"max_error = 1: it must be at most 0\.5"):
        chiplog.validate_evaluation_results({"max_error": threshold}, again)
