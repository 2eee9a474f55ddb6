"""What is taken along of what ``torch.utils.tensorboard`` writes, and into which run."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from chiplog.core.autolog import nesting
from chiplog.core.autolog.loop import open_loop
from chiplog.core.client import TrackingClient
from chiplog.core.runs.active import current_run
from chiplog.core.runs.lifecycle import start_run

if TYPE_CHECKING:
    from collections.abc import Callable

    from chiplog.testing.project import Project

pytestmark = pytest.mark.framework

torch = pytest.importorskip("torch")
pytest.importorskip("tensorboard")

from torch.utils import tensorboard  # noqa: E402 - only where it is installed


@pytest.fixture
def writer(project: Project) -> Any:
    """A writer into the test's own folder."""
    return tensorboard.SummaryWriter("logs")


def history(run_id: str, key: str) -> list[tuple[int, int, float]]:
    """The points of a metric in the order they were recorded: step, milliseconds, value."""
    points = TrackingClient().get_metric_history(run_id, key)
    return [(point.step, point.timestamp, point.value) for point in points]


def said(project: Project, run_id: str) -> dict[str, str]:
    """What the receipt says was left out, and why."""
    receipt = project.receipt(run_id)
    return {line.what: line.reason for line in (*receipt.skipped, *receipt.degraded)}


def files(run_id: str, path: str | None = None) -> dict[str, bytes]:
    """Every file of a run with what it holds."""
    client, found = TrackingClient(), {}
    for info in client.list_artifacts(run_id, path):
        if info.is_dir:
            found.update(files(run_id, info.path))
        else:
            local = Path(client.download_artifacts(run_id, info.path))
            found[info.path] = local.read_bytes()
    return found


def test_scalars_keep_every_digit_their_step_and_their_time(
    project: Project, autolog: Callable[..., None], writer: Any
) -> None:
    autolog()
    for at, step in enumerate([30, 10, 10]):
        writer.add_scalar("Loss/train", 1 / 3 + at, step, walltime=1_000_000.25 + at)
    writer.add_scalar("tensor", torch.tensor(0.5), 1)
    writer.add_scalar("new", 0.25, global_step=2, new_style=True)
    writer.add_scalar("no step", np.float64(0.1))
    writer.close()
    (run,) = project.top_runs()
    assert history(run.info.run_id, "Loss/train") == [
        (30, 1_000_000_250, 1 / 3),
        (10, 1_000_001_250, 1 / 3 + 1),
        (10, 1_000_002_250, 1 / 3 + 2),
    ]
    assert history(run.info.run_id, "tensor")[0][::2] == (1, 0.5)
    assert history(run.info.run_id, "new")[0][::2] == (2, 0.25)
    assert history(run.info.run_id, "no step")[0][::2] == (0, 0.1)


def test_scalars_written_together_are_metrics_below_their_tag(
    project: Project, autolog: Callable[..., None], writer: Any
) -> None:
    autolog()
    writer.add_scalars("both", {"a": 1.5, "b": torch.tensor(2.5)}, 7)
    writer.close()
    (run,) = project.top_runs()
    assert run.data.metrics == {"both/a": 1.5, "both/b": 2.5}
    assert history(run.info.run_id, "both/b")[0][0] == 7


def test_a_tag_that_is_no_metrics_name_is_made_one(
    project: Project, autolog: Callable[..., None], writer: Any
) -> None:
    autolog()
    writer.add_scalar("acc@1 (top)", 1.0)
    writer.add_scalar("/a//b/../c", 2.0)
    writer.close()
    (run,) = project.top_runs()
    assert run.data.metrics == {"acc_at_1 _top_": 1.0, "a/b/c": 2.0}


def test_a_histogram_becomes_curves_of_its_shape(
    project: Project, autolog: Callable[..., None], writer: Any
) -> None:
    autolog()
    values = np.random.RandomState(0).normal(size=5000)
    writer.add_histogram("weights", values, 3)
    writer.add_histogram("empty of meaning", np.zeros(4), 0)
    writer.close()
    (run,) = project.top_runs()
    metrics = run.data.metrics
    for name, expected in {
        "min": values.min(),
        "max": values.max(),
        "mean": values.mean(),
        "std": values.std(),
    }.items():
        assert metrics[f"weights/{name}"] == pytest.approx(expected)
        assert history(run.info.run_id, f"weights/{name}")[0][0] == 3
    for name, share in {"p05": 5, "p50": 50, "p95": 95}.items():
        assert metrics[f"weights/{name}"] == pytest.approx(np.percentile(values, share), abs=0.05)
    assert metrics["empty of meaning/std"] == 0


def test_hparams_become_params_and_metrics(
    project: Project, autolog: Callable[..., None], writer: Any
) -> None:
    autolog()
    writer.add_hparams({"lr": 0.1, "net": "small"}, {"hparam/accuracy": 0.9}, global_step=4)
    writer.close()
    (run,) = project.top_runs()
    assert run.data.params == {"lr": "0.1", "net": "small"}
    assert run.data.metrics == {"hparam/accuracy": 0.9}
    assert history(run.info.run_id, "hparam/accuracy")[0][0] == 4


def test_texts_and_pictures_become_files(
    project: Project, autolog: Callable[..., None], writer: Any
) -> None:
    autolog()
    writer.add_text("note", "hello **you**", 2)
    writer.add_image("picture", np.zeros((3, 4, 4)), 5)
    writer.close()
    (run,) = project.top_runs()
    found = files(run.info.run_id)
    assert found["tensorboard/note/000002.txt"] == b"hello **you**"
    assert found["tensorboard/picture/000005.png"].startswith(b"\x89PNG")


def test_what_cannot_be_taken_along_is_said(
    project: Project, autolog: Callable[..., None], writer: Any
) -> None:
    autolog(log_histograms=False, log_media=False)
    writer.add_pr_curve("curve", np.array([0, 1]), np.array([0.1, 0.9]))
    writer.add_histogram("weights", np.arange(3.0))
    writer.add_text("note", "hello")
    writer.close()
    (run,) = project.top_runs()
    reasons = said(project, run.info.run_id)
    assert reasons["histograms"] == "log_histograms is off"
    assert reasons["texts and pictures"] == "log_media is off"
    assert "TensorBoard alone" in reasons["pr_curves of 'curve'"]
    assert run.data.metrics == {}


def test_the_event_files_are_as_they_would_be(
    project: Project, autolog: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

    def write(folder: str) -> list[Any]:
        writer = tensorboard.SummaryWriter(folder)
        writer.add_scalar("loss", 0.1, 1, walltime=5.0)
        writer.add_histogram("h", np.arange(5.0), 1, walltime=5.0)
        writer.close()
        (file,) = Path(folder).glob("events*")
        return [
            (event.step, event.wall_time, event.summary.SerializeToString(deterministic=True))
            for event in EventFileLoader(str(file)).Load()
            if event.HasField("summary")
        ]

    plain = write("plain")
    autolog()
    assert write("recorded") == plain
    assert len(plain) == 2


def test_values_go_into_the_users_run_which_stays_open(
    project: Project, autolog: Callable[..., None], writer: Any
) -> None:
    autolog()
    with start_run() as mine:
        writer.add_scalar("inside", 1.0)
        writer.close()
        assert current_run() is not None
    with start_run() as other:
        writer.add_scalar("later", 2.0)
    runs = {run.info.run_id: run for run in project.runs()}
    assert runs.keys() == {mine.info.run_id, other.info.run_id}
    assert runs[mine.info.run_id].data.metrics == {"inside": 1.0}
    assert runs[other.info.run_id].data.metrics == {"later": 2.0}


def test_a_run_of_its_own_ends_with_the_last_writer_into_it(
    project: Project, autolog: Callable[..., None], writer: Any
) -> None:
    autolog(extra_tags={"team": "vision"})
    second = tensorboard.SummaryWriter("second")
    writer.add_scalar("a", 1.0)
    second.add_scalar("b", 2.0)
    writer.close()
    (run,) = project.top_runs()
    assert run.info.status == "RUNNING"
    second.close()
    (run,) = project.top_runs()
    assert run.info.status == "FINISHED"
    assert run.data.metrics == {"a": 1.0, "b": 2.0}
    assert run.data.tags["mlflow.autologging"] == "tensorboard"
    assert run.data.tags["team"] == "vision"
    assert current_run() is None


def test_a_run_of_its_own_makes_way_for_the_users(
    project: Project, autolog: Callable[..., None], writer: Any
) -> None:
    autolog()
    writer.add_scalar("before", 1.0)
    with start_run() as mine:
        writer.add_scalar("inside", 2.0)
    own = next(run for run in project.top_runs() if run.info.run_id != mine.info.run_id)
    assert own.info.status == "FINISHED"
    assert own.data.metrics == {"before": 1.0}


def test_a_training_that_begins_meanwhile_shares_the_run(
    project: Project, autolog: Callable[..., None], writer: Any
) -> None:
    autolog()
    writer.add_text("note", "before the training")
    loop = open_loop("tensorboard", "a loop", ending=lambda error: None)
    assert loop is not None
    loop.session.log_metric("loss", 0.5, 0)
    writer.add_scalar("mine", 1.0)
    writer.close()
    (run,) = project.top_runs()
    assert run.info.status == "RUNNING", "the training goes on"
    loop.end()
    from chiplog.core.autolog.engine import reset

    reset()
    (run,) = project.top_runs()
    assert run.info.status == "FINISHED"
    assert run.data.metrics == {"loss": 0.5, "mine": 1.0}


def test_off_suspended_and_exclusive_mean_nothing_is_taken_along(
    project: Project, autolog: Callable[..., None], writer: Any
) -> None:
    before = vars(tensorboard.SummaryWriter)["add_scalar"]
    autolog(exclusive=True)
    with start_run():
        writer.add_scalar("in the user's run", 1.0)
    with nesting.suspended():
        writer.add_scalar("suspended", 1.0)
    autolog(disable=True)
    writer.add_scalar("off", 1.0)
    assert vars(tensorboard.SummaryWriter)["add_scalar"] is before
    (run,) = project.runs()
    assert run.data.metrics == {}


def test_the_users_own_mistake_is_still_theirs(
    project: Project, autolog: Callable[..., None], writer: Any
) -> None:
    autolog()
    with pytest.raises(TypeError, match="dictionary"):
        writer.add_hparams([1], [2])
    with pytest.raises(AssertionError):
        writer.add_scalar("two", torch.zeros(2))
    assert project.runs() == []


def test_a_writer_is_not_kept_alive(project: Project, autolog: Callable[..., None]) -> None:
    import gc
    import weakref

    autolog()
    writer = tensorboard.SummaryWriter("logs")
    writer.add_scalar("a", torch.ones((), requires_grad=True), 0)
    gone = weakref.ref(writer)
    writer.close()
    del writer
    gc.collect()
    assert gone() is None


@pytest.mark.slow
def test_tensorflows_scalars_are_taken_along_when_they_are_written(
    project: Project, autolog: Callable[..., None]
) -> None:
    tf = pytest.importorskip("tensorflow")
    autolog()
    tf.summary.scalar("nowhere", 1.0, step=0)
    with tf.summary.create_file_writer("logs").as_default():
        tf.summary.scalar("loss", tf.constant(0.5), step=3)
        tf.summary.experimental.set_step(4)
        tf.summary.scalar("loss", 0.25)
        tf.summary.histogram("weights", [1.0, 2.0])
    (run,) = project.top_runs()
    assert [point[::2] for point in history(run.info.run_id, "loss")] == [(3, 0.5), (4, 0.25)]
    assert "nowhere" not in run.data.metrics
    autolog(disable=True)
    assert "scalars are recorded" in said(project, run.info.run_id)["histogram of 'weights'"]


@pytest.mark.slow
def test_a_writer_that_is_never_closed_has_a_run_that_ends_with_the_program(
    project: Project,
) -> None:
    script = """
        import chiplog
        chiplog.autolog()
        from torch.utils.tensorboard import SummaryWriter
        writer = SummaryWriter("logs")
        for step in range(3):
            writer.add_scalar("loss", 1.0 / (step + 1), step)
        """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        env={**os.environ, "CHIPLOG_STRICT": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (run,) = project.top_runs()
    assert run.info.status == "FINISHED"
    assert [point[0] for point in history(run.info.run_id, "loss")] == [0, 1, 2]
    assert [call.outcome for call in project.receipt(run.info.run_id).calls] == ["FINISHED"]
