"""The logging functions: metrics, params, tags, inputs and outputs of the active run.

Each starts a run if none is active in the thread, as MLflow's do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, SupportsIndex

from chiplog.core import background
from chiplog.core.entities import Dataset, DatasetInput
from chiplog.core.errors import InvalidValue
from chiplog.core.fluent.operations import RunOperations, switch
from chiplog.core.journal import flush_all
from chiplog.core.runs import active
from chiplog.core.runs.active import local
from chiplog.core.runs.lifecycle import start_unasked
from chiplog.core.runs.writer import dataset_tags

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from chiplog.core.entities import LoggedModelInput, LoggedModelOutput
    from chiplog.core.runs.writer import RunWriter


def log_metric(
    key: str,
    value: Any,
    step: SupportsIndex | float | None = None,
    synchronous: bool | None = None,
    timestamp: int | None = None,
    run_id: str | None = None,
    model_id: str | None = None,
    dataset: Any = None,
) -> RunOperations | None:
    """Record one point of a metric; once this returns, the death of the process loses nothing.

    Args:
        key: the metric's name.
        value: a number, numeric text, a scalar or an array of one element. NaN and infinities stay.
        step: an integer, 0 unless given; steps may repeat, come in any order and be negative.
        synchronous: False hands back a handle to wait with.
        timestamp: milliseconds since the epoch; now unless given.
        run_id: record into this run instead of the active one.
        model_id: the logged model it belongs to.
        dataset: the data set it was computed on, which becomes an input of the run.
    """
    writer = local.fast
    if writer is None or run_id is not None or model_id is not None or dataset is not None:
        writer = writer_to_use(run_id)
        if dataset is not None:
            writer.log_measured_on(dataset, dataset_input)
        writer.log_metric(
            key,
            value,
            step,
            timestamp,
            model_id or active.active_model_id(),
            getattr(dataset, "name", None),
            getattr(dataset, "digest", None),
        )
    else:
        writer.log_metric(key, value, step, timestamp)
    if synchronous is None and not switch.on:
        return None
    return switch.handle(writer.journal, synchronous)


def log_metrics(
    metrics: Mapping[str, Any],
    step: SupportsIndex | float | None = None,
    synchronous: bool | None = None,
    run_id: str | None = None,
    timestamp: int | None = None,
    model_id: str | None = None,
    dataset: Any = None,
) -> RunOperations | None:
    """Record a point of each metric, under one timestamp; see :func:`log_metric`."""
    if not hasattr(metrics, "items"):
        raise InvalidValue(
            f"metrics must be a dict of names and values, not {metrics!r:.200} "
            f"({type(metrics).__name__})."
        )
    writer = writer_to_use(run_id)
    if dataset is not None:
        writer.log_measured_on(dataset, dataset_input)
    writer.log_metrics(
        metrics,
        step,
        timestamp,
        model_id or active.active_model_id(),
        getattr(dataset, "name", None),
        getattr(dataset, "digest", None),
    )
    return switch.handle(writer.journal, synchronous)


def log_param(key: str, value: Any, synchronous: bool | None = None) -> Any:
    """Record a parameter and hand back its value; raises InvalidValue if it has another already."""
    writer = writer_to_use()
    writer.log_params({key: value})
    return switch.handle(writer.journal, synchronous) or value


def log_params(
    params: Mapping[str, Any],
    synchronous: bool | None = None,
    run_id: str | None = None,
) -> RunOperations | None:
    """Record parameters; raises InvalidValue, recording none, if one has another value already."""
    writer = writer_to_use(run_id)
    writer.log_params(params)
    return switch.handle(writer.journal, synchronous)


def set_tag(key: str, value: Any, synchronous: bool | None = None) -> RunOperations | None:
    """Set or replace a tag of the active run."""
    return set_tags({key: value}, synchronous)


def set_tags(tags: Mapping[str, Any], synchronous: bool | None = None) -> RunOperations | None:
    """Set or replace tags of the active run."""
    writer = writer_to_use()
    writer.set_tags(tags)
    return switch.handle(writer.journal, synchronous)


def delete_tag(key: str) -> None:
    """Remove a tag of the active run; raises NotFound if it has none of that name."""
    writer_to_use().delete_tag(key)


def log_input(
    dataset: Any = None,
    context: str | None = None,
    tags: Mapping[str, str] | None = None,
    model: LoggedModelInput | None = None,
) -> None:
    """Record a data set, or a model, that the active run reads; ``context`` says what it is for."""
    if dataset is None and (context is not None or tags is not None):
        raise InvalidValue(
            f"context={context!r} and tags={tags!r} belong to a data set, and dataset is None."
        )
    writer_to_use().log_inputs(
        [dataset_input(dataset, context, tags)] if dataset is not None else [],
        [model] if model is not None else [],
    )


def log_inputs(
    datasets: Sequence[Any] | None = None,
    contexts: Sequence[str | None] | None = None,
    tags_list: Sequence[Mapping[str, str] | None] | None = None,
    models: Sequence[LoggedModelInput | None] | None = None,
) -> None:
    """Record several data sets or models that the active run reads; the lists are of one length."""
    given = [one for one in (datasets, contexts, tags_list, models) if one is not None]
    lengths = {len(one) for one in given}
    if len(lengths) > 1:
        raise InvalidValue(
            "datasets, contexts, tags_list and models must be of one length, not "
            + ", ".join(str(len(one)) for one in given)
        )
    count = lengths.pop() if lengths else 0
    blank: list[None] = [None] * count
    inputs = []
    for dataset, context, tags in zip(
        datasets or blank, contexts or blank, tags_list or blank, strict=True
    ):
        if dataset is not None:
            inputs.append(dataset_input(dataset, context, tags))
        elif context is not None or tags is not None:
            raise InvalidValue(
                f"context={context!r} and tags={tags!r} belong to a data set that is None."
            )
    writer_to_use().log_inputs(inputs, [model for model in models or () if model is not None])


def log_outputs(models: Sequence[LoggedModelOutput] | None = None) -> None:
    """Record models that the active run wrote."""
    writer_to_use().log_outputs(models or ())


def flush_async_logging() -> None:
    """Wait until everything this process recorded can be read from the store."""
    flush_all(None)


def flush_artifact_async_logging() -> None:
    """Wait until every artifact is stored: those that autologging had put off."""
    background.flush()


def dataset_input(
    dataset: Any, context: str | None = None, tags: Mapping[str, str] | None = None
) -> DatasetInput:
    """A data set of ``chiplog.data``, or one that looks like it, as an input of a run."""
    if isinstance(dataset, Dataset):
        entity = dataset
    elif hasattr(dataset, "to_entity"):
        entity = dataset.to_entity()
    elif hasattr(dataset, "to_dict"):
        fields = dataset.to_dict()
        entity = Dataset(**{name: fields.get(name) for name in Dataset.__struct_fields__})
    else:
        raise InvalidValue(
            f"{type(dataset).__name__} is no data set. Make one with chiplog.data.from_pandas() "
            "or chiplog.data.from_numpy()."
        )
    return DatasetInput(entity, dataset_tags(context, tags))


def writer_to_use(run_id: str | None = None) -> RunWriter:
    """The pen of the run of that id, else of the active run, started if there is none."""
    if run_id is not None:
        return active.writer_for(run_id)
    writer = active.current_writer()
    if writer is None:
        start_unasked()
        writer = active.current_writer()
        assert writer is not None
    active.refresh_fast()
    return writer
