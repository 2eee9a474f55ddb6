"""The one function of frameworks' models: their own prediction, held to the signature."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import chiplog
from chiplog.core.errors import InvalidValue

np = pytest.importorskip("numpy")
pd = pytest.importorskip("pandas")
linear = pytest.importorskip("sklearn.linear_model")

pytestmark = [pytest.mark.framework, pytest.mark.usefixtures("project")]

X = pd.DataFrame(np.random.default_rng(0).normal(size=(30, 2)), columns=["a", "b"])
y = (X["a"] + X["b"] > 0).astype(int)


@pytest.fixture(scope="module")
def classifier() -> object:
    """A classifier of two columns."""
    return linear.LogisticRegression().fit(X, y)


@pytest.fixture
def saved(classifier: object) -> str:
    """Where the classifier is saved, with a signature and an input example."""
    signature = chiplog.models.infer_signature(X, y)
    chiplog.sklearn.save_model(classifier, "model", signature=signature, input_example=X.head(2))
    return "model"


def test_a_frameworks_model_predicts_as_itself(saved: str, classifier: object) -> None:
    model = chiplog.pyfunc.load_model(saved)
    assert model.predict(X).tolist() == classifier.predict(X).tolist()  # type: ignore[attr-defined]  # it is Any in sklearn
    assert type(model.get_raw_model()) is type(classifier)
    with pytest.raises(InvalidValue, match="is no PythonModel"):
        model.unwrap_python_model()
    with pytest.raises(InvalidValue, match="gives its prediction at once"):
        model.predict_stream(X)


def test_columns_are_put_in_order_and_a_missing_one_is_named(saved: str) -> None:
    model = chiplog.pyfunc.load_model(saved)
    assert model.predict(X[["b", "a"]]).tolist() == model.predict(X).tolist()
    with pytest.raises(InvalidValue, match=r"Failed to enforce schema(.|\n)*b"):
        model.predict(X[["a"]])


def test_the_policy_says_how_strictly_data_is_held(saved: str) -> None:
    texts = X.astype(str)
    with pytest.raises(InvalidValue):
        chiplog.pyfunc.load_model(saved).predict(texts)
    expected = chiplog.pyfunc.load_model(saved).predict(X).tolist()
    assert chiplog.pyfunc.load_model(saved, policy="coerce").predict(texts).tolist() == expected


def test_the_method_asked_for_on_saving_is_the_one_that_predicts(classifier: object) -> None:
    chiplog.sklearn.save_model(classifier, "proba", pyfunc_predict_fn="predict_proba")
    assert chiplog.pyfunc.load_model("proba").predict(X).shape == (30, 2)


def test_the_example_that_was_saved_is_what_a_server_would_be_asked(saved: str) -> None:
    model = chiplog.pyfunc.load_model(saved)
    pd.testing.assert_frame_equal(model.input_example, X.head(2).reset_index(drop=True))
    body = Path(saved, "serving_input_example.json").read_text(encoding="utf-8")
    answer = chiplog.models.validate_serving_input(saved, body)
    assert answer.tolist() == model.predict(X.head(2)).tolist()
    wrong = json.dumps({"dataframe_split": {"columns": ["a"], "data": [[1.0]]}})
    with pytest.raises(InvalidValue, match="Failed to enforce schema"):
        chiplog.models.validate_serving_input(saved, wrong)


def test_any_flavor_is_loaded_in_its_own_form(saved: str, classifier: object) -> None:
    assert type(chiplog.models.load_model(saved)) is type(classifier)
    chiplog.pyfunc.save_model("own", python_model=len)
    own = chiplog.models.load_model("own", allow_pickle=True)
    assert own.predict([1, 2]) == 2
