"""``ChiplogCallback``: what ``autolog()`` records, for one Trainer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from chiplog.core.location import get_tracking_uri
from chiplog.core.runs.reading import metric_history
from chiplog.integrations.lightning.packages import classes

if TYPE_CHECKING:
    from chiplog.core.entities import Run
    from chiplog.testing.project import Project

pytestmark = [
    pytest.mark.framework,
    pytest.mark.filterwarnings("ignore::UserWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]

pytest.importorskip("lightning")


def only_run(project: Project) -> Run:
    (run,) = project.runs()
    return run


def points(run: Run, key: str) -> list[tuple[int, float]]:
    return [(m.step, m.value) for m in metric_history(get_tracking_uri(), run.info.run_id, key)]


def callback_class(kit: Any) -> Any:
    return classes(kit.package.__name__).ChiplogCallback


def test_it_records_without_autolog(project: Project, each_kit: Any) -> None:
    callback = callback_class(each_kit)(extra_tags={"team": "a"})
    assert isinstance(callback, each_kit.package.callbacks.Callback)
    _, module = each_kit.fit(callbacks=[callback])
    run = only_run(project)
    assert points(run, "train_loss_step") == list(enumerate(module.seen, 1))
    assert run.data.params["optimizer_name"] == "Adam"
    assert run.data.tags["team"] == "a"
    assert run.info.status == "FINISHED"
    assert len(run.outputs.model_outputs) == 1
    assert project.receipt(run.info.run_id).degraded == []


def test_what_a_test_measures_is_added_to_the_run_of_the_training(
    project: Project, kit: Any
) -> None:
    trainer, module = kit.fit(callbacks=[callback_class(kit)(log_models=False)])
    (result,) = trainer.test(module, kit.loaders()[1], verbose=False)
    run = only_run(project)
    assert {key: run.data.metrics[key] for key in result} == pytest.approx(result)
    assert run.data.tags["Mode"] == "testing"


def test_with_autolog_there_is_still_one_run(project: Project, autolog: Any, kit: Any) -> None:
    autolog()
    _, module = kit.fit(callbacks=[callback_class(kit)(log_models=False)])
    run = only_run(project)
    assert points(run, "train_loss_step") == list(enumerate(module.seen, 1))
    assert run.outputs.model_outputs == []


def test_with_a_logger_there_is_still_one_run(project: Project, kit: Any) -> None:
    logger = classes("lightning").ChiplogLogger(experiment_name="digits")
    _, module = kit.fit(callbacks=[callback_class(kit)()], logger=logger)
    run = only_run(project)
    assert run.info.run_id == logger.version
    assert points(run, "train_loss_step") == list(enumerate(module.seen, 1))
    assert len(points(run, "val_loss")) == 2
    assert run.data.params["optimizer_name"] == "Adam"
    assert run.info.status == "FINISHED"


def test_each_training_is_a_run_and_resuming_goes_on_with_one(project: Project, kit: Any) -> None:
    saving = kit.callbacks.ModelCheckpoint(project.path / "saved", save_last=True)
    callback = callback_class(kit)(log_models=False)
    kit.fit(callbacks=[callback, saving], enable_checkpointing=True)
    kit.fit(callbacks=[callback])
    assert len(project.runs()) == 2
    trainer = kit.trainer(max_epochs=3, callbacks=[callback_class(kit)(log_models=False)])
    trainer.fit(kit.Digits(), *kit.loaders(), ckpt_path=project.path / "saved" / "last.ckpt")
    assert sorted(len(points(run, "train_loss_step")) for run in project.runs()) == [10, 15]


def test_an_exception_ends_the_run_as_failed(project: Project, kit: Any) -> None:
    class Broken(kit.Digits):  # type: ignore[misc]  # a base known at run time only
        def training_step(self, batch: Any, index: int) -> Any:
            raise ValueError("of the user's own")

    with pytest.raises(ValueError, match="of the user's own"):
        kit.fit(Broken(), callbacks=[callback_class(kit)()])
    run = only_run(project)
    assert run.info.status == "FAILED"
    assert b"of the user's own" in (project.document(run.info.run_id, "failure") or b"")


def test_a_class_made_from_it_may_use_every_hook(project: Project, kit: Any) -> None:
    seen = []

    class Mine(callback_class(kit)):  # type: ignore[misc]
        def on_train_batch_start(self, *args: Any) -> None:
            super().on_train_batch_start(*args)
            seen.append("start")

        def on_train_batch_end(self, *args: Any) -> None:
            super().on_train_batch_end(*args)
            seen.append("end")

    kit.fit(callbacks=[Mine(log_models=False)], max_epochs=1)
    assert seen == ["start", "end"] * 5
    assert len(points(only_run(project), "train_loss_step")) == 5
