"""States of modules as safetensors files, which hold tensors and nothing else."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from chiplog.core.errors import CannotSave, MissingLibrary
from chiplog.core.models import safety

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

#: Where a file says which names stand for the same tensor, and what is no tensor.
_ALIASES: Final = "chiplog.aliases"
_VALUES: Final = "chiplog.values"


def write_state(state: Mapping[str, Any], path: Path) -> None:
    """Write a state dict; raises CannotSave if it holds what is neither tensor nor JSON.

    Names that share a tensor go on sharing it; tensors on a device are copied to the host.
    """
    library = _library()
    torch = _torch()
    tensors: dict[str, Any] = {}
    aliases: dict[str, str] = {}
    values: dict[str, Any] = {}
    known: dict[object, str] = {}
    for name, value in state.items():
        if not isinstance(value, torch.Tensor):
            values[name] = _plain(name, value)
            continue
        if value.layout != torch.strided or value.is_quantized or value.device.type == "meta":
            raise CannotSave(
                f"The tensor {name!r} of the state is {_kind(value)}, which safetensors cannot "
                "hold. serialization_format='pickle' can; loading then needs allow_pickle=True."
            )
        full = _local(value)
        identity = _identity(full)
        if identity in known:
            aliases[name] = known[identity]
            continue
        known[identity] = name
        tensors[name] = _own(full)
    described = {"format": "pt"}
    if aliases:
        described[_ALIASES] = json.dumps(aliases)
    if values:
        described[_VALUES] = json.dumps(values)
    library.save_file(tensors, str(path), metadata=described)


def read_state(path: Path, device: str = "cpu") -> dict[str, Any]:
    """Read a state dict."""
    library, safe_open = _library(), _safe_open()

    def read(file: Path) -> dict[str, Any]:
        with safe_open(str(file), framework="pt") as opened:
            described = opened.metadata() or {}
        state: dict[str, Any] = library.load_file(str(file), device=device)
        for name, other in json.loads(described.get(_ALIASES, "{}")).items():
            state[name] = state[other]
        state.update(json.loads(described.get(_VALUES, "{}")))
        return state

    found: dict[str, Any] = safety.read_data(path, "safetensors", read)
    return found


def _plain(name: str, value: Any) -> Any:
    try:
        if json.loads(json.dumps(value)) == value:
            return value
    except (TypeError, ValueError):
        pass
    raise CannotSave(
        f"The entry {name!r} of the state is a {type(value).__name__}, and safetensors holds "
        "tensors only. serialization_format='pickle' can; loading then needs allow_pickle=True."
    )


def _kind(tensor: Any) -> str:
    if tensor.is_quantized:
        return "quantized"
    return "on the meta device" if tensor.device.type == "meta" else str(tensor.layout)


def _local(tensor: Any) -> Any:
    """A sharded tensor in one piece."""
    full = getattr(tensor, "full_tensor", None)
    return (full() if full is not None else tensor).detach()


def _identity(tensor: Any) -> object:
    if tensor.numel() == 0:
        return object()
    storage = tensor.untyped_storage()
    return (
        tensor.device,
        storage.data_ptr(),
        tensor.storage_offset(),
        tuple(tensor.shape),
        tensor.stride(),
        tensor.dtype,
    )


def _own(tensor: Any) -> Any:
    """The tensor on the host, contiguous, in a storage that holds nothing else."""
    host = tensor.to("cpu").contiguous()
    whole = host.untyped_storage().nbytes() == host.numel() * host.element_size()
    return host if whole else host.clone()


def _library() -> Any:
    try:
        import safetensors.torch
    except ImportError as error:
        raise MissingLibrary(
            "The default format of PyTorch's models is safetensors, which is not installed.\n"
            "    pip install safetensors"
        ) from error
    return safetensors.torch


def _safe_open() -> Any:
    from safetensors import safe_open

    return safe_open


def _torch() -> Any:
    import torch

    return torch
