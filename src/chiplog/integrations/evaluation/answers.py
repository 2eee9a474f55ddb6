"""What a classifier answers for each row: a class, and how sure it is of each."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from chiplog.core.errors import InvalidValue
from chiplog.core.evaluation.values import as_values, missing_in

if TYPE_CHECKING:
    import numpy.typing as npt

    from chiplog.core.evaluation.evaluator import EvaluationTask
    from chiplog.core.evaluation.subject import Subject

    Values = npt.NDArray[Any]


@dataclass(frozen=True)
class Answers:
    """True and predicted classes of rows.

    Attributes:
        true, predicted: labels, shape (n,).
        classes: the labels there are, sorted, shape (k,).
        probabilities: of each class, shape (n, k); None where the model gives none.
        scores: of two classes, how sure the model is of the second, shape (n,); None likewise.
        weights: how much each row counts, shape (n,), or None.
        left_out: what could not be had, and why.
    """

    true: Values
    predicted: Values
    classes: Values
    probabilities: Values | None = None
    scores: Values | None = None
    weights: npt.NDArray[np.float64] | None = None
    left_out: dict[str, str] = field(default_factory=dict)

    @property
    def is_binary(self) -> bool:
        """Whether there are two classes."""
        return len(self.classes) == 2

    @property
    def columns(self) -> Values | None:
        """How sure the model is of each class, in its own measure, shape (n, k)."""
        if self.probabilities is None and self.scores is not None:
            return np.column_stack([-self.scores, self.scores])
        return self.probabilities

    @classmethod
    def of(cls, task: EvaluationTask) -> Answers:
        """Ask the model, or the data if it has the predictions."""
        dataset = task.dataset
        assert dataset.labels is not None, "it was checked before"
        true = plain_labels("targets", dataset.labels)
        left_out: dict[str, str] = {}
        subject = task.model
        if subject is None:
            given = dataset.predictions
            assert given is not None, "it was checked before"
        else:
            given = as_values(subject.predict(dataset.features))
        if given.ndim == 0 or len(given) != len(true):
            raise InvalidValue(
                f"The model gives {given.shape} predictions for {len(true)} rows; it must give one "
                "for each."
            )
        missing = missing_in(given)
        if missing:
            raise InvalidValue(f"The predictions lack {missing} values (None or NaN).")
        own = _own_classes(subject)
        probabilities: Values | None
        if _are_probabilities(given, true):
            rows, classes = _as_probabilities(given, true, own)
            predicted = classes[rows.argmax(axis=1)]
            probabilities = rows if _sum_to_one(rows) else None
            if probabilities is None:
                left_out["probabilities"] = "the model's rows of numbers do not sum to one"
        else:
            predicted = plain_labels("predictions", given.ravel())
            true, predicted = _same_kind(true, predicted)
            probabilities = _asked(subject, "predict_proba", task, left_out)
            classes = _classes(own, true, predicted, left_out)
            if probabilities is not None and probabilities.shape != (len(true), len(classes)):
                reason = f"they have the shape {probabilities.shape} for {len(classes)} classes"
                left_out.setdefault("probabilities", reason)
                probabilities = None
        true, classes = _same_kind(true, classes)
        predicted, classes = _same_kind(predicted, classes)
        order = np.argsort(classes)  # as scikit-learn's functions have it
        classes = classes[order]
        probabilities = None if probabilities is None else probabilities[:, order]
        scores = None
        if len(classes) == 2 and probabilities is not None:
            scores = probabilities[:, 1]
        elif len(classes) == 2 and subject is not None:
            scores = _asked(subject, "decision_function", task, left_out)
            if scores is not None:
                scores = scores * (1 if order[1] else -1) if scores.shape == true.shape else None
        return cls(true, predicted, classes, probabilities, scores, dataset.weights, left_out)


def plain_labels(what: str, values: Values) -> Values:
    """Labels as numbers, truth values or texts; raises InvalidValue for a mixture."""
    if values.ndim != 1:
        raise InvalidValue(
            f"The {what} of a classifier must be one label for each row; these have the shape "
            f"{values.shape}."
        )
    if values.dtype.kind == "O":
        kinds = {type(one) for one in values.tolist()}
        if kinds == {str}:
            values = values.astype(str)
        elif all(issubclass(kind, (bool, int, float, np.number, np.bool_)) for kind in kinds):
            values = np.asarray(values.tolist())
        else:
            listed = ", ".join(sorted(kind.__name__ for kind in kinds))
            raise InvalidValue(
                f"The {what} are of several types, {listed}: make them one, as by .astype(str)."
            )
    if values.dtype.kind == "f":
        odd = values[~(np.isfinite(values) & (values == np.floor(values)))]
        if len(odd):
            raise InvalidValue(
                f"The {what} are numbers such as {odd[0].item()!r}, which are no labels. Is it "
                "model_type='regressor'?"
            )
    if values.dtype.kind in "fu":
        return values.astype(np.int64)
    if values.dtype.kind not in "biUS":
        raise InvalidValue(f"The {what} are {values.dtype}, which are no labels: make them text.")
    return values


def _same_kind(one: Values, other: Values) -> tuple[Values, Values]:
    """Two arrays of labels so that equal ones compare equal; raises InvalidValue if none do."""
    texts = [array.dtype.kind in "US" for array in (one, other)]
    if texts[0] != texts[1]:
        words = ["texts" if text else "numbers" for text in texts]
        raise InvalidValue(
            f"Labels cannot be compared: some are {words[0]} ({one[:3].tolist()}…), some "
            f"{words[1]} ({other[:3].tolist()}…). Encode both the same way."
        )
    if {one.dtype.kind, other.dtype.kind} == {"b", "i"}:
        return one.astype(np.int64), other.astype(np.int64)
    return one, other


def _are_probabilities(given: Values, true: Values) -> bool:
    """Whether a model gave numbers for the classes and no labels."""
    if given.ndim == 2 and given.shape[1] > 1:
        return given.dtype.kind == "f"
    flat = given.ravel()
    return (
        flat.dtype.kind == "f"
        and not np.isin(flat, (0, 1)).all()
        and bool(((flat >= 0) & (flat <= 1)).all())
        and len(np.unique(true)) <= 2
    )


def _as_probabilities(given: Values, true: Values, own: Values | None) -> tuple[Values, Values]:
    """Numbers for each class, shape (n, k), and the classes they are of."""
    if given.ndim == 1 or given.shape[1] == 1:
        second = given.ravel().astype(np.float64)
        given = np.column_stack([1 - second, second])
    count = given.shape[1]
    found = np.unique(true)
    if own is not None and len(own) == count:
        return given, own
    if true.dtype.kind in "biu" and (found >= 0).all() and (found < count).all():
        return given, np.arange(count)
    if len(found) == count:
        return given, found
    raise InvalidValue(
        f"The model gives numbers for {count} classes, and does not say which; the targets have "
        f"{len(found)}: {found[:20].tolist()}. Have it predict labels."
    )


def _sum_to_one(rows: Values) -> bool:
    return bool((rows >= 0).all() and np.allclose(rows.sum(axis=1), 1, atol=1e-3))


def _own_classes(subject: Subject | None) -> Values | None:
    """The classes a framework's model knows, in the order of its columns."""
    found = getattr(subject.raw, "classes_", None) if subject is not None else None
    if found is None:
        return None
    try:
        classes = plain_labels("classes", np.asarray(found))
    except (InvalidValue, ValueError, TypeError):
        return None
    return classes if len(classes) > 1 else None


def _asked(
    subject: Subject | None, name: str, task: EvaluationTask, left_out: dict[str, str]
) -> Values | None:
    """What a method of the framework's model gives for the data; None if it has none."""
    method = subject.method(name) if subject is not None else None
    if method is None:
        return None
    try:
        found = np.asarray(method(task.dataset.features), dtype=np.float64)
    except Exception as error:
        left_out[name] = f"{type(error).__name__}: {error}"
        return None
    if found.shape[0] != len(task.dataset) or not np.isfinite(found).all():
        left_out[name] = "it gave no finite number for every row"
        return None
    return found


def _classes(
    own: Values | None,
    true: Values,
    predicted: Values,
    left_out: dict[str, str],
) -> Values:
    """The classes there are: the model's, and those that it does not know."""
    met = np.unique(np.concatenate([true, predicted]))
    if own is None:
        return met
    own_kind, met_kind = _same_kind(own, met)
    unknown = np.setdiff1d(met_kind, own_kind)
    if len(unknown):
        left_out["probabilities"] = (
            f"the model does not know the class {unknown[0].item()!r}"
            + (f" and {len(unknown) - 1} more" if len(unknown) > 1 else "")
            + " of the targets"
        )
        return np.union1d(own_kind, met_kind)
    return own_kind
