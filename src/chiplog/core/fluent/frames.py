"""Search results as pandas DataFrames; imported only when pandas is there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chiplog.core.entities import LoggedModel, Run

_INFO = ("run_id", "experiment_id", "status", "artifact_uri")
_MODEL = (
    "artifact_location",
    "creation_timestamp",
    "experiment_id",
    "last_updated_timestamp",
    "metrics",
    "model_id",
    "model_type",
    "name",
    "params",
    "source_run_id",
    "status",
    "status_message",
    "tags",
)


def frame_of_runs(runs: Sequence[Run]) -> Any:
    """Runs as rows: what they are, then a column for each metric, param and tag.

    Times are in UTC. A metric that a run lacks is NaN, a param or tag None.
    """
    columns: dict[str, Any] = {name: [getattr(run.info, name) for run in runs] for name in _INFO}
    for name in ("start_time", "end_time"):
        times = [getattr(run.info, name) for run in runs]
        columns[name] = pd.to_datetime(pd.Series(times, dtype="Int64"), unit="ms", utc=True)
    for prefix, missing in (("metrics", float("nan")), ("params", None), ("tags", None)):
        records = [getattr(run.data, prefix) for run in runs]
        keys = dict.fromkeys(key for record in records for key in record)
        for key in keys:
            columns[f"{prefix}.{key}"] = [record.get(key, missing) for record in records]
    return pd.DataFrame(columns)


def frame_of_models(models: Sequence[LoggedModel]) -> Any:
    """Logged models as rows, a column for each field."""
    return pd.DataFrame(
        [{name: getattr(model, name) for name in _MODEL} for model in models],
        columns=list(_MODEL),
    )
