"""What a ``Trainer.fit`` records under ``autolog()``."""

from __future__ import annotations

import gc
import importlib
import pickle
import weakref
from typing import TYPE_CHECKING, Any

import pytest

from chiplog.core import background
from chiplog.core.autolog.account import account
from chiplog.core.autolog.engine import flavor_autolog
from chiplog.core.autolog.receipt import decode
from chiplog.core.location import get_tracking_uri
from chiplog.core.models.loading import local_directory
from chiplog.core.models.model import Model
from chiplog.core.runs.lifecycle import start_run
from chiplog.core.runs.reading import metric_history
from chiplog.core.stores import open_artifact_store
from chiplog.integrations.pytorch import api as pytorch

if TYPE_CHECKING:
    from pathlib import Path

    from chiplog.core.entities import Run
    from chiplog.testing.project import Project

pytestmark = [
    pytest.mark.framework,
    pytest.mark.filterwarnings("ignore::UserWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]

torch = pytest.importorskip("torch")


def only_run(project: Project) -> Run:
    (run,) = project.runs()
    return run


def points(run: Run, key: str) -> list[tuple[int, float]]:
    return [(m.step, m.value) for m in metric_history(get_tracking_uri(), run.info.run_id, key)]


def files(run: Run, path: str | None = None) -> set[str]:
    background.flush(60)
    found = set()
    for info in open_artifact_store(str(run.info.artifact_uri)).list(path):
        found |= files(run, info.path) if info.is_dir else {info.path}
    return found


def test_every_step_and_every_epoch_is_recorded_on_its_own_axis(
    project: Project, autolog: Any, each_kit: Any
) -> None:
    autolog()
    trainer, module = each_kit.fit()
    run = only_run(project)
    assert points(run, "train_loss_step") == list(enumerate(module.seen, 1))
    assert [step for step, _ in points(run, "train_loss")] == [0, 1]
    assert [step for step, _ in points(run, "train_loss_epoch")] == [0, 1]
    assert [step for step, _ in points(run, "val_loss")] == [0, 1]
    assert points(run, "val_loss")[-1][1] == trainer.callback_metrics["val_loss"].item()
    assert points(run, "epoch") == [(5, 0.0), (10, 1.0)]
    assert run.data.tags["mlflow.autologging"] == "pytorch"
    assert run.data.tags["Mode"] == "training"
    assert run.info.status == "FINISHED"


def test_settings_have_mlflows_names(project: Project, autolog: Any, kit: Any) -> None:
    autolog()
    stopping = kit.callbacks.EarlyStopping("val_loss", patience=5, min_delta=0.25, mode="max")
    kit.fit(callbacks=[stopping])
    run = only_run(project)
    params = run.data.params
    assert {key: params[key] for key in ("epochs", "optimizer_name", "lr", "betas", "amsgrad")} == {
        "epochs": "2",
        "optimizer_name": "Adam",
        "lr": "0.01",
        "betas": "(0.9, 0.999)",
        "amsgrad": "False",
    }
    assert (params["monitor"], params["mode"], params["patience"]) == ("val_loss", "max", "5")
    assert (params["min_delta"], params["stopped_epoch"]) == ("0.25", "0")
    assert (params["hidden"], params["rate"]) == ("8", "0.01")
    assert "stopped_epoch" not in run.data.metrics, "it did not stop"
    assert "model_summary.txt" in files(run)
    contexts = [dataset.tags[0].value for dataset in run.inputs.dataset_inputs]
    assert sorted(contexts) == ["eval", "train"]


def test_early_stopping_is_told_and_its_best_checkpoint_kept(
    project: Project, autolog: Any, kit: Any, tmp_path: Any
) -> None:
    autolog()
    stopping = kit.callbacks.EarlyStopping("val_loss", patience=2, min_delta=10.0)
    saving = kit.callbacks.ModelCheckpoint(tmp_path / "saved", monitor="val_loss")
    kit.fit(max_epochs=9, callbacks=[stopping, saving], enable_checkpointing=True)
    run = only_run(project)
    assert stopping.stopped_epoch == 2
    assert run.data.metrics["stopped_epoch"] == 2
    assert run.data.metrics["restored_epoch"] == 0
    assert run.data.metrics["wait_count"] == stopping.wait_count
    assert run.data.metrics["best_score"] == stopping.best_score.item()
    best = saving.best_model_path.rpartition("/")[2]
    assert f"restored_model_checkpoint/{best}" in files(run)


def test_the_loss_is_recorded_even_if_the_module_logs_nothing(
    project: Project, autolog: Any, kit: Any
) -> None:
    class Silent(kit.Digits):  # type: ignore[misc]  # a base known at run time only
        def log(self, *args: Any, **kwargs: Any) -> None:
            pass

    autolog()
    _, module = kit.fit(Silent(), accumulate_grad_batches=2)
    run = only_run(project)
    # Five batches an epoch: steps after the second, the fourth, and the last one.
    taken = [module.seen[index] for index in (1, 3, 4, 6, 8, 9)]
    found = points(run, "loss_step")
    assert [step for step, _ in found] == [1, 2, 3, 4, 5, 6]
    assert [loss for _, loss in found] == pytest.approx(taken, rel=1e-6)


def test_a_metric_of_steps_alone_is_copied_to_epochs_under_mlflows_name(
    project: Project, autolog: Any, kit: Any
) -> None:
    class Plain(kit.Digits):  # type: ignore[misc]  # a base known at run time only
        def training_step(self, batch: Any, index: int) -> Any:
            loss = super().training_step(batch, index)
            self.log("mine", loss)
            if index % 2:
                self.log("seldom", loss, on_step=True)
            return loss

        def on_train_epoch_end(self) -> None:
            self.log("late", float(self.current_epoch))

    autolog()
    _, module = kit.fit(Plain())
    run = only_run(project)
    assert points(run, "mine_step") == list(enumerate(module.seen, 1))
    assert points(run, "mine") == [(0, module.seen[4]), (1, module.seen[9])]
    assert [step for step, _ in points(run, "seldom_step")] == [2, 4, 7, 9]
    assert points(run, "late") == [(0, 0.0), (1, 1.0)]


def test_two_optimizers_by_hand(project: Project, autolog: Any, kit: Any) -> None:
    class ByHand(kit.Digits):  # type: ignore[misc]  # a base known at run time only
        def __init__(self) -> None:
            super().__init__()
            self.automatic_optimization = False

        def training_step(self, batch: Any, index: int) -> Any:
            loss = super().training_step(batch, index)
            for optimizer in self.optimizers():
                optimizer.zero_grad()
            self.manual_backward(loss)
            for optimizer in self.optimizers():
                optimizer.step()
            return loss

        def configure_optimizers(self) -> Any:
            first, last = self.net[0].parameters(), self.net[3].parameters()
            return [torch.optim.SGD(first, lr=0.1), torch.optim.Adam(last, lr=0.2)]

    autolog()
    _, module = kit.fit(ByHand())
    run = only_run(project)
    assert points(run, "train_loss_step") == [(2 * i, v) for i, v in enumerate(module.seen, 1)]
    assert points(run, "lr/optimizer_0") == [(2, 0.1)]
    assert points(run, "lr/optimizer_1") == [(2, 0.2)]
    assert (run.data.params["optimizer_name"], run.data.params["optimizer_name_1"]) == (
        "SGD",
        "Adam",
    )


def test_the_learning_rate_is_the_one_the_step_was_made_with(
    project: Project, autolog: Any, kit: Any
) -> None:
    class Scheduled(kit.Digits):  # type: ignore[misc]  # a base known at run time only
        def training_step(self, batch: Any, index: int) -> Any:
            used.append(self.optimizers().param_groups[0]["lr"])
            return super().training_step(batch, index)

        def configure_optimizers(self) -> Any:
            optimizer = torch.optim.SGD(self.parameters(), lr=1.0)
            schedule = torch.optim.lr_scheduler.StepLR(optimizer, 2, 0.5)
            return [optimizer], [{"scheduler": schedule, "interval": "step"}]

    used: list[float] = []
    autolog()
    kit.fit(Scheduled())
    changes = {i + 1: v for i, v in enumerate(used) if i == 0 or used[i - 1] != v}
    assert points(only_run(project), "lr") == list(changes.items())


@pytest.mark.parametrize("on", [False, True])
def test_the_trainer_and_its_checkpoints_are_as_without_chiplog(
    project: Project, autolog: Any, kit: Any, tmp_path: Any, on: bool
) -> None:
    if on:
        autolog()
    saving = kit.callbacks.ModelCheckpoint(tmp_path / "saved", save_last=True)
    kit.seed()
    trainer = kit.trainer(callbacks=[saving], enable_checkpointing=True)
    before = list(trainer.callbacks)
    trainer.fit(kit.Digits(), *kit.loaders())
    assert list(map(id, trainer.callbacks)) == list(map(id, before))
    checkpoint = torch.load(tmp_path / "saved" / "last.ckpt", weights_only=True)
    assert list(checkpoint["callbacks"]) == [saving.state_key]
    assert set(checkpoint) - {"chiplog"} == {
        "epoch",
        "global_step",
        "pytorch-lightning_version",
        "state_dict",
        "loops",
        "callbacks",
        "optimizer_states",
        "lr_schedulers",
        "hparams_name",
        "hyper_parameters",
    }
    assert ("chiplog" in checkpoint) is on
    assert len(project.runs()) == int(on)


def test_results_are_the_same_to_the_bit(project: Project, autolog: Any, kit: Any) -> None:
    def outcome() -> Any:
        trainer, module = kit.fit()
        weights = {key: value.numpy() for key, value in module.state_dict().items()}
        metrics = {key: value.item() for key, value in trainer.callback_metrics.items()}
        return pickle.dumps((weights, metrics, module.seen, torch.get_rng_state().numpy()))

    plain = outcome()
    autolog()
    assert outcome() == plain
    assert len(project.runs()) == 1


def test_nothing_of_it_is_kept_alive(project: Project, autolog: Any, kit: Any) -> None:
    autolog()
    trainer, module = kit.fit()
    held = [weakref.ref(trainer), weakref.ref(module), weakref.ref(module.net[0].weight)]
    del trainer, module
    background.flush(60)
    gc.collect()
    assert [one() for one in held] == [None, None, None]


def test_what_is_measured_later_goes_into_the_run_that_was_trained(
    project: Project, autolog: Any, kit: Any
) -> None:
    autolog()
    trainer, module = kit.fit()
    _, evaluation = kit.loaders()
    (tested,) = trainer.test(module, evaluation, verbose=False)
    trainer.predict(module, evaluation)
    run = only_run(project)
    assert run.data.metrics["test_loss"] == tested["test_loss"]
    assert run.data.tags["Mode"] == "testing"
    assert run.info.status == "FINISHED"
    receipt = project.receipt(run.info.run_id)
    assert "metrics of Trainer.test" in [entry.what for entry in receipt.captured]
    assert "Trainer.predict" in [entry.what for entry in receipt.skipped]


def test_a_module_that_was_not_trained_here_is_evaluated_in_a_run_of_its_own(
    project: Project, autolog: Any, kit: Any
) -> None:
    autolog()
    _, evaluation = kit.loaders()
    (measured,) = kit.trainer().validate(kit.Digits(), evaluation, verbose=False)
    run = only_run(project)
    assert run.data.metrics["val_loss"] == measured["val_loss"]
    assert run.info.status == "FINISHED"


def test_the_model_is_stored_with_its_signature(project: Project, autolog: Any, kit: Any) -> None:
    autolog()
    _, module = kit.fit()
    assert module.training, "it is left as it was"
    run = only_run(project)
    (output,) = run.outputs.model_outputs
    folder = local_directory(f"models:/{output.model_id}")
    signature = Model.load(folder / "MLmodel").signature
    assert signature is not None
    shapes = [
        [tuple(getattr(spec, "shape", ())) for spec in side.inputs]
        for side in (signature.inputs, signature.outputs)
        if side is not None and side.is_tensor_spec()
    ]
    assert shapes == [[(-1, 64)], [(-1, 10)]]
    other = kit.Digits()
    other.load_state_dict(pytorch.load_state_dict(f"models:/{output.model_id}"))
    for mine, theirs in zip(module.parameters(), other.parameters(), strict=True):
        assert torch.equal(mine, theirs)


def test_an_interrupt_is_what_the_run_says_it_is(project: Project, autolog: Any, kit: Any) -> None:
    class Interrupted(kit.Digits):  # type: ignore[misc]  # a base known at run time only
        def training_step(self, batch: Any, index: int) -> Any:
            if index == 3:
                raise KeyboardInterrupt
            return super().training_step(batch, index)

    autolog()
    with pytest.raises(SystemExit):  # Lightning makes that of it
        kit.fit(Interrupted())
    run = only_run(project)
    assert run.info.status == "FAILED"
    assert run.data.tags["chiplog.exit.reason"] == "KeyboardInterrupt"
    assert len(points(run, "train_loss_step")) == 3
    assert b"KeyboardInterrupt" in (project.document(run.info.run_id, "failure") or b"")


def test_an_exception_in_the_middle_keeps_all_until_then(
    project: Project, autolog: Any, kit: Any
) -> None:
    class Broken(kit.Digits):  # type: ignore[misc]  # a base known at run time only
        def training_step(self, batch: Any, index: int) -> Any:
            if self.current_epoch and index == 2:
                raise ValueError("of the user's own")
            return super().training_step(batch, index)

    autolog()
    with pytest.raises(ValueError, match="of the user's own"):
        kit.fit(Broken())
    run = only_run(project)
    assert run.info.status == "FAILED"
    assert len(points(run, "train_loss_step")) == 7
    assert [step for step, _ in points(run, "train_loss")] == [0]
    assert [step for step, _ in points(run, "val_loss")] == [0]


def test_two_fits_in_a_run_of_the_users(project: Project, autolog: Any, kit: Any) -> None:
    autolog(log_models=False)
    with start_run() as mine:
        kit.fit()
        kit.fit()
    (child,) = project.children(mine.info.run_id)
    (parent,) = project.top_runs()
    assert len(points(parent, "train_loss_step")) == len(points(child, "train_loss_step")) == 10


def test_a_tuners_trials_are_no_trainings(project: Project, autolog: Any, kit: Any) -> None:
    class Tuned(kit.Digits):  # type: ignore[misc]  # a base known at run time only
        pass

    tuner = importlib.import_module("lightning.pytorch.tuner").Tuner(kit.trainer())
    autolog()
    flavor_autolog("pytorch")()  # which would see a loop of the user's own
    kit.seed()
    tuner.lr_find(Tuned(), *kit.loaders(), num_training=3, attr_name="rate")
    assert project.runs() == []
    assert "1 call of Tuner.lr_find (its trials are no training)" in str(account.line())


def test_what_an_evaluation_gives_to_a_logger_makes_no_run_of_its_own(
    project: Project, autolog: Any, kit: Any, tmp_path: Path
) -> None:
    pytest.importorskip("tensorboard")
    autolog(log_models=False)
    flavor_autolog("tensorboard")()
    board = kit.package.loggers.TensorBoardLogger(str(tmp_path / "board"))
    trainer, module = kit.fit(logger=board)
    trainer.test(module, kit.loaders()[1], verbose=False)
    run = only_run(project)
    assert "test_loss" in run.data.metrics
    body = project.document(run.info.run_id, "receipt")
    assert body is not None
    what = "metrics of Trainer.test"
    told = [one for one in decode(body).sessions if any(c.what == what for c in one.captured)]
    assert [one.integration for one in told] == ["lightning"]


def test_what_is_no_scalar_is_refused_and_said(project: Project, autolog: Any, kit: Any) -> None:
    class Strange(kit.Digits):  # type: ignore[misc]  # a base known at run time only
        def training_step(self, batch: Any, index: int) -> Any:
            loss = super().training_step(batch, index)
            self.log("infinite", float("inf"))
            self.log("missing", float("nan"))
            return {"loss": loss, "extra": "text"}

    autolog()
    kit.fit(Strange())
    run = only_run(project)
    assert {value for _, value in points(run, "infinite_step")} == {float("inf")}
    assert len(points(run, "missing_step")) == 10


def test_the_checkpoints_are_followed_as_lightning_keeps_them(
    project: Project, autolog: Any, kit: Any, tmp_path: Any
) -> None:
    autolog()
    saving = kit.callbacks.ModelCheckpoint(
        project.path / "saved", monitor="val_loss", save_top_k=2, save_last=True
    )
    kit.fit(max_epochs=4, callbacks=[saving], enable_checkpointing=True)
    run = only_run(project)
    kept = {path.name for path in (project.path / "saved").iterdir()}
    assert len(kept) == 3
    found = files(run, "checkpoints")
    assert {path.partition("/")[2] for path in found} == kept | {
        "checkpoints.json",
        "latest_checkpoint.pth",
        "latest_checkpoint_metrics.json",
    }
    root = open_artifact_store(str(run.info.artifact_uri)).root  # type: ignore[attr-defined]
    for name in kept:
        assert (root / "checkpoints" / name).samefile(project.path / "saved" / name), "linked"
    assert (root / "checkpoints" / "latest_checkpoint.pth").samefile(saving.best_model_path)
    assert run.data.tags["mlflow.latest_checkpoint_artifact"] == "checkpoints/latest_checkpoint.pth"


def test_each_checkpoint_can_be_kept_under_its_epoch(
    project: Project, autolog: Any, kit: Any
) -> None:
    autolog(checkpoint_save_best_only=False)
    saving = kit.callbacks.ModelCheckpoint(project.path / "saved")
    kit.fit(callbacks=[saving], enable_checkpointing=True)
    run = only_run(project)
    assert {
        "checkpoints/epoch_0/checkpoint.pth",
        "checkpoints/epoch_0/checkpoint_metrics.json",
        "checkpoints/epoch_1/checkpoint.pth",
    } <= files(run, "checkpoints")
    assert (
        run.data.tags["mlflow.latest_checkpoint_artifact"] == "checkpoints/epoch_1/checkpoint.pth"
    )


def test_resuming_from_a_checkpoint_goes_on_with_its_run(
    project: Project, autolog: Any, kit: Any
) -> None:
    autolog(log_models=False)
    saving = kit.callbacks.ModelCheckpoint(project.path / "saved", save_last=True)
    kit.fit(callbacks=[saving], enable_checkpointing=True)
    first = only_run(project)
    for asked in (project.path / "saved" / "last.ckpt", "last"):
        saving = kit.callbacks.ModelCheckpoint(project.path / "saved", save_last=True)
        trainer = kit.trainer(max_epochs=3, callbacks=[saving], enable_checkpointing=True)
        trainer.fit(kit.Digits(), *kit.loaders(), ckpt_path=asked)
        run = only_run(project)
        assert run.info.run_id == first.info.run_id
        assert run.info.status == "FINISHED"
        assert [step for step, _ in points(run, "train_loss_step")] == list(range(1, 16))
        assert [step for step, _ in points(run, "val_loss")] == [0, 1, 2]


def test_resuming_a_run_that_is_gone_makes_a_new_one_and_says_so(
    project: Project, autolog: Any, kit: Any, caplog: pytest.LogCaptureFixture
) -> None:
    from chiplog.core.client import ChiplogClient

    autolog(log_models=False)
    saving = kit.callbacks.ModelCheckpoint(project.path / "saved", save_last=True)
    kit.fit(callbacks=[saving], enable_checkpointing=True)
    first = only_run(project)
    ChiplogClient().delete_run(first.info.run_id)
    trainer = kit.trainer(max_epochs=3)
    trainer.fit(kit.Digits(), *kit.loaders(), ckpt_path=project.path / "saved" / "last.ckpt")
    (second,) = [run for run in project.runs() if run.info.run_id != first.info.run_id]
    assert f"a checkpoint of run {first.info.run_id}" in caplog.text
    skipped = {entry.what for entry in project.receipt(second.info.run_id).skipped}
    assert "run of the checkpoint" in skipped


def test_pytorchs_autolog_sets_it_up_too_and_its_own_wins(project: Project, kit: Any) -> None:
    pytorch.autolog(log_every_n_epoch=2, log_every_n_step=5, log_models=False)
    kit.fit()
    run = only_run(project)
    assert [step for step, _ in points(run, "val_loss")] == [1]
    assert [step for step, _ in points(run, "train_loss_step")] == [5, 10]
    assert run.outputs.model_outputs == []
    flavor_autolog("lightning")(log_models=False)
    pytorch.autolog(log_every_n_epoch=2)
    kit.fit()
    assert [step for step, _ in points(project.runs()[-1], "val_loss")] == [0, 1]
