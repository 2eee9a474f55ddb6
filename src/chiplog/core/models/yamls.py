"""YAML files, with libyaml where PyYAML has it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import yaml

from chiplog.core.errors import InvalidValue

#: The bytes of the longest file that is read.
LONGEST: Final = 32 << 20
_DEEPEST: Final = 100
_SHORT: Final = 5000  # bytes, in which nothing nests so deep that libyaml exhausts the stack
_MOST_PARTS: Final = 1_000_000

# What PyYAML raises, beside its own, for a value that does not fit its tag.
_OF_TAGS: Final = (
    AttributeError, KeyError, OverflowError, RecursionError, TypeError, ValueError,
)  # fmt: skip

_Dumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def write(path: Path, body: dict[str, Any], *, sort_keys: bool = True) -> None:
    """Write a mapping as a YAML file."""
    path.write_text(dump(body, sort_keys=sort_keys), encoding="utf-8")


def dump(body: dict[str, Any], *, sort_keys: bool = True) -> str:
    """A mapping as YAML text."""
    return str(
        yaml.dump(
            body,
            Dumper=_Dumper,
            sort_keys=sort_keys,
            default_flow_style=False,
            allow_unicode=True,
        )
    )


def read(path: Path | str) -> dict[str, Any]:
    """Read a YAML file that holds a mapping; raises InvalidValue if it does not."""
    with Path(path).open("rb") as file:
        return parse(file.read(LONGEST + 1), str(path))


def parse(text: bytes, path: str) -> dict[str, Any]:
    """A mapping of a YAML file's text; raises InvalidValue that names ``path`` if it is none."""
    try:
        _check_depth(text, path)
        body = yaml.load(text, Loader=_Loader)  # noqa: S506 - both loaders are the safe one
    except (yaml.YAMLError, *_OF_TAGS) as error:
        raise InvalidValue(f"{path!r} is no valid YAML: {error}") from error
    if not isinstance(body, dict):
        raise InvalidValue(f"{path!r} holds {type(body).__name__}, where a mapping is expected.")
    if _unfolded(body, {}, path) > _MOST_PARTS:
        raise InvalidValue(f"{path!r} unfolds without end through the references in it.")
    return body


def _check_depth(text: bytes, path: str) -> None:
    """Raise InvalidValue for a text so long, or so deep, that reading it would end the process."""
    if len(text) > LONGEST:
        raise InvalidValue(f"{path!r} has more than {LONGEST} bytes, the most that is read.")
    if len(text) < _SHORT:
        return
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, (yaml.SequenceStartEvent, yaml.MappingStartEvent)):
            depth += 1
            if depth > _DEEPEST:
                raise _too_deep(path)
        elif isinstance(event, (yaml.SequenceEndEvent, yaml.MappingEndEvent)):
            depth -= 1


def _too_deep(path: str) -> InvalidValue:
    return InvalidValue(f"{path!r} has parts within parts, more than {_DEEPEST} deep.")


def _unfolded(part: Any, sizes: dict[int, int], path: str, depth: int = 1) -> int:
    """How many parts there are if each reference is written out; far too many for a circle."""
    if not isinstance(part, (dict, list)):
        return 1
    if depth > _DEEPEST:
        raise _too_deep(path)
    if id(part) not in sizes:
        sizes[id(part)] = _MOST_PARTS + 1  # what a part finds that is inside itself
        values = part.values() if isinstance(part, dict) else part
        sizes[id(part)] = 1 + sum(_unfolded(value, sizes, path, depth + 1) for value in values)
    return sizes[id(part)]
