"""``watch`` records how gradients and parameters are distributed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

import chiplog
from chiplog.core import background
from chiplog.core.autolog.loop import end_loops
from chiplog.core.errors import InvalidValue

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from chiplog.testing.project import Project

pytestmark = pytest.mark.framework

torch = pytest.importorskip("torch")


@pytest.fixture(autouse=True)
def _unwatched() -> Iterator[None]:
    yield
    chiplog.pytorch.unwatch()


def train(model: Any, steps: int) -> None:
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(steps):
        optimizer.zero_grad()
        model(torch.ones(2, 3)).pow(2).mean().backward()
        optimizer.step()


def test_statistics_and_histograms_at_every_nth_step(project: Project) -> None:
    model = torch.nn.Linear(3, 2)
    with chiplog.start_run() as run:
        chiplog.pytorch.watch(model, log="all", every_n_steps=2)
        train(model, 5)
    background.flush(60)
    client = chiplog.MlflowClient()
    points = client.get_metric_history(run.info.run_id, "gradients/weight/norm")
    assert [point.step for point in points] == [0, 2, 4]
    assert points[-1].value == pytest.approx(model.weight.grad.norm().item())
    (low,) = [
        p.value
        for p in client.get_metric_history(run.info.run_id, "parameters/weight/min")
        if p.step == 4
    ]
    assert low == pytest.approx(model.weight.min().item())
    path = client.download_artifacts(run.info.run_id, "histograms/parameters/step_4.json")
    with open(path, encoding="utf-8") as file:  # noqa: PTH123 - a path as text
        histogram = json.load(file)["histograms"]["weight"]
    assert sum(histogram["counts"]) == 6
    assert histogram["edges"][0] == pytest.approx(low)
    assert len(histogram["edges"]) == len(histogram["counts"]) + 1


def test_it_goes_to_the_training_that_autologging_records(
    project: Project, autolog: Callable[..., None]
) -> None:
    autolog()
    model = torch.nn.Linear(3, 2)
    chiplog.pytorch.watch(model)
    train(model, 3)
    end_loops()
    (run,) = project.top_runs()
    assert "gradients/bias/std" in run.data.metrics
    assert "parameters/bias/std" not in run.data.metrics


def test_unwatched_or_gone_nothing_is_left(project: Project) -> None:
    from torch.optim import optimizer as optimizers

    model = torch.nn.Linear(3, 2)
    chiplog.pytorch.watch(model)
    assert len(optimizers._global_optimizer_post_hooks) == 1
    chiplog.pytorch.unwatch(model)
    assert not optimizers._global_optimizer_post_hooks
    chiplog.pytorch.watch(model)
    other = torch.nn.Linear(3, 1)
    del model
    train(other, 1)
    assert not optimizers._global_optimizer_post_hooks


def test_what_cannot_be_watched_is_said() -> None:
    with pytest.raises(InvalidValue, match=r"torch\.nn\.Module"):
        chiplog.pytorch.watch("model")
    with pytest.raises(InvalidValue, match="unknown"):
        chiplog.pytorch.watch(torch.nn.Linear(1, 1), log="everything")
    with pytest.raises(InvalidValue, match="every_n_steps"):
        chiplog.pytorch.watch(torch.nn.Linear(1, 1), every_n_steps=0)
