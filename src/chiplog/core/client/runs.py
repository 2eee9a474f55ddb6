"""The client's methods on runs: creating, reading, searching, recording and ending them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chiplog.core import experiments, validation
from chiplog.core.entities import Metric, Param, Run, RunTag, ViewType
from chiplog.core.errors import InvalidValue
from chiplog.core.fluent.operations import RunOperations, switch
from chiplog.core.records import RunUpdated
from chiplog.core.runs import active
from chiplog.core.runs.beginning import begin_run
from chiplog.core.runs.reading import metric_history, readable_store
from chiplog.core.tags import PARENT_RUN_ID, RUN_NAME

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from chiplog.core.entities import (
        DatasetInput,
        LoggedModelInput,
        LoggedModelOutput,
        Page,
    )
    from chiplog.core.runs.writer import RunWriter


class RunMethods:
    """Runs by their ids. Nothing here starts one implicitly, or adds tags of its own."""

    tracking_uri: str

    def create_run(
        self,
        experiment_id: str,
        start_time: int | None = None,
        tags: Mapping[str, Any] | None = None,
        run_name: str | None = None,
    ) -> Run:
        """Create a run; it outlives this process, until :meth:`set_terminated`."""
        texts = validation.check_tags(tags or {})
        tagged = texts.get(RUN_NAME)
        if run_name and tagged and run_name != tagged:
            raise InvalidValue(
                f"run_name={run_name!r} and the tag {RUN_NAME}={tagged!r} differ; give one of them."
            )
        if run_name:
            texts[RUN_NAME] = run_name
        experiment = experiments.for_new_run(self.tracking_uri, experiment_id)
        entry = begin_run(
            self.tracking_uri,
            experiment.experiment_id,
            experiment.artifact_location,
            texts,
            start_time=None if start_time is None else int(start_time),
            owned=False,
        )
        return Run(entry.run.info, entry.run.data)

    def get_run(self, run_id: str) -> Run:
        """The run of that id, deleted ones included; raises NotFound."""
        return readable_store(self.tracking_uri).get_run(run_id)

    def get_parent_run(self, run_id: str) -> Run | None:
        """The run that this one is a child of, or None."""
        parent = self.get_run(run_id).data.tags.get(PARENT_RUN_ID)
        return self.get_run(parent) if parent else None

    def delete_run(self, run_id: str) -> None:
        """Put a run in the bin."""
        readable_store(self.tracking_uri).delete_run(run_id)
        active.forget_writers(run_id)

    def restore_run(self, run_id: str) -> None:
        """Take a run out of the bin."""
        readable_store(self.tracking_uri).restore_run(run_id)
        active.forget_writers(run_id)

    def update_run(self, run_id: str, status: str | None = None, name: str | None = None) -> None:
        """Change a run's status or name; its end time stays."""
        writer = self._writer(run_id)
        checked = None if status is None else validation.check_status(status)
        if checked is not None:
            writer.record(RunUpdated(run_id, status=checked))
        if name:
            writer.set_tags({RUN_NAME: name})

    def set_terminated(
        self, run_id: str, status: str | None = None, end_time: int | None = None
    ) -> None:
        """End a run; FINISHED and now unless given."""
        checked = validation.check_status(status or "FINISHED")
        self._writer(run_id).end(checked, end_time)

    def search_runs(
        self,
        experiment_ids: Sequence[str] | str | int,
        filter_string: str = "",
        run_view_type: int = ViewType.ACTIVE_ONLY,
        max_results: int = 1000,
        order_by: Sequence[str] | None = None,
        page_token: str | None = None,
    ) -> Page[Run]:
        """A page of runs; its ``token`` asks for the next one."""
        ids = [experiment_ids] if isinstance(experiment_ids, (str, int)) else experiment_ids
        return readable_store(self.tracking_uri).search_runs(
            [str(one) for one in ids],
            filter_string or "",
            run_view_type,
            max_results,
            order_by,
            page_token,
        )

    def get_metric_history(self, run_id: str, key: str) -> list[Metric]:
        """Every point of a metric, by timestamp, step and value; empty for an unknown key."""
        return metric_history(self.tracking_uri, run_id, key)

    def log_metric(
        self,
        run_id: str,
        key: str,
        value: Any,
        timestamp: int | None = None,
        step: int | None = None,
        synchronous: bool | None = None,
        dataset_name: str | None = None,
        dataset_digest: str | None = None,
        model_id: str | None = None,
    ) -> RunOperations | None:
        """Record one point of a metric; see :func:`chiplog.log_metric`."""
        writer = self._writer(run_id)
        writer.log_metric(key, value, step, timestamp, model_id, dataset_name, dataset_digest)
        return switch.handle(writer.journal, synchronous)

    def log_param(
        self,
        run_id: str,
        key: str,
        value: Any,
        synchronous: bool | None = None,
    ) -> Any:
        """Record a parameter and hand back its value; raises InvalidValue if it has another."""
        writer = self._writer(run_id)
        writer.log_params({key: value})
        return switch.handle(writer.journal, synchronous) or value

    def log_batch(
        self,
        run_id: str,
        metrics: Sequence[Metric] = (),
        params: Sequence[Param] = (),
        tags: Sequence[RunTag] = (),
        synchronous: bool | None = None,
    ) -> RunOperations | None:
        """Record metrics, params and tags; nothing of it if any of them is wrong."""
        writer = self._writer(run_id)
        texts = validation.check_params(_without_duplicates(params))
        tag_texts = validation.check_tags({tag.key: tag.value for tag in tags})
        for metric in metrics:
            validation.check_key(metric.key, "metric")
            validation.metric_value(metric.key, metric.value)
            validation.metric_step(metric.key, metric.step)
            validation.metric_timestamp(metric.key, metric.timestamp)
        writer.log_checked_params(texts)
        for metric in metrics:
            writer.log_metric(
                metric.key,
                metric.value,
                metric.step,
                metric.timestamp,
                metric.model_id,
                metric.dataset_name,
                metric.dataset_digest,
            )
        writer.set_tags(tag_texts)
        return switch.handle(writer.journal, synchronous)

    def set_tag(
        self,
        run_id: str,
        key: str,
        value: Any,
        synchronous: bool | None = None,
    ) -> RunOperations | None:
        """Set or replace a tag of a run."""
        writer = self._writer(run_id)
        writer.set_tags({key: value})
        return switch.handle(writer.journal, synchronous)

    def delete_tag(self, run_id: str, key: str) -> None:
        """Remove a tag of a run; raises NotFound if it has none of that name."""
        self._writer(run_id).delete_tag(key)

    def log_inputs(
        self,
        run_id: str,
        datasets: Sequence[DatasetInput] | None = None,
        models: Sequence[LoggedModelInput] | None = None,
    ) -> None:
        """Record what a run reads."""
        self._writer(run_id).log_inputs(datasets or (), models or ())

    def log_outputs(self, run_id: str, models: Sequence[LoggedModelOutput]) -> None:
        """Record models that a run wrote."""
        self._writer(run_id).log_outputs(models)

    def _writer(self, run_id: str) -> RunWriter:
        return active.writer_for(run_id, self.tracking_uri)


def _without_duplicates(params: Sequence[Param]) -> dict[str, str]:
    found: dict[str, str] = {}
    for param in params:
        if found.setdefault(param.key, param.value) != param.value:
            raise InvalidValue(
                f"Duplicate parameter keys have been submitted: {param.key!r} is both "
                f"{found[param.key]!r} and {param.value!r}."
            )
    return found
