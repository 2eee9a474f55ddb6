"""Keras's own file format, ``.keras``: what such a file names, and reading it without code of its.

A ``.keras`` file describes a model by names of classes and functions and their settings. Keras's
safe mode keeps it from carrying code along; older versions of that mode import whatever module a
file names. So the description is looked through before Keras reads it.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import warnings
import zipfile
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final

from chiplog.core.errors import CannotSave, DamagedModel, MissingLibrary, UntrustedModel
from chiplog.core.models import limits

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

LAMBDA: Final = "__lambda__"

_PACKAGES: Final = frozenset({"keras", "keras_hub", "keras_cv", "keras_nlp"})

# Values written out: no class is looked up for them.
_VALUES: Final = frozenset(
    {
        "__keras_tensor__",
        "__tensor__",
        "__numpy__",
        "__bytes__",
        "__ellipsis__",
        "__slice__",
        "__tuple__",
    }
)

# Layers whose settings name further files, pickles or functions of other frameworks.
_REACHING: Final = frozenset({"TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer"})

# Layers that read a file if their vocabulary is its path.
_LOOKUPS: Final = frozenset({"StringLookup", "IntegerLookup", "TextVectorization"})

# Where functions are that belong into a model; Keras has others, which read files and the network.
_PARTS: Final = (
    "activations",
    "constraints",
    "initializers",
    "losses",
    "metrics",
    "ops",
    "regularizers",
)
_FUNCTIONS: Final = tuple(f"{root}.{part}" for root in ("keras", "keras.src") for part in _PARTS)

_own: ContextVar[tuple[dict[str, Any], dict[str, Any]]] = ContextVar(
    "chiplog_keras_reading", default=({}, {})
)


def write(model: Any, path: Path, arguments: Mapping[str, Any] | None = None) -> None:
    """Let a model save itself at ``path``, in the format that its ending says.

    What Keras warns of on the way is between it and the libraries below it.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.save(path, **dict(arguments or {}))


def has_code(path: Path) -> bool:
    """Whether a file holds functions' code, of ``Lambda`` layers, which only trust can read."""
    return any(node.get("class_name") == LAMBDA for node in _nodes(_config(path)))


def foreign_names(path: Path) -> set[str]:
    """The classes and functions that a file names beside Keras's own, by full name.

    Layers of Keras that read further files or code are among them.
    """
    return {name for node in _nodes(_config(path)) if (name := _foreign(node)) is not None}


def check(path: Path, *, allows_code: bool) -> tuple[str, ...]:
    """What loading a written file needs; raises CannotSave if it holds code."""
    if has_code(path) and not allows_code:
        raise CannotSave(
            "the model has a Lambda layer with a function without a name, whose code would have to "
            "be in the file and be run when it is read. Make it a named function registered with "
            "keras.saving.register_keras_serializable(), or a layer; or save the model yourself "
            "with allow_code=True"
        )
    names = sorted(foreign_names(path))
    if not names:
        return ()
    return (
        f"loading it needs {', '.join(names)}, registered with Keras or given as custom_objects",
    )


@contextlib.contextmanager
def reading_with(
    custom_objects: Mapping[str, Any] | None, arguments: Mapping[str, Any] | None
) -> Iterator[None]:
    """Read files, inside the block, with the caller's own classes and arguments for Keras."""
    token = _own.set((dict(custom_objects or {}), dict(arguments or {})))
    try:
        yield
    finally:
        _own.reset(token)


def read(path: Path, trusted: frozenset[str], *, allows_code: bool) -> Any:
    """Read a model from a file whose names are all known or ``trusted``.

    What the process has registered with ``keras.saving.register_keras_serializable``, and the
    custom objects of :func:`reading_with`, is known.

    Raises:
        UntrustedModel: the file holds code, or names what is not known.
        DamagedModel: it is no such file.
    """
    if path.suffix != ".keras":
        # Keras goes by the ending, and of another one it would read another part of the file.
        raise DamagedModel(f"{str(path)!r} does not end in '.keras', as a Keras model's file does.")
    if has_code(path) and not allows_code:
        raise UntrustedModel(
            f"{str(path)!r} holds the code of a Lambda layer, and reading it would run whatever "
            "that is. If you trust where it came from, load it with allow_pickle=True.",
            {LAMBDA},
        )
    try:
        import keras
    except ImportError as error:
        raise MissingLibrary(
            f"{str(path)!r} is a Keras model, and reading one needs keras.\n    pip install keras"
        ) from error
    custom_objects, arguments = _own.get()
    given = {**custom_objects, **_trusted_objects(path, trusted, set(custom_objects), allows_code)}
    try:
        return keras.saving.load_model(
            path, **{"custom_objects": given, "safe_mode": not allows_code, **arguments}
        )
    except (KeyError, OSError, TypeError, ValueError) as error:
        raise DamagedModel(f"{str(path)!r} cannot be read as a Keras model: {error}") from error


def _trusted_objects(
    path: Path, trusted: frozenset[str], known: set[str], allows_code: bool
) -> dict[str, Any]:
    """What a file names that must be imported for it; raises if that is not trusted."""
    import keras

    found: dict[str, Any] = {}
    unknown = set()
    for node in _nodes(_config(path)):
        name = _foreign(node)
        looked_up = _looked_up(node)
        if (
            name is None
            or looked_up in known
            or keras.saving.get_registered_object(looked_up) is not None
        ):
            continue
        if name in trusted or allows_code:
            found[_short(node)] = _import(name)
        else:
            unknown.add(name)
    if unknown:
        shown = ", ".join(map(repr, sorted(unknown)))
        raise UntrustedModel(
            f"{str(path)!r} names types that are not Keras's: {shown}. Give them as "
            "custom_objects={name: class}; or register them with "
            "keras.saving.register_keras_serializable() and import them before; or, if you trust "
            f"the file to have them imported, load it with trusted_types=[{shown}].",
            unknown,
        )
    return found


def _config(path: Path) -> Any:
    try:
        limits.check_zip(path)
        with zipfile.ZipFile(path) as archive:
            return json.loads(archive.read("config.json"))
    except (OSError, zipfile.BadZipFile, KeyError, ValueError) as error:
        raise DamagedModel(f"{str(path)!r} is no .keras file: {error}") from error


def _nodes(config: Any) -> Iterator[dict[str, Any]]:
    """Every part of a description that names a class or function."""
    stack = [config]
    while stack:
        part = stack.pop()
        if isinstance(part, dict):
            if "class_name" in part:
                yield part
            stack.extend(part.values())
        elif isinstance(part, list):
            stack.extend(part)


def _foreign(node: dict[str, Any]) -> str | None:
    """The full name of what a part names, if it is not Keras's own and harmless."""
    kind, module = str(node["class_name"]), node.get("module")
    if kind in _VALUES or kind == LAMBDA:
        return None
    if kind == "function":
        name = str(node.get("config"))
        if module == "builtins":
            return None if _is_function_of_keras(name) else name
        return None if _is_within(module, _FUNCTIONS) else f"{module}.{name}"
    if "module" not in node and "registered_name" not in node:
        # A layer as old versions wrote it, or a word in some layer's settings.
        return kind if _reaches(node) else None
    registered = node.get("registered_name")
    is_own = str(module).partition(".")[0] in _PACKAGES and registered in {None, kind}
    if is_own and not _reaches(node) and kind[:1].isupper():
        return None
    return f"{module}.{kind}" if module else str(registered or kind)


def _reaches(node: dict[str, Any]) -> bool:
    """Whether a part is a layer of Keras's that reads further files or code."""
    kind, config = str(node["class_name"]), node.get("config")
    vocabulary = config.get("vocabulary") if isinstance(config, dict) else None
    return kind in _REACHING or (kind in _LOOKUPS and isinstance(vocabulary, str))


def _is_function_of_keras(name: str) -> bool:
    """Whether a function that is named without a module is one of Keras's."""
    import keras

    return any(hasattr(getattr(keras, part), name) for part in _PARTS)


def _is_within(module: object, packages: tuple[str, ...]) -> bool:
    return any(module == package or str(module).startswith(f"{package}.") for package in packages)


def _looked_up(node: dict[str, Any]) -> str:
    """The name under which Keras looks whether a part has been made known."""
    if node["class_name"] == "function":
        return _short(node)
    return str(node.get("registered_name", node["class_name"]))


def _short(node: dict[str, Any]) -> str:
    return str(node["config"] if node["class_name"] == "function" else node["class_name"])


def _import(name: str) -> Any:
    module, _, attribute = name.rpartition(".")
    try:
        return getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise DamagedModel(
            f"The model names {name!r}, which cannot be imported here: {error}. It must be "
            "importable under that name where the model is loaded, or be given in custom_objects."
        ) from error
