"""What a training came to: early stopping, the trained model."""

from __future__ import annotations

import os
import warnings
from typing import TYPE_CHECKING, Any

from chiplog.core.autolog.scalars import number
from chiplog.core.errors import CannotSave, MissingLibrary
from chiplog.core.models.flavor import flavors
from chiplog.core.models.logging import ModelEntry
from chiplog.core.models.saving import ModelContent
from chiplog.core.models.signature import infer_signature
from chiplog.integrations.lightning.beginning import early_stopping

if TYPE_CHECKING:
    from chiplog.core.models.flavor import Flavor
    from chiplog.core.models.signature import ModelSignature
    from chiplog.integrations.lightning.recorder import Recorder

FLAVOR = "pytorch"


def record(recorder: Recorder, trainer: Any, module: Any, error: BaseException | None) -> None:
    """Record the end of a training; the model only if it came to its end."""
    if recorder.content.parameters:
        _record_stop(recorder, trainer)
    recorder.follower.tell()
    if error is None and recorder.content.model and recorder.options.log_models:
        _record_model(recorder, module)


def _record_stop(recorder: Recorder, trainer: Any) -> None:
    stopping = early_stopping(trainer)
    if stopping is None or not stopping.stopped_epoch:
        return
    session = recorder.session
    with session.capture("early stopping") as note:
        best = number(stopping.best_score)
        metrics = {
            "stopped_epoch": stopping.stopped_epoch,
            "restored_epoch": stopping.stopped_epoch - max(1, stopping.patience),
            "wait_count": stopping.wait_count,
        }
        if isinstance(best, float):
            metrics["best_score"] = best
        note.count = session.log_metrics(metrics)
        path = getattr(trainer.checkpoint_callback, "best_model_path", "")
        if recorder.options.checkpoint and path and os.path.isfile(path):  # noqa: PTH113 - Lightning's path
            recorder.follower.keep(path, f"restored_model_checkpoint/{os.path.basename(path)}")  # noqa: PTH119


def _record_model(recorder: Recorder, module: Any) -> None:
    session, options = recorder.session, recorder.options
    flavor = flavors().get(FLAVOR)
    if flavor is None:
        session.skipped("model", f"no plugin saves models of the flavor {FLAVOR!r}")
        return
    inputs = recorder.sample.inputs
    signature = None
    if options.log_model_signatures:
        with session.capture("signature") as note:
            if inputs is None:
                note.skip(recorder.sample.reason)
            else:
                try:
                    signature = _signature(flavor, module, inputs)
                except Exception as error:  # the module's own code
                    note.skip(f"calling the module raised {type(error).__name__}: {error}")
                else:
                    if signature is None:
                        note.skip("the module makes more than one tensor of its inputs")
    with session.capture("model") as note:
        try:
            info = session.log_model(
                flavor, ModelContent(module, signature), ModelEntry("model", step=0)
            )
            note.detail = f"{info.model_uri}, as its state without code"
        except (CannotSave, MissingLibrary) as reason:
            note.skip(str(reason).partition("\n")[0])


def _signature(flavor: Flavor, module: Any, inputs: Any) -> ModelSignature | None:
    """What a module takes and gives, found out on a few rows; None if it is more than a tensor."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a module's own, about being called outside of training
        given = flavor.predict(module, inputs, {"example": inputs})
    return infer_signature(inputs.numpy(), given) if hasattr(given, "dtype") else None
