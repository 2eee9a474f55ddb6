"""Modules as exported programs, which compute from an input without the module's code."""

from __future__ import annotations

import contextlib
import importlib
from typing import TYPE_CHECKING, Any

import numpy as np

from chiplog.core.errors import CannotSave

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def as_tensors(example: Any) -> Any:
    """An input example as a module takes it: arrays and frames become tensors."""
    import torch

    if isinstance(example, torch.Tensor):
        return example
    if isinstance(example, dict):
        return {name: as_tensors(value) for name, value in example.items()}
    if isinstance(example, tuple):
        return tuple(as_tensors(value) for value in example)
    if hasattr(example, "to_numpy"):
        example = example.to_numpy()
    if isinstance(example, np.ndarray) and not example.flags.writeable:
        example = example.copy()  # torch warns of memory that it could write to
    found = torch.as_tensor(example)
    return found.to(torch.get_default_dtype()) if found.dtype == torch.float64 else found


def as_arrays(data: Any) -> Any:
    """What a module takes or gives, as numpy arrays."""
    import torch

    if isinstance(data, torch.Tensor):
        host = data.detach().cpu()
        return (host.float() if host.dtype == torch.bfloat16 else host).numpy()
    if isinstance(data, dict):
        return {name: as_arrays(value) for name, value in data.items()}
    if isinstance(data, (list, tuple)):
        if len(data) == 1:
            return as_arrays(data[0])
        return {f"output_{index}": as_arrays(value) for index, value in enumerate(data)}
    return data


def outputs(model: Any, example: Any) -> Any:
    """What a module gives for an input, as arrays; the module is left as it was."""
    import torch

    arguments, named = _arguments(as_tensors(example), model)
    with torch.no_grad(), evaluating(model), torch.random.fork_rng(devices=[]):
        return as_arrays(model(*arguments, **named))


def export(model: Any, example: Any, file: Path) -> None:
    """Write what a module computes, for inputs of any first dimension where it allows that."""
    torch: Any = importlib.import_module("torch")

    arguments, named = _arguments(as_tensors(example), model)
    with evaluating(model):
        program = _exported(torch, model, _doubled(arguments), _doubled(named), is_free=True)
        if program is None:
            program = _exported(torch, model, arguments, named, is_free=False)
    torch.export.save(program, file)


def _exported(torch: Any, model: Any, arguments: Any, named: Any, *, is_free: bool) -> Any | None:
    shapes: Any = None
    if is_free:
        free = {0: torch.export.Dim.DYNAMIC}
        given = named or arguments
        named_shapes = {name: free if one.dim() else None for name, one in named.items()}
        shapes = named_shapes or tuple(free if one.dim() else None for one in given)
    try:
        return torch.export.export(model, arguments, named, dynamic_shapes=shapes, strict=False)
    except Exception as error:
        if is_free:
            return None
        raise CannotSave(
            f"torch.export cannot export this {type(model).__name__}: {type(error).__name__}: "
            f"{str(error).partition(chr(10))[0]}\nserialization_format='safetensors' stores its "
            "state."
        ) from error


def _doubled(values: Any) -> Any:
    """The values with a first dimension above 1: torch takes 1 for a constant."""
    import torch

    def one(tensor: Any) -> Any:
        alone = tensor.dim() and tensor.shape[0] == 1
        return torch.cat([tensor, tensor]) if alone else tensor

    if isinstance(values, dict):
        return {name: one(value) for name, value in values.items()}
    return tuple(one(value) for value in values)


def _arguments(example: Any, model: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """An example as the arguments of a module's call, on the module's device."""
    device = next((one.device for one in model.parameters()), None)

    def here(tensor: Any) -> Any:
        return tensor if device is None else tensor.to(device)

    if isinstance(example, dict):
        return (), {name: here(value) for name, value in example.items()}
    if isinstance(example, tuple):
        return tuple(here(value) for value in example), {}
    return (here(example),), {}


@contextlib.contextmanager
def evaluating(model: Any) -> Iterator[None]:
    """The module in its evaluation mode for a while, then every part as it was."""
    modes = [(part, part.training) for part in model.modules()]
    with contextlib.suppress(NotImplementedError):  # a program that was exported has one mode
        model.eval()
    try:
        yield
    finally:
        for part, mode in modes:
            part.training = mode
