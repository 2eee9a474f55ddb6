"""Files of ``NAME=value`` lines that set environment variables."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from chiplog.core.errors import InvalidValue

if TYPE_CHECKING:
    from pathlib import Path

_LINE = re.compile(
    r"\s*(?:export\s+)?(?P<name>[A-Za-z_][A-Za-z0-9_.]*)\s*=\s*(?P<value>.*)", re.DOTALL
)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\", "$": "$"}


def load_env_file(path: Path) -> list[str]:
    """Set the variables a dotenv file names; those that are set already win. The names it set.

    Raises InvalidValue, naming file and line, for a line that is no ``NAME=value``.
    """
    loaded: list[str] = []
    for name, value in read_env_file(path).items():
        if name not in os.environ:
            os.environ[name] = value
            loaded.append(name)
    return loaded


def read_env_file(path: Path) -> dict[str, str]:
    """The variables of a dotenv file: comments, ``export`` and quotes as a shell has them."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidValue(f"The environment file {str(path)!r} cannot be read: {error}") from error
    variables: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = _LINE.fullmatch(line)
        if match is None:
            raise InvalidValue(
                f"Line {number} of the environment file {str(path)!r} is no NAME=value: {line!r}"
            )
        variables[match["name"]] = _unquoted(match["value"].strip(), f"{path}, line {number}")
    return variables


def _unquoted(value: str, where: str) -> str:
    quote = value[:1]
    if quote not in {"'", '"'}:
        return re.split(r"\s+#", value, maxsplit=1)[0].strip()
    body = r"(?:[^'])*" if quote == "'" else r'(?:[^"\\]|\\.)*'
    match = re.fullmatch(rf"{quote}({body}){quote}\s*(?:#.*)?", value)
    if match is None:
        raise InvalidValue(f"The quote in {value!r} does not close ({where}).")
    if quote == "'":
        return match[1]
    return re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[0]), match[1])
