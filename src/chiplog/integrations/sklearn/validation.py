"""Watches the functions of ``sklearn.model_selection`` that fit an estimator many times."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from chiplog.core.autolog.integration import Call, Watch
from chiplog.integrations.sklearn.children import Children
from chiplog.integrations.sklearn.config import SklearnConfig
from chiplog.integrations.sklearn.data import TrainingData
from chiplog.integrations.sklearn.fit import estimator_tags, log_beginning
from chiplog.integrations.sklearn.metrics import Labels, regression_metrics
from chiplog.integrations.sklearn.training import PREFIX, Outcome, label_metrics_of

if TYPE_CHECKING:
    from chiplog.core.entities import Dataset

FUNCTIONS: Final = (
    "cross_validate",
    "cross_val_score",
    "cross_val_predict",
    "learning_curve",
    "validation_curve",
    "permutation_test_score",
)
TAG: Final = "chiplog.sklearn.function"
FOLD_TAG: Final = "chiplog.sklearn.fold"


class _Inner(threading.local):
    """The results of the ``cross_validate`` that ``cross_val_score`` calls, for its times."""

    watch: ValidationWatch | None = None


inner = _Inner()


class ValidationWatch(Watch[SklearnConfig]):
    """Watches one of the functions: one run, with the folds as children where they are known."""

    data: TrainingData
    dataset: Dataset | None = None
    estimator: Any = None
    folds: dict[str, Any] | None = None
    outer: ValidationWatch | None = None

    @classmethod
    def wants(cls, call: Call, options: SklearnConfig) -> bool:  # noqa: ARG003
        """Whether it is an estimator: of another framework's too, whose fits are folds here."""
        return hasattr(call.argument("estimator"), "get_params")

    def before(self, call: Call) -> None:
        """Record the estimator's parameters, how it is validated, and the data set."""
        self.estimator = call.argument("estimator")
        self.data = TrainingData(call.argument("X"), call.argument("y"))
        self.dataset = log_beginning(self.session, self.estimator, self.data, self.options)
        taken = self.estimator.get_params(deep=False)
        with self.session.capture("validation parameters"):
            self.session.set_tags({TAG: call.name})
            how = {name: call.argument(name) for name in ("cv", "scoring", "param_name")}
            self.session.log_params(
                {name: v for name, v in how.items() if v is not None and name not in taken}
            )
        self.outer, inner.watch = inner.watch, self

    def after(self, call: Call, result: Any) -> None:
        """Record what came out, in the function's own terms."""
        inner.watch = self.outer
        if call.name == "cross_validate":
            self._folds(result)
        elif call.name == "cross_val_score":
            self._folds({**(self.folds or {}), "test_score": result})
        elif call.name == "cross_val_predict":
            self._predictions(call, result)
        elif call.name == "learning_curve":
            self._learning_curve(result)
        elif call.name == "validation_curve":
            self._validation_curve(call, result)
        else:
            self._permutations(result)

    def failed(self, call: Call, error: BaseException) -> None:  # noqa: ARG002
        """Let go of this call."""
        inner.watch = self.outer

    def _folds(self, result: dict[str, Any]) -> None:
        columns = {
            key: np.asarray(values, dtype=np.float64)
            for key, values in result.items()
            if key not in {"estimator", "indices"} and _is_numbers(values)
        }
        with self.session.capture("metrics") as note:
            summary: dict[str, float] = {}
            for key, values in columns.items():
                summary[f"mean_{key}"] = float(values.mean())
                summary[f"std_{key}"] = float(values.std())
            note.count = self.session.log_metrics(summary)
        with self.session.capture("folds") as note:
            note.count = self._record_folds(columns)

    def _record_folds(self, columns: dict[str, Any]) -> int:
        count = max((len(values) for values in columns.values()), default=0)
        tags = estimator_tags(self.estimator)
        children = Children(self.session, self.estimator, tags, self.dataset)
        times = [columns[key] for key in ("fit_time", "score_time") if key in columns]
        for fold in range(count):
            children.record(
                {key: float(values[fold]) for key, values in columns.items()},
                float(np.nansum([values[fold] for values in times])),
                tags={FOLD_TAG: str(fold)},
            )
        return count

    def _predictions(self, call: Call, result: Any) -> None:
        """Metrics of the predictions out of the folds, named ``cross_val_…``."""
        if call.argument("method", "predict") != "predict" or self.data.y is None:
            self.session.skipped("metrics", "only predictions of a target can be measured")
            return
        with self.session.capture("metrics") as note:
            from sklearn.base import is_classifier

            outcome = Outcome()
            if is_classifier(self.estimator):
                labels = Labels.encode(self.data.y, result, None)
                found = label_metrics_of(labels, self.options.pos_label)
            else:
                found = regression_metrics(self.data.y, result, None)
            if found is None:
                note.skip("the predictions are not of one plain output")
                return
            outcome.add(found)
            note.count = self.session.log_metrics(
                {
                    f"cross_val_{key.removeprefix(PREFIX)}": value
                    for key, value in outcome.metrics.items()
                }
            )

    def _learning_curve(self, result: Any) -> None:
        """Scores by step, the step being the number of training samples."""
        with self.session.capture("curve") as note:
            sizes, *columns = result
            names = ("train_score", "test_score", "fit_time", "score_time")
            note.count = sum(
                self._curve(dict(zip(names, columns, strict=False)), [int(n) for n in sizes])
            )

    def _validation_curve(self, call: Call, result: Any) -> None:
        """Scores by step, the step being the position in the parameter's range."""
        with self.session.capture("curve") as note:
            steps = range(len(result[0]))
            note.count = sum(
                self._curve(dict(zip(("train_score", "test_score"), result, strict=False)), steps)
            )
            self.session.log_params({"param_range": list(call.argument("param_range", ()))})

    def _curve(self, columns: dict[str, Any], steps: Any) -> list[int]:
        counts = []
        for name, values in columns.items():
            for step, scores in zip(steps, values, strict=True):
                point = {
                    f"mean_{name}": float(np.mean(scores)),
                    f"std_{name}": float(np.std(scores)),
                }
                counts.append(self.session.log_metrics(point, step))
        return counts

    def _permutations(self, result: Any) -> None:
        with self.session.capture("metrics") as note:
            score, permuted, p_value = result
            note.count = self.session.log_metrics(
                {
                    "score": float(score),
                    "pvalue": float(p_value),
                    "mean_permutation_score": float(np.mean(permuted)),
                    "std_permutation_score": float(np.std(permuted)),
                }
            )


def keep_folds(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:  # noqa: ARG001
    """Around the ``cross_validate`` inside scikit-learn: note its times for ``cross_val_score``."""
    result = wrapped(*args, **kwargs)
    if inner.watch is not None and isinstance(result, dict):
        inner.watch.folds = {
            key: values for key, values in result.items() if key not in {"estimator", "indices"}
        }
    return result


def _is_numbers(values: Any) -> bool:
    return np.asarray(values).dtype.kind in "biuf" and np.asarray(values).ndim == 1
