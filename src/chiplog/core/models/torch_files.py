"""Files of PyTorch's: what is in them is looked at before torch reads them.

``torch.load`` unpickles, and so does ``torch.export.load`` where it meets anything but plain
tensors. Used through :mod:`chiplog.core.models.safety` alone.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from typing import TYPE_CHECKING, Any, Final

from chiplog.core.errors import DamagedModel, MissingLibrary, UntrustedModel

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from chiplog.core.models.safety import Trust

#: Expressions of sizes, which torch reads through sympy, and sympy evaluates text.
_SYMBOL: Final = re.compile(r"Symbol\('[a-z]+[0-9]+'(, [a-z]+=(True|False))*\)")
_WORD: Final = re.compile(r"[A-Za-z_][A-Za-z_0-9]*")
_SIZE: Final = re.compile(r"[a-z]+[0-9]+")
_FUNCTIONS: Final = frozenset(
    {
        "Integer", "Float", "Rational", "Max", "Min", "Mod", "PythonMod", "FloorDiv",
        "IntTrueDiv", "FloatTrueDiv", "CleanDiv", "CeilDiv", "ModularIndexing", "Where",
        "FloatPow", "PowByNatural", "RShift", "LShift", "ToFloat", "TruncToInt", "RoundToInt",
        "FloorToInt", "CeilToInt", "Eq", "Ne", "Lt", "Le", "Gt", "Ge", "And", "Or", "Not",
        "True", "False", "floor", "ceiling", "Add", "Mul", "Pow", "Abs",
    }
)  # fmt: skip
_CODE: Final = (".pt", ".pkl", ".so", ".py", ".cubin")
_FOREIGN: Final = ("data/aotinductor/", "data/executorch/", "extra/")
_REST: Final = re.compile(r"[0-9 ()+\-*/%,<>=&|~.]*")
_TARGET: Final = re.compile(
    r"torch\.ops\.[A-Za-z0-9_.]+|_?operator\.[a-z_]+|math\.[a-z0-9_]+|torch\._?sym_[a-z_]+"
)


def read_torch(path: Path, trust: Trust, map_location: Any = None) -> Any:
    """Read a file of ``torch.save``: tensors and plain values; anything else if it is trusted."""
    torch = _torch(path)
    if trust.allows_pickle:
        return torch.load(path, map_location=map_location, weights_only=False)
    try:
        names = set(torch.serialization.get_unsafe_globals_in_checkpoint(str(path)))
    except Exception as error:
        raise DamagedModel(f"{str(path)!r} is no readable file of torch.save: {error}") from error
    unknown = names - set(trust.types)
    if unknown:
        raise _untrusted(path, "a pickle, and reading one runs whatever code it holds", unknown)
    with torch.serialization.safe_globals([_found(name) for name in sorted(names)]):
        return torch.load(path, map_location=map_location, weights_only=True)


def read_exported(path: Path, trust: Trust) -> Any:
    """Read a file of ``torch.export.save``, if it holds a graph and tensors only or is trusted."""
    torch = _torch(path)
    if not trust.allows_pickle:
        try:
            with zipfile.ZipFile(path) as archive:
                doubts = sorted(set(_doubts(archive, torch)))
        except (zipfile.BadZipFile, ValueError, KeyError, TypeError, AttributeError) as error:
            raise DamagedModel(f"{str(path)!r} is no readable .pt2 file: {error}") from error
        if doubts:
            raise _untrusted(path, "an exported program with parts that can run code", doubts)
    return torch.export.load(str(path))


def _doubts(archive: zipfile.ZipFile, torch: Any) -> Iterator[str]:
    """What in an exported program's archive is more than a graph over torch's operators."""
    for name in archive.namelist():
        inner = name.partition("/")[2]
        if inner.startswith("data/sample_inputs/"):
            try:
                torch.load(io.BytesIO(archive.read(name)), weights_only=True)
            except Exception:
                yield f"the sample inputs {inner}"
        elif inner.startswith(("data/weights/", "data/constants/")) and inner.endswith(".json"):
            for key, entry in json.loads(archive.read(name))["config"].items():
                path = str(entry.get("path_name", ""))
                if entry.get("use_pickle", True) or not path.startswith(("weight_", "tensor_")):
                    yield f"the pickled {key!r}"
        elif inner.startswith("models/"):
            yield from _doubts_of_graph(json.loads(archive.read(name)))
        elif inner.endswith(_CODE) or inner.startswith(_FOREIGN):
            yield inner


def _doubts_of_graph(value: Any) -> Iterator[str]:
    """What in an exported graph is neither one of torch's operators nor arithmetic."""
    if isinstance(value, list):
        for one in value:
            yield from _doubts_of_graph(one)
    elif isinstance(value, dict):
        for key, one in value.items():
            if not isinstance(one, str):
                yield from _doubts_of_graph(one)
            elif key in {"target", "as_operator"}:
                if one and not _TARGET.fullmatch(one):
                    yield f"the operator {one!r}"
            elif key in {"expr_str", "as_expr"} and not _is_arithmetic(one):
                yield f"the expression {one!r}"


def _is_arithmetic(text: str) -> bool:
    """Whether an expression is arithmetic over sizes, and nothing that runs when it is read."""
    plain = _SYMBOL.sub(" ", text)
    words = _WORD.findall(plain)
    known = all(word in _FUNCTIONS or _SIZE.fullmatch(word) for word in words)
    return known and _REST.fullmatch(_WORD.sub(" ", plain)) is not None


def _untrusted(path: Path, what: str, names: Any) -> UntrustedModel:
    listed = "\n".join(f"    {name}" for name in sorted(names))
    return UntrustedModel(
        f"{str(path)!r} is {what}. It names:\n{listed}\nIf you trust where it came from, load it "
        "with allow_pickle=True.",
        names,
    )


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
