"""``ChiplogLogger``: a logger of Lightning's own kind, with every step."""

from __future__ import annotations

import argparse
import dataclasses
import importlib
import inspect
import pickle
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from chiplog.core import background
from chiplog.core.client import ChiplogClient
from chiplog.core.location import get_tracking_uri
from chiplog.core.runs.lifecycle import start_run
from chiplog.core.runs.reading import metric_history
from chiplog.core.stores import open_artifact_store
from chiplog.integrations.lightning.packages import classes

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

pytest.importorskip("lightning")


def logger_class(kit: Any) -> Any:
    return classes(kit.package.__name__).ChiplogLogger


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


def test_it_is_a_logger_of_each_package(project: Project, each_kit: Any) -> None:
    logger = logger_class(each_kit)(experiment_name="digits", run_name="first", tags={"team": "a"})
    assert isinstance(logger, each_kit.package.loggers.Logger)
    _, module = each_kit.fit(logger=logger)
    run = only_run(project)
    assert (run.info.run_id, run.info.experiment_id) == (logger.version, logger.name)
    assert run.info.run_name == "first"
    assert run.data.tags["team"] == "a"
    assert ChiplogClient().get_experiment(run.info.experiment_id).name == "digits"
    assert run.info.status == "FINISHED"
    assert points(run, "train_loss_step") == list(enumerate(module.seen, 1))
    assert [step for step, _ in points(run, "train_loss_epoch")] == [0, 1]
    assert [step for step, _ in points(run, "val_loss")] == [0, 1]
    assert run.data.params == {"hidden": "8", "rate": "0.01"}
    assert "model_summary.txt" in files(run)
    assert project.receipt(run.info.run_id).degraded == []


def test_it_takes_what_lightnings_own_logger_for_mlflow_takes(kit: Any) -> None:
    theirs = inspect.signature(kit.package.loggers.MLFlowLogger.__init__).parameters
    ours = inspect.signature(logger_class(kit).__init__).parameters
    assert list(ours)[: len(theirs)] == list(theirs)
    for name in ("name", "version", "save_dir", "experiment", "run_id", "experiment_id"):
        assert isinstance(inspect.getattr_static(logger_class(kit), name), property)


def test_nothing_is_left_in_the_trainer(project: Project, kit: Any) -> None:
    kit.seed()
    trainer = kit.trainer(logger=logger_class(kit)())
    before = list(trainer.callbacks)
    trainer.fit(kit.Digits(), *kit.loaders())
    assert list(map(id, trainer.callbacks)) == list(map(id, before))


def test_beside_another_logger(project: Project, kit: Any, tmp_path: Path) -> None:
    table = kit.package.loggers.CSVLogger(tmp_path / "csv")
    kit.fit(logger=[table, logger_class(kit)()], log_every_n_steps=5)
    run = only_run(project)
    assert len(points(run, "train_loss_step")) == 10
    written = (tmp_path / "csv" / "lightning_logs" / "version_0" / "metrics.csv").read_text()
    assert "train_loss_step" in written


def test_without_every_step_it_records_what_the_trainer_hands_out(
    project: Project, kit: Any
) -> None:
    kit.fit(logger=logger_class(kit)(every_step=False), log_every_n_steps=5)
    run = only_run(project)
    assert [step for step, _ in points(run, "train_loss_step")] == [4, 9]
    assert [step for step, _ in points(run, "val_loss")] == [4, 9]


def test_what_the_user_logs_through_it_is_recorded_as_it_is(project: Project, kit: Any) -> None:
    class Own(kit.Digits):  # type: ignore[misc]  # a base known at run time only
        def training_step(self, batch: Any, index: int) -> Any:
            self.logger.log_metrics({"own": index}, step=100 + self.global_step)
            return super().training_step(batch, index)

    logger = logger_class(kit)(prefix="mine")
    kit.fit(Own(), logger=logger, max_epochs=1)
    run = only_run(project)
    assert points(run, "mine-own") == [(100 + index, float(index)) for index in range(5)]


def test_hyperparameters_of_every_kind_and_before_the_training(project: Project, kit: Any) -> None:
    @dataclasses.dataclass
    class Settings:
        depth: int = 3
        inner: dict[str, Any] = dataclasses.field(default_factory=lambda: {"a": {"b": 1}})

    logger = logger_class(kit)()
    logger.log_hyperparams(argparse.Namespace(seed=7, nested=argparse.Namespace(x=[1, 2])))
    logger.log_hyperparams(Settings())
    logger.log_hyperparams({"hidden": 999, "odd!name": 1, "long": "x" * 10_000})
    assert project.runs() == [], "nothing begins before anything is known"
    kit.fit(logger=logger)
    params = only_run(project).data.params
    assert {key: params[key] for key in ("seed", "nested/x", "depth", "inner/a/b", "hidden")} == {
        "seed": "7",
        "nested/x": "[1, 2]",
        "depth": "3",
        "inner/a/b": "1",
        "hidden": "999",
    }
    assert params["oddname"] == "1"
    assert len(params["long"]) == 6000


def test_it_records_into_the_active_run_unless_told_otherwise(project: Project, kit: Any) -> None:
    with start_run() as mine:
        kit.fit(logger=logger_class(kit)())
        kit.fit(logger=logger_class(kit)(run_name="its own"))
        joined, own = sorted(project.runs(), key=lambda run: run.info.run_id != mine.info.run_id)
        assert (joined.info.status, own.info.status) == ("RUNNING", "FINISHED")
        assert len(points(joined, "train_loss_step")) == 10
        assert len(points(own, "train_loss_step")) == 10


def test_a_given_run_is_gone_on_with(project: Project, kit: Any) -> None:
    first = logger_class(kit)()
    kit.fit(logger=first)
    kit.fit(logger=logger_class(kit)(run_id=first.run_id))
    run = only_run(project)
    assert len(points(run, "train_loss_step")) == 20
    assert run.info.status == "FINISHED"


def test_autolog_adds_its_own_to_the_loggers_run(project: Project, autolog: Any, kit: Any) -> None:
    autolog(log_models=False)
    trainer, module = kit.fit(logger=logger_class(kit)(experiment_name="digits"))
    run = only_run(project)
    assert points(run, "train_loss_step") == list(enumerate(module.seen, 1))
    assert len(points(run, "val_loss")) == 2
    assert run.data.params["optimizer_name"] == "Adam"
    assert run.data.params["hidden"] == "8"
    assert run.info.status == "FINISHED"
    trainer.test(module, kit.loaders()[1], verbose=False)
    run = only_run(project)
    assert len(points(run, "test_loss")) == 1
    assert run.info.status == "FINISHED"


@pytest.mark.parametrize(("log_model", "count"), [(True, 2), ("all", 4), (False, 0)])
def test_checkpoints_are_linked_and_removed_as_lightning_keeps_them(
    project: Project, kit: Any, log_model: Any, count: int
) -> None:
    logger = logger_class(kit)(log_model=log_model)
    saving = kit.callbacks.ModelCheckpoint(monitor="val_loss", save_top_k=2)
    kit.fit(max_epochs=4, logger=logger, callbacks=[saving], enable_checkpointing=True)
    run = only_run(project)
    found = {path for path in files(run) if path.endswith(".ckpt")}
    assert len(found) == count
    root = open_artifact_store(str(run.info.artifact_uri)).root  # type: ignore[attr-defined]
    best = saving.best_model_path
    assert best.startswith(str(logger.save_dir))
    if log_model:
        name = best.rpartition("/")[2]
        assert (root / "checkpoints" / name).samefile(best)


def test_after_save_checkpoint_keeps_a_file_without_a_training(
    project: Project, kit: Any, tmp_path: Path
) -> None:
    logger = logger_class(kit)(every_step=False)
    saving = kit.callbacks.ModelCheckpoint(tmp_path / "saved")
    kit.fit(logger=logger, callbacks=[saving], enable_checkpointing=True)
    run = only_run(project)
    (kept,) = (tmp_path / "saved").iterdir()
    assert f"checkpoints/{kept.name}" in files(run)


def test_an_exception_ends_its_run_as_failed(project: Project, kit: Any) -> None:
    class Broken(kit.Digits):  # type: ignore[misc]  # a base known at run time only
        def training_step(self, batch: Any, index: int) -> Any:
            if index == 2:
                raise ValueError("of the user's own")
            return super().training_step(batch, index)

    with pytest.raises(ValueError, match="of the user's own"):
        kit.fit(Broken(), logger=logger_class(kit)())
    run = only_run(project)
    assert run.info.status == "FAILED"
    assert len(points(run, "train_loss_step")) == 2
    assert b"of the user's own" in (project.document(run.info.run_id, "failure") or b"")


def test_resuming_from_a_checkpoint_goes_on_with_its_run(project: Project, kit: Any) -> None:
    saving = kit.callbacks.ModelCheckpoint(project.path / "saved", save_last=True)
    kit.fit(logger=logger_class(kit)(), callbacks=[saving], enable_checkpointing=True)
    trainer = kit.trainer(max_epochs=3, logger=logger_class(kit)())
    trainer.fit(kit.Digits(), *kit.loaders(), ckpt_path=project.path / "saved" / "last.ckpt")
    run = only_run(project)
    assert [step for step, _ in points(run, "train_loss_step")] == list(range(1, 16))
    assert run.info.status == "FINISHED"


def test_images_texts_and_the_client(project: Project, kit: Any) -> None:
    logger = logger_class(kit)()
    logger.log_image("input", [np.zeros((4, 4), dtype=np.uint8)], step=3)
    logger.log_text("hello", "notes/hello.txt")
    logger.experiment.log_dict(logger.run_id, {"a": 1}, "a.json")
    logger.finalize("success")
    run = only_run(project)
    assert run.info.status == "FINISHED"
    found = files(run)
    assert {"notes/hello.txt", "a.json"} <= found
    assert any(path.startswith("images/input") for path in found)


def test_what_is_no_image_is_left_out_and_training_goes_on(
    project: Project, kit: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv("CHIPLOG_STRICT")
    logger = logger_class(kit)()
    logger.log_image("input", ["no such file.png", np.zeros((4, 4), dtype=np.uint8)], step=3)
    logger.log_text("hello", "../outside.txt")
    logger.finalize("success")
    found = files(only_run(project))
    assert found
    assert all(path.startswith("images/input") for path in found), "of one image"
    assert "Recording the image 'input'" in caplog.text
    assert "Storing '../outside.txt'" in caplog.text


def test_a_copy_for_another_process_leads_to_the_same_run(project: Project, kit: Any) -> None:
    logger = logger_class(kit)()
    copy = pickle.loads(pickle.dumps(logger))
    copy.log_metrics({"theirs": 1.0}, step=1)
    copy.finalize("success")
    logger.log_metrics({"mine": 2.0}, step=2)
    logger.finalize("success")
    run = only_run(project)
    assert run.data.metrics == {"theirs": 1.0, "mine": 2.0}


def test_the_public_names_are_those_of_the_package_in_use(kit: Any) -> None:
    module = importlib.import_module("chiplog.lightning")
    assert module.ChiplogLogger is classes("lightning").ChiplogLogger
    assert module.ChiplogCallback is classes("lightning").ChiplogCallback
    pytest.importorskip("pytorch_lightning")
    other = module.classes("pytorch_lightning")
    assert other.ChiplogLogger is not module.ChiplogLogger
    assert module.autolog.integration_name == "lightning"


def test_a_configuration_of_the_command_line_is_kept(
    project: Project, kit: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("jsonargparse")
    from lightning.pytorch.cli import LightningCLI

    class Data(kit.package.LightningDataModule):  # type: ignore[misc]  # a base known at run time only
        def __init__(self, batch: int = 8) -> None:
            super().__init__()

        def train_dataloader(self) -> Any:
            return kit.loaders()[0]

    monkeypatch.setattr("sys.argv", ["fit.py"])
    for hidden in (8, 9):
        options = {
            "max_epochs": 1,
            "logger": {"class_path": "chiplog.lightning.ChiplogLogger"},
            "accelerator": "cpu",
            "enable_progress_bar": False,
            "enable_model_summary": False,
        }
        LightningCLI(
            kit.Digits, Data, trainer_defaults=options, args=["fit", f"--model.hidden={hidden}"]
        )
    for run, hidden in zip(project.runs(), (8, 9), strict=True):
        assert "config.yaml" in files(run)
        assert run.data.params["model/hidden"] == str(hidden)


def test_a_store_that_cannot_be_used_harms_nobody(
    project: Project, kit: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CHIPLOG_STRICT")
    plain = kit.fit()[1].seen
    for uri in ("sqlite:////dev/null/no/runs.db", "nosuchscheme://x"):
        saving = kit.callbacks.ModelCheckpoint(project.path / "saved")
        logger = logger_class(kit)(experiment_name="digits", tracking_uri=uri)
        logger.log_hyperparams({"a": 1})
        _, module = kit.fit(logger=logger, callbacks=[saving], enable_checkpointing=True)
        assert module.seen == plain
