"""Where PyTorch's training loops are watched."""

from __future__ import annotations

import functools
import sys
from typing import TYPE_CHECKING, Any, Final

from chiplog.core.autolog.integration import Integration
from chiplog.core.autolog.loop import end_loops
from chiplog.integrations.pytorch.config import PytorchConfig
from chiplog.integrations.pytorch.recording import BACKWARD, STEP
from chiplog.integrations.pytorch.steps import backward_for, hooks_for, next_for
from chiplog.integrations.pytorch.watcher import Watcher, keep_from_compiling

if TYPE_CHECKING:
    from types import ModuleType

    from chiplog.core.autolog.installation import Installation

BATCH: Final = "torch.utils.data.DataLoader"


class PytorchIntegration(Integration):
    """Watches every optimizer's steps, and the losses and batches that lead to them."""

    name = "pytorch"
    distribution = "torch"
    versions = ">=2.6,<3"
    modules = ("torch",)
    options = PytorchConfig
    module = "chiplog.integrations.pytorch.api"

    def __init__(self) -> None:
        self.watcher: Watcher | None = None

    def install(self, installation: Installation) -> None:
        """Watch ``backward``, optimizers, schedulers, loaders and scalers."""
        import torch
        from torch.nn.modules import module
        from torch.optim import lr_scheduler, optimizer

        watcher = self.watcher = Watcher(installation, torch.Tensor.backward.__code__)
        before, after = hooks_for(watcher, torch.compiler.is_compiling)
        for handle in (
            optimizer.register_optimizer_step_pre_hook(before),
            optimizer.register_optimizer_step_post_hook(after),
            module.register_module_parameter_registration_hook(watcher.modules.owns),
            module.register_module_module_registration_hook(watcher.modules.holds),
        ):
            installation.patcher.on_undo(handle.remove)
        installation.note_hook(STEP)
        wrap, replace = installation.patcher.wrap, installation.patcher.replace
        done = replace(torch.autograd, "backward", functools.partial(backward_for, watcher))
        installation.note_hook(BACKWARD, done)
        keep_from_compiling(watcher, [torch.autograd.backward], [before, after])
        wrap(torch.optim.Optimizer, "__init__", watcher.born)
        for kind in vars(lr_scheduler).values():
            if (
                isinstance(kind, type)
                and issubclass(kind, lr_scheduler.LRScheduler)
                and "__init__" in vars(kind)
                and kind.__name__ in {"LRScheduler", "ReduceLROnPlateau", "SequentialLR"}
            ):
                wrap(kind, "__init__", watcher.scheduler_born)
        installation.patcher.wrap_functions(
            {torch.nn.utils.clip_grad_norm_: watcher.clip},
            [torch.nn.utils, sys.modules["torch.nn.utils.clip_grad"]],
        )
        installation.on_import("torch.utils.data.dataloader", self._watch_loaders)
        installation.on_import("torch.amp.grad_scaler", self._watch_scaler)
        installation.on_import("torch._dynamo.eval_frame", self._watch_compiling)

    def uninstall(self, installation: Installation) -> None:
        """End what is being recorded."""
        self.watcher = None
        end_loops(installation.flavor)

    def _watch_loaders(self, module: ModuleType) -> None:
        if self.watcher is None:
            return
        wrap = module_patcher(self.watcher)
        wrap(module.DataLoader, "__iter__", self.watcher.iterate)
        iterator = module._BaseDataLoaderIter  # noqa: SLF001 - there is no public one
        replace = self.watcher.installation.patcher.replace
        done = replace(iterator, "__next__", functools.partial(next_for, self.watcher))
        keep_from_compiling(self.watcher, [iterator.__next__])
        self.watcher.installation.note_hook(BATCH, done)

    def _watch_scaler(self, module: ModuleType) -> None:
        if self.watcher is None:
            return
        wrap = module_patcher(self.watcher)
        wrap(module.GradScaler, "scale", self.watcher.scale)
        wrap(module.GradScaler, "step", self.watcher.scaler_step)
        wrap(module.GradScaler, "update", self.watcher.scaler_update)

    def _watch_compiling(self, module: ModuleType) -> None:
        if self.watcher is not None:
            module_patcher(self.watcher)(module.OptimizedModule, "__init__", self.watcher.compiled)


def module_patcher(watcher: Watcher) -> Any:
    """What patches, with a ledger."""
    return watcher.installation.patcher.wrap
