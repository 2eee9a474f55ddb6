"""The one place where a model's file becomes objects.

Nothing is unpickled without an explicit decision to trust it, and what a pickle names is listed
before anything runs. A skops file is read if it holds known types only, and its compiled parts are
checked before they are made. Every flavor goes through here, third parties' as well.
"""

from __future__ import annotations

import importlib
import io
import json
import pickletools
import re
import struct
import zipfile
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chiplog.core.config import env_bool
from chiplog.core.errors import DamagedModel, MissingLibrary, NotFound, UntrustedModel
from chiplog.core.models import keras_file, limits
from chiplog.core.models.pickle_names import globals_in
from chiplog.core.models.skops import structure, trusted
from chiplog.core.models.skops.estimators import check_estimators
from chiplog.core.models.skops.library import import_skops
from chiplog.core.models.torch_files import read_exported, read_torch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path


__all__ = [
    "Trust",
    "UntrustedModel",
    "check_code",
    "pickled_modules",
    "pickled_names",
    "read_data",
    "read_exported",
    "read_exported_keras",
    "read_keras",
    "read_pickle",
    "read_skops",
    "read_torch",
]


@dataclass(frozen=True)
class Trust:
    """What the caller of a load trusts.

    Attributes:
        allow_pickle: whether pickles may be read, which runs any code they hold; None asks the
            environment (``CHIPLOG_ALLOW_PICKLE_DESERIALIZATION``), and stands for no.
        types: types and functions, by full name, that skops files may hold beside the known ones.
    """

    allow_pickle: bool | None = None
    types: tuple[str, ...] = ()

    @property
    def allows_pickle(self) -> bool:
        """Whether pickles may be read."""
        if self.allow_pickle is not None:
            return self.allow_pickle
        return env_bool("ALLOW_PICKLE_DESERIALIZATION", default=False)

    @property
    def allows_code(self) -> bool:
        """Whether code saved beside the model may be imported: not without a decision to trust."""
        return self.allows_pickle or bool(self.types)


def pickled_names(data: bytes) -> list[str]:
    """The types and functions that a pickle names, found without running it."""
    return sorted({f"{module}.{name}" for module, name in globals_in(data)})


def pickled_modules(data: bytes) -> set[str]:
    """Top-level modules a pickle may name: a superset, since names can be put together."""
    roots = set()
    for opcode, argument, _ in pickletools.genops(data):
        if isinstance(argument, str) and opcode.name != "FLOAT":
            first = argument.split(" ", 1)[0].partition(".")[0]
            if first.isidentifier():
                roots.add(first)
    return roots


def read_data(path: Path, what: str, read: Callable[[Path], Any]) -> Any:
    """Read a file of a format that holds data only, such as XGBoost's or LightGBM's own.

    ``read`` is the framework's reader. What it does not like is a DamagedModel of ``what``; it must
    not be one that can be made to run code.
    """
    try:
        return read(path)
    except MissingLibrary:
        raise
    except Exception as error:
        raise DamagedModel(f"{str(path)!r} cannot be read as {what}: {error}") from error


def read_keras(path: Path, trust: Trust) -> Any:
    """Read a ``.keras`` file in Keras's safe mode; what it names beside Keras's own is trusted.

    Raises:
        UntrustedModel: it holds code, or names types that are neither registered with Keras nor in
            ``trust.types``.
        DamagedModel: it is no such file.
    """
    return keras_file.read(path, frozenset(trust.types), allows_code=trust.allows_pickle)


def read_exported_keras(path: Path, trust: Trust) -> Any:
    """Read a model that Keras exported for inference, a program of TensorFlow's; as a layer."""
    if not trust.allows_pickle:
        raise UntrustedModel(
            f"{str(path)!r} is an exported program, and running it may read and write files. "
            "If you trust where it came from, load it with allow_pickle=True.",
            {"SavedModel"},
        )
    import keras

    return keras.layers.TFSMLayer(str(path), call_endpoint="serve")


def check_code(path: Path, what: str, trust: Trust, name: str | None = None) -> None:
    """Raise UntrustedModel unless code that a model brings, such as a script, may run.

    ``what`` says what it is; ``name`` is a module's, which the caller can trust by that name.
    """
    if trust.allows_pickle or (name is not None and name in trust.types):
        return
    advice = "" if name is None else f"trusted_types=[{name!r}] or "
    raise UntrustedModel(
        f"The model in {str(path)!r} is made by {what}, and loading it runs that code. Read it; if "
        f"you trust where it came from, load it with {advice}allow_pickle=True.",
        [name or what],
    )


def read_pickle(path: Path, trust: Trust, loads: Callable[[bytes], Any] | None = None) -> Any:
    """Unpickle a file if that is trusted; else raise UntrustedModel with the names it holds.

    ``loads`` makes the object of the bytes, where that is not ``pickle.loads``.
    """
    data = path.read_bytes()
    if not trust.allows_pickle:
        try:
            names = pickled_names(data)
        except Exception as error:
            raise DamagedModel(f"{str(path)!r} is no readable pickle: {error}") from error
        listed = "\n".join(f"    {name}" for name in names)
        raise UntrustedModel(
            f"{str(path)!r} is a pickle, and reading one runs whatever code it holds. It names:\n"
            f"{listed}\nIf you trust where it came from, load it with allow_pickle=True.",
            names,
        )
    import pickle

    try:
        return (loads or pickle.loads)(data)
    except (pickle.UnpicklingError, EOFError) as error:
        raise DamagedModel(f"{str(path)!r} is no readable pickle: {error}") from error


def read_skops(
    path: Path,
    trust: Trust,
    known: Mapping[str, frozenset[str]] | None = None,
    checks: Mapping[str, Callable[[Any], None]] | None = None,
) -> Any:
    """Read a skops file of known types, its compiled parts checked.

    ``known`` are further types a flavor answers for, each with the kinds of record it may stand in;
    ``checks`` look at the state of some of them before an object is given it, and raise.

    Raises:
        UntrustedModel: it holds types that are neither known nor in ``trust.types``.
        DamagedModel: it is no skops file, or an index in it points outside its array.
    """
    try:
        data = path.read_bytes()
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            limits.check_archive(archive, path, len(data))
            return _read_archive(archive, path, trust, dict(known or {}), dict(checks or {}))
    except (zipfile.BadZipFile, NotImplementedError, zlib.error) as error:
        raise DamagedModel(f"{str(path)!r} is no skops file: {error}") from error


def _read_archive(
    archive: zipfile.ZipFile,
    path: Path,
    trust: Trust,
    known: dict[str, frozenset[str]],
    checks: dict[str, Callable[[Any], None]],
) -> Any:
    try:
        import_skops()
        from skops.io import _persist  # noqa: F401 - fills the table of records
        from skops.io._audit import get_tree
        from skops.io._protocol import PROTOCOL
        from skops.io._utils import LoadContext
    except ImportError as error:
        raise MissingLibrary(
            f"{str(path)!r} is a skops file, and reading one needs skops.\n"
            "    pip install 'chiplog[sklearn]'"
        ) from error
    names = [*trusted.KINDS, *trusted.scoring_functions(), *known, *trust.types]
    try:
        schema = json.loads(archive.read("schema.json"))
        # The protocol chooses how records are read, and is the file's own word.
        if type(schema["protocol"]) is not int or not 0 <= schema["protocol"] <= PROTOCOL:
            structure.refuse("a skops file", f"has protocol {schema['protocol']!r}")
        context = LoadContext(src=_ReadOnce(archive), protocol=schema["protocol"])
        root = get_tree(schema, context, trusted=names)
        unsafe = root.get_unsafe_set() - set(names)
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise DamagedModel(f"{str(path)!r} is no readable skops file: {error}") from error
    if unsafe:
        shown = ", ".join(repr(name) for name in sorted(unsafe))
        raise UntrustedModel(
            f"{str(path)!r} holds types that are not known to be safe: {shown}. If you trust where "
            f"it came from, load it with trusted_types=[{shown}].",
            unsafe,
        )
    _check_importable(root, path, set(trust.types))
    try:
        _check_kinds(root, known, set(trust.types), path)
        _check_nodes(root, checks)
        model = root.construct()
    except (KeyError, TypeError, ValueError, AttributeError, OSError, EOFError) as error:
        raise DamagedModel(f"{str(path)!r} cannot be put together: {error}") from error
    except (IndexError, MemoryError, OverflowError, RecursionError, struct.error) as error:
        raise DamagedModel(f"{str(path)!r} cannot be put together: {error!r}") from error
    check_estimators(model)
    return model


class _ReadOnce:
    """The entries of an archive; none twice, or a small file could fill the memory with one."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive, self._read = archive, set[str]()

    def read(self, name: str) -> bytes:
        """An entry's content; raises ValueError if it was asked for before."""
        if name in self._read:
            raise ValueError(f"two of its records share {name!r}")
        self._read.add(name)
        return self._archive.read(name)


def _check_importable(root: Any, path: Path, user_trusts: set[str]) -> None:
    """Raise NotFound for a type that the caller trusts and that is not there."""
    kinds = {(node.module_name, node.class_name) for node in _nodes(root)}
    for module, kind in sorted(kinds, key=str):
        name = f"{module}.{kind}"
        if name not in user_trusts:
            continue
        try:
            getattr(importlib.import_module(module), kind)
        except (ImportError, AttributeError) as error:
            raise NotFound(
                f"{str(path)!r} holds a {name}, which cannot be imported here: {error}. The class "
                "must be importable, under that name, where the model is loaded."
            ) from error


def _check_kinds(
    root: Any, known: dict[str, frozenset[str]], user_trusts: set[str], path: Path
) -> None:
    """Check that each type stands in records that it may stand in, before any is made."""
    functions = trusted.scoring_functions()
    for node in _nodes(root):
        name, kind = f"{node.module_name}.{node.class_name}", type(node).__name__
        allowed = known.get(name) or trusted.KINDS.get(name)
        if allowed is None and name in functions:
            allowed = frozenset({"FunctionNode", "TypeNode"})
        if allowed is not None and kind not in allowed and name not in user_trusts:
            structure.refuse(f"a record of {name}", f"stands in it as a {kind}")
        if kind == "SparseMatrixNode":  # an archive of its own
            limits.check_stream(node.children["content"], path)


def _check_nodes(root: Any, checks: dict[str, Callable[[Any], None]]) -> None:
    """Check each record of a skops file whose type compiled code relies on, before it is made.

    Records are constructed once and kept, so what is checked here is what is used afterwards.
    """
    for node in _nodes(root):
        name, kind = f"{node.module_name}.{node.class_name}", type(node).__name__
        if name in checks and kind == "ObjectNode":
            checks[name](_made(node, "attrs"))
        if kind == "TreeNode":
            structure.check_tree(node.children["args"].construct(), _made(node, "attrs"))
        elif kind == "ObjectNode" and node.class_name == "TreePredictor":
            structure.check_predictor(_made(node, "attrs"))
        elif kind == "ObjectNode" and re.fullmatch(r"(KD|Ball)Tree(32|64)?", node.class_name):
            structure.check_neighbours(_made(node, "attrs"))
        elif kind == "SparseMatrixNode":
            structure.check_sparse(node.construct())


def _made(node: Any, child: str) -> Any:
    part = node.children.get(child)
    return None if part is None else part.construct()


def _nodes(root: Any) -> Iterator[Any]:
    """Every record below ``root``, each once."""
    seen: set[int] = set()
    stack = [root]
    while stack:
        node = stack.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        yield node
        for child in node.children.values():
            parts = child if isinstance(child, list) else [child]
            if isinstance(child, dict):
                parts = list(child.values())
            stack.extend(part for part in parts if hasattr(part, "children"))
