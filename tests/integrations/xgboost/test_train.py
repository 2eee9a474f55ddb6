"""What is recorded of ``xgboost.train`` and ``xgboost.cv``."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from chiplog.core.autolog.account import account
from chiplog.core.client import TrackingClient
from chiplog.core.errors import InvalidValue
from chiplog.core.runs.lifecycle import start_run

if TYPE_CHECKING:
    from collections.abc import Callable

    from chiplog.testing.project import Project

pytestmark = pytest.mark.framework

xgboost = pytest.importorskip("xgboost")

PARAMS = {"objective": "binary:logistic", "max_depth": 2, "eval_metric": "logloss", "nthread": 1}


@pytest.fixture
def matrix(data: Any) -> Any:
    """The data as a DMatrix, its columns named."""
    return xgboost.DMatrix(data[0], data[1], feature_names=["a", "b", "c"])


def history(run_id: str, key: str) -> list[tuple[int, float]]:
    """The points of a metric in the order they were recorded."""
    return [(point.step, point.value) for point in TrackingClient().get_metric_history(run_id, key)]


def artifacts(run_id: str) -> dict[str, Any]:
    """The files of a run; JSON ones as what they hold."""
    client = TrackingClient()
    found: dict[str, Any] = {}
    for file in client.list_artifacts(run_id):
        content = Path(client.download_artifacts(run_id, file.path)).read_bytes()
        found[file.path] = json.loads(content) if file.path.endswith(".json") else content
    return found


def said(project: Project, run_id: str) -> dict[str, str]:
    """What the receipt says was left out, and why."""
    receipt = project.receipt(run_id)
    return {line.what: line.reason for line in (*receipt.skipped, *receipt.degraded)}


def test_every_result_of_every_iteration_is_recorded_under_mlflows_names(
    project: Project, autolog: Callable[..., None], matrix: Any
) -> None:
    autolog()
    results: dict[str, Any] = {}
    xgboost.train(
        {**PARAMS, "eval_metric": ["logloss", "error@0.7"]},
        matrix,
        6,
        evals=[(matrix, "train"), (matrix, "again")],
        evals_result=results,
        verbose_eval=False,
    )
    (run,) = project.top_runs()
    assert history(run.info.run_id, "train-logloss") == list(enumerate(results["train"]["logloss"]))
    assert history(run.info.run_id, "again-error_at_0.7") == list(
        enumerate(results["again"]["error@0.7"])
    )
    assert run.data.metrics["num_boosted_rounds"] == 6
    assert "best_iteration" not in run.data.metrics


def test_params_are_the_boosters_and_the_calls_with_its_defaults(
    project: Project, autolog: Callable[..., None], matrix: Any
) -> None:
    def custom(predictions: Any, data: Any) -> tuple[str, float]:
        return "custom", 1.0

    autolog()
    xgboost.train(PARAMS, matrix, 2, custom_metric=custom, evals=[(matrix, "train")])
    (run,) = project.top_runs()
    assert run.data.params == {
        "objective": "binary:logistic",
        "max_depth": "2",
        "eval_metric": "logloss",
        "nthread": "1",
        "num_boost_round": "2",
        "maximize": "None",
        "early_stopping_rounds": "None",
        "verbose_eval": "True",
        "custom_metric": f"{__name__}.{custom.__qualname__}",
    }
    assert history(run.info.run_id, "train-custom") == [(0, 1.0), (1, 1.0)]


def test_parameters_given_as_pairs_keep_every_metric(
    project: Project, autolog: Callable[..., None], matrix: Any
) -> None:
    autolog()
    pairs = [("max_depth", 2), ("eval_metric", "rmse"), ("eval_metric", "mae")]
    xgboost.train(pairs, matrix, 1, evals=[(matrix, "train")], verbose_eval=False)
    (run,) = project.top_runs()
    assert run.data.params["eval_metric"] == "['rmse', 'mae']"
    assert {"train-rmse", "train-mae"} <= run.data.metrics.keys()


@pytest.mark.parametrize("how", ["argument", "callback"])
def test_early_stopping_is_told_with_the_best_iterations_results_once_more(
    project: Project, autolog: Callable[..., None], matrix: Any, how: str
) -> None:
    autolog()
    worse = iter(range(100))
    stopping: dict[str, Any] = {"early_stopping_rounds": 3}
    if how == "callback":
        stopping = {"callbacks": [xgboost.callback.EarlyStopping(rounds=3)]}
    booster = xgboost.train(
        {**PARAMS, "disable_default_eval_metric": 1, "eval_metric": []},
        matrix,
        20,
        evals=[(matrix, "valid")],
        custom_metric=lambda predictions, data: ("worse", float(abs(next(worse) - 1))),
        verbose_eval=False,
        **stopping,
    )
    (run,) = project.top_runs()
    assert booster.best_iteration == 1
    assert run.data.metrics["best_iteration"] == 1
    assert run.data.metrics["stopped_iteration"] == 4
    assert run.data.metrics["best_score"] == 0
    assert history(run.info.run_id, "valid-worse") == [
        *((step, abs(step - 1.0)) for step in range(5)),
        (5, 0.0),
    ]


def test_continued_training_is_told_and_its_best_iteration_is_found(
    project: Project, autolog: Callable[..., None], matrix: Any
) -> None:
    first = xgboost.train(PARAMS, matrix, 3)
    autolog()
    booster = xgboost.train(
        PARAMS,
        matrix,
        4,
        xgb_model=first,
        evals=[(matrix, "train")],
        early_stopping_rounds=2,
        verbose_eval=False,
    )
    (run,) = project.top_runs()
    points = history(run.info.run_id, "train-logloss")
    assert [step for step, _ in points] == [0, 1, 2, 3, 4]
    assert booster.best_iteration == 6
    assert points[4][1] == points[3][1]
    assert run.data.metrics["num_boosted_rounds"] == 7
    receipt = project.receipt(run.info.run_id)
    assert "continued training" in {part.what for part in receipt.captured}


def test_importance_is_a_json_file_and_a_picture_for_each_type(
    project: Project, autolog: Callable[..., None], matrix: Any
) -> None:
    autolog(importance_types=["weight", "total_gain"])
    booster = xgboost.train(PARAMS, matrix, 3)
    (run,) = project.top_runs()
    files = artifacts(run.info.run_id)
    for kind in ("weight", "total_gain"):
        assert files[f"feature_importance_{kind}.json"] == pytest.approx(
            booster.get_score(importance_type=kind)
        )
        assert files[f"feature_importance_{kind}.png"].startswith(b"\x89PNG")


def test_importance_that_a_booster_does_not_have_is_said(
    project: Project, autolog: Callable[..., None], matrix: Any
) -> None:
    autolog(importance_types=["gain"])
    xgboost.train({"booster": "gblinear", "nthread": 1}, matrix, 1)
    (run,) = project.top_runs()
    assert "importance 'gain'" in said(project, run.info.run_id)
    assert project.receipt(run.info.run_id).degraded == []


def test_an_unknown_importance_type_is_refused(autolog: Callable[..., None]) -> None:
    with pytest.raises(InvalidValue, match="'total_gain'"):
        autolog(importance_types=["beauty"])


def test_data_sets_are_described_by_size_columns_and_labels(
    project: Project, autolog: Callable[..., None], data: Any
) -> None:
    autolog()
    train = xgboost.DMatrix(data[0], data[1], feature_names=["a", "b", "c"])
    other = xgboost.DMatrix(data[0][:30], 1 - data[1][:30], feature_names=["a", "b", "c"])
    xgboost.train(PARAMS, train, 1, evals=[(other, "held_out")], verbose_eval=False)
    (run,) = project.top_runs()
    found = {
        (entry.dataset.name, entry.tags[0].value): entry.dataset
        for entry in run.inputs.dataset_inputs
    }
    assert found.keys() == {("dataset", "train"), ("held_out", "eval")}
    trained = found["dataset", "train"]
    assert json.loads(trained.profile or "") == {"num_rows": 80, "num_elements": 240}
    columns = json.loads(trained.schema or "")["mlflow_colspec"]
    assert [column["name"] for column in columns] == ["a", "b", "c"]
    assert trained.digest != found["held_out", "eval"].digest


def test_data_read_through_an_iterator_is_read_as_often_as_without_chiplog(
    project: Project, autolog: Callable[..., None], data: Any
) -> None:
    class Batches(xgboost.DataIter):  # type: ignore[misc, name-defined]  # untyped
        def __init__(self) -> None:
            self.count = self.calls = 0
            super().__init__()

        def next(self, input_data: Any) -> bool:
            self.calls += 1
            if self.count == 2:
                return False
            part = slice(self.count * 40, self.count * 40 + 40)
            input_data(data=data[0][part], label=data[1][part])
            self.count += 1
            return True

        def reset(self) -> None:
            self.count = 0

    def read() -> int:
        batches = Batches()
        xgboost.train(PARAMS, xgboost.QuantileDMatrix(batches), 2)
        return batches.calls

    plain = read()
    autolog()
    assert read() == plain
    (run,) = project.top_runs()
    assert said(project, run.info.run_id)["signature"] == "the training data does not show its rows"


def test_without_evals_the_receipt_says_why_there_are_no_results(
    project: Project, autolog: Callable[..., None], matrix: Any
) -> None:
    autolog()
    xgboost.train(PARAMS, matrix, 2)
    (run,) = project.top_runs()
    assert "evaluate" in said(project, run.info.run_id)["evaluation results"]


def test_the_users_callbacks_run_as_ever_and_their_list_is_left_alone(
    project: Project, autolog: Callable[..., None], matrix: Any
) -> None:
    class Counts(xgboost.callback.TrainingCallback):  # type: ignore[misc, name-defined]  # untyped
        def __init__(self) -> None:
            super().__init__()
            self.seen: list[int] = []

        def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
            self.seen.append(epoch)
            return epoch == 2

    autolog()
    mine = [Counts()]
    xgboost.train(PARAMS, matrix, 9, evals=[(matrix, "train")], callbacks=mine, verbose_eval=False)
    assert mine[0].seen == [0, 1, 2]
    assert len(mine) == 1
    (run,) = project.top_runs()
    assert len(history(run.info.run_id, "train-logloss")) == 3


def test_what_is_no_number_is_left_out_and_said_once(
    project: Project, autolog: Callable[..., None], matrix: Any
) -> None:
    def metrics(predictions: Any, data: Any) -> list[tuple[str, float]]:
        return [("no(name)", 1.0), ("undefined", float("nan"))]

    autolog()
    xgboost.train(
        PARAMS,
        matrix,
        3,
        evals=[(matrix, "train")],
        custom_metric=metrics,
        verbose_eval=False,
    )
    (run,) = project.top_runs()
    assert "train-no(name)" not in run.data.metrics
    reasons = [line.what for line in project.receipt(run.info.run_id).skipped]
    assert reasons.count("metric 'train-no(name)'") == 1
    assert np.isnan(run.data.metrics["train-undefined"])


@pytest.mark.parametrize("error", [ZeroDivisionError("theirs"), KeyboardInterrupt()])
def test_training_that_is_broken_off_keeps_its_points_and_says_so(
    project: Project, autolog: Callable[..., None], matrix: Any, error: BaseException
) -> None:
    class Breaks(xgboost.callback.TrainingCallback):  # type: ignore[misc, name-defined]  # untyped
        def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
            if epoch == 2:
                raise error
            return False

    autolog()
    with pytest.raises(type(error)) as caught:
        xgboost.train(
            PARAMS,
            matrix,
            9,
            evals=[(matrix, "train")],
            callbacks=[Breaks()],
            verbose_eval=False,
        )
    assert caught.value is error
    (run,) = project.top_runs()
    assert run.info.status == "FAILED"
    assert [step for step, _ in history(run.info.run_id, "train-logloss")] == [0, 1, 2]
    captured = {part.what for part in project.receipt(run.info.run_id).captured}
    assert "evaluation results" in captured


def test_training_that_is_killed_keeps_its_points_and_says_so(project: Project) -> None:
    script = """
        import os, signal, chiplog
        chiplog.autolog()
        import numpy as np, xgboost

        class Kills(xgboost.callback.TrainingCallback):
            def before_iteration(self, model, epoch, evals_log):
                if epoch == 3:  # older versions ask callbacks in any order
                    os.kill(os.getpid(), signal.SIGKILL)
                return False

        data = xgboost.DMatrix(np.eye(8), np.arange(8) % 2)
        xgboost.train({}, data, 9, evals=[(data, "train")], callbacks=[Kills()])
        """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        env={**os.environ, "CHIPLOG_STRICT": "1"},
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    (run,) = project.top_runs()
    assert run.info.status == "KILLED"
    assert [step for step, _ in history(run.info.run_id, "train-rmse")] == [0, 1, 2]


def test_cross_validation_gives_mean_and_deviation_at_each_iteration(
    project: Project, autolog: Callable[..., None], matrix: Any
) -> None:
    plain = xgboost.cv(PARAMS, matrix, 4, nfold=2, as_pandas=False)
    autolog()
    results = xgboost.cv(PARAMS, matrix, 4, nfold=2, as_pandas=False)
    assert results == plain
    (run,) = project.top_runs()
    for name, values in results.items():
        assert history(run.info.run_id, name) == list(enumerate(values))
    assert run.data.params["nfold"] == "2"
    assert "cross-validation" in said(project, run.info.run_id)["model 'model'"]


def test_cross_validation_that_stops_early_tells_its_best_iteration(
    project: Project, autolog: Callable[..., None], matrix: Any
) -> None:
    autolog()
    results = xgboost.cv(
        {**PARAMS, "eta": 1.0}, matrix, 50, nfold=2, early_stopping_rounds=2, as_pandas=False
    )
    (run,) = project.top_runs()
    best = len(results["test-logloss-mean"]) - 1
    assert run.data.metrics["best_iteration"] == best
    assert run.data.metrics["stopped_iteration"] == best + 2
    points = history(run.info.run_id, "test-logloss-mean")
    assert points[-1] == (best + 3, results["test-logloss-mean"][-1])


def test_a_function_imported_before_autolog_is_recorded(
    project: Project, autolog: Callable[..., None], matrix: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules[__name__], "train", xgboost.train, raising=False)
    autolog()
    sys.modules[__name__].__dict__["train"](PARAMS, matrix, 1)
    assert len(project.top_runs()) == 1


def test_a_loop_of_updates_is_told_at_exit(
    project: Project, autolog: Callable[..., None], matrix: Any
) -> None:
    autolog()
    booster = xgboost.Booster(PARAMS, [matrix])
    booster.update(matrix, 0)
    assert project.runs() == []
    line = account.line()
    assert line is not None
    assert "Booster.update" in line


def test_with_exclusive_a_run_of_the_users_is_left_alone_without_a_word(
    project: Project, autolog: Callable[..., None], matrix: Any
) -> None:
    autolog(exclusive=True)
    with start_run() as run:
        xgboost.train(PARAMS, matrix, 2)
    assert project.only_run().info.run_id == run.info.run_id
    assert project.only_run().data.params == {}
    assert account.line() is None


def test_a_mistake_in_the_settings_is_the_users_alone(
    project: Project, autolog: Callable[..., None], matrix: Any, caplog: pytest.LogCaptureFixture
) -> None:
    autolog()
    with pytest.raises(xgboost.core.XGBoostError, match="Unknown objective"):
        xgboost.train({"objective": "nope"}, matrix, 2)
    (run,) = project.top_runs()
    assert run.info.status == "FAILED"
    assert caplog.text == ""


def test_switched_off_parts_are_left_out(
    project: Project, autolog: Callable[..., None], matrix: Any
) -> None:
    autolog(log_models=False, log_datasets=False, importance_types=[])
    with start_run():
        xgboost.train(PARAMS, matrix, 1)
    (run,) = project.top_runs()
    assert run.inputs.dataset_inputs == []
    assert run.outputs.model_outputs == []
    assert artifacts(run.info.run_id) == {}
