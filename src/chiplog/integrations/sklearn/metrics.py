"""Training metrics: scikit-learn's numbers, from one look at the data each.

scikit-learn's functions check their arguments anew at each call, which for small data takes longer
than the arithmetic. Here labels are encoded once and the counts behind accuracy, precision, recall
and F1 once. What is not a plain single-output problem goes through scikit-learn's own functions.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Labels:
    """True and predicted labels of a single-output classification, as numbers of classes.

    Attributes:
        classes: the labels that occur on either side, sorted, shape (k,).
        true, predicted: numbers of classes, shape (n,).
        weights: sample weights, shape (n,); ones where there are none.
    """

    classes: npt.NDArray[Any]
    true: Ints
    predicted: Ints
    weights: Floats

    @classmethod
    def encode(cls, true: Any, predicted: Any, weights: Any) -> Labels | None:
        """Encode two columns of labels; None if they are no such thing."""
        sides = [_column(true), _column(predicted)]
        if sides[0] is None or sides[1] is None or len(sides[0]) != len(sides[1]):
            return None
        if len(sides[0]) == 0:
            return None
        kinds = {side.dtype.kind for side in sides if side is not None}
        if not (kinds <= set("biu") or kinds <= set("UO") or kinds <= set("biuf")):
            return None
        if any(side.dtype.kind == "f" and (side != np.floor(side)).any() for side in sides):
            return None
        try:
            classes, numbers = np.unique(np.concatenate(sides), return_inverse=True)
        except TypeError:
            return None
        count = len(sides[0])
        return cls(classes, numbers[:count], numbers[count:], _weights(weights, count))

    def confusion(self) -> Floats:
        """Weight of each (true, predicted) pair of classes, shape (k, k)."""
        k = len(self.classes)
        pairs = self.true * k + self.predicted
        counts: Floats = np.bincount(pairs, weights=self.weights, minlength=k * k).astype(float)
        return counts.reshape(k, k)


def _column(values: Any) -> Any:
    array = np.asarray(values)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array.ravel()
    return array if array.ndim == 1 and array.dtype.kind in "biufUO" else None


def _weights(weights: Any, count: int) -> Floats:
    if weights is None:
        return np.ones(count)
    return np.asarray(weights, dtype=np.float64).ravel()


def label_metrics(labels: Labels, pos_label: object = None) -> dict[str, float] | None:
    """Precision, recall, F1 and accuracy; None if ``pos_label`` does not fit the classes.

    Averaged over the true classes by their weight, or of the class ``pos_label`` alone.
    """
    counts = labels.confusion()
    hits, true, predicted = np.diag(counts), counts.sum(axis=1), counts.sum(axis=0)
    precision = _ratio(hits, predicted)
    recall = _ratio(hits, true)
    f1 = _ratio(2 * hits, true + predicted)
    if pos_label is None:
        shares = true / true.sum() if true.sum() else np.zeros(len(true))
        averages = [float(np.dot(part, shares)) for part in (precision, recall, f1)]
    else:
        at = np.flatnonzero(labels.classes == pos_label)
        if len(labels.classes) > 2 or len(at) != 1:
            return None
        averages = [float(part[at[0]]) for part in (precision, recall, f1)]
    return {
        "precision_score": averages[0],
        "recall_score": averages[1],
        "f1_score": averages[2],
        "accuracy_score": float(hits.sum() / counts.sum()),
    }


def _ratio(part: Floats, whole: Floats) -> Floats:
    """``part / whole``, and 0 where there is nothing to divide by."""
    return np.divide(part, whole, out=np.zeros_like(part), where=whole != 0)


def log_loss(numbers: Ints, probabilities: Floats, weights: Floats) -> float:
    """Weighted mean of minus the log of each row's probability of its own class.

    ``numbers`` are columns of ``probabilities``, shape (n,) and (n, k).
    """
    eps = np.finfo(probabilities.dtype).eps
    clipped = np.clip(probabilities, eps, 1 - eps)
    own = clipped[np.arange(len(numbers)), numbers]
    return float(np.average(-np.log(own), weights=weights))


@dataclass(frozen=True)
class Curve:
    """How many are found as the threshold falls: weights of the true and the false positives.

    Both begin with 0 and end with all there are, shape (m + 1,) for m distinct scores.
    """

    true: Floats
    false: Floats

    @classmethod
    def of(cls, positive: npt.NDArray[np.bool_], scores: Floats, weights: Floats) -> Curve:
        """Sort by score, and count; equal scores are one step."""
        order = np.argsort(scores, kind="stable")[::-1]
        scores, positive, weights = scores[order], positive[order], weights[order]
        ends = np.r_[np.flatnonzero(np.diff(scores)), len(scores) - 1]
        true = np.r_[0.0, np.cumsum(weights * positive)[ends]]
        false = np.r_[0.0, np.cumsum(weights * ~positive)[ends]]
        return cls(true, false)

    @property
    def is_complete(self) -> bool:
        """Whether both classes occur."""
        return bool(self.true[-1] > 0 and self.false[-1] > 0)

    @property
    def area(self) -> float:
        """Area under the ROC curve, ties counted by half; NaN if one class is absent."""
        if not self.is_complete:
            return float("nan")
        heights = (self.true[1:] + self.true[:-1]) / 2
        return float(np.sum(np.diff(self.false / self.false[-1]) * heights / self.true[-1]))


def binary_auc(positive: npt.NDArray[np.bool_], scores: Floats, weights: Floats) -> float:
    """Area under the ROC curve of one score; NaN if one class is absent."""
    return Curve.of(positive, scores, weights).area


def pairwise_auc(numbers: Ints, scores: Floats) -> float:
    """Mean area under the ROC curve over pairs of classes, weighted by the pairs' shares.

    As scikit-learn's ``multi_class="ovo", average="weighted"``.
    """
    k = scores.shape[1]
    areas, shares = [], []
    for a in range(k):
        for b in range(a + 1, k):
            mask = (numbers == a) | (numbers == b)
            is_a, ones = numbers[mask] == a, np.ones(int(mask.sum()))
            one = binary_auc(is_a, scores[mask, a], ones)
            other = binary_auc(~is_a, scores[mask, b], ones)
            areas.append((one + other) / 2)
            shares.append(mask.mean())
    return float(np.average(areas, weights=shares))


def regression_metrics(true: Any, predicted: Any, weights: Any) -> dict[str, float] | None:
    """Squared and absolute error, their root, and R²; None for what is not numbers."""
    sides = [np.asarray(side) for side in (true, predicted)]
    if any(side.dtype.kind not in "biuf" or side.ndim not in {1, 2} for side in sides):
        return None
    sides = [side.astype(np.float64).reshape(len(side), -1) for side in sides]
    if sides[0].shape != sides[1].shape or len(sides[0]) == 0:
        return None
    y, p = sides
    w = None if weights is None else np.asarray(weights, dtype=np.float64).ravel()
    errors = np.average((y - p) ** 2, axis=0, weights=w)
    column = np.ones(len(y)) if w is None else w
    residual = (column[:, None] * (y - p) ** 2).sum(axis=0)
    center = np.average(y, axis=0, weights=w)
    total = (column[:, None] * (y - center) ** 2).sum(axis=0)
    r2 = np.ones(len(total))
    spread = total != 0
    r2[spread] = 1 - residual[spread] / total[spread]
    r2[(residual != 0) & ~spread] = 0.0
    return {
        "mean_squared_error": float(errors.mean()),
        "mean_absolute_error": float(np.average(np.abs(p - y), axis=0, weights=w).mean()),
        "r2_score": float(r2.mean()) if len(y) > 1 else float("nan"),
        # Of all outputs together, as MLflow has it; scikit-learn means the outputs' roots.
        "root_mean_squared_error": float(np.sqrt(errors.mean())),
    }


def by_sklearn(
    true: Any, predicted: Any, weights: Any, *, classifier: bool, pos_label: object = None
) -> tuple[dict[str, float], dict[str, str]]:
    """The same metrics by scikit-learn's functions: what they give, and why some gave nothing."""
    from sklearn import metrics

    found: dict[str, float] = {}
    failed: dict[str, str] = {}
    if classifier:
        how: dict[str, Any] = {"average": "weighted"}
        if pos_label is not None:
            how = {"average": "binary", "pos_label": pos_label}
        wanted = {
            "precision_score": how,
            "recall_score": how,
            "f1_score": how,
            "accuracy_score": {},
        }
    else:
        names = "mean_squared_error mean_absolute_error r2_score"
        wanted = {name: {} for name in names.split()}
    for name, options in wanted.items():
        function: Callable[..., Any] = getattr(metrics, name)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                found[name] = float(function(true, predicted, sample_weight=weights, **options))
        except (ValueError, TypeError) as error:
            failed[name] = str(error)
    if "mean_squared_error" in found:
        found["root_mean_squared_error"] = found["mean_squared_error"] ** 0.5
    return found, failed
