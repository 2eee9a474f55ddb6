"""How the recording of a training begins and ends: its session, and its model at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from chiplog.core.autolog.loop import open_loop
from chiplog.core.errors import CannotSave, MissingLibrary
from chiplog.core.models.logging import ModelEntry
from chiplog.core.models.saving import ModelContent
from chiplog.integrations.pytorch.flavor import ModelState, PytorchFlavor
from chiplog.integrations.pytorch.training import Training

if TYPE_CHECKING:
    from chiplog.core.autolog.installation import Installation
    from chiplog.core.autolog.session import TrainingSession
    from chiplog.integrations.pytorch.config import PytorchConfig
    from chiplog.integrations.pytorch.models import Modules, TrainedModel

WHAT: Final = "training loop"
BACKWARD: Final = "torch.autograd.backward"
STEP: Final = "torch.optim.Optimizer.step"


def begin(installation: Installation, modules: Modules, *, has_several: bool) -> Training | None:
    """Begin to record a training on this thread; None if it is not to be recorded."""
    config: PytorchConfig = installation.config  # type: ignore[assignment]  # of this integration
    training = Training(config, modules)
    loop = open_loop(installation.flavor, WHAT, ending=lambda error: _end(training, error))
    if loop is None:
        return None
    training.opened(loop, has_several=has_several)
    return training


def _end(training: Training, error: BaseException | None) -> None:
    """Record what is left, and the models."""
    session = training.loop.session
    fired = training.loop.fired
    fired[STEP] = sum(tracked.steps for tracked in training.tracked)
    fired[BACKWARD] = training.backwards
    with session.capture("steps", training.step + 1) as note:
        training.finish()
        if training.epoch is not None:
            note.detail = f"{training.epoch + 1} epochs"
    if training.epoch is None:
        session.skipped("epochs", "no DataLoader was iterated over in the training loop")
    config = training.config
    session.skipped(
        "datasets",
        "a loop does not say what it reads; chiplog.log_input() records it"
        if config.log_datasets
        else "log_datasets=False",
    )
    for model in training.models:
        name = "model" if len(training.models) == 1 else f"model_{model.name}"
        if config.log_models:
            _save(session, model, name, max(training.step, 0), error)
            session.skipped(f"signature of {name!r}", _why_no_signature(config))
        else:
            session.skipped(name, "log_models=False")
        model.let_go()


def _why_no_signature(config: PytorchConfig) -> str:
    if not config.log_model_signatures:
        return "log_model_signatures=False"
    return (
        "a module does not say what it takes: chiplog.pytorch.log_model(model, signature=...) or "
        "one with input_example=... stores it"
    )


def _save(
    session: TrainingSession,
    model: TrainedModel,
    name: str,
    step: int,
    error: BaseException | None,
) -> None:
    with session.capture(f"model {name!r}") as note:
        state = model.state()
        if state is None:
            note.skip(
                "it was gone before the training was known to be over, and its state could not be "
                "held on to; chiplog.pytorch.log_model() at the end of the training stores it"
            )
            return
        content = ModelContent(ModelState(state, model.class_path, model.roots))
        try:
            info = session.log_model(PytorchFlavor(), content, ModelEntry(name, step=step))
        except (CannotSave, MissingLibrary) as reason:
            note.skip(str(reason))
            return
        note.detail = f"{info.model_uri} (safetensors)"
        if error is not None:
            note.detail += f", as it was when {type(error).__name__} ended the training"
    session.skipped(
        f"{name!r} as an exported program",
        "torch.export needs an input: chiplog.pytorch.log_model(model, input_example=...)",
    )
