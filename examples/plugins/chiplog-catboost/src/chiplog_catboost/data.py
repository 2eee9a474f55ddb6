"""What a training call was given to learn from."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chiplog.plugins import describe_dataset, first_rows, infer_signature

if TYPE_CHECKING:
    from chiplog.plugins import Call, TrainingSession

    from chiplog_catboost.config import CatBoostConfig

EXAMPLE_ROWS = 5


@dataclass
class Rows:
    """The first rows of the training data, and what they look like."""

    rows: Any = None
    inputs: Any = None


def record_data(session: TrainingSession, call: Call, options: CatBoostConfig) -> Rows:
    """Record the data sets of a call; hands back what the model's signature needs of it."""
    X, y = call.argument("X"), call.argument("y")
    if X is None:
        X = call.argument("pool") if call.argument("pool") is not None else call.argument("dtrain")
    if options.log_datasets:
        _record(session, "train", X, y)
        for number, (features, labels) in enumerate(_evaluated(call)):
            _record(session, f"eval_{number}" if number else "eval", features, labels)
    kept = Rows()
    if not options.log_models or not (options.log_model_signatures or options.log_input_examples):
        return kept
    with session.capture("signature") as note:
        note.is_preparation = True
        kept.rows = None if is_pool(X) else first_rows(X, EXAMPLE_ROWS)
        if kept.rows is None:
            note.skip(f"no rows can be taken from a {type(X).__name__}")
        elif options.log_model_signatures:
            kept.inputs = infer_signature(kept.rows).inputs
    return kept


def is_pool(data: object) -> bool:
    """Whether data is a ``catboost.Pool``, which gives no rows back."""
    return isinstance(data, sys.modules["catboost"].Pool)


def _record(session: TrainingSession, context: str, X: Any, y: Any) -> None:
    what = f"dataset ({context})"
    with session.capture(what) as note:
        if is_pool(X):
            note.skip(f"a Pool of {X.num_row()} rows and {X.num_col()} columns is not described")
            return
        dataset = describe_dataset(X, y)
        if dataset is None:
            note.skip(f"data of type {type(X).__name__} is not described")
        else:
            session.log_dataset(dataset, context)


def _evaluated(call: Call) -> list[tuple[Any, Any]]:
    """The evaluation sets of a call, as features and labels."""
    given = call.argument("eval_set")
    if given is None:
        given = call.argument("evals")
    if given is None:
        return []
    sets = given if isinstance(given, list) else [given]
    return [one if isinstance(one, tuple) else (one, None) for one in sets]
