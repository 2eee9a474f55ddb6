"""Watches a fit: parameters before it, metrics, plots and the model after it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from chiplog.core.autolog.integration import Call, Watch
from chiplog.core.data import describe_dataset
from chiplog.core.evaluation.plots import can_draw
from chiplog.core.models.examples import first_rows
from chiplog.core.models.logging import ModelEntry
from chiplog.core.models.saving import ModelContent
from chiplog.core.models.signature import ModelSignature, infer_signature
from chiplog.core.models.skops.file import CannotSave
from chiplog.integrations.sklearn import search
from chiplog.integrations.sklearn.config import SklearnConfig
from chiplog.integrations.sklearn.data import TrainingData, generators_untouched
from chiplog.integrations.sklearn.estimators import WATCHED, full_name, is_search, kind_of
from chiplog.integrations.sklearn.flavor import SklearnFlavor
from chiplog.integrations.sklearn.training import Outcome, evaluate

if TYPE_CHECKING:
    from chiplog.core.autolog.session import TrainingSession
    from chiplog.core.entities import Dataset
    from chiplog.core.models.schema import Schema

EXAMPLE_ROWS: Final = 5
_SCHEMA_ROWS: Final = 10_000

_FLAVOR: Final = SklearnFlavor()


def estimator_tags(estimator: Any) -> dict[str, str]:
    """The tags that say what was trained."""
    cls = type(estimator)
    return {"estimator_name": cls.__name__, "estimator_class": full_name(cls)}


def log_beginning(
    session: TrainingSession, estimator: Any, data: TrainingData, options: SklearnConfig
) -> Dataset | None:
    """Record what is known before training: tags, parameters, the data set."""
    with session.capture("tags"):
        session.set_tags(estimator_tags(estimator))
    with session.capture("params") as note:
        deep = not is_search(estimator)
        note.count = session.log_params(estimator.get_params(deep=deep))
    if options.log_datasets:
        with session.capture("dataset") as note:
            dataset = describe_dataset(data.X, data.y)
            if dataset is None:
                note.skip(f"data of type {type(data.X).__name__} is not described")
            else:
                session.log_dataset(dataset, "train")
            return dataset
    return None


def log_outcome(session: TrainingSession, outcome: Outcome, step: int = 0) -> None:
    """Record training metrics and have their plots drawn."""
    with session.capture("metrics") as note:
        note.count = session.log_metrics(outcome.metrics, step)
        if not note.count:
            note.skip("there is nothing to measure: no target, or no way to predict it")
    for what, reason in outcome.missing.items():
        session.skipped(what, reason)
    if outcome.figures and not can_draw():
        session.skipped("plots", "matplotlib is not installed")
        return
    for file, draw, arguments in outcome.figures:
        session.log_figure(file, draw, *arguments)
    if outcome.figures:
        session.captured("plots", len(outcome.figures))


class FitWatch(Watch[SklearnConfig]):
    """Watches ``fit``, ``fit_transform`` and ``fit_predict``."""

    data: TrainingData
    sample: Any = None
    inputs: Schema | None = None
    signature: ModelSignature | None = None
    dataset: Dataset | None = None

    @classmethod
    def wants(cls, call: Call, options: SklearnConfig) -> bool:  # noqa: ARG003
        """Whether an estimator is fitted that is scikit-learn's or the user's own."""
        instance = call.instance
        return (
            instance is not None
            and not isinstance(instance, type)
            and hasattr(instance, "get_params")
            and kind_of(type(instance)) == WATCHED
        )

    def before(self, call: Call) -> None:
        """Record tags, parameters and the data set; keep the first rows."""
        self.data = TrainingData.of(call)
        self.dataset = log_beginning(self.session, call.instance, self.data, self.options)
        if self.options.log_models and (
            self.options.log_model_signatures or self.options.log_input_examples
        ):
            stored = self.options.log_input_examples
            with self.session.capture("input example" if stored else "signature") as note:
                note.is_preparation = True
                self.sample = first_rows(self.data.X, EXAMPLE_ROWS)
                if self.sample is None:
                    note.skip(f"no rows can be taken from a {type(self.data.X).__name__}")
                elif self.options.log_model_signatures:
                    # Training may write into its data: what it took is read off before.
                    self.inputs = _inputs(self.data.X)

    def after(self, call: Call, result: Any) -> None:  # noqa: ARG002
        """Record the model, then metrics, which are the model's, then the rest."""
        estimator = call.instance
        outcome = Outcome()
        with generators_untouched(estimator):
            with self.session.capture("evaluation"):
                outcome = evaluate(estimator, self.data, self.options.pos_label)
            if self.options.log_models:
                self._log_model(estimator, outcome)
        log_outcome(self.session, outcome)
        with self.session.capture("estimator.html"):
            self.session.log_text(_html(estimator), "estimator.html")
        if is_search(estimator):
            search.log_search(self, estimator)

    def _log_model(self, estimator: Any, outcome: Outcome) -> None:
        if self.options.log_model_signatures and self.inputs is not None:
            with self.session.capture("signature"):
                self.signature = self._signature(estimator, outcome)
        saved = self.save("model", estimator)
        if saved is not None and self.sample is not None and self.options.log_input_examples:
            self.session.captured("input example")

    def save(self, name: str, model: Any) -> str | None:
        """Save a model of this fit into the run; its id, or None if it could not be saved."""
        with self.session.capture(f"model {name!r}") as note:
            example = self.sample if self.options.log_input_examples else None
            content = ModelContent(
                model,
                self.signature,
                example,
                options={"serialization_format": self.options.serialization_format},
            )
            try:
                info = self.session.log_model(_FLAVOR, content, ModelEntry(name))
            except CannotSave as error:
                note.skip(str(error))
            else:
                note.detail = f"{info.model_uri} ({self.options.serialization_format})"
                for text in info.notes:
                    self.session.degraded(f"model {name!r}", text)
                return info.model_id
        return None

    def _signature(self, estimator: Any, outcome: Outcome) -> ModelSignature:
        """What the model takes, as training saw it, and what it gives."""
        given = outcome.predictions
        if given is None:
            method = "predict" if hasattr(estimator, "predict") else "transform"
            if hasattr(estimator, method):
                given = getattr(estimator, method)(self.sample)
        else:
            given = given[:EXAMPLE_ROWS]
        outputs = None if given is None else infer_signature(None, given).outputs
        return ModelSignature(self.inputs, outputs)


def _inputs(features: Any) -> Schema | None:
    """The schema of the features; columns are nullable if a value is missing anywhere near."""
    rows = features.iloc[:_SCHEMA_ROWS] if hasattr(features, "iloc") else features
    if isinstance(rows, (list, tuple)):
        rows = list(rows[:EXAMPLE_ROWS])
    return infer_signature(rows).inputs


def _html(estimator: Any) -> str:
    from sklearn.utils import estimator_html_repr

    return str(estimator_html_repr(estimator))
