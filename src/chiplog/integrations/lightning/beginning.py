"""What is known of a training before its first batch."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from chiplog.core.data import describe_dataset
from chiplog.integrations.lightning.flatten import flattened
from chiplog.integrations.lightning.packages import framework, package_of

if TYPE_CHECKING:
    from chiplog.core.autolog.session import TrainingSession
    from chiplog.integrations.lightning.config import LightningConfig
    from chiplog.integrations.lightning.content import Content

_EARLY_STOPPING = ("monitor", "mode", "patience", "min_delta", "stopped_epoch")
_CONFIGURED = ("model", "data", "optimizer", "lr_scheduler", "seed_everything")


def record(
    session: TrainingSession,
    trainer: Any,
    module: Any,
    options: LightningConfig,
    content: Content,
) -> None:
    """Record settings, hyperparameters, the module's layers and the data."""
    if content.parameters:
        with session.capture("params") as note:
            note.count = session.log_params(parameters(trainer))
    if content.hyperparameters:
        found = hyperparameters(trainer, module)
        if found:
            with session.capture("hyperparameters") as note:
                note.count = session.log_params(found)
    if content.summary:
        with session.capture("model summary"):
            session.log_text(summary(module), "model_summary.txt")
    _record_configuration(session, trainer)
    if options.log_datasets and content.parameters:
        _record_data(session, trainer)


def record_first(session: TrainingSession, trainer: Any) -> None:
    """Record what the Trainer itself knows, before it does anything that may take long."""
    with session.capture("tags"):
        session.set_tags({"Mode": "training"})
    with session.capture("first params") as note:
        note.is_preparation = True  # they are among those counted once training begins
        found = _stopping_parameters(trainer)
        if trainer.max_epochs is not None:
            found["epochs"] = trainer.max_epochs
        session.log_params(found)


def parameters(trainer: Any) -> dict[str, Any]:
    """The number of epochs, each optimizer's settings, EarlyStopping's."""
    found: dict[str, Any] = {"epochs": trainer.max_epochs}
    for number, optimizer in enumerate(trainer.optimizers):
        suffix = f"_{number}" if number else ""
        optimizer = getattr(optimizer, "optimizer", optimizer)  # noqa: PLW2901 - the user's own
        found[f"optimizer_name{suffix}"] = type(optimizer).__name__
        for key, value in getattr(optimizer, "defaults", {}).items():
            found[f"{key}{suffix}"] = value
    found.update(_stopping_parameters(trainer))
    return found


def _stopping_parameters(trainer: Any) -> dict[str, Any]:
    stopping = early_stopping(trainer)
    names = _EARLY_STOPPING if stopping is not None else ()
    return {name: getattr(stopping, name, None) for name in names}


def early_stopping(trainer: Any) -> Any:
    """The trainer's EarlyStopping, the first one if it has several."""
    kind = framework(package_of(trainer), "callbacks").EarlyStopping
    return next((one for one in trainer.callbacks if isinstance(one, kind)), None)


def hyperparameters(trainer: Any, module: Any) -> dict[str, Any]:
    """What module and data module saved as their hyperparameters."""
    found: dict[str, Any] = {}
    for owner in (getattr(trainer, "datamodule", None), module):
        if owner is None or not getattr(owner, "_log_hyperparams", False):
            continue
        initial = getattr(owner, "hparams_initial", None)
        if initial:
            found.update(flattened(initial))
    return {key: value for key, value in found.items() if key != "_class_path"}


def summary(module: Any) -> str:
    """The module's layers and their parameters, as Lightning prints them; runs nothing of it."""
    tools = framework(package_of(module), "utilities.model_summary")

    class Summary(tools.ModelSummary):  # type: ignore[name-defined,misc]
        def _forward_example_input(self) -> None:
            """Lightning would run the module on its example to learn the sizes."""

    return str(Summary(module, max_depth=-1))


def _record_configuration(session: TrainingSession, trainer: Any) -> None:
    """What LightningCLI was configured with: the file it saves, and its main parts as params."""
    for callback in trainer.callbacks:
        names = {base.__name__ for base in type(callback).__mro__}
        if "SaveConfigCallback" not in names:
            continue
        with session.capture("command line configuration") as note:
            text = callback.parser.dump(callback.config, skip_none=False)
            session.log_text(text, os.path.basename(callback.config_filename))  # noqa: PTH119 - a name
            config = callback.config
            parts = {name: config[name] for name in _CONFIGURED if name in config}
            note.count = session.log_params(
                {key: value for key, value in flattened(parts).items() if value is not None}
            )


def _record_data(session: TrainingSession, trainer: Any) -> None:
    """The loops' data, if it lies in tensors: what has to be read to be known is left alone."""
    loop = trainer.fit_loop
    for what, context, source in (
        ("dataset", "train", loop._data_source),  # noqa: SLF001 - there is no public one
        ("validation data", "eval", loop.epoch_loop.val_loop._data_source),  # noqa: SLF001 - as above
    ):
        if source.instance is not None and source.is_defined():
            with session.capture(what) as note:
                _describe(session, note, source, context)


def _describe(session: TrainingSession, note: Any, source: Any, context: str) -> None:
    loaders = source.instance
    if source.is_module():
        note.skip(f"it comes from {type(loaders).__name__}.{source.name}(), which is not called")
        return
    loader = loaders[0] if isinstance(loaders, (list, tuple)) and len(loaders) == 1 else loaders
    data = getattr(loader, "dataset", None)
    tensors = getattr(data, "tensors", None)
    if not isinstance(tensors, tuple) or not tensors:
        kind = type(data if data is not None else loader).__name__
        note.skip(f"a {kind} is not read to be described; a TensorDataset is described")
        return
    arrays = [_array(tensor) for tensor in tensors[:2]]
    if any(array is None for array in arrays):
        note.skip("its tensors do not lie in this machine's memory")
        return
    dataset = describe_dataset(arrays[0], arrays[1] if len(arrays) > 1 else None)
    if dataset is None:
        note.skip("tensors of this kind are not described")
    else:
        session.log_dataset(dataset, context)


def _array(tensor: Any) -> Any:
    if tensor.device.type != "cpu" or tensor.layout.__str__() != "torch.strided":
        return None
    return tensor.detach().numpy()
