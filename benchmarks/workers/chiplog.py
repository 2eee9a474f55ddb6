"""chiplog on its default: the nearest ``.chiplog`` folder."""

from __future__ import annotations

import importlib
import os
import signal
import time
from pathlib import Path
from typing import Any

import chiplog
from benchmarks.workers import data, loops, training
from benchmarks.workers.protocol import folder_size, serve, summary, verb, work
from chiplog.core.autolog import receipt as receipts
from chiplog.core.autolog.engine import integrations
from chiplog.core.records import Batch, RunRecorded
from chiplog.core.stores import open_tracking_store


def _store() -> Any:
    return open_tracking_store(chiplog.get_tracking_uri())


def _points(run_id: str, key: str) -> int:
    return sum(len(points) for points in _store().get_points(run_id, key))


@verb
def begin() -> None:
    chiplog.start_run()
    chiplog.log_metric("warm", 0.0, step=0)


@verb
def log_metric(count: int, between: float = 0.0) -> dict[str, float]:
    values = data.noisy_loss(count)
    taken = [0] * count
    clock = time.perf_counter_ns
    for step, value in enumerate(values):
        work(between)
        start = clock()
        chiplog.log_metric("loss", value, step=step)
        taken[step] = clock() - start
    return summary(taken)


@verb
def drain() -> None:
    chiplog.flush_async_logging()


@verb
def sustained(count: int) -> float:
    values = data.noisy_loss(count)
    start = time.perf_counter()
    with chiplog.start_run() as run:
        for step, value in enumerate(values):
            chiplog.log_metric("loss", value, step=step)
    seconds = time.perf_counter() - start
    readable = _points(run.info.run_id, "loss")
    assert readable == count, f"{readable} of {count} points are readable"
    return seconds


@verb
def size(count: int) -> int:
    with chiplog.start_run():
        for step, value in enumerate(data.noisy_loss(count)):
            chiplog.log_metric("loss", value, step=step)
    return folder_size(".")


@verb
def short_run() -> float:
    start = time.perf_counter()
    with chiplog.start_run() as run:
        chiplog.log_params(data.PARAMS)
        chiplog.set_tags(data.TAGS)
        chiplog.log_metrics(data.METRICS)
    read = chiplog.get_run(run.info.run_id).data
    seconds = time.perf_counter() - start
    assert (len(read.params), len(read.metrics)) == (20, 5)
    return seconds


@verb
def die_after(count: int, seconds: float) -> None:
    for step, value in enumerate(data.noisy_loss(count)):
        time.sleep(seconds)
        chiplog.log_metric("loss", value, step=step)
    os.kill(os.getpid(), signal.SIGKILL)


@verb
def surviving(key: str = "loss") -> dict[str, Any]:
    runs = chiplog.search_runs(search_all_experiments=True, output_format="list")
    points = sum(_points(run.info.run_id, key) for run in runs)
    return {"runs": len(runs), "points": points, "status": [run.info.status for run in runs]}


@verb
def one_of_many(points: int) -> None:
    with chiplog.start_run():
        for step in range(points):
            chiplog.log_metric("loss", 1.0 / (step + 1), step=step)


@verb
def autolog(models: bool = True) -> None:
    chiplog.autolog(log_models=models)


@verb
def fit() -> float:
    return training.small_fit()


@verb
def contents() -> str:
    """What the last run has: proof that a fast fit recorded as much as a slow one."""
    run = chiplog.last_active_run()
    assert run is not None
    files = chiplog.MlflowClient().list_artifacts(run.info.run_id)
    models = run.outputs.model_outputs if run.outputs else []
    counts = len(run.data.params), len(run.data.metrics), len(files), len(models)
    return "{} params, {} metrics, {} files, {} models".format(*counts)


@verb
def grid(candidates: int) -> float:
    return training.grid_search(candidates)


@verb
def recorded() -> int:
    return len(chiplog.search_runs(search_all_experiments=True, output_format="list"))


@verb
def log_model() -> float:
    flavor = importlib.import_module("chiplog.sklearn")  # made by the flavor's plugin
    model, example = training.fitted_model()
    with chiplog.start_run():
        start = time.perf_counter()
        flavor.log_model(model, name="model", input_example=example)
        return time.perf_counter() - start


@verb
def enforce(narrow: bool) -> float:
    """A prediction that hands its data back: what is left is holding it to the signature."""
    import chiplog.models
    import chiplog.pyfunc

    name = f"passing_{narrow}"
    frame, few = data.wide_frame(100_000, 50, narrow=narrow)
    if not Path(name).exists():
        signature = chiplog.models.infer_signature(few)
        chiplog.pyfunc.save_model(name, python_model=_passing, signature=signature)
    model = chiplog.pyfunc.load_model(name, suppress_warnings=True, allow_pickle=True)
    start = time.perf_counter()
    made = model.predict(frame)
    seconds = time.perf_counter() - start
    assert made.dtypes.equals(few.dtypes), "the types are not the signature's"
    return seconds


def _passing(model_input: Any) -> Any:
    return model_input


@verb
def fill(runs: int) -> None:
    """Fill the store as its journal would, in batches: all indexes and summaries are real."""
    store, base, size_of_batch = _store(), 1_700_000_000_000, 5_000
    for begin in range(0, runs, size_of_batch):
        records = [
            RunRecorded(
                run_id=f"{number:032x}",
                experiment_id="0",
                user_id="ada",
                start_time=base + number,
                end_time=base + number + 500,
                status="FINISHED",
                name=f"run-{number}",
                tags=data.searched_tags(number),
                params=data.searched_params(number),
                metrics=data.searched_metrics(number),
            )
            for number in range(begin, min(begin + size_of_batch, runs))
        ]
        store.apply(Batch("benchmark", begin, begin + size_of_batch, list(records), []))


@verb
def query(filter_string: str = "", order_by: str = "", page: int = 100) -> dict[str, Any]:
    client = chiplog.MlflowClient()
    start = time.perf_counter()
    runs = client.search_runs(
        ["0"], filter_string, max_results=page, order_by=[order_by] if order_by else None
    )
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "names": [run.info.run_name for run in runs]}


@verb
def autolog_loops(
    framework: str,
    models: bool,
    every_step: bool = False,  # noqa: ARG001 - as it is, always
) -> None:
    names = ["pytorch"] if framework in {"torch", "lightning"} else [framework]
    others = set(integrations()) - {*names, "lightning", "tensorflow"}
    chiplog.autolog(log_models=models, exclude_flavors=others)


@verb
def loop(
    framework: str,
    steps: int,
    logger: str = "",
    by_hand: bool = False,  # noqa: ARG001 - chiplog sees by itself what others are told
) -> dict[str, float]:
    with chiplog.start_run() as run:
        result = loops.train(framework, steps, logger)
    chiplog.flush_async_logging()
    store = _store()
    body = store.get_document(run.info.run_id, receipts.DOCUMENT)
    sessions = [] if body is None else receipts.decode(body).sessions
    keys = run_keys(run.info.run_id)
    points = max((_points(run.info.run_id, key) for key in keys), default=0)
    told = {
        "overhead": sum(one.overhead_ms for one in sessions) / 1e3,
        "during": sum(one.during_ms for one in sessions) / 1e3,
        "points": points,
    }
    return {**result, **told}


def run_keys(run_id: str) -> list[str]:
    return list(_store().get_run(run_id).data.metrics)


if __name__ == "__main__":
    serve()
