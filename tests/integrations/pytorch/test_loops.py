"""Training loops as people write them are recorded, and come to the same to the bit."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.framework

torch = pytest.importorskip("torch")
pytest.importorskip("sklearn")


def assert_same(one: Any, other: Any) -> None:
    """The two states have the same bits."""
    assert one.keys() == other.keys()
    for name in one:
        assert torch.equal(one[name], other[name]), name


def values(points: list[tuple[int, float]]) -> list[float]:
    return [value for _, value in points]


def steps(points: list[tuple[int, float]]) -> list[int]:
    return [step for step, _ in points]


def test_a_classifier_with_evaluation_between_its_epochs(script: Callable[..., Any]) -> None:
    done = script("classifier")
    assert_same(done.plain["state"], done.logged["state"])
    assert done.plain["accuracies"] == done.logged["accuracies"]
    assert values(done.curve("loss")) == done.plain["losses"]
    assert steps(done.curve("loss")) == list(range(24))
    assert done.curve("lr") == [(0, 0.01), (8, 0.005), (16, 0.0025)]
    assert done.curve("epoch") == [(0, 0.0), (8, 1.0), (16, 2.0)]
    assert steps(done.curve("grad_norm")) == list(range(24))
    assert all(value > 0 for value in values(done.curve("samples_per_second")))
    params = done.run.data.params
    assert params["optimizer_name"] == "Adam"
    assert params["weight_decay"] == "0.0001"
    assert params["lr_scheduler_name"] == "StepLR"
    assert params["lr_scheduler_gamma"] == "0.5"
    assert params["batch_size"] == "64"
    assert params["dataset_size"] == "480"
    assert params["model_class"].endswith(".Net")
    assert int(params["total_parameters"]) == sum(
        p.numel() for p in done.logged["model"].parameters()
    )
    assert done.run.info.status == "FINISHED"
    assert done.run.data.tags["mlflow.autologging"] == "pytorch"


def test_gradient_accumulation_is_one_point_a_step_of_the_undivided_loss(
    script: Callable[..., Any],
) -> None:
    done = script("accumulation")
    assert_same(done.plain["state"], done.logged["state"])
    points = done.curve("loss")
    assert steps(points) == list(range(6))
    assert values(points) == pytest.approx(done.plain["losses"], rel=1e-6)
    assert values(done.curve("grad_norm")) == done.plain["norms"]
    assert len(done.curve("lr")) == 6
    assert done.curve("epoch") == [(0, 0.0), (3, 1.0)]


def test_a_gan_has_its_losses_by_name_and_both_optimizers_on_one_axis(
    script: Callable[..., Any],
) -> None:
    done = script("gan")
    assert_same(done.plain["state"], done.logged["state"])
    real, fake = zip(*done.plain["losses_d"], strict=True)
    assert values(done.curve("errD_real")) == list(real)
    assert values(done.curve("errD_fake")) == list(fake)
    assert values(done.curve("errG")) == done.plain["losses_g"]
    for key in ("errD_real", "errG", "grad_norm/optimizerD", "grad_norm/optimizerG"):
        assert steps(done.curve(key)) == list(range(8)), key
    assert done.curve("lr/optimizerD") == [(0, 0.002)]
    assert done.curve("lr/optimizerG") == [(0, 0.001)]
    assert done.run.data.params["optimizerD/betas"] == "(0.5, 0.999)"
    assert done.run.data.params["Sequential_2/total_parameters"] == "68"
    assert len(done.run.outputs.model_outputs) == 2
    assert "loss" not in done.run.data.metrics


def test_a_closure_that_is_called_several_times_is_one_step(script: Callable[..., Any]) -> None:
    done = script("lbfgs")
    assert_same(done.plain["state"], done.logged["state"])
    assert values(done.curve("loss")) == done.plain["losses"]
    assert all(value > 1 for value in values(done.curve("closure_evaluations")))
    assert done.run.data.params["max_iter"] == "4"


def test_with_a_gradient_scaler_the_unscaled_loss_is_recorded_and_skipped_steps_are_told(
    script: Callable[..., Any],
) -> None:
    done = script("amp")
    assert_same(done.plain["state"], done.logged["state"])
    assert values(done.curve("loss")) == done.plain["losses"]
    assert steps(done.curve("loss")) == list(range(8))
    assert done.curve("amp/skipped_steps") == [(5, 1.0)]
    assert values(done.curve("amp/scale")) == [256.0, 512.0, 256.0]
    assert steps(done.curve("grad_norm")) == [0, 1, 2, 3, 4, 6, 7]
    assert max(values(done.curve("grad_norm"))) < 100, "of the unscaled gradients"


def test_parameter_groups_have_a_rate_each_and_the_whole_module_is_the_model(
    script: Callable[..., Any],
) -> None:
    done = script("groups")
    assert_same(done.plain["state"], done.logged["state"])
    assert values(done.curve("loss")) == done.plain["history"]
    rates = done.curve("lr/group_0")
    assert rates == [(0, 0.01), (8, 0.005)]
    assert values(done.curve("lr/group_1")) == [0.1, 0.05]
    params = done.run.data.params
    assert params["group_0/lr"] == "0.01"
    assert params["model_class"].endswith(".TwoHeads")
    assert int(params["total_parameters"]) - int(params["trainable_parameters"]) == 6
    assert params["lr_scheduler_name"] == "ReduceLROnPlateau"
    assert "epochs" in {line.what for line in done.receipt.skipped}


def test_the_receipt_tells_what_fired_and_what_it_cost(script: Callable[..., Any]) -> None:
    done = script("lbfgs")
    fired = {hook.point: hook.fired for hook in done.receipt.hooks}
    assert fired["torch.optim.Optimizer.step"] == 5
    assert fired["torch.autograd.backward"] > 5
    assert done.receipt.hooks_installed >= 3
    assert done.receipt.degraded == []
    assert [call.outcome for call in done.receipt.calls] == ["FINISHED"]
    assert done.receipt.training_ms > 0
    assert done.receipt.overhead_ms > 0
    assert struct.pack("d", done.receipt.during_ms) != struct.pack("d", 0.0)
