"""Models measured, and checked against thresholds."""

import tempfile

import mlflow
import numpy as np
import pandas as pd
from mlflow.metrics import MetricValue, mse
from mlflow.models import EvaluationResult, MetricThreshold, make_metric
from mlflow.models.evaluation.validation import ModelValidationFailedException
from sklearn.datasets import load_diabetes, load_wine
from sklearn.naive_bayes import GaussianNB

wine = load_wine(as_frame=True)
frame = wine.data.iloc[:, :4].assign(target=wine.target_names[wine.target])
frame = frame[frame["target"] != "class_2"].reset_index(drop=True)


def show(title, result):
    result.artifacts.pop("per_class_metrics", None)
    numbers = {name: round(float(value), 6) for name, value in sorted(result.metrics.items())}
    print(title, numbers)
    print(sorted(result.artifacts), sorted(result.tables))


def closeness(predictions, targets):
    return MetricValue(scores=(predictions == targets).astype(float).tolist())


def mistakes(eval_df, builtin_metrics):
    return float((eval_df["prediction"] != eval_df["target"]).sum())


def files(eval_df, builtin_metrics, artifacts_dir):
    return {"table": eval_df, "settings": {"a": 1}}


model = GaussianNB().fit(frame.drop(columns="target"), frame["target"])
with tempfile.TemporaryDirectory() as folder:
    mlflow.sklearn.save_model(model, f"{folder}/model", serialization_format="skops")
    result = mlflow.models.evaluate(
        f"{folder}/model",
        frame,
        targets="target",
        model_type="classifier",
        evaluator_config={
            "log_model_explainability": False,
            "pos_label": "class_0",
            "sample_weights": np.linspace(0.5, 2, len(frame)),
        },
        extra_metrics=[
            make_metric(eval_fn=closeness, greater_is_better=True, version="v1"),
            make_metric(eval_fn=mistakes, greater_is_better=False),
        ],
        custom_artifacts=[files],
    )
    result.save(f"{folder}/kept")
    print(EvaluationResult.load(f"{folder}/kept").metrics == result.metrics)
show("classifier", result)

diabetes = load_diabetes(as_frame=True)
result = mlflow.evaluate(
    lambda data: data["bmi"] * 1000 + 150,
    diabetes.data.assign(y=diabetes.target),
    targets="y",
    model_type="regressor",
)
show("regressor", result)
static = pd.DataFrame({"y": [1.0, 2.0, 4.0], "p": [1.0, 2.0, 3.0]})
show("static", mlflow.evaluate(data=static, targets="y", predictions="p", extra_metrics=[mse()]))
try:
    mlflow.validate_evaluation_results(
        {
            "max_error": MetricThreshold(threshold=1.0, greater_is_better=False),
            "r2_score": MetricThreshold(min_absolute_change=0.1, greater_is_better=True),
        },
        result,
        result,
    )
except ModelValidationFailedException as error:
    print("failed", error.error_code, all(name in str(error) for name in ("max_error", "r2_score")))
