"""The context of real runs, from the work tree to the store."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import chiplog

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_a_run_in_a_changed_work_tree_has_commit_dirt_and_patch(
    project: Path, repository: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = repository.commit()
    script = repository.write("train.py", "print('changed')\n")
    monkeypatch.setattr(sys, "argv", [str(script)])
    with chiplog.start_run() as outer, chiplog.start_run(nested=True) as inner:
        pass
    chiplog.flush_artifact_async_logging()  # git is asked on the background thread
    tags = chiplog.get_run(outer.info.run_id).data.tags
    assert tags["mlflow.source.name"] == str(script)
    assert tags["mlflow.source.git.commit"] == commit
    assert tags["mlflow.source.git.dirty"] == "True"
    text = chiplog.artifacts.load_text(f"runs:/{outer.info.run_id}/chiplog/uncommitted.patch")
    assert "+print('changed')" in text
    assert chiplog.get_run(inner.info.run_id).data.tags["mlflow.source.git.commit"] == commit
    assert chiplog.artifacts.list_artifacts(run_id=inner.info.run_id) == []


def test_a_run_outside_of_a_repository_has_a_user_and_no_files(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", [""])
    with chiplog.start_run(tags={"mlflow.user": "me"}) as run:
        pass
    tags = chiplog.get_run(run.info.run_id).data.tags
    assert tags["mlflow.user"] == "me"
    assert not [name for name in tags if name.startswith("mlflow.source.git")]
    assert chiplog.artifacts.list_artifacts(run_id=run.info.run_id) == []
