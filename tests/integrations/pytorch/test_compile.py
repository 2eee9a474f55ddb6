"""Compiled modules train as ever: what is compiled has nothing of ours in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import chiplog
from chiplog.core.autolog import engine
from chiplog.core.autolog.loop import end_loops

if TYPE_CHECKING:
    from collections.abc import Callable

    from chiplog.testing.project import Project

pytestmark = [
    pytest.mark.framework,
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore:The .grad attribute:UserWarning"),
]

torch = pytest.importorskip("torch")


def train(*, step_too: bool) -> Any:
    torch._dynamo.reset()
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.ReLU(), torch.nn.Linear(4, 1))
    compiled = torch.compile(model, backend="aot_eager")
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    X = torch.randn(8, 3)

    def one() -> Any:
        optimizer.zero_grad()
        loss = compiled(X).pow(2).mean()
        loss.backward()
        optimizer.step()
        return loss

    if step_too:
        one = torch.compile(one, backend="aot_eager")
    return [one().item() for _ in range(4)], model.state_dict()


@pytest.mark.parametrize("step_too", [False, True])
def test_a_compiled_module_is_recorded_to_the_bit(
    project: Project, autolog: Callable[..., None], *, step_too: bool
) -> None:
    plain, state = train(step_too=step_too)
    autolog()
    losses, logged = train(step_too=step_too)
    end_loops()
    assert losses == plain
    for name in state:
        assert torch.equal(state[name], logged[name])
    runs = project.top_runs()
    if step_too:  # the optimizer's step is compiled as well, and told of at exit
        assert runs == []
        integration: Any = engine.integrations()["pytorch"]
        assert integration.watcher.stepless == 4
        return
    (run,) = runs
    history = chiplog.MlflowClient().get_metric_history(run.info.run_id, "loss")
    assert [point.value for point in history] == plain
    assert run.data.params["model_class"].endswith("Sequential")
