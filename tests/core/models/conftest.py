"""Distributions made for a test."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import pytest

from chiplog.core.models import distributions, mismatch
from chiplog.core.models.references import is_site

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Path]]:
    """A folder that distributions are installed into; hands back what installs one there."""
    folder = tmp_path / "site"
    folder.mkdir()

    def install(
        name: str, version: str, files: dict[str, str], origin: dict[str, Any] | None = None
    ) -> Path:
        about = folder / f"{name.replace('-', '_')}-{version}.dist-info"
        about.mkdir()
        (about / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        )
        for file, text in files.items():
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_text(text)
        (about / "RECORD").write_text("".join(f"{file},,\n" for file in files))
        if origin is not None:
            (about / "direct_url.json").write_text(json.dumps(origin))
        _forget()
        return folder

    monkeypatch.syspath_prepend(folder)
    loaded = set(sys.modules)
    yield install
    for name in set(sys.modules) - loaded:
        if name.startswith("sharedspace"):
            del sys.modules[name]
    _forget()


def _forget() -> None:
    for cached in (
        distributions._search,
        distributions.installed,
        distributions._editable,
        mismatch._installed,
        is_site,
    ):
        cached.cache_clear()
