# mypy: ignore-errors
# (MLflow is not installed where the types are checked.)
"""MLflow on its default: an SQLite database and local artifacts in the working directory."""

from __future__ import annotations

import os
import signal
import sqlite3
import time
import uuid
from pathlib import Path

import mlflow
from mlflow import MlflowClient
from mlflow.entities import Metric

from benchmarks.workers import data, loops, training
from benchmarks.workers.protocol import folder_size, serve, summary, verb, work

DATABASE = "mlflow.db"


@verb
def begin(asynchronous: bool = False) -> None:
    mlflow.config.enable_async_logging(asynchronous)
    mlflow.start_run()
    mlflow.log_metric("warm", 0.0, step=0)


@verb
def log_metric(count: int, between: float = 0.0) -> dict:
    values = data.noisy_loss(count)
    taken = [0] * count
    clock = time.perf_counter_ns
    for step, value in enumerate(values):
        work(between)
        start = clock()
        mlflow.log_metric("loss", value, step=step)
        taken[step] = clock() - start
    return summary(taken)


@verb
def drain() -> None:
    mlflow.flush_async_logging()


@verb
def sustained(count: int, batch: int = 0) -> float:
    values = data.noisy_loss(count)
    client = MlflowClient()
    start = time.perf_counter()
    with mlflow.start_run() as run:
        _log_series(client, run.info.run_id, values, batch)
    seconds = time.perf_counter() - start
    readable = len(client.get_metric_history(run.info.run_id, "loss"))
    assert readable == count, f"{readable} of {count} points are readable"
    return seconds


def _log_series(client, run_id, values, batch):
    if not batch:
        for step, value in enumerate(values):
            mlflow.log_metric("loss", value, step=step)
    for begin in range(0, len(values) if batch else 0, batch or 1):
        now = time.time_ns() // 1_000_000
        points = [
            Metric("loss", value, now, begin + number)
            for number, value in enumerate(values[begin : begin + batch])
        ]
        client.log_batch(run_id, metrics=points)


@verb
def size(count: int, batch: int = 1000) -> int:
    values = data.noisy_loss(count)
    client = MlflowClient()
    with mlflow.start_run() as run:
        _log_series(client, run.info.run_id, values, batch)
    return folder_size(".")


@verb
def short_run() -> float:
    start = time.perf_counter()
    with mlflow.start_run() as run:
        mlflow.log_params(data.PARAMS)
        mlflow.set_tags(data.TAGS)
        mlflow.log_metrics(data.METRICS)
    read = mlflow.get_run(run.info.run_id).data
    seconds = time.perf_counter() - start
    assert (len(read.params), len(read.metrics)) == (20, 5)
    return seconds


@verb
def die_after(count: int, seconds: float) -> None:
    for step, value in enumerate(data.noisy_loss(count)):
        time.sleep(seconds)
        mlflow.log_metric("loss", value, step=step)
    os.kill(os.getpid(), signal.SIGKILL)


@verb
def surviving(key: str = "loss") -> dict:
    client = MlflowClient()
    runs = mlflow.search_runs(search_all_experiments=True, output_format="list")
    points = sum(len(client.get_metric_history(run.info.run_id, key)) for run in runs)
    return {"runs": len(runs), "points": points, "status": [run.info.status for run in runs]}


@verb
def one_of_many(points: int) -> None:
    with mlflow.start_run():
        for step in range(points):
            mlflow.log_metric("loss", 1.0 / (step + 1), step=step)


@verb
def autolog(models: bool = True, children: int | None = 5) -> None:
    mlflow.sklearn.autolog(log_models=models, max_tuning_runs=children)


@verb
def fit() -> float:
    return training.small_fit()


@verb
def contents() -> str:
    """What the last run has: proof that a fast fit recorded as much as a slow one."""
    run = mlflow.last_active_run()
    assert run is not None
    files = mlflow.MlflowClient().list_artifacts(run.info.run_id)
    models = run.outputs.model_outputs if run.outputs else []
    counts = len(run.data.params), len(run.data.metrics), len(files), len(models)
    return "{} params, {} metrics, {} files, {} models".format(*counts)


@verb
def grid(candidates: int) -> float:
    return training.grid_search(candidates)


@verb
def recorded() -> int:
    return len(mlflow.search_runs(search_all_experiments=True, output_format="list"))


@verb
def log_model() -> float:
    model, example = training.fitted_model()
    with mlflow.start_run():
        start = time.perf_counter()
        mlflow.sklearn.log_model(model, name="model", input_example=example)
        return time.perf_counter() - start


@verb
def enforce(narrow: bool) -> float:
    """A prediction that hands its data back: what is left is holding it to the signature."""
    name = f"passing_{narrow}"
    frame, few = data.wide_frame(100_000, 50, narrow=narrow)
    if not Path(name).exists():
        signature = mlflow.models.infer_signature(few)
        mlflow.pyfunc.save_model(
            name, python_model=_passing, signature=signature, pip_requirements=["mlflow"]
        )
    model = mlflow.pyfunc.load_model(name, suppress_warnings=True)
    start = time.perf_counter()
    made = model.predict(frame)
    seconds = time.perf_counter() - start
    assert made.dtypes.equals(few.dtypes), "the types are not the signature's"
    return seconds


def _passing(model_input):
    return model_input


@verb
def fill(runs: int, analyze: bool = False) -> None:
    """Fill the tables directly: through the API 10,000 runs would take a quarter of an hour."""
    mlflow.search_experiments()
    base = 1_700_000_000_000
    with sqlite3.connect(DATABASE) as connection:
        for begin in range(0, runs, 10_000):
            rows = [
                (uuid.uuid5(uuid.NAMESPACE_OID, str(number)).hex, number)
                for number in range(begin, min(begin + 10_000, runs))
            ]
            connection.executemany(
                "INSERT INTO runs (run_uuid, name, source_type, source_name, entry_point_name,"
                " user_id, status, start_time, end_time, source_version, lifecycle_stage,"
                " artifact_uri, experiment_id) VALUES"
                " (?, ?, 'LOCAL', 'train.py', '', 'ada', 'FINISHED', ?, ?, '', 'active', ?, 0)",
                [
                    (key, f"run-{n}", base + n, base + n + 500, f"mlruns/0/{key}/artifacts")
                    for key, n in rows
                ],
            )
            metrics = [
                (name, value, base + n, key, 1, 0)
                for key, n in rows
                for name, value in data.searched_metrics(n).items()
            ]
            for table in ("metrics", "latest_metrics"):
                connection.executemany(
                    f"INSERT INTO {table} (key, value, timestamp, run_uuid, step, is_nan)"
                    " VALUES (?, ?, ?, ?, ?, ?)",
                    metrics,
                )
            for table, items in (("params", data.searched_params), ("tags", data.searched_tags)):
                connection.executemany(
                    f"INSERT INTO {table} (key, value, run_uuid) VALUES (?, ?, ?)",
                    [(name, value, key) for key, n in rows for name, value in items(n).items()],
                )
        if analyze:
            connection.execute("ANALYZE")


@verb
def query(filter_string: str = "", order_by: str = "", page: int = 100) -> dict:
    client = MlflowClient()
    start = time.perf_counter()
    runs = client.search_runs(
        ["0"], filter_string, max_results=page, order_by=[order_by] if order_by else None
    )
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "names": [run.info.run_name for run in runs]}


@verb
def autolog_loops(framework: str, models: bool, every_step: bool = False) -> None:
    if framework == "lightning":
        steps = 1 if every_step else None
        mlflow.pytorch.autolog(log_models=models, log_every_n_step=steps)
    elif framework == "keras":
        own = {"log_every_epoch": False, "log_every_n_steps": 1} if every_step else {}
        mlflow.tensorflow.autolog(log_models=models, **own)
    elif framework != "torch":
        mlflow.autolog(log_models=models)


@verb
def loop(framework: str, steps: int, logger: str = "", by_hand: bool = False) -> dict:
    with mlflow.start_run() as run:
        log = (
            (lambda key, value, step: mlflow.log_metric(key, value, step=step)) if by_hand else None
        )
        result = loops.train(framework, steps, logger, log)
    client = MlflowClient()
    keys = client.get_run(run.info.run_id).data.metrics
    points = max((len(client.get_metric_history(run.info.run_id, key)) for key in keys), default=0)
    return {**result, "points": points}


if __name__ == "__main__":
    serve()
