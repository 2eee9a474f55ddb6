"""YAML files, with libyaml where PyYAML has it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from chiplog.core.errors import InvalidValue

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
    text = Path(path).read_text(encoding="utf-8")
    try:
        body = yaml.load(text, Loader=_Loader)  # noqa: S506 - both loaders are the safe one
    except yaml.YAMLError as error:
        raise InvalidValue(f"{str(path)!r} is no valid YAML: {error}") from error
    if not isinstance(body, dict):
        raise InvalidValue(
            f"{str(path)!r} holds {type(body).__name__}, where a mapping is expected."
        )
    return body
