"""How a run that did not end well says why: the ``failure`` document and the reason tag."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, Final

import msgspec

from chiplog.core.tags import EXIT_REASON

if TYPE_CHECKING:
    from chiplog.core.runs.writer import RunWriter

DOCUMENT: Final = "failure"

_MAX_TEXT: Final = 100_000


def failure_document(error: BaseException) -> bytes:
    """An exception as JSON: ``type``, ``message``, ``traceback``; long texts lose their middle."""
    lines = traceback.format_exception(type(error), error, error.__traceback__)
    return msgspec.json.encode(
        {
            "type": type_name(error),
            "message": _shortened(_text_of(error)),
            "traceback": _shortened("".join(lines)),
        }
    )


def record_failure(writer: RunWriter, error: BaseException) -> None:
    """Attach to a run which exception ended it; ending the run is the caller's."""
    writer.attach(DOCUMENT, failure_document(error))
    writer.set_tags({EXIT_REASON: type_name(error)})


def type_name(error: BaseException) -> str:
    """An exception's type as a traceback names it."""
    kind = type(error)
    if kind.__module__ in {"builtins", "__main__"}:
        return kind.__qualname__
    return f"{kind.__module__}.{kind.__qualname__}"


def _text_of(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as broken:  # the user's __str__ is not ours to trust
        return f"<str() of it raised {type(broken).__name__}>"


def _shortened(text: str) -> str:
    text = text.encode("utf-8", "backslashreplace").decode()
    if len(text) <= _MAX_TEXT:
        return text
    half = _MAX_TEXT // 2
    return f"{text[:half]}\n... {len(text) - 2 * half} characters left out ...\n{text[-half:]}"
