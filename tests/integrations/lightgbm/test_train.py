"""What is recorded of ``lightgbm.train`` and ``lightgbm.cv``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from chiplog.core.autolog.account import account
from chiplog.core.client import TrackingClient

if TYPE_CHECKING:
    from collections.abc import Callable

    from chiplog.testing.project import Project

pytestmark = pytest.mark.framework

lightgbm = pytest.importorskip("lightgbm")

PARAMS = {"num_leaves": 3, "min_child_samples": 2, "verbose": -1, "num_threads": 1}
BINARY = {**PARAMS, "objective": "binary"}


@pytest.fixture
def dataset(data: Any) -> Any:
    """The data as a Dataset, its columns named."""
    return lightgbm.Dataset(*data, feature_name=["a", "b", "c"])


def history(run_id: str, key: str) -> list[tuple[int, float]]:
    """The points of a metric in the order they were recorded."""
    points = TrackingClient().get_metric_history(run_id, key)
    return [(point.step, point.value) for point in points]


def said(project: Project, run_id: str) -> dict[str, str]:
    """What the receipt says was left out, and why."""
    receipt = project.receipt(run_id)
    return {line.what: line.reason for line in (*receipt.skipped, *receipt.degraded)}


def test_every_result_of_every_iteration_is_recorded_under_mlflows_names(
    project: Project, autolog: Callable[..., None], dataset: Any, data: Any
) -> None:
    autolog()
    results: dict[str, Any] = {}
    ranked = lightgbm.Dataset(*data, group=[40, 40])
    lightgbm.train(
        {**PARAMS, "objective": "lambdarank", "metric": ["ndcg", "map"], "eval_at": [2]},
        ranked,
        5,
        valid_sets=[ranked],
        callbacks=[lightgbm.record_evaluation(results)],
    )
    (run,) = project.top_runs()
    for metric, values in results["training"].items():
        key = f"training-{metric.replace('@', '_at_')}"
        assert history(run.info.run_id, key) == list(enumerate(values))
    assert "training-ndcg_at_2" in run.data.metrics
    assert run.data.metrics["num_boosted_rounds"] == 5
    assert "best_iteration" not in run.data.metrics


def test_params_are_the_boosters_and_the_calls_with_its_defaults(
    project: Project, autolog: Callable[..., None], dataset: Any
) -> None:
    def objective(predictions: Any, data: Any) -> tuple[Any, Any]:
        return predictions - data.get_label(), np.ones_like(predictions)

    autolog()
    lightgbm.train({**PARAMS, "objective": objective}, dataset, 2)
    (run,) = project.top_runs()
    assert run.data.params == {
        **{key: str(value) for key, value in PARAMS.items()},
        "objective": f"{__name__}.{objective.__qualname__}",
        "num_boost_round": "2",
        "keep_training_booster": "False",
    }


def test_early_stopping_is_told_with_the_best_iterations_results_once_more(
    project: Project, autolog: Callable[..., None], dataset: Any, data: Any
) -> None:
    def worse(predictions: Any, data: Any) -> tuple[str, float, bool]:
        return "worse", float(abs(next(counted) - 1)), False

    counted = iter(range(100))
    autolog()
    booster = lightgbm.train(
        {**BINARY, "metric": "None", "early_stopping_round": 3},
        dataset,
        20,
        valid_sets=[dataset.create_valid(*data)],
        valid_names=["valid"],
        feval=worse,
    )
    (run,) = project.top_runs()
    assert booster.best_iteration == 2
    assert run.data.metrics["best_iteration"] == 2
    assert run.data.metrics["stopped_iteration"] == 5
    assert history(run.info.run_id, "valid-worse") == [
        *((step, abs(step - 1.0)) for step in range(5)),
        (5, 0.0),
    ]


def test_continued_training_goes_on_at_the_next_step(
    project: Project, autolog: Callable[..., None], dataset: Any, data: Any
) -> None:
    first = lightgbm.train(BINARY, lightgbm.Dataset(*data, free_raw_data=False), 3)
    autolog()
    lightgbm.train(BINARY, dataset, 2, init_model=first, valid_sets=[dataset])
    (run,) = project.top_runs()
    points = history(run.info.run_id, "training-binary_logloss")
    assert [step for step, _ in points] == [3, 4]
    assert run.data.metrics["num_boosted_rounds"] == 5


def test_importance_is_a_json_file_and_a_picture_for_each_type(
    project: Project, autolog: Callable[..., None], dataset: Any
) -> None:
    autolog()
    booster = lightgbm.train(BINARY, dataset, 3)
    (run,) = project.top_runs()
    client = TrackingClient()
    names = {file.path for file in client.list_artifacts(run.info.run_id)}
    for kind in ("split", "gain"):
        file = f"feature_importance_{kind}"
        text = Path(client.download_artifacts(run.info.run_id, f"{file}.json")).read_text()
        values = booster.feature_importance(kind).tolist()
        assert json.loads(text) == pytest.approx(dict(zip("abc", values, strict=True)))
        assert f"{file}.png" in names


def test_data_sets_are_described_by_their_data_while_it_is_there(
    project: Project, autolog: Callable[..., None], dataset: Any, data: Any
) -> None:
    autolog()
    other = dataset.create_valid(data[0][:30], 1 - data[1][:30])
    for _ in range(2):  # the second time the data is gone, being constructed
        lightgbm.train(BINARY, dataset, 1, valid_sets=[dataset, other], valid_names=["same", "new"])
    first, second = project.top_runs()
    for run in (first, second):
        found = {
            (entry.dataset.name, entry.tags[0].value): json.loads(entry.dataset.profile or "")
            for entry in run.inputs.dataset_inputs
        }
        assert found.keys() == {("dataset", "train"), ("same", "eval"), ("new", "eval")}
    digests = [{e.dataset.name: e.dataset.digest for e in second.inputs.dataset_inputs}]
    assert digests[0]["same"] == digests[0]["dataset"] != digests[0]["new"]
    assert len(second.outputs.model_outputs) == 1
    assert "signature" not in said(project, second.info.run_id)


def test_data_in_a_file_is_described_once_lightgbm_has_read_it(
    project: Project, autolog: Callable[..., None], data: Any, tmp_path: Path
) -> None:
    file = tmp_path / "data.csv"
    np.savetxt(file, np.column_stack([data[1], data[0]]), delimiter=",")
    autolog()
    lightgbm.train(BINARY, lightgbm.Dataset(str(file)), 1)
    (run,) = project.top_runs()
    (entry,) = run.inputs.dataset_inputs
    assert json.loads(entry.dataset.profile or "")["num_rows"] == 80
    assert "signature" in said(project, run.info.run_id)


def test_the_users_callbacks_run_as_ever_and_are_left_alone(
    project: Project, autolog: Callable[..., None], data: Any
) -> None:
    def train() -> tuple[list[int], list[int]]:
        seen: list[int] = []

        def mine(env: Any) -> None:
            seen.append(env.iteration)

        def other(env: Any) -> None:
            pass

        callbacks = [mine, other]
        lightgbm.train(BINARY, lightgbm.Dataset(*data), 3, callbacks=callbacks)
        assert len(callbacks) == 2
        return seen, [callback.__dict__["order"] for callback in callbacks]

    plain = train()
    autolog()
    assert train() == plain


@pytest.mark.parametrize("error", [ZeroDivisionError("theirs"), KeyboardInterrupt()])
def test_training_that_is_broken_off_keeps_its_points_and_says_so(
    project: Project, autolog: Callable[..., None], dataset: Any, error: BaseException
) -> None:
    def breaks(env: Any) -> None:
        if env.iteration == 2:
            raise error

    autolog()
    with pytest.raises(type(error)) as caught:
        lightgbm.train(BINARY, dataset, 9, valid_sets=[dataset], callbacks=[breaks])
    assert caught.value is error
    (run,) = project.top_runs()
    assert run.info.status == "FAILED"
    points = history(run.info.run_id, "training-binary_logloss")
    assert [step for step, _ in points] == [0, 1, 2]


def test_cross_validation_gives_mean_and_deviation_at_each_iteration(
    project: Project, autolog: Callable[..., None], data: Any
) -> None:
    def validate() -> Any:
        return lightgbm.cv(BINARY, lightgbm.Dataset(*data), 4, nfold=2, eval_train_metric=True)

    plain = validate()
    autolog()
    results = validate()
    assert results == plain
    (run,) = project.top_runs()
    for name, values in results.items():
        assert history(run.info.run_id, name.replace(" ", "-")) == list(enumerate(values))
    assert run.data.params["nfold"] == "2"
    assert "cross-validation" in said(project, run.info.run_id)["model 'model'"]


def test_cross_validation_that_stops_early_tells_its_best_iteration(
    project: Project, autolog: Callable[..., None], dataset: Any
) -> None:
    autolog()
    params = {**BINARY, "learning_rate": 1.0, "early_stopping_round": 2}
    results = lightgbm.cv(params, dataset, 50, nfold=2)
    (run,) = project.top_runs()
    best = len(results["valid binary_logloss-mean"])
    assert run.data.metrics["best_iteration"] == best
    assert run.data.metrics["stopped_iteration"] == best + 2
    points = history(run.info.run_id, "valid-binary_logloss-mean")
    assert points[-1] == (best + 2, results["valid binary_logloss-mean"][-1])


def test_a_function_imported_before_autolog_is_recorded(
    project: Project, autolog: Callable[..., None], dataset: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules[__name__], "train", lightgbm.train, raising=False)
    autolog()
    sys.modules[__name__].__dict__["train"](BINARY, dataset, 1)
    assert len(project.top_runs()) == 1


def test_a_loop_of_updates_is_told_at_exit(
    project: Project, autolog: Callable[..., None], dataset: Any
) -> None:
    autolog()
    lightgbm.Booster(BINARY, dataset).update()
    assert project.runs() == []
    line = account.line()
    assert line is not None
    assert "Booster.update" in line
