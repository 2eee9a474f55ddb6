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
    from chiplog.core.models.signature import ModelSignature
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
    if training.why_no_loss is not None:
        session.skipped("loss", f"{training.why_no_loss}; chiplog.log_metric() records it")
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
            _save(training, model, name, error)
        else:
            session.skipped(name, "log_models=False")
        model.let_go()


def _save(training: Training, model: TrainedModel, name: str, error: BaseException | None) -> None:
    session = training.loop.session
    signature = _signature(training, model, name)
    with session.capture(f"model {name!r}") as note:
        state = model.state()
        if state is None:
            note.skip(
                "it was gone before the training was known to be over, and its state could not be "
                "held on to; chiplog.pytorch.log_model() at the end of the training stores it"
            )
            return
        content = ModelContent(ModelState(state, model.class_path, model.roots), signature)
        entry = ModelEntry(name, step=max(training.step, 0))
        try:
            info = session.log_model(PytorchFlavor(), content, entry)
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


def _signature(training: Training, model: TrainedModel, name: str) -> ModelSignature | None:
    """What the model takes and gives, if one of its calls showed it."""
    what = f"signature of {name!r}"
    if not training.config.log_model_signatures:
        training.loop.session.skipped(what, "log_model_signatures=False")
        return None
    found = training.seen.signature.get(model.number)
    if found is None:
        why = training.seen.reason.get(model.number, "it was not called")
        training.loop.session.skipped(
            what, f"{why}; chiplog.pytorch.log_model(model, signature=...) stores one"
        )
        return None
    training.loop.session.captured(what)
    return found
