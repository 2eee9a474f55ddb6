"""The curves of a classifier's training, as they are drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from chiplog.core.evaluation.plots import Line, thinned

if TYPE_CHECKING:
    from chiplog.integrations.sklearn.metrics import Curve


def roc(curve: Curve) -> Line:
    """False against true positive rates, a thousand points at most."""
    kept = thinned(len(curve.true))
    false, true = curve.false[kept] / curve.false[-1], curve.true[kept] / curve.true[-1]
    return Line(false, true, f"AUC = {curve.area:.4g}")


def precision_recall(curve: Curve) -> Line:
    """Recall against precision, a thousand points at most, and the average precision."""
    true, found = curve.true[1:], curve.true[1:] + curve.false[1:]
    recall = np.r_[0.0, true / curve.true[-1]]
    precision = np.r_[1.0, np.divide(true, found, out=np.zeros_like(true), where=found > 0)]
    average = float(np.sum(np.diff(recall) * precision[1:]))
    kept = thinned(len(recall))
    return Line(recall[kept], precision[kept], f"AP = {average:.4g}")
