"""Each class of a classification against all others."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn import metrics as skm

if TYPE_CHECKING:
    import numpy.typing as npt

    from chiplog.integrations.evaluation.answers import Answers

    Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Areas:
    """How well a model tells each class from the rest, arrays of shape (k,).

    Attributes:
        shares: how much the rows of the class weigh.
        roc: areas under the ROC curves; NaN where there are no rows of the class, or no others.
        precision_recall: average precisions; NaN likewise.
    """

    shares: Floats
    roc: Floats
    precision_recall: Floats

    @classmethod
    def of(cls, answers: Answers) -> Areas | None:
        """Measure each class; None if the model does not say how sure it is."""
        scores = answers.columns
        if scores is None:
            return None
        weights = answers.weights
        rows = np.ones(len(answers.true)) if weights is None else weights
        found = np.full((3, len(answers.classes)), np.nan)
        for at, label in enumerate(answers.classes):
            is_it = answers.true == label
            found[0, at] = rows[is_it].sum()
            if found[0, at] > 0 and rows[~is_it].sum() > 0:
                asked = (is_it, scores[:, at])
                found[1, at] = skm.roc_auc_score(*asked, sample_weight=weights)
                found[2, at] = skm.average_precision_score(*asked, sample_weight=weights)
        return cls(*found)


def counts_of(answers: Answers) -> dict[str, npt.NDArray[np.intp]]:
    """How many rows of each class, and of the others, were taken for which; shape (k,) each."""
    k = len(answers.classes)
    true = np.searchsorted(answers.classes, answers.true)
    said = np.searchsorted(answers.classes, answers.predicted)
    hits = np.bincount(true[true == said], minlength=k)
    misses = np.bincount(true, minlength=k) - hits
    false = np.bincount(said, minlength=k) - hits
    return {
        "true_negatives": len(true) - hits - misses - false,
        "false_positives": false,
        "false_negatives": misses,
        "true_positives": hits,
    }


def table_of(answers: Answers, areas: Areas | None) -> bytes:
    """A row for each class, as CSV."""
    true, said, weights = answers.true, answers.predicted, answers.weights
    k = len(answers.classes)
    precision, recall, f1, _ = skm.precision_recall_fscore_support(
        true, said, labels=answers.classes, sample_weight=weights, zero_division=0
    )
    rows = np.ones(len(true)) if weights is None else weights
    wrong = np.zeros(k)  # a row that was taken for another class is wrong for both
    for labels in (true, said):
        at = np.searchsorted(answers.classes, labels)
        wrong += np.bincount(at, rows * (true != said), k)
    columns: dict[str, Any] = {
        "positive_class": answers.classes,
        **counts_of(answers),
        "example_count": np.full(k, len(true)),
        "accuracy_score": 1 - wrong / rows.sum(),
        "recall_score": recall,
        "precision_score": precision,
        "f1_score": f1,
    }
    if areas is not None:
        columns["roc_auc"] = areas.roc
        columns["precision_recall_auc"] = areas.precision_recall
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(columns)
    for row in zip(*(values.tolist() for values in columns.values()), strict=True):
        writer.writerow(["" if value != value else value for value in row])  # noqa: PLR0124 - NaN
    return file.getvalue().encode()
