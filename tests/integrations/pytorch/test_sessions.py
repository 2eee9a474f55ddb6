"""Where a loop's session begins and ends, and what it leaves alone."""

from __future__ import annotations

import copy
import gc
import io
import pickle
import threading
import weakref
from typing import TYPE_CHECKING, Any

import pytest

import chiplog
from chiplog.core import background
from chiplog.core.autolog import engine, nesting
from chiplog.core.autolog.budget import Budget
from chiplog.core.autolog.loop import end_loops
from chiplog.core.journal import flush_all
from chiplog.hooks import guard

if TYPE_CHECKING:
    from collections.abc import Callable

    from chiplog.testing.project import Project

pytestmark = pytest.mark.framework

torch = pytest.importorskip("torch")


def make(lr: float = 0.1) -> tuple[Any, Any]:
    model = torch.nn.Linear(3, 1)
    return model, torch.optim.SGD(model.parameters(), lr=lr)


def step(model: Any, optimizer: Any, times: int = 1) -> None:
    for _ in range(times):
        optimizer.zero_grad()
        loss = model(torch.ones(2, 3)).pow(2).mean()
        loss.backward()
        optimizer.step()


def steps_of(run: Any, key: str = "loss") -> list[int]:
    history = chiplog.MlflowClient().get_metric_history(run.info.run_id, key)
    return [point.step for point in history]


def test_a_run_of_the_users_is_recorded_into_and_its_end_ends_the_session(
    project: Project, autolog: Callable[..., None]
) -> None:
    autolog()
    model, optimizer = make()
    with chiplog.start_run() as mine:
        step(model, optimizer, 3)
    step(model, optimizer, 2)
    end_loops()
    first, second = project.top_runs()
    assert first.info.run_id == mine.info.run_id
    assert steps_of(first) == [0, 1, 2]
    assert "mlflow.autologging" not in first.data.tags
    assert len(first.outputs.model_outputs) == 1
    assert steps_of(second) == [0, 1], "what comes after it is a training of its own"


def test_what_is_trained_after_a_loop_is_no_child_of_it_and_what_is_amid_it_is(
    project: Project, autolog: Callable[..., None]
) -> None:
    linear_model = pytest.importorskip("sklearn.linear_model")
    autolog()
    chiplog.sklearn.autolog(log_models=False)
    model, optimizer = make()
    step(model, optimizer, 2)
    linear_model.LinearRegression().fit([[0.0], [1.0]], [0.0, 1.0])
    step(model, optimizer, 2)
    linear_model.Ridge().fit([[0.0], [1.0]], [0.0, 1.0])
    end_loops()
    (loop,) = [run for run in project.top_runs() if "loss" in run.data.metrics]
    parents = {
        run.data.tags["estimator_name"]: run.data.tags.get("mlflow.parentRunId")
        for run in project.runs()
        if "estimator_name" in run.data.tags
    }
    assert parents == {"LinearRegression": loop.info.run_id, "Ridge": None}


def test_an_optimizer_that_comes_later_begins_at_a_step_of_its_own(
    project: Project, autolog: Callable[..., None]
) -> None:
    autolog()
    model, optimizer = make()
    step(model, optimizer, 3)
    step(model, torch.optim.Adam(model.parameters()), 3)
    end_loops()
    (run,) = project.top_runs()
    assert steps_of(run) == [0, 1, 2, 3, 4, 5]


def test_the_users_exception_is_the_end_of_the_session_in_their_run(
    project: Project, autolog: Callable[..., None]
) -> None:
    autolog()
    model, optimizer = make()

    def train() -> None:
        with chiplog.start_run():
            step(model, optimizer, 2)
            raise ValueError("theirs")

    with pytest.raises(ValueError, match="theirs"):
        train()
    (run,) = project.top_runs()
    assert run.info.status == "FAILED"
    assert [c.outcome for c in project.receipt(run.info.run_id).calls] == ["FAILED: ValueError"]


def test_a_loop_in_a_function_ends_with_its_objects_and_its_model_is_kept(
    project: Project, autolog: Callable[..., None]
) -> None:
    autolog()
    kept = {}

    def main() -> None:
        model, optimizer = make()
        model.bias.no_weight_decay = True  # a note on a parameter, as torch.compile leaves one
        step(model, optimizer, 4)
        kept["weight"] = model.weight.detach().clone()

    main()
    background.flush(60)
    (run,) = project.top_runs()
    assert run.info.status == "FINISHED"
    assert chiplog.active_run() is None
    (output,) = run.outputs.model_outputs
    state = chiplog.pytorch.load_state_dict(f"models:/{output.model_id}")
    assert torch.equal(state["weight"], kept["weight"])


def test_each_of_several_trainings_is_a_run_of_its_own(
    project: Project, autolog: Callable[..., None]
) -> None:
    autolog()
    for lr in (0.1, 0.01, 0.001):
        model, optimizer = make(lr)
        step(model, optimizer, 2)
    end_loops()
    runs = project.top_runs()
    assert [run.data.params["lr"] for run in runs] == ["0.1", "0.01", "0.001"]
    assert [steps_of(run) for run in runs] == [[0, 1]] * 3
    assert {run.info.status for run in runs} == {"FINISHED"}


def test_phases_of_one_model_are_one_training(
    project: Project, autolog: Callable[..., None]
) -> None:
    autolog()
    model = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.Linear(2, 1))
    step(model, torch.optim.SGD(model[1].parameters(), lr=0.1), 2)
    fine = torch.optim.Adam(model.parameters(), lr=0.01)
    step(model, fine, 2)
    end_loops()
    (run,) = project.top_runs()
    assert run.data.params["optimizer_name"] == "SGD"
    assert run.data.params["optimizer_2/optimizer_name"] == "Adam"
    assert run.data.params["model_class"].endswith("Sequential")
    assert len(steps_of(run)) == 4


def test_inner_trainings_that_are_interleaved_do_not_become_runs_without_end(
    project: Project, autolog: Callable[..., None]
) -> None:
    autolog()
    model, outer = make()
    for _ in range(4):
        step(model, outer)
        inner_model = torch.nn.Linear(3, 1)
        inner = torch.optim.SGD(inner_model.parameters(), lr=0.5)
        step(inner_model, inner, 2)
    end_loops()
    assert len(project.top_runs()) == 2


def test_a_run_the_user_starts_later_is_not_in_the_way(
    project: Project, autolog: Callable[..., None]
) -> None:
    autolog()
    model, optimizer = make()
    step(model, optimizer, 2)
    with chiplog.start_run() as mine:
        chiplog.log_metric("test", 1.0)
    first, second = project.top_runs()
    assert first.info.status == "FINISHED"
    assert steps_of(first) == [0, 1]
    assert second.info.run_id == mine.info.run_id


def test_other_trainings_inside_a_loop_become_children(
    project: Project, autolog: Callable[..., None]
) -> None:
    pytest.importorskip("sklearn")
    from sklearn.linear_model import LinearRegression

    autolog()
    engine.flavor_autolog("sklearn")(log_models=False)
    model, optimizer = make()
    step(model, optimizer)
    LinearRegression().fit([[0.0], [1.0]], [0.0, 1.0])
    step(model, optimizer)
    end_loops()
    (run,) = project.top_runs()
    (child,) = project.children(run.info.run_id)
    assert child.data.tags["estimator_name"] == "LinearRegression"
    assert steps_of(run) == [0, 1]


def test_threads_train_in_runs_of_their_own(project: Project, autolog: Callable[..., None]) -> None:
    autolog()
    both = threading.Barrier(2)

    def train() -> None:
        model, optimizer = make()
        both.wait()
        step(model, optimizer)
        both.wait()
        step(model, optimizer, 2)

    threads = [threading.Thread(target=train) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    end_loops()
    runs = project.top_runs()
    assert [steps_of(run) for run in runs] == [[0, 1, 2]] * 2
    for run in runs:
        assert {"lr", "model_class"} <= run.data.params.keys(), "none is one of several optimizers"


def test_exclusive_leaves_a_run_of_the_users_alone(
    project: Project, autolog: Callable[..., None]
) -> None:
    autolog(exclusive=True)
    model, optimizer = make()
    with chiplog.start_run():
        step(model, optimizer, 2)
    (run,) = project.runs()
    assert run.data.metrics == {}


def objects_at_rest() -> int:
    """How many objects there are while the writer has nothing to deliver."""
    assert flush_all(60)
    gc.collect()
    return len(gc.get_objects())


def test_nothing_of_a_step_is_kept_and_the_memory_stays_flat(
    project: Project, autolog: Callable[..., None]
) -> None:
    autolog()
    model, optimizer = make()
    graphs = []
    for _ in range(5):
        optimizer.zero_grad()
        loss = model(torch.ones(2, 3)).pow(2).mean()
        loss.backward()
        optimizer.step()
        graphs.append(weakref.ref(loss))
        del loss
    assert [one() for one in graphs] == [None] * 5
    step(model, optimizer, 500)
    before = objects_at_rest()
    step(model, optimizer, 2000)
    assert objects_at_rest() - before < 100
    end_loops()
    (run,) = project.top_runs()
    assert len(steps_of(run)) == 2505


def test_what_is_pickled_or_copied_meanwhile_has_nothing_of_ours(
    project: Project, autolog: Callable[..., None]
) -> None:
    model, optimizer = make()
    plain = len(pickle.dumps((model, optimizer.state_dict())))
    autolog()
    step(model, optimizer)
    optimizer.zero_grad()
    data = pickle.dumps((model, optimizer.state_dict()))
    assert b"chiplog" not in data
    assert len(data) == plain
    buffer = io.BytesIO()
    torch.save(model, buffer)
    assert b"chiplog" not in buffer.getvalue()
    other = copy.deepcopy(optimizer)
    assert type(other) is type(optimizer)
    assert vars(other).keys() >= optimizer.state_dict().keys()
    loader = torch.utils.data.DataLoader([torch.ones(3)] * 4)
    assert len(list(copy.deepcopy(loader))) == 4


def test_a_loss_with_several_elements_and_a_given_gradient_is_no_loss(
    project: Project, autolog: Callable[..., None]
) -> None:
    autolog()
    model, optimizer = make()
    out = model(torch.ones(4, 3))
    out.backward(torch.ones_like(out))
    optimizer.step()
    end_loops()
    (run,) = project.top_runs()
    assert "loss" not in run.data.metrics
    assert run.data.metrics["lr"] == 0.1
    assert run.data.metrics["grad_norm"] > 0
    (why,) = (one.reason for one in project.receipt(run.info.run_id).skipped if one.what == "loss")
    assert "no tensor of one element" in why


def test_a_loop_without_backward_has_no_loss_and_the_receipt_says_why(
    project: Project, autolog: Callable[..., None]
) -> None:
    autolog()
    model, optimizer = make()
    loss = model(torch.ones(4, 3)).mean()
    weights = list(model.parameters())
    for weight, gradient in zip(weights, torch.autograd.grad(loss, weights), strict=True):
        weight.grad = gradient
    optimizer.step()
    end_loops()
    (run,) = project.top_runs()
    (why,) = (one.reason for one in project.receipt(run.info.run_id).skipped if one.what == "loss")
    assert "torch.autograd.grad" in why


def test_what_is_no_number_is_recorded_as_it_is(
    project: Project, autolog: Callable[..., None]
) -> None:
    autolog()
    model, optimizer = make(lr=0.0)
    loss = model(torch.ones(2, 3)).sum() * float("nan")
    loss.backward()
    optimizer.step()
    end_loops()
    (run,) = project.top_runs()
    assert run.data.metrics["loss"] != run.data.metrics["loss"]


def test_a_mistake_of_ours_in_a_step_does_not_reach_the_loop(
    project: Project, autolog: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CHIPLOG_STRICT")
    monkeypatch.setattr(guard, "_seen", set())

    def broken(*args: Any, **kwargs: Any) -> Any:
        raise RuntimeError("on purpose")

    autolog()
    model, optimizer = make()
    step(model, optimizer)
    monkeypatch.setattr(Budget, "affords", broken)
    step(model, optimizer, 2)
    end_loops()
    (run,) = project.top_runs()
    assert run.info.status == "FINISHED"
    assert steps_of(run) == [0, 1, 2]
    assert any("on purpose" in line.reason for line in project.receipt(run.info.run_id).degraded)


def test_switched_off_everything_is_as_it_was(
    project: Project, autolog: Callable[..., None]
) -> None:
    from torch.nn.modules import module as modules
    from torch.optim import optimizer as optimizers
    from torch.utils.data import dataloader

    places = [
        (torch.autograd, "backward"),
        (torch.optim.Optimizer, "__init__"),
        (torch.optim.lr_scheduler.LRScheduler, "__init__"),
        (torch.nn.utils, "clip_grad_norm_"),
        (dataloader.DataLoader, "__iter__"),
        (dataloader._BaseDataLoaderIter, "__next__"),
        (torch.amp.GradScaler, "scale"),
    ]
    before = [vars(owner)[name] for owner, name in places]
    autolog()
    assert all(vars(o)[n] is not b for (o, n), b in zip(places, before, strict=True))
    model, optimizer = make()
    step(model, optimizer)
    autolog(disable=True)
    assert all(vars(o)[n] is b for (o, n), b in zip(places, before, strict=True))
    assert not optimizers._global_optimizer_pre_hooks
    assert not optimizers._global_optimizer_post_hooks
    assert not modules._global_parameter_registration_hooks
    assert not modules._global_module_registration_hooks
    step(model, optimizer)
    (run,) = project.top_runs()
    assert run.info.status == "FINISHED"
    assert steps_of(run) == [0]


def test_while_suspended_nothing_is_recorded(
    project: Project, autolog: Callable[..., None]
) -> None:
    autolog()
    model, optimizer = make()
    with nesting.suspended():
        step(model, optimizer)
    assert project.runs() == []


def test_other_ranks_than_the_first_record_nothing(
    project: Project, autolog: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    autolog()
    model, optimizer = make()
    step(model, optimizer, 2)
    assert project.runs() == []
