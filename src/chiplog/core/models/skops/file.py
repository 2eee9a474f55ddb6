"""Writing skops files, and looking into them without making what they hold."""

from __future__ import annotations

import functools
import io
import json
import re
import zipfile
from typing import Any, Final

from chiplog.core.errors import CannotSave, MissingLibrary
from chiplog.core.models import limits
from chiplog.core.models.skops.library import import_skops
from chiplog.core.models.skops.trusted import KINDS, scoring_functions
from chiplog.hooks.wrapping import Wrapped

__all__ = [
    "CannotSave",
    "dump",
    "needs_trust",
    "notes_on",
    "type_names",
    "untrusted_by_skops",
]

_TYPE: Final = re.compile(rb'"__class__": "([^"\\]+)",\s*"__module__": "([^"\\]+)"')


def dump(model: object) -> bytes:
    """The model as a skops file's bytes; raises CannotSave if it holds what skops cannot."""
    write = _writer()
    try:
        data: bytes = write(model)
    except Exception as error:  # skops has no one type for what it does not support
        raise CannotSave(
            f"skops cannot hold this {type(model).__name__}: {error} Save it with "
            "serialization_format='cloudpickle' if you will trust it when it is loaded."
        ) from error
    unnamed = sorted(name for name in type_names(data) if "<" in name)
    if unnamed:
        raise CannotSave(
            f"This {type(model).__name__} holds {', '.join(unnamed)}, which has no name to find it "
            "by again. Define it at the top of a module, or save with "
            "serialization_format='cloudpickle'."
        )
    return data


def type_names(data: bytes) -> set[str]:
    """The full names of the types and functions in a skops file."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        limits.check_archive(archive, "model.skops", len(data))
        found = set(_TYPE.findall(archive.read("schema.json")))
    return {f"{module.decode()}.{name.decode()}" for name, module in found}


def untrusted_by_skops(data: bytes) -> list[str] | None:
    """What a reader that knows no more than skops does must be told to trust, or None."""
    suspects = type_names(data) - _trusted_by_skops()
    if suspects <= set(KINDS):
        return sorted(suspects) or None  # all of them harmless: no need to look where they stand
    from skops.io import get_untrusted_types

    return list(get_untrusted_types(data=data)) or None


def needs_trust(untrusted: list[str] | None) -> list[str]:
    """Those of :func:`untrusted_by_skops` that a load by chiplog must be told to trust."""
    return sorted(set(untrusted or ()) - set(KINDS) - scoring_functions())


def notes_on(names: list[str]) -> tuple[str, ...]:
    """What loading a file needs that holds types of these names, which :func:`needs_trust` told."""
    if not names:
        return ()
    listed = ", ".join(repr(name) for name in names)
    notes = [f"loading needs trusted_types=[{listed}]"]
    own = [name for name in names if name.startswith("__main__.")]
    if own:
        notes.append(
            f"{', '.join(own)} cannot be loaded from another program, being defined in __main__: "
            "define it in a module that can be imported there"
        )
    return tuple(notes)


@functools.cache
def _trusted_by_skops() -> frozenset[str]:
    """Types that skops trusts wherever they stand."""
    import_skops()
    from skops.io import _trusted_types as types

    return frozenset(
        [
            *types.PRIMITIVE_TYPE_NAMES,
            *types.CONTAINER_TYPE_NAMES,
            *types.SKLEARN_ESTIMATOR_TYPE_NAMES,
            *types.NUMPY_DTYPE_TYPE_NAMES,
            "builtins.dict",
            "numpy.ndarray",
        ]
    )


@functools.cache
def _writer() -> Any:
    """Skops's own ``dumps``, or the same with a schema that is not indented.

    Indenting goes through the slow half of Python's json: for a forest it takes most of the time.
    """
    try:
        import_skops()
        import skops
        from skops.io import dumps
    except ImportError as error:
        raise MissingLibrary(
            "Saving this model needs skops, which is not installed.\n"
            "    pip install 'chiplog[sklearn]'"
        ) from error
    try:
        from skops.io._general import function_get_state
        from skops.io._utils import SaveContext, _get_state, get_state
    except ImportError:
        return dumps

    # A scorer may hold a function that is being watched: it is saved as the function itself.
    _get_state.register(Wrapped)(lambda obj, context: function_get_state(obj.__wrapped__, context))

    def write(model: object) -> bytes:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            context = SaveContext(zip_file=archive)
            state = get_state(model, context)
            state["protocol"] = context.protocol
            state["_skops_version"] = skops.__version__
            archive.writestr("schema.json", json.dumps(state))
        return buffer.getvalue()

    return write
