"""The sklearn flavor: every estimator comes back from its file as it went in."""

from __future__ import annotations

import functools
import importlib.util
import inspect
import os
import subprocess
import sys
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import yaml

pytestmark = pytest.mark.framework

pytest.importorskip("sklearn")
pytest.importorskip("skops")

from sklearn.datasets import load_diabetes, load_iris  # noqa: E402
from sklearn.ensemble import (  # noqa: E402
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.experimental import (  # noqa: E402, F401
    enable_halving_search_cv,
    enable_iterative_imputer,
)
from sklearn.linear_model import LogisticRegression, Ridge  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import FunctionTransformer, StandardScaler  # noqa: E402
from sklearn.utils import all_estimators  # noqa: E402

import chiplog  # noqa: E402
from chiplog.core.errors import AlreadyExists, InvalidValue, NotFound  # noqa: E402
from chiplog.core.models import saving  # noqa: E402
from chiplog.core.models.model import Model  # noqa: E402
from chiplog.core.models.safety import UntrustedModel  # noqa: E402
from chiplog.core.models.skops.file import CannotSave  # noqa: E402
from chiplog.integrations.sklearn import api  # noqa: E402

if TYPE_CHECKING:
    from pathlib import Path

    from chiplog.testing.project import Project

X, y = load_iris(return_X_y=True)
X, y = X[::3], y[::3]

#: What skops cannot hold: Birch's leaves refer to each other in a circle.
NOT_HELD = {"Birch"}

#: Those whose predictions are drawn at random.
RANDOM = {"DummyClassifier"}


def build(cls: type, *, quick: bool) -> Any:
    """An instance of any of scikit-learn's estimators, small and quick."""
    regresses = hasattr(cls, "score") and cls.__name__.endswith(("Regressor", "RegressorChain"))
    inner = Ridge() if regresses else LogisticRegression(max_iter=50)
    inner.fit(X, y)
    values: dict[str, Any] = {
        "estimator": inner,
        "base_estimator": inner,
        "estimators": [("a", inner), ("b", type(inner)())],
        "steps": [("scale", StandardScaler()), ("last", inner)],
        "transformers": [("scale", StandardScaler(), [0, 1])],
        "transformer_list": [("scale", StandardScaler())],
        "param_grid": {"C": [0.1, 1.0]},
        "param_distributions": {"C": [0.1, 1.0]},
        "dictionary": np.eye(3, 4),
    }
    small = {
        "n_estimators": 3,
        "max_iter": 20,
        "n_iter": 2,
        "n_init": 1,
        "cv": 2,
        "n_components": 2,
        "n_resampling": 3,
        "random_state": 0,
        "n_jobs": 1,
        "n_repeats": 1,
    }
    given = {}
    for name, parameter in inspect.signature(cls).parameters.items():
        needed = parameter.default is parameter.empty or cls.__name__ == "SelfTrainingClassifier"
        if needed and name in values:
            given[name] = values[name]
        elif quick and name in small:
            given[name] = small[name]
    return cls(**given)


def fit(estimator: Any) -> Any:
    """Fit on the first data that suits; hands back that data."""
    text = ["one two three", "two four", "one six", "three two one"]
    kernel = X @ X.T
    for features, target in (
        (X, y),
        (X, None),
        (X[:, :2], X[:, 2:]),
        (X[:, 0], y.astype(float)),
        (X, np.c_[y, y]),
        (X, y > 0),
        (X, y + 1.0),
        (text, None),
        ([{"a": 1, "b": 2}, {"a": 2}], None),
        ([("a", "b"), ("c", "d")], None),
        (y, None),
        (y.reshape(-1, 1), None),
        (np.eye(4)[:, :3] + 1, None),
        (kernel, None),
    ):
        try:
            estimator.fit(features) if target is None else estimator.fit(features, target)
        except Exception:
            continue
        return features
    return None


def outputs(estimator: Any, features: Any) -> list[Any]:
    found = []
    for method in ("predict", "predict_proba", "transform", "kneighbors", "score_samples"):
        if hasattr(estimator, method):
            try:
                found.append(getattr(estimator, method)(features))
            except (TypeError, ValueError, AttributeError):
                continue
    return found


@pytest.mark.filterwarnings("ignore")
def test_every_estimator_of_scikit_learn_comes_back_from_the_default_format(
    tmp_path: Path,
) -> None:
    """One loop: two hundred tests of their own would take longer to set up than to run."""
    wrong: dict[str, str] = {}
    fitted = 0
    for name, cls in all_estimators():
        estimator = build(cls, quick=True)
        features = fit(estimator)
        if features is None:
            estimator = build(cls, quick=False)
            features = fit(estimator)
        if features is None:
            wrong[name] = "not fitted"
            continue
        fitted += 1
        try:
            api.save_model(estimator, tmp_path / name)
            back = api.load_model(tmp_path / name)
        except Exception as error:
            wrong[name] = f"{type(error).__name__}: {error}"
            continue
        assert type(back) is cls
        if name in RANDOM:
            continue
        for before, after in zip(
            outputs(estimator, features), outputs(back, features), strict=True
        ):
            assert _same(before, after), name
    assert fitted > 190
    assert set(wrong) == NOT_HELD, wrong


def _same(before: Any, after: Any) -> bool:
    if isinstance(before, (list, tuple)):
        return all(_same(a, b) for a, b in zip(before, after, strict=True))
    if hasattr(before, "toarray"):
        before, after = before.toarray(), after.toarray()
    if np.asarray(before).dtype.kind in "fc":
        return bool(np.allclose(before, after, rtol=1e-9, atol=1e-9, equal_nan=True))
    return bool(np.array_equal(before, after))


def test_a_saved_model_has_every_file_of_the_format(tmp_path: Path) -> None:
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(X, columns=["a", "b", "c", "d"])
    model = RandomForestClassifier(3).fit(frame, y)
    api.save_model(model, tmp_path / "m", input_example=frame.head(), metadata={"who": "me"})
    assert {path.name for path in (tmp_path / "m").iterdir()} == {
        "MLmodel",
        "conda.yaml",
        "input_example.json",
        "model.skops",
        "python_env.yaml",
        "requirements.txt",
        "serving_input_example.json",
    }
    body = yaml.safe_load((tmp_path / "m" / "MLmodel").read_text())
    assert body["flavors"]["sklearn"]["serialization_format"] == "skops"
    assert body["flavors"]["sklearn"]["skops_trusted_types"] == ["sklearn.tree._tree.Tree"]
    assert body["flavors"]["python_function"]["loader_module"] == "mlflow.sklearn"
    assert body["flavors"]["python_function"]["predict_fn"] == "predict"
    assert body["metadata"] == {"who": "me"}
    signature = Model.load(tmp_path / "m").signature
    assert signature is not None
    assert signature.inputs is not None
    assert signature.inputs.input_names() == ["a", "b", "c", "d"]
    assert signature.outputs is not None


@pytest.mark.parametrize("chosen", ["pickle", "cloudpickle"])
def test_a_pickled_model_asks_for_trust(tmp_path: Path, chosen: str) -> None:
    if chosen == "cloudpickle":
        pytest.importorskip("cloudpickle")
    model = LogisticRegression().fit(X, y > 0)
    api.save_model(model, tmp_path / "m", serialization_format=chosen)
    with pytest.raises(UntrustedModel, match=r"sklearn\.linear_model"):
        api.load_model(tmp_path / "m")
    back = api.load_model(tmp_path / "m", allow_pickle=True)
    np.testing.assert_array_equal(back.predict(X), model.predict(X))


def test_a_file_cannot_declare_itself_trusted(tmp_path: Path) -> None:
    model = make_pipeline(StandardScaler(), Shouting()).fit(X, y)
    name = f"{Shouting.__module__}.Shouting"
    api.save_model(model, tmp_path / "m", skops_trusted_types=[name])
    with pytest.raises(UntrustedModel) as caught:
        api.load_model(tmp_path / "m")
    assert caught.value.names == [name]


class Shouting(LogisticRegression):  # type: ignore[misc]
    """A user's own estimator."""


def test_a_lambda_cannot_be_saved_and_the_error_says_what_to_do(tmp_path: Path) -> None:
    model = FunctionTransformer(lambda values: values * 2).fit(X)
    with pytest.raises(CannotSave, match=r"serialization_format='cloudpickle'"):
        api.save_model(model, tmp_path / "m")


def test_a_path_that_is_not_empty_is_refused(tmp_path: Path) -> None:
    (tmp_path / "there").write_text("x")
    with pytest.raises(AlreadyExists, match="not empty"):
        api.save_model(LogisticRegression(), tmp_path)


def test_an_unknown_format_is_named_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(InvalidValue, match=r"skops, pickle, cloudpickle"):
        api.save_model(LogisticRegression(), tmp_path / "m", serialization_format="joblib")


def test_a_model_of_another_flavor_says_which_it_has(tmp_path: Path) -> None:
    Model(flavors={"xgboost": {}}).save(tmp_path / "MLmodel")
    with pytest.raises(NotFound, match="it has: xgboost"):
        api.load_model(tmp_path)


def test_a_model_file_outside_its_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "m").mkdir()
    (tmp_path / "secret.pkl").write_bytes(b"x")
    Model(flavors={"sklearn": {"pickled_model": "../secret.pkl"}}).save(tmp_path / "m" / "MLmodel")
    with pytest.raises(Exception, match="outside it"):
        api.load_model(tmp_path / "m", allow_pickle=True)


def test_saving_leaves_warnings_and_the_model_alone(tmp_path: Path) -> None:
    model = Ridge().fit(*load_diabetes(return_X_y=True))
    before = dict(vars(model))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        api.save_model(model, tmp_path / "m")
    assert vars(model).keys() == before.keys()


def test_the_metrics_of_a_models_step_are_the_models_and_stay_single_in_the_run(
    project: Project,
) -> None:
    with chiplog.start_run() as run:
        chiplog.log_metric("rmse", 0.5)
        chiplog.log_metric("later", 1, step=3)
        info = api.log_model(Ridge().fit(X, y), name="model")
        again = api.log_model(Ridge().fit(X, y), name="again")
    assert len(chiplog.get_metric_history(run.info.run_id, "rmse")) == 1
    for model_id in (info.model_id, again.model_id):
        (metric,) = chiplog.get_logged_model(str(model_id)).metrics
        assert (metric.key, metric.value, metric.model_id) == ("rmse", 0.5, model_id)
    found = chiplog.search_logged_models(filter_string="metrics.rmse < 1", output_format="list")
    assert {model.model_id for model in found} == {info.model_id, again.model_id}


def test_saving_says_once_what_a_users_own_type_needs_to_be_loaded(
    project: Project, caplog: pytest.LogCaptureFixture
) -> None:
    saving._said.clear()
    name = f"{Shouting.__module__}.Shouting"
    model = Shouting().fit(X, y)
    first, second = (api.log_model(model) for _ in range(2))
    assert first.notes == second.notes
    trusted, unknown = first.notes
    assert trusted == f"loading needs trusted_types=['{name}']"
    assert "which no installed distribution holds" in unknown
    said = [record for record in caplog.records if "trusted_types" in record.getMessage()]
    assert len(said) == 1
    assert api.log_model(make_pipeline(StandardScaler(), Ridge()).fit(X, y)).notes == ()
    back = api.load_model(first.model_uri, trusted_types=[name])
    np.testing.assert_array_equal(back.predict(X), model.predict(X))


def test_a_class_of_the_program_itself_is_named_when_saved_and_when_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    mine = type("Mine", (Ridge,), {"__module__": "__main__"})
    monkeypatch.setattr(sys.modules["__main__"], "Mine", mine, raising=False)
    api.save_model(mine().fit(X, y), tmp_path / "m")
    assert "__main__.Mine cannot be loaded from another program" in caplog.text
    assert type(api.load_model(tmp_path / "m", trusted_types=["__main__.Mine"])) is mine
    monkeypatch.delattr(sys.modules["__main__"], "Mine")
    with pytest.raises(NotFound, match=r"no attribute 'Mine'. The class must be importable"):
        api.load_model(tmp_path / "m", trusted_types=["__main__.Mine"])


def test_the_method_asked_for_on_saving_is_the_function(tmp_path: Path) -> None:
    model = LogisticRegression().fit(X, y)
    api.save_model(model, tmp_path / "m", pyfunc_predict_fn="predict_proba", input_example=X[:2])
    loaded = chiplog.pyfunc.load_model(tmp_path / "m")
    assert np.array_equal(loaded.predict(X), model.predict_proba(X))


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="torch is not installed")
def test_recording_a_fit_and_loading_its_model_imports_no_torch(project: Project) -> None:
    program = (
        "import sys, chiplog, chiplog.sklearn\n"
        "from sklearn.naive_bayes import GaussianNB\n"
        "chiplog.autolog()\n"
        "GaussianNB().fit([[0.0], [1.0]], [0, 1])\n"
        "run = chiplog.last_active_run()\n"
        "model = chiplog.sklearn.load_model(f'runs:/{run.info.run_id}/model')\n"
        "print(type(model).__name__, 'torch' in sys.modules)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert ran.stdout.split() == ["GaussianNB", "False"], ran.stderr


def test_boosted_trees_over_categories_need_no_trust(tmp_path: Path) -> None:
    features = np.column_stack([X, np.arange(len(X)) % 4])
    model = HistGradientBoostingClassifier(max_iter=2, categorical_features=[X.shape[1]])
    api.save_model(model.fit(features, y), tmp_path / "model")
    loaded = api.load_model(tmp_path / "model")
    assert np.array_equal(loaded.predict(features), model.predict(features))


def test_a_partial_needs_the_trust_that_its_function_needs(tmp_path: Path) -> None:
    hidden = functools.partial(functools.partial(os.system), "true")
    api.save_model(FunctionTransformer(hidden), tmp_path / "model")
    with pytest.raises(UntrustedModel, match="system"):
        api.load_model(tmp_path / "model")
