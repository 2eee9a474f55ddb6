"""The public API as a user writes it: mypy must accept this file as it stands; nothing runs it."""

from __future__ import annotations

import chiplog
from chiplog import ActiveRun, MlflowClient, MlflowException
from chiplog.entities import Experiment, Metric, Param, Run, RunTag, ViewType
from chiplog.exceptions import ChiplogError

experiment: Experiment = chiplog.set_experiment("typing")
experiment_id: str = chiplog.create_experiment("other", tags={"a": "b"})

with chiplog.start_run(run_name="typed", tags={"a": 1}) as run:
    active: ActiveRun = run
    chiplog.log_metric("loss", 0.5, step=1)
    chiplog.log_metrics({"a": 1, "b": 2.0})
    chiplog.log_param("lr", 0.1)
    chiplog.log_params({"depth": 3})
    chiplog.set_tag("a", 1)
    chiplog.log_text("text", "notes.txt")
    operations = chiplog.log_metric("loss", 0.5, synchronous=False)
    if operations is not None:
        operations.wait()

current: ActiveRun | None = chiplog.active_run()
last: Run | None = chiplog.last_active_run()
metrics: dict[str, float] = chiplog.get_run(run.info.run_id).data.metrics
uri: str = chiplog.get_tracking_uri()

client = MlflowClient()
created: Run = client.create_run("0")
client.log_batch(
    created.info.run_id,
    metrics=[Metric("loss", 0.5, timestamp=0, step=0)],
    params=[Param("a", "1")],
    tags=[RunTag("b", "2")],
)
points: list[Metric] = client.get_metric_history(created.info.run_id, "loss")
for found in client.search_runs(["0"], run_view_type=ViewType.ALL):
    name: str | None = found.info.run_name

try:
    client.get_run("missing")
except MlflowException as error:
    code: str = error.error_code
except ChiplogError:
    raise

chiplog.set_tracking_uri("sqlite:///runs.db")
chiplog.autolog()
