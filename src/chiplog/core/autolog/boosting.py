"""What integrations of gradient boosting share: params as text, importance, the trained model.

A framework's own part is where its evaluation results come from and how its model is asked.
"""

from __future__ import annotations

import importlib.util
import io
import logging
from typing import TYPE_CHECKING, Any, Final

from chiplog.core.errors import CannotSave, InvalidValue, MissingLibrary
from chiplog.core.models.examples import first_rows
from chiplog.core.models.logging import ModelEntry
from chiplog.core.models.saving import ModelContent
from chiplog.core.models.signature import ModelSignature, infer_signature

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from chiplog.core.autolog.integration import Call
    from chiplog.core.autolog.session import TrainingSession
    from chiplog.core.models.flavor import Flavor

EXAMPLE_ROWS: Final = 5
_SHOWN: Final = 30
_DPI: Final = 80

_log = logging.getLogger("chiplog.autolog")


# What is known before training


def arguments_of(call: Call, names: Sequence[str], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """The call's arguments by name, defaults included, however the user gave them.

    ``names`` are the function's parameters in order. Unlike :meth:`Call.arguments` it knows
    arguments which a framework still takes by position though its signature says by keyword.
    """
    return {**defaults, **dict(zip(names, call.args, strict=False)), **call.kwargs}


def add_callback(call: Call, names: Sequence[str], callback: Any) -> None:
    """Put ``callback`` before the user's own callbacks in the arguments of this call.

    The user's list is left as it is. First, so that what a callback of the user's raises or ends
    does not keep the results of that iteration from being recorded.
    """
    position = names.index("callbacks")
    if position < len(call.args):
        theirs = call.args[position]
        mine = [callback, *(theirs or ())]
        call.args = (*call.args[:position], mine, *call.args[position + 1 :])
    else:
        call.kwargs["callbacks"] = [callback, *(call.kwargs.get("callbacks") or ())]


def as_params(params: Mapping[str, Any], without: Iterable[str] = ()) -> dict[str, Any]:
    """Parameters as they are recorded: functions by their names, large objects left out."""
    left_out = set(without)
    return {str(key): _plain(value) for key, value in params.items() if str(key) not in left_out}


def _plain(value: Any) -> Any:
    if callable(value) and not isinstance(value, type):
        inner = getattr(value, "func", value)  # a wrapper or a partial: the user's own function
        name = getattr(inner, "__qualname__", None)
        return f"{inner.__module__}.{name}" if name else type(value).__qualname__
    if isinstance(value, (list, tuple)) and any(callable(part) for part in value):
        return [_plain(part) for part in value]
    return value


# Evaluation results


def metric_key(data: str, metric: str) -> str:
    """``<data set>-<metric>``, without the character that no metric's name may hold."""
    return f"{data}-{metric}".replace("@", "_at_")


class PointLog:
    """Records evaluation results, one point for each name and iteration.

    What is no number, or has a name that is not allowed, is told in the receipt once.

    Attributes:
        last: the last iteration recorded, -1 before the first.
        rounds: how many iterations there were.
        latest: the last value of each metric.
    """

    def __init__(self, session: TrainingSession) -> None:
        self._session = session
        self._log_metric = session.log_metric
        self._keeps_step = session.keeps_step if session.budget.limit is not None else None
        self._refused: set[str] = set()
        self.last = -1
        self.rounds = 0
        self.names: set[str] = set()

    def begin(self, iteration: int) -> bool:
        """An iteration ended; says whether its results are to be recorded."""
        self.last = iteration
        self.rounds += 1
        return self._keeps_step is None or self._keeps_step()

    def add(self, key: str, value: Any, iteration: int) -> None:
        """Record one result."""
        try:
            self._log_metric(key, value, iteration)
        except InvalidValue as error:
            if key not in self._refused:
                self._refused.add(key)
                self._session.skipped(f"metric {key!r}", str(error))
            return
        self.names.add(key)

    def tell(self, why_nothing: str) -> None:
        """Say in the receipt what was recorded, or why nothing was."""
        if self.names:
            names = ", ".join(sorted(self.names)[:10])
            self._session.captured(
                "evaluation results", len(self.names), f"{names} at {self.rounds} iterations"
            )
        elif not self._refused:
            self._session.skipped("evaluation results", why_nothing)


def log_early_stopping(
    session: TrainingSession, best: int, stopped: int, step: int, metrics: Mapping[str, Any]
) -> None:
    """Record where training stopped, the best iteration, and its results again at ``step``."""
    with session.capture("early stopping") as note:
        session.log_metrics({"stopped_iteration": stopped, "best_iteration": best})
        note.count = 2 + session.log_metrics(metrics, step)
        note.detail = f"stopped at iteration {stopped}, the best was {best}"


# Importance


def log_importance(session: TrainingSession, kind: str, scores: Mapping[str, Any]) -> None:
    """Record the importance of each feature, as JSON and as a picture."""
    name = f"feature_importance_{kind}"
    with session.capture(f"importance {kind!r}") as note:
        if not scores:
            note.skip("the model uses no feature")
            return
        note.count = len(scores)
        session.log_dict(scores, f"{name}.json")
        if importlib.util.find_spec("matplotlib") is None:
            session.skipped(f"figure {name}.png", "matplotlib is not installed")
            return
        single = {key: value for key, value in scores.items() if isinstance(value, (int, float))}
        best = sorted(single.items(), key=lambda item: item[1])[-_SHOWN:]
        if best:
            labels, values = [key for key, _ in best], [float(value) for _, value in best]
            title = f"Feature importance ({kind})"
            if len(best) < len(single):
                title += f": {len(best)} of {len(single)} features"
            session.log_figure(f"{name}.png", draw_importance, labels, values, title)


def draw_importance(labels: list[str], values: list[float], title: str) -> bytes:
    """Horizontal bars, the most important feature on top, as PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, max(1.5, 0.9 + 0.25 * len(labels))), dpi=_DPI, layout="tight")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    places = range(len(labels))
    axes.barh(places, values, height=0.6)
    axes.set_yticks(places, [_short(label) for label in labels])
    axes.set(title=title, xlabel="Importance")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", pil_kwargs={"compress_level": 1})
    return buffer.getvalue()


def _short(label: str) -> str:
    label = label.replace("$", r"\$")  # a dollar sign would begin a formula
    return label if len(label) <= 40 else f"{label[:39]}…"


# The model


def sample_of(data: Any) -> Any:
    """A copy of the first rows of data that can be looked at, None of anything else."""
    return first_rows(data, EXAMPLE_ROWS)


class ModelLog:
    """Saves the trained model with what it takes and gives.

    Args:
        options: settings with ``log_models``, ``log_model_signatures`` and ``log_input_examples``.
        format: how the model is saved, for the receipt.
    """

    def __init__(
        self,
        session: TrainingSession,
        flavor: Flavor,
        options: Any,
        format: str,  # noqa: A002 - the word for it
        save_options: Mapping[str, Any] | None = None,
    ) -> None:
        self._session = session
        self._flavor = flavor
        self._options = options
        self._format = format
        self._save_options = save_options or {}

    @property
    def wants_sample(self) -> bool:
        """Whether the first rows of the training data are needed."""
        options = self._options
        return bool(
            options.log_models and (options.log_model_signatures or options.log_input_examples)
        )

    def save(self, model: Any, sample: Any) -> None:
        """Save ``model`` as the run's, unless that is switched off."""
        if not self._options.log_models:
            return
        session, options = self._session, self._options
        signature, example = None, None
        if self.wants_sample and sample is None:
            reason = "the training data does not show its rows"
            if options.log_model_signatures:
                session.skipped("signature", reason)
            if options.log_input_examples:
                session.skipped("input example", reason)
        elif options.log_model_signatures:
            with session.capture("signature"):
                given = self._flavor.predict(model, sample, {})
                signature = _signature(sample, given)
        if options.log_input_examples:
            example = sample
        with session.capture("model 'model'") as note:
            content = ModelContent(model, signature, example, options=self._save_options)
            try:
                info = session.log_model(self._flavor, content, ModelEntry("model"))
            except (CannotSave, MissingLibrary) as error:
                note.skip(str(error))
                return
            note.detail = f"{info.model_uri} ({self._format})"
            for text in info.notes:
                session.degraded("model 'model'", text)
        if example is not None:
            session.captured("input example")


def _signature(sample: Any, given: Any) -> ModelSignature:
    return ModelSignature(infer_signature(sample).inputs, infer_signature(None, given).outputs)


# Settings


def say_unregistered(name: str | None, *, silent: bool, framework: str) -> None:
    """Warn that a model is not registered: there is no registry yet."""
    if name is not None and not silent:
        _log.warning(
            "%s: registered_model_name=%r is not acted on: there is no model registry yet.",
            framework,
            name,
        )


def parameters(function: Callable[..., Any]) -> tuple[tuple[str, ...], dict[str, Any]]:
    """The names of a function's parameters in order, and the defaults of those that have one."""
    import inspect

    found = inspect.signature(function).parameters
    defaults = {
        name: parameter.default
        for name, parameter in found.items()
        if parameter.default is not parameter.empty
    }
    return tuple(found), defaults
