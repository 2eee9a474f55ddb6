"""``chiplog.models.evaluate``: measure a model, and record what was found."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from chiplog.core.artifacts.paths import check_path
from chiplog.core.autolog.nesting import suspended
from chiplog.core.client.artifacts import put_table
from chiplog.core.entities import DatasetInput, LoggedModelInput
from chiplog.core.errors import InvalidValue, StoreUnavailable, WrongType
from chiplog.core.evaluation.artifacts import EvaluationArtifact
from chiplog.core.evaluation.dataset import EvaluationDataset, read_dataset
from chiplog.core.evaluation.evaluator import EvaluationTask, Findings, evaluators, get_evaluator
from chiplog.core.evaluation.metrics import EvaluationMetric
from chiplog.core.evaluation.result import EvaluationResult
from chiplog.core.evaluation.subject import Subject, subject_of
from chiplog.core.runs import active
from chiplog.core.runs.lifecycle import start_run
from chiplog.core.runs.writer import dataset_tags

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from chiplog.core.evaluation.evaluator import ModelEvaluator
    from chiplog.core.runs.writer import RunWriter

_NEEDS_TARGETS = frozenset({"classifier", "regressor"})


def evaluate(
    model: Any = None,
    data: Any = None,
    *,
    model_type: str | None = None,
    targets: Any = None,
    predictions: str | None = None,
    dataset_path: str | None = None,
    feature_names: Sequence[str] | None = None,
    evaluators: str | Sequence[str] | None = None,
    evaluator_config: Mapping[str, Any] | None = None,
    extra_metrics: Sequence[EvaluationMetric] | None = None,
    custom_artifacts: Sequence[Callable[..., Any]] | None = None,
    env_manager: str = "local",
    model_config: Mapping[str, Any] | None = None,
    inference_params: Mapping[str, Any] | None = None,
    model_id: str | None = None,
) -> EvaluationResult:
    """Measure a model on data; metrics, plots and tables go to the active run, or a new one.

    Args:
        model: a model's URI, a model that ``chiplog.pyfunc.load_model`` loaded, a function of the
            data, an object with ``predict``; or None to measure the data's own ``predictions``. One
            that must be trusted is loaded first, with ``allow_pickle=True``.
        data: a DataFrame of pandas or polars, an array, a list of rows, or a ``chiplog.data`` set.
        model_type: ``classifier`` or ``regressor``; None computes ``extra_metrics`` alone.
        targets: what is true: the name of a column, or a value for each row.
        predictions: the name of the column with a model's predictions.
        dataset_path: where the data comes from, for the record.
        feature_names: the columns a model is given; all but targets and predictions by default.
        evaluators: names of evaluators; by default all that can measure such models.
        evaluator_config: the evaluator's settings; of several evaluators, by their names.
        extra_metrics: metrics of your own, by :func:`make_metric`.
        custom_artifacts: functions ``(eval_df, builtin_metrics, artifacts_dir)`` that hand back
            files of your own by name.
        env_manager: ``uv``, ``virtualenv`` or ``conda`` predicts in an environment of the model's
            own, ``local`` in this one.
        model_config: settings to load the model with.
        inference_params: parameters of the model's ``predict``.
        model_id: the logged model that the metrics belong to, if ``model`` does not say so.
    """
    if data is None:
        raise InvalidValue("There is nothing to evaluate on: give data=....")
    chosen = _chosen(evaluators, model_type, dict(evaluator_config or {}))
    dataset = read_dataset(
        data,
        targets,
        predictions,
        is_predicted=model is not None,
        feature_names=feature_names,
        weights=next((c["sample_weights"] for _, c in chosen if "sample_weights" in c), None),
        source=dataset_path,
    )
    metrics = _checked_metrics(extra_metrics)
    _check(model, model_type, dataset, metrics)
    subject = subject_of(
        model,
        output=predictions,
        env_manager=env_manager,
        model_config=model_config,
        inference_params=inference_params,
    )
    measured = _model_id(model_id, subject)
    with _run() as writer:
        _record_inputs(writer, dataset, measured)
        result = EvaluationResult({}, run_id=writer.run_id)
        own = tuple(custom_artifacts or ())
        for evaluator, config in chosen:
            task = EvaluationTask(model_type, dataset, subject, config, metrics, own, writer.run_id)
            with suspended():  # what is predicted here is no work of the user's to be recorded
                findings = evaluator.evaluate(task)
            _record(writer, findings, dataset, measured)
            _add(result, findings)
    return result


def _add(result: EvaluationResult, findings: Findings) -> None:
    """Put what one evaluator found to what is handed back."""
    result.metrics.update(findings.metrics)
    result.artifacts.update(findings.artifacts)
    result.tables.update(findings.tables)
    result.left_out.update(findings.left_out)


def _chosen(
    names: str | Sequence[str] | None, model_type: str | None, config: dict[str, Any]
) -> list[tuple[ModelEvaluator, dict[str, Any]]]:
    """The evaluators to ask, each with its settings."""
    wanted = [names] if isinstance(names, str) else names
    known = evaluators() if wanted is None else {name: get_evaluator(name) for name in wanted}
    by_name = bool(config) and config.keys() <= known.keys()
    if len(known) > 1 and wanted is not None and config and not by_name:
        raise InvalidValue(
            f"Of several evaluators, evaluator_config has the settings of each by its name, "
            f"{', '.join(map(repr, known))}; it has {', '.join(map(repr, config))}."
        )
    chosen = []
    for name, evaluator in known.items():
        own = dict(config.get(name) or {}) if by_name else config
        if evaluator.can_evaluate(model_type, own):
            chosen.append((evaluator, own))
        elif wanted is not None:
            raise InvalidValue(f"The evaluator {name!r} measures no model_type={model_type!r}.")
    if not chosen:
        listed = ", ".join(sorted(known)) or "none"
        raise InvalidValue(
            f"No evaluator measures model_type={model_type!r}: give 'classifier' or 'regressor', "
            f"or None with extra_metrics. Known evaluators: {listed}."
        )
    return chosen


def _checked_metrics(given: Sequence[EvaluationMetric] | None) -> tuple[EvaluationMetric, ...]:
    for metric in given or ():
        if not isinstance(metric, EvaluationMetric):
            raise WrongType(
                f"extra_metrics are made by make_metric(eval_fn=..., greater_is_better=...); "
                f"{metric!r} is none."
            )
    return tuple(given or ())


def _check(
    model: Any,
    model_type: str | None,
    dataset: EvaluationDataset,
    metrics: Sequence[EvaluationMetric],
) -> None:
    """Raise InvalidValue if something is missing that the evaluation needs."""
    if model is None and dataset.predictions is None:
        raise InvalidValue(
            "There is nothing to measure: give a model, or predictions='name of the column with a "
            "model's predictions'."
        )
    if model_type is None and not metrics:
        raise InvalidValue(
            "Nothing says what to measure: give model_type='classifier' or 'regressor', or "
            "extra_metrics."
        )
    if not len(dataset):
        raise InvalidValue("The data has no rows.")
    if model_type in _NEEDS_TARGETS and dataset.labels is None:
        raise InvalidValue(
            f"A {model_type} is measured against what is true: give targets='name of a column', or "
            "an array of them."
        )


def _model_id(given: str | None, subject: Subject | None) -> str | None:
    """The logged model that is measured, if it is one."""
    own = subject.model_id if subject else None
    if given is not None and own is not None and given != own:
        raise InvalidValue(
            f"model_id={given!r} is not the model that is evaluated, {own!r}: leave it out."
        )
    return given or own or active.active_model_id()


@contextlib.contextmanager
def _run() -> Iterator[RunWriter]:
    """The active run's pen; without one, that of a run which ends with the block."""
    writer = active.current_writer()
    if writer is not None:
        yield writer
        return
    with start_run():
        writer = active.current_writer()
        assert writer is not None, "a run was started"
        yield writer


def _record_inputs(writer: RunWriter, dataset: EvaluationDataset, model_id: str | None) -> None:
    inputs = [] if dataset.entity is None else [dataset.entity]
    writer.log_inputs(
        [DatasetInput(entity, dataset_tags("eval", None)) for entity in inputs],
        [LoggedModelInput(model_id)] if model_id else [],
    )


def _record(
    writer: RunWriter, findings: Findings, dataset: EvaluationDataset, model_id: str | None
) -> None:
    """Record what an evaluator found; its artifacts learn where they are stored."""
    entity = dataset.entity
    writer.log_metrics(
        findings.metrics,
        model_id=model_id,
        dataset_name=entity.name if entity else None,
        dataset_digest=entity.digest if entity else None,
    )
    for artifact in findings.artifacts.values():
        writer.artifacts.put_bytes(artifact.data, check_path(artifact.file))
        artifact.uri = _uri(writer, artifact.file)
    for name, table in findings.tables.items():
        file = f"{name}.json"
        put_table(writer, table, file)
        with writer.artifacts.open(file) as stored:
            found = EvaluationArtifact(file, stored.read(), _uri(writer, file))
        findings.artifacts[name] = found


def _uri(writer: RunWriter, file: str) -> str:
    try:
        root = writer.artifact_uri.rstrip("/")
    except StoreUnavailable:  # its files wait until the store is back
        root = f"runs:/{writer.run_id}"
    return f"{root}/{file}"
