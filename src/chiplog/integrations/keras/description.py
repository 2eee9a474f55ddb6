"""What is recorded of a model and its optimizer.

A learning rate's schedule is ``_learning_rate`` of its optimizer: there is no public way to it.
"""

from __future__ import annotations

import contextlib
import math
from typing import TYPE_CHECKING, Any, Final

import keras

if TYPE_CHECKING:
    from chiplog.core.autolog.session import TrainingSession

SUMMARY: Final = "model_summary.txt"


def optimizer_params(optimizer: Any, prefix: str) -> dict[str, Any]:
    """The settings of an optimizer, flat, each key after ``prefix``."""
    params: dict[str, Any] = {}
    for key, value in optimizer.get_config().items():
        if isinstance(value, dict) and "class_name" in value:
            params[prefix + key] = value["class_name"]
            inner = value.get("config")
            if isinstance(inner, dict):
                params.update({f"{prefix}{key}_{name}": part for name, part in inner.items()})
        else:
            params[prefix + key] = value
    return params


def log_model_description(session: TrainingSession, model: Any) -> None:
    """Record a built model's class, its number of weights, and its summary."""
    with session.capture("model summary") as note:
        kind = type(model)
        session.set_tags({"keras_backend": keras.backend.backend()})
        params: dict[str, Any] = {"model_class": f"{kind.__module__}.{kind.__qualname__}"}
        if model.built:
            params["total_parameters"] = sum(map(_size, model.weights))
            params["trainable_parameters"] = sum(map(_size, model.trainable_weights))
        session.log_params(params)
        if not model.built:
            note.skip("the model is not built when training begins")
            return
        lines: list[str] = []
        model.summary(print_fn=lambda line, *_, **__: lines.append(str(line)))
        session.log_text("\n".join(lines), SUMMARY)


def learning_rate(optimizer: Any, step: int | None = None) -> float | None:
    """The learning rate now, or at a step of its schedule; None if there is none to be read."""
    if optimizer is None:
        return None
    with contextlib.suppress(Exception):
        inner = getattr(optimizer, "inner_optimizer", optimizer)
        rate = inner.learning_rate
        if step is not None and has_schedule(inner):
            rate = inner._learning_rate(step // _accumulated(inner))  # noqa: SLF001 - see above
        return float(keras.ops.convert_to_numpy(rate))
    return None


def scheduled_rates(optimizer: Any, steps: range, made: int = 0) -> list[float] | None:
    """The learning rate at each of the steps, if its schedule takes all of them at once.

    ``made`` is how many the optimizer had made before step 0.
    """
    with contextlib.suppress(Exception):
        inner = getattr(optimizer, "inner_optimizer", optimizer)
        asked = keras.ops.arange(steps.start + made, steps.stop + made, dtype="int32")
        asked //= _accumulated(inner)
        found = keras.ops.convert_to_numpy(inner._learning_rate(asked))  # noqa: SLF001 - see above
        if found.shape != (len(steps),):
            return None
        rates: list[float] = found.astype(float).tolist()
        for position in (0, len(steps) // 2, len(steps) - 1):
            alone = learning_rate(inner, steps[position] + made)
            if alone is None or not math.isclose(alone, rates[position], rel_tol=1e-6):
                return None
        return rates
    return None


def has_schedule(optimizer: Any) -> bool:
    """Whether the learning rate is a function of the step, rather than a variable."""
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    schedule = getattr(inner, "_learning_rate", None)
    return isinstance(schedule, keras.optimizers.schedules.LearningRateSchedule)


def steps_so_far(model: Any) -> int:
    """How many batches the model's optimizer has seen, in earlier fits or before it was saved."""
    optimizer: Any = getattr(model, "optimizer", None)
    with contextlib.suppress(Exception):
        steps = int(keras.ops.convert_to_numpy(optimizer.iterations))
        return steps * _accumulated(optimizer)
    return 0


def _accumulated(optimizer: Any) -> int:
    """How many batches' gradients are added up for a step."""
    return int(getattr(optimizer, "gradient_accumulation_steps", None) or 1)


def _size(weight: Any) -> int:
    size = 1
    for length in weight.shape:
        size *= int(length)
    return size
