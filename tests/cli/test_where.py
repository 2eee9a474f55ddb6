"""``chiplog where``: what was resolved and why, without making anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest
    from click.testing import Result


def test_an_empty_folder_stays_empty(chiplog_json: Callable[..., Any], project: Path) -> None:
    facts = chiplog_json("where")
    assert facts["tracking_uri"] == f"sqlite:///{project}/.chiplog/chiplog.db"
    assert facts["reason"] == "no .chiplog/ at or above the working directory yet"
    assert facts["database"] == {
        "path": f"{project}/.chiplog/chiplog.db",
        "exists": False,
        "bytes": 0,
    }
    assert facts["journals"]["waiting"] == 0
    assert list(project.iterdir()) == []


def test_the_nearest_project_above_is_found(
    chiplog_json: Callable[..., Any], project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / ".chiplog").mkdir()
    deep = project / "a" / "b"
    deep.mkdir(parents=True)
    monkeypatch.chdir(deep)
    facts = chiplog_json("where")
    assert facts["tracking_uri"] == f"sqlite:///{project}/.chiplog/chiplog.db"
    assert "in a parent directory" in facts["reason"]


def test_a_variable_wins_and_is_named(
    chiplog: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:////data/runs.db")
    text = chiplog("where").stdout
    assert "sqlite:////data/runs.db" in text
    assert "environment variable MLFLOW_TRACKING_URI" in text


def test_files_that_others_do_not_see_are_told(
    chiplog: Callable[..., Result],
    chiplog_json: Callable[..., Any],
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert "on this machine" not in chiplog("where").stdout
    monkeypatch.setenv("CHIPLOG_TRACKING_URI", "postgresql://ann@db/runs")
    text = " ".join(chiplog("where").stdout.split())
    assert "only on this machine" in text
    assert "CHIPLOG_DEFAULT_ARTIFACT_ROOT" in text
    assert chiplog_json("where")["artifacts"]["path"] == f"{project}/.chiplog/artifacts"
    monkeypatch.setenv("CHIPLOG_TRACKING_URI", "https://runs.example.com")
    assert chiplog_json("where")["artifacts"] is None


def test_a_password_is_never_printed(
    chiplog: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHIPLOG_TRACKING_URI", "postgresql://ann:hunter2@db/runs?token=abc123")
    for arguments in (("where",), ("where", "--json"), ("doctor",), ("doctor", "--json")):
        text = chiplog(*arguments, code=None).output
        assert "hunter2" not in text
        assert "abc123" not in text
        assert "postgresql://ann:***@db/runs" in text
