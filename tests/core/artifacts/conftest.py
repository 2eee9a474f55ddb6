"""A store of artifacts, and the tags of a run that only remembers them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from chiplog.core.stores import open_artifact_store

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from chiplog.core.stores import ArtifactStore


class Tags(dict[str, str]):
    """Keeps what is set."""

    def set_tags(self, tags: Mapping[str, str]) -> None:
        self.update(tags)


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return open_artifact_store((tmp_path / "artifacts").as_uri())


@pytest.fixture
def tags() -> Tags:
    return Tags()
