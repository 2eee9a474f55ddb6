"""The scripts in ``examples/training`` give the same with autologging, and it records them."""

from __future__ import annotations

import contextlib
import io
import runpy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import chiplog
from chiplog.core import background
from chiplog.testing.project import own_project

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chiplog.testing.project import Project

SCRIPTS = Path(__file__).parents[2] / "examples" / "training"

pytestmark = [
    pytest.mark.framework,
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore"),  # the frameworks' own
]

# The modules each script needs; the metric under which its own ``losses`` are recorded.
LOSSES = {
    "torch_digits": ("torch", "loss"),
    "torch_gan": ("torch", None),
    "torch_accumulation": ("torch", "loss"),
    "torch_amp": ("torch", "loss"),
    "torch_lbfgs": ("torch", "loss"),
    "keras_early_stopping": ("tensorflow", "loss"),
    "keras_custom_loop": ("tensorflow", "loss_value"),
    "lightning_tuner": ("lightning", "train_loss_step"),
    "xgboost_callbacks": ("xgboost", "valid-logloss"),
    "lightgbm_cross_validation": ("lightgbm", "valid-multi_logloss-mean"),
    "sklearn_xgboost_pipeline": ("xgboost", None),
}


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """A project of the test's own."""
    with own_project(tmp_path) as project:
        yield project


def run_script(name: str) -> tuple[dict[str, Any], str]:
    """Run a script as a program; its names at the end, and what it printed."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        names = runpy.run_path(str(SCRIPTS / f"{name}.py"), run_name="__main__")
    return names, printed.getvalue()


def recorded(name: str) -> tuple[dict[str, Any], list[Any]]:
    """Run a script by itself, then recorded: its names at the end, and the top-level runs."""
    pytest.importorskip(LOSSES[name][0])
    _, plain = run_script(name)
    chiplog.autolog()
    try:
        names, watched = run_script(name)
        background.flush(60)
    finally:
        chiplog.autolog(disable=True)
    assert watched == plain
    runs = chiplog.search_runs(output_format="list")
    return names, [run for run in runs if "mlflow.parentRunId" not in run.data.tags]


def curve(run: Any, key: str) -> list[float]:
    """A metric's values by step."""
    points = chiplog.MlflowClient().get_metric_history(run.info.run_id, key)
    return [point.value for point in sorted(points, key=lambda point: point.step)]


@pytest.mark.parametrize("name", [name for name, (_, key) in LOSSES.items() if key])
def test_a_script_gives_the_same_and_its_losses_are_recorded(name: str, project: Project) -> None:
    del project
    names, runs = recorded(name)
    key = LOSSES[name][1]
    assert key is not None
    with_losses = [run for run in runs if key in run.data.metrics]
    assert with_losses, [sorted(run.data.metrics) for run in runs]
    assert curve(with_losses[0], key)[: len(names["losses"])] == pytest.approx(
        names["losses"], rel=1e-6
    )


def test_both_players_of_a_gan_are_in_one_run(project: Project) -> None:
    del project
    names, (run,) = recorded("torch_gan")
    assert curve(run, "errG") == names["G_losses"]
    both = [a + b for a, b in zip(curve(run, "errD_real"), curve(run, "errD_fake"), strict=True)]
    assert both == pytest.approx(names["D_losses"], rel=1e-6)
    assert run.data.metrics["lr/optimizerD"] == run.data.metrics["lr/optimizerG"] == 1e-3


def test_a_search_over_a_pipeline_around_xgboost_is_one_family(project: Project) -> None:
    del project
    names, (run,) = recorded("sklearn_xgboost_pipeline")
    children = chiplog.search_runs(
        filter_string=f"tags.mlflow.parentRunId = '{run.info.run_id}'", output_format="list"
    )
    assert len(children) == 4
    assert run.data.metrics["best_cv_score"] == names["search"].best_score_
    assert run.data.metrics["accuracy_score_X_test"] == pytest.approx(0.9333333333)


def test_every_script_is_tried() -> None:
    assert {path.stem for path in SCRIPTS.glob("*.py")} == set(LOSSES)
