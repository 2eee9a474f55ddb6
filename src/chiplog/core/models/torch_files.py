"""Files of PyTorch's: what is in them is looked at before torch reads them.

``torch.load`` unpickles, and so does ``torch.export.load`` where it meets anything but plain
tensors. Used through :mod:`chiplog.core.models.safety` alone.
"""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING, Any, Final

from chiplog.core.errors import DamagedModel, MissingLibrary, UntrustedModel
from chiplog.core.models import exported_program, limits
from chiplog.core.models.pickle_names import globals_in

if TYPE_CHECKING:
    from pathlib import Path

    from chiplog.core.models.safety import Trust

_PICKLE: Final = "a pickle, and reading one runs whatever code it holds"


def read_torch(path: Path, trust: Trust, map_location: Any = None) -> Any:
    """Read a file of ``torch.save``: tensors and plain values; anything else if it is trusted."""
    torch = _torch(path)
    limits.check_zip(path)
    if trust.allows_pickle:
        return torch.load(path, map_location=map_location, weights_only=False)
    try:
        names = set(torch.serialization.get_unsafe_globals_in_checkpoint(str(path)))
    except Exception as error:
        # torch looks through one kind of pickle alone; it can be told to write others.
        names = _names_in(path)
        if not names:
            raise DamagedModel(
                f"{str(path)!r} is no readable file of torch.save: {error}"
            ) from error
        raise _untrusted(path, _PICKLE, names) from error
    unknown = names - set(trust.types)
    if unknown:
        raise _untrusted(path, _PICKLE, unknown)
    try:
        with torch.serialization.safe_globals([_found(name) for name in sorted(names)]):
            return torch.load(path, map_location=map_location, weights_only=True)
    except Exception as error:
        raise DamagedModel(f"{str(path)!r} cannot be read by torch.load: {error}") from error


def read_exported(path: Path, trust: Trust) -> Any:
    """Read a file of ``torch.export.save``, if it holds a graph and tensors only or is trusted."""
    torch = _torch(path)
    limits.check_zip(path)
    if not trust.allows_pickle:
        found = exported_program.doubts(path)
        if found:
            raise _untrusted(path, "an exported program with parts that can run code", found)
    try:
        return torch.export.load(str(path))
    except Exception as error:
        raise DamagedModel(f"{str(path)!r} is no readable .pt2 file: {error}") from error


def _untrusted(path: Path, what: str, names: Any) -> UntrustedModel:
    listed = "\n".join(f"    {name}" for name in sorted(names))
    return UntrustedModel(
        f"{str(path)!r} is {what}. It names:\n{listed}\nIf you trust where it came from, load it "
        "with allow_pickle=True.",
        names,
    )


def _names_in(path: Path) -> set[str]:
    """What the pickles in a file name, found without running them; nothing if it is no archive."""
    try:
        with zipfile.ZipFile(path) as archive:
            parts = [archive.read(part) for part in archive.namelist() if part.endswith(".pkl")]
        return {".".join(pair) for data in parts for pair in globals_in(data)}
    except (zipfile.BadZipFile, OSError, ValueError):
        return set()


def _found(name: str) -> Any:
    """A type by its full name."""
    import importlib

    module, _, attribute = name.rpartition(".")
    return getattr(importlib.import_module(module), attribute)


def _torch(path: Path) -> Any:
    try:
        import torch
    except ImportError as error:
        raise MissingLibrary(
            f"{str(path)!r} is a file of PyTorch's, and reading one needs torch.\n"
            "    pip install 'chiplog[pytorch]'"
        ) from error
    return torch
