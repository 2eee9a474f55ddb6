"""One recorded loop: what its steps come to, until it ends."""

from __future__ import annotations

import contextlib
import weakref
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

import tensorflow as tf

from chiplog.core.autolog.scalars import Backlog, number
from chiplog.core.clock import now_ms
from chiplog.core.errors import CannotSave
from chiplog.core.models.flavor import get_flavor
from chiplog.core.models.logging import ModelEntry
from chiplog.core.models.saving import ModelContent
from chiplog.core.models.schema import Schema, TensorSpec
from chiplog.core.models.signature import ModelSignature

if TYPE_CHECKING:
    from types import CodeType, FrameType

    from chiplog.core.autolog.loop import LoopSession
    from chiplog.core.autolog.scalars import Pending
    from chiplog.integrations.tensorflow.config import TensorFlowConfig
    from chiplog.integrations.tensorflow.functions import Traced

RATE: Final = "learning_rate"
NORM: Final = "grad_norm"
SUMMARY: Final = "model_summary"
_SPEED_SECONDS: Final = 5.0
_RATE_SECONDS: Final = 1.0


class Training:
    """A loop that is recorded.

    A step of its axis is a round in which each optimizer steps at most once: with one optimizer its
    steps, with a GAN's two an iteration of the loop.

    Attributes:
        loop: its session.
        step: the step that goes on, from 0; -1 before the first.
        born: when it began, on the clock of the optimizers' making.
    """

    def __init__(self, config: TensorFlowConfig, born: int) -> None:
        self.loop: LoopSession
        self.step = -1
        self.born = born
        self._config = config
        self._backlog: Backlog
        self._optimizers: dict[int, tuple[weakref.ref[Any], str]] = {}
        self._models: list[tuple[str, weakref.ref[Any]]] = []
        self._stepped: set[int] = set()
        self._known: set[int] = set()
        self._places: set[CodeType] = set()
        self._refused: set[str] = set()
        self._functions: set[str] = set()
        self._losses = 0
        self._measured: dict[str, tuple[int, float]] = {}
        self._rates_at: dict[str, float] = {}
        self._told_at = 0.0
        self._told_step = 0

    def opened(self, loop: LoopSession) -> None:
        """Begin."""
        self.loop = loop
        self._backlog = Backlog(loop.session.log_metric)
        self._told_at = perf_counter()

    @property
    def is_open(self) -> bool:
        """Whether it goes on."""
        return self.loop.is_open

    def fired(self, point: str, times: int = 1) -> None:
        """Count a hook."""
        self.loop.fired[point] = self.loop.fired.get(point, 0) + times

    # What is trained

    def has(self, optimizer: Any) -> bool:
        """Whether an optimizer is one of its."""
        known = self._optimizers.get(id(optimizer))
        return known is not None and known[0]() is optimizer

    def add(self, optimizer: Any, name: str) -> None:
        """Take an optimizer in, at its first step."""
        taken = {known for _, known in self._optimizers.values()}
        base, count = name, 2
        while name in taken:
            name, count = f"{base}_{count}", count + 1
        session = self.loop.session
        prefix = "opt_" if not self._optimizers else f"{name}/opt_"
        self._optimizers[id(optimizer)] = (weakref.ref(optimizer), name)
        with session.capture("optimizer") as note:
            config = optimizer.get_config()
            note.count = session.log_params({prefix + key: v for key, v in config.items()})
            note.detail = name
        self.loop.lives_with(optimizer)

    def take_models(self, models: list[tuple[str, Any]]) -> None:
        """Take models in that were found to be trained."""
        for name, model in models:
            if any(known() is model for _, known in self._models):
                continue
            with self.loop.session.capture("model summary") as note:
                note.detail = name
                self._describe(name, model)
            self._models.append((name, weakref.ref(model)))
            self.loop.session.remember(model)
            self.loop.lives_with(model)

    def _describe(self, name: str, model: Any) -> None:
        session, kind = self.loop.session, type(model)
        prefix = "" if not self._models else f"{name}/"
        sizes = {
            "total_parameters": model.weights,
            "trainable_parameters": model.trainable_weights,
        }
        session.log_params(
            {
                f"{prefix}model_class": f"{kind.__module__}.{kind.__qualname__}",
                **{
                    prefix + key: sum(int(w.shape.num_elements()) for w in map(_tensor, weights))
                    for key, weights in sizes.items()
                },
            }
        )
        lines: list[str] = []
        model.summary(print_fn=lambda line, *_, **__: lines.append(str(line)))
        file = f"{SUMMARY}.txt" if not self._models else f"{SUMMARY}_{name}.txt"
        session.log_text("\n".join(lines), file)

    def is_new_place(self, frame: FrameType) -> bool:
        """Whether no gradient was asked for in that code before."""
        if frame.f_code in self._places:
            return False
        self._places.add(frame.f_code)
        return True

    # Each step

    def stepped(
        self, optimizer: Any, pending: list[tuple[str, float | Pending | str]], gradients: Any
    ) -> None:
        """Record the step that an optimizer has made, with the losses that led to it."""
        self._advance(id(optimizer))
        if not self._keeps():
            return
        values: dict[str, list[float | Pending]] = {}
        for name, value in pending:
            if isinstance(value, str):
                self._refuse_once(f"metric {name!r}", f"{value} is no single number")
            else:
                values.setdefault(name, []).append(value)
        for name, several in values.items():
            self._losses += 1
            self._add(name, several[0] if len(several) == 1 else _mean(several))
        self._costly(optimizer, gradients)

    def function_stepped(self, traced: Traced, optimizers: list[Any], result: Any) -> None:
        """Record a call of a function that trains."""
        for optimizer in optimizers:
            if not self.has(optimizer):
                self.add(optimizer, "optimizer")
        self._functions.add(traced.label)
        self._advance(id(traced))
        for name in traced.missing:
            self._refuse_once(
                f"loss {name!r} of {traced.label}()",
                "it is computed inside a tf.function, which does not hand it back: return it, or "
                "call chiplog.log_metric() outside of the function",
            )
        if not self._keeps():
            return
        for name, value in traced.values(result):
            found = number(value)
            if found is None:
                self.refuse(name, value)
            else:
                self._losses += name in traced.names.values()
                self._add(name, found)
        self._costly(optimizers[0], None)

    def measured(self, metric: Any, result: Any) -> None:
        """Record a metric that the user looked at."""
        found = number(result)
        if found is None:
            if not isinstance(result, dict):
                self.refuse(metric.name, result)
            return
        step = max(self.step, 0)
        if isinstance(found, float):
            if self._measured.get(metric.name) == (step, found):
                return
            self._measured[metric.name] = (step, found)
        self._backlog.add(metric.name, found, step)

    def refuse(self, name: str, value: Any) -> None:
        """Say, once, why a value is not recorded."""
        self._refuse_once(f"metric {name!r}", f"{words(value)} is no single number")

    def _refuse_once(self, what: str, why: str) -> None:
        if what not in self._refused:
            self._refused.add(what)
            self.loop.session.skipped(what, why)

    def _advance(self, key: int) -> None:
        self.loop.last_step = now_ms()
        is_late = self.step > 0 and key not in self._known  # the others' last step is over
        self._known.add(key)
        if key in self._stepped or self.step < 0 or is_late:
            self.step += 1
            self._stepped.clear()
        self._stepped.add(key)

    def _keeps(self) -> bool:
        every = self._config.log_every_n_steps
        if every is not None and self.step % every:
            return False
        return self.loop.session.keeps_step()

    def _add(self, name: str, value: float | Pending) -> None:
        if type(value) is float:
            self.loop.session.log_metric(name, value, self.step)
        else:
            self._backlog.add(name, value, self.step)

    def _costly(self, optimizer: Any, gradients: Any) -> None:
        """What is recorded as often as it costs next to nothing."""
        session = self.loop.session
        suffix = ""
        if len(self._optimizers) > 1:
            suffix = "/" + self._optimizers[id(optimizer)][1]
        now = perf_counter()
        self._look_at_rate(optimizer, RATE + suffix, now)
        if gradients is not None and session.affords("gradient norm"):
            with session.spending("gradient norm"):
                given = [one for one in tf.nest.flatten(gradients) if one is not None]
                norm = number(tf.linalg.global_norm(given))
                if norm is not None:
                    self._backlog.add(NORM + suffix, norm, self.step)
        if now - self._told_at >= _SPEED_SECONDS:
            self._tell_speed(now)

    def _look_at_rate(self, optimizer: Any, key: str, now: float) -> None:
        """Record the learning rate if it changed; a schedule's at as many steps as can be afforded.

        One that is a variable, which the user's code may assign, is looked at once a second.
        """
        session = self.loop.session
        if isinstance(getattr(optimizer, "_learning_rate", None), _schedule()):
            if session.affords("learning rate"):
                with session.spending("learning rate"):
                    self._record_rate(optimizer, key)
        elif now - self._rates_at.get(key, -_RATE_SECONDS) >= _RATE_SECONDS:
            self._rates_at[key] = now
            self._record_rate(optimizer, key)

    def _record_rate(self, optimizer: Any, key: str) -> None:
        rate = number(_tensor(optimizer.learning_rate))
        if rate is not None:
            self._backlog.add(key, rate, self.step, if_changed=True)

    def _tell_speed(self, now: float) -> None:
        done, took = self.step - self._told_step, now - self._told_at
        if done > 0 and took > 0:
            self.loop.session.log_metric("steps_per_second", done / took, self.step)
        self._told_at, self._told_step = now, self.step

    # The end

    def ending(self, error: BaseException | None) -> None:
        """Record what is left: numbers on their way, what was found, and the models."""
        session = self.loop.session
        self._tell_speed(perf_counter())
        with session.capture("losses") as note:
            self._backlog.flush()
            note.count = self._losses
            if not self._losses:
                note.skip("none was seen; the lines above say why, if it is known")
        session.captured("steps", self.step + 1)
        if self._functions:
            self._check_steps()
        session.skipped(
            "datasets",
            "a loop does not say what it reads; chiplog.log_input() records it"
            if self._config.log_datasets
            else "log_datasets=False",
        )
        if not self._models:
            session.skipped("model", "no Keras model holds the variables that are trained")
        elif error is None and self._config.log_models:
            for name, reference in self._models:
                self._save("model" if len(self._models) == 1 else name, reference())

    def _check_steps(self) -> None:
        """Say so if a function makes several steps a call, of which only its result is seen."""
        for reference, _ in self._optimizers.values():
            optimizer = reference()
            with contextlib.suppress(Exception):
                made = int(tf.convert_to_tensor(optimizer.iterations))  # type: ignore[union-attr]
                if made > self.step + 1:
                    self.loop.session.degraded(
                        "steps",
                        f"{made} were made inside {', '.join(sorted(self._functions))}(), of "
                        f"which {self.step + 1} were seen from outside",
                    )
                    return

    def _save(self, name: str, model: Any) -> None:
        session = self.loop.session
        with session.capture(f"model {name!r}") as note:
            if model is None:
                note.skip("it was gone when the loop was found to be over")
                return
            signature = None
            if self._config.log_model_signatures:
                inputs = _schema(getattr(model, "inputs", None))
                outputs = _schema(getattr(model, "outputs", None))
                if inputs is not None or outputs is not None:
                    signature = ModelSignature(inputs, outputs)
            options = {"save_kwargs": self._config.keras_model_kwargs}
            content = ModelContent(model, signature, options=options)
            try:
                info = session.log_model(get_flavor("tensorflow"), content, ModelEntry(name))
            except CannotSave as why:
                note.skip(str(why))
                return
            note.detail = info.model_uri
            for text in info.notes:
                session.degraded(f"model {name!r}", text)


def words(value: Any) -> str:
    """What a value is that is no number."""
    shape = getattr(value, "shape", None)
    return f"a {type(value).__name__}" + (f" of shape {tuple(shape)}" if shape is not None else "")


def _schedule() -> type:
    import keras

    kind: type = keras.optimizers.schedules.LearningRateSchedule
    return kind


def _tensor(variable: Any) -> Any:
    """The variable of TensorFlow's that a variable of Keras's stands for."""
    return getattr(variable, "value", variable)


def _mean(several: list[float | Pending]) -> float | Pending:
    from chiplog.core.autolog.scalars import mean

    return mean(several)


def _schema(tensors: Any) -> Schema | None:
    """The schema of a model's symbolic inputs or outputs."""
    if not tensors:
        return None
    several = len(tensors) > 1
    return Schema(
        [
            TensorSpec(
                str(tensor.dtype),
                (-1, *(-1 if n is None else int(n) for n in tensor.shape[1:])),
                tensor.name if several else None,
            )
            for tensor in tensors
        ]
    )
