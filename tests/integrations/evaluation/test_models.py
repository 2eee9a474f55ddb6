"""Models as they are saved and loaded: by URI, with a signature, written in Python."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import pytest

pytestmark = pytest.mark.framework

pytest.importorskip("sklearn")

import chiplog  # noqa: E402 - scikit-learn may be missing
from chiplog import pyfunc  # noqa: E402
from chiplog.core.errors import InvalidValue, UntrustedModel  # noqa: E402
from chiplog.integrations.sklearn import api  # noqa: E402
from chiplog.models import infer_signature  # noqa: E402

if TYPE_CHECKING:
    from pathlib import Path

    from chiplog.testing.project import Project

evaluate = functools.partial(
    chiplog.models.evaluate,
    targets="target",
    model_type="classifier",
    evaluator_config={"log_plots": False},
)


def test_data_is_made_to_fit_the_signature_and_that_is_told_once(
    project: Project, binary: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    signature = infer_signature(binary.X, binary.y)
    api.save_model(binary.model, tmp_path / "m", signature=signature)
    turned = binary.frame[binary.frame.columns[::-1]].assign(extra=1).astype({"mean area": "f4"})
    caplog.clear()
    result = evaluate(str(tmp_path / "m"), turned)
    expected = evaluate(binary.model, binary.frame).metrics
    assert result.metrics == pytest.approx(expected, rel=1e-3)
    assert caplog.text.count("extra") == 1


def test_data_that_does_not_fit_is_told_by_its_columns(
    project: Project, binary: Any, tmp_path: Path
) -> None:
    api.save_model(binary.model, tmp_path / "m", signature=infer_signature(binary.X))
    with pytest.raises(InvalidValue, match="mean area"):
        evaluate(str(tmp_path / "m"), binary.frame.drop(columns="mean area"))
    assert project.only_run().info.status == "FAILED"


def test_a_model_that_predicts_probabilities_by_itself_is_measured_alike(
    project: Project, binary: Any, tmp_path: Path
) -> None:
    api.save_model(binary.model, tmp_path / "m", pyfunc_predict_fn="predict_proba")
    expected = evaluate(binary.model, binary.frame).metrics
    assert evaluate(str(tmp_path / "m"), binary.frame).metrics == pytest.approx(expected)


class Above(pyfunc.PythonModel):
    """Says 1 where the first column is above a bound."""

    def predict(self, context: Any, model_input: Any, params: Any = None) -> Any:
        return (model_input.iloc[:, 0] > (params or {}).get("bound", 15.0)).astype(int)


def test_a_model_written_in_python_needs_trust_and_takes_parameters(
    project: Project, binary: Any
) -> None:
    signature = infer_signature(binary.X, None, {"bound": 15.0})
    info = pyfunc.log_model(name="m", python_model=Above(), signature=signature)
    with pytest.raises(UntrustedModel, match="allow_pickle=True"):
        evaluate(info.model_uri, binary.frame)
    model = pyfunc.load_model(info.model_uri, allow_pickle=True)
    all_ones = evaluate(model, binary.frame, inference_params={"bound": -1.0})
    assert all_ones.metrics["recall_score"] == 1
    assert all_ones.metrics["true_negatives"] == 0
    assert evaluate(model, binary.frame).metrics["true_negatives"] > 0
    run = chiplog.get_run(str(all_ones.run_id))
    assert {metric.model_id for metric in run.data.latest_metrics} == {info.model_id}


def test_an_array_with_names_reaches_a_model_that_asks_for_columns(
    project: Project, binary: Any, tmp_path: Path
) -> None:
    api.save_model(binary.model, tmp_path / "m", signature=infer_signature(binary.X))
    result = evaluate(
        str(tmp_path / "m"), binary.X.to_numpy(), targets=binary.y, feature_names=list(binary.X)
    )
    assert result.metrics["accuracy_score"] == binary.model.score(binary.X, binary.y)
