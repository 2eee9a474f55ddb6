"""What the default evaluator needs, and what it says where that is missing."""

from __future__ import annotations

import importlib.util
import sys
from typing import TYPE_CHECKING

import pandas as pd
import pytest

pytestmark = pytest.mark.framework

pytest.importorskip("sklearn")

import chiplog  # noqa: E402 - scikit-learn may be missing
from chiplog.core.errors import MissingLibrary  # noqa: E402

if TYPE_CHECKING:
    from typing import Any

    from chiplog.testing.project import Project

FRAME = pd.DataFrame({"y": [0, 1, 1, 0], "p": [0, 1, 0, 0]})
IMPORTANCE = "shap_feature_importance_plot"


def evaluate(model: Any = None, **config: Any) -> Any:
    return chiplog.models.evaluate(
        model,
        FRAME,
        model_type="classifier",
        targets="y",
        predictions=None if model else "p",
        evaluator_config=config,
    )


@pytest.mark.parametrize("library", ["sklearn", "matplotlib"])
def test_a_missing_library_is_named_with_the_line_to_type(
    project: Project, monkeypatch: pytest.MonkeyPatch, library: str
) -> None:
    monkeypatch.setitem(sys.modules, library, None)  # as if it were not installed
    with pytest.raises(MissingLibrary, match=r"pip install 'chiplog\[sklearn\]'"):
        evaluate()
    if library == "matplotlib":
        assert evaluate(log_plots=False).metrics["accuracy_score"] == 0.75


@pytest.mark.skipif(importlib.util.find_spec("shap") is not None, reason="shap is installed")
def test_without_shap_the_result_says_so_unless_it_was_not_wanted(project: Project) -> None:
    def model(data: Any) -> Any:
        return data["p"]

    assert evaluate(model, log_plots=False).left_out[IMPORTANCE] == "shap is not installed"
    quiet = evaluate(model, log_plots=False, log_model_explainability=False)
    assert IMPORTANCE not in quiet.left_out


@pytest.mark.slow
def test_with_shap_the_features_that_count_are_drawn(project: Project) -> None:
    pytest.importorskip("shap")
    from sklearn.tree import DecisionTreeClassifier

    model = DecisionTreeClassifier().fit(FRAME[["p"]], FRAME["y"])
    result = evaluate(model, log_plots=False)
    assert result.artifacts[IMPORTANCE].content.size[0] > 100
