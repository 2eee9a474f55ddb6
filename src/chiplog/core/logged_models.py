"""Logged models: what they are, and how they come to be, change and are found.

The files of a model are written by its flavor, into :func:`model_artifacts`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from chiplog.core import experiments, validation
from chiplog.core.artifacts import outbox
from chiplog.core.clock import now_ms
from chiplog.core.entities import LoggedModel, LoggedModelStatus
from chiplog.core.errors import InvalidValue, NotFound
from chiplog.core.journal import open_journal
from chiplog.core.records import ModelRecorded
from chiplog.core.runs.names import new_model_id, random_name
from chiplog.core.runs.reading import readable_store
from chiplog.core.stores import open_artifact_store
from chiplog.hooks.manager import plugins

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from chiplog.core.entities import Page
    from chiplog.core.stores import ArtifactStore

PAGE = 100

#: Says of a model that its files lie elsewhere: in its tags, and in its MLmodel file's metadata.
EXTERNAL_TAG = "mlflow.model.isExternal"


def create(
    uri: str,
    experiment_id: str,
    *,
    name: str | None = None,
    source_run_id: str | None = None,
    tags: Mapping[str, Any] | None = None,
    params: Mapping[str, Any] | None = None,
    model_type: str | None = None,
) -> LoggedModel:
    """Create a logged model, whose files are still to come (status PENDING)."""
    name = random_name() if name is None else validation.check_model_name(name)
    experiment = experiments.for_new_run(uri, experiment_id)
    model_id = new_model_id()
    now = now_ms()
    root = experiment.artifact_location.rstrip("/")
    model = LoggedModel(
        experiment_id=experiment.experiment_id,
        model_id=model_id,
        name=name,
        artifact_location=f"{root}/models/{model_id}/artifacts" if root else "",
        creation_timestamp=now,
        last_updated_timestamp=now,
        model_type=model_type,
        source_run_id=source_run_id,
        tags=validation.check_tags(tags or {}),
        params=validation.check_params(params or {}),
    )
    record(uri, model)
    return model


def record(uri: str, model: LoggedModel) -> None:
    """Record a logged model as it now is."""
    open_journal(uri).record(ModelRecorded(model.source_run_id or "", model=model))


def get(uri: str, model_id: str) -> LoggedModel:
    """The logged model of that id; raises NotFound."""
    return readable_store(uri).get_logged_model(model_id)


def finalize(uri: str, model_id: str, status: str) -> LoggedModel:
    """Record that a model's files are complete (``READY``), or never will be (``FAILED``)."""
    text = str(status)
    if text not in {LoggedModelStatus.READY, LoggedModelStatus.FAILED, LoggedModelStatus.PENDING}:
        raise InvalidValue(
            f"{status!r} is not a status to finalize with; give 'READY' or 'FAILED'."
        )
    model = change(uri, model_id, status=text)
    if text == LoggedModelStatus.READY:
        plugins().hook.chiplog_model_logged(model=model)
    return model


def finalize_external(uri: str, model: LoggedModel) -> LoggedModel:
    """Record that a model's files lie elsewhere; its MLmodel file says so, and nothing else."""
    from chiplog.core.models import yamls
    from chiplog.core.models.model import FILE, Model

    said = Model(
        artifact_path=model.artifact_location,
        run_id=model.source_run_id,
        model_id=model.model_id,
        model_uuid=model.model_id,
        metadata={EXTERNAL_TAG: True},
    )
    model_artifacts(uri, model).put_bytes(yamls.dump(said.to_dict()).encode(), FILE)
    return finalize(uri, model.model_id, LoggedModelStatus.READY)


def change(uri: str, model_id: str, **fields: Any) -> LoggedModel:
    """Record a model with some fields changed; hands it back."""
    model = get(uri, model_id)
    changed = msgspec.structs.replace(model, last_updated_timestamp=now_ms(), **fields)
    record(uri, changed)
    return changed


def log_params(uri: str, model_id: str, params: Mapping[str, Any]) -> None:
    """Record params of a model; raises InvalidValue if one has another value already."""
    texts = validation.check_params(params)
    known = get(uri, model_id).params
    for key, text in texts.items():
        if known.get(key, text) != text:
            raise InvalidValue(
                f"Changing param values is not allowed: param {key!r} of logged model "
                f"{model_id!r} is {known[key]!r} already, not {text!r}."
            )
    change(uri, model_id, params={**known, **texts})


def set_tags(uri: str, model_id: str, tags: Mapping[str, Any]) -> None:
    """Set or replace tags of a model."""
    texts = validation.check_tags(tags)
    change(uri, model_id, tags={**get(uri, model_id).tags, **texts})


def delete_tag(uri: str, model_id: str, key: str) -> None:
    """Remove a tag of a model; raises NotFound if it has none of that name."""
    tags = dict(get(uri, model_id).tags)
    if key not in tags:
        raise NotFound(f"Logged model {model_id!r} has no tag {key!r}.")
    del tags[key]
    change(uri, model_id, tags=tags)


def delete(uri: str, model_id: str) -> None:
    """Put a model in the bin; it is not found any more, and garbage collection frees it."""
    change(uri, model_id, status=LoggedModelStatus.DELETED)


def search(
    uri: str,
    experiment_ids: Sequence[str],
    filter_string: str | None = None,
    datasets: Sequence[Mapping[str, str]] | None = None,
    max_results: int | None = None,
    order_by: Sequence[Any] | None = None,
    page_token: str | None = None,
) -> Page[LoggedModel]:
    """A page of logged models, latest first; ``datasets`` keeps those with metrics on them."""
    orders = [one if isinstance(one, str) else _order(one) for one in order_by or ()]
    page = readable_store(uri).search_logged_models(
        [str(one) for one in experiment_ids],
        filter_string,
        PAGE if max_results is None else max_results,
        orders or None,
        page_token,
    )
    if datasets:
        page[:] = [model for model in page if _has_metrics_on(model, datasets)]
    return page


def search_all(
    uri: str,
    experiment_ids: Sequence[str],
    filter_string: str | None,
    datasets: Sequence[Mapping[str, str]] | None,
    max_results: int | None,
    order_by: Sequence[Any] | None,
) -> list[LoggedModel]:
    """Every logged model that matches, page after page, or the first ``max_results``."""
    found: list[LoggedModel] = []
    token: str | None = None
    while max_results is None or len(found) < max_results:
        page = search(uri, experiment_ids, filter_string, datasets, PAGE, order_by, token)
        found.extend(page)
        token = page.token
        if not token:
            break
    return found if max_results is None else found[:max_results]


def model_artifacts(uri: str, model: LoggedModel) -> ArtifactStore:
    """Where a model's files lie; those of one whose store cannot be asked for it wait."""
    if not model.artifact_location:
        return outbox.model_files(open_journal(uri), model.model_id)
    return open_artifact_store(model.artifact_location)


def _order(order: Mapping[str, Any]) -> str:
    """MLflow's dict form of an order, as text."""
    direction = "ASC" if order.get("ascending", True) else "DESC"
    return f"{order['field_name']} {direction}"


def _has_metrics_on(model: LoggedModel, datasets: Sequence[Mapping[str, str]]) -> bool:
    return any(
        metric.dataset_name == wanted.get("dataset_name")
        and wanted.get("dataset_digest") in {None, metric.dataset_digest}
        for metric in model.metrics
        for wanted in datasets
    )
