"""Gathering a run's context from real plugins, into a run that only remembers."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from chiplog.core import background
from chiplog.core.context import collect_late_context, run_context_tags
from chiplog.core.stores import open_artifact_store
from chiplog.hooks import hookimpl
from chiplog.hooks.manager import plugins

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path


class Writer:
    """Keeps the tags of one run, and its files below a folder."""

    def __init__(self, run_id: str, folder: Path) -> None:
        self.run_id = run_id
        self.artifacts = open_artifact_store(str(folder))
        self.tags: dict[str, str] = {}

    def set_tags(self, tags: Mapping[str, str]) -> None:
        self.tags.update(tags)


@pytest.fixture
def writer(tmp_path: Path) -> Writer:
    return Writer("r1", tmp_path / "artifacts")


@pytest.fixture
def plugin() -> Iterator[Callable[..., None]]:
    """Registers a plugin with the hooks given; taken out after the test."""
    names: list[str] = []

    def add(**hooks: Any) -> None:
        names.append(f"context-test-{len(names)}")
        made = {name: hookimpl(function) for name, function in hooks.items()}
        plugins().add(SimpleNamespace(**made), names[-1])

    yield add
    for name in names:
        plugins().remove(name)


def test_later_plugins_win_over_earlier_ones_and_the_user_over_all(
    plugin: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    plugin(chiplog_run_context=lambda: {"mlflow.user": "second", "a": "first", "b": "first"})
    plugin(chiplog_run_context=lambda: {"a": "second", "c": "second"})
    monkeypatch.setenv("MLFLOW_RUN_CONTEXT", '{"c": "environment", "d": 4, "mlflow.user": "env"}')
    tags = run_context_tags({"mlflow.user": "me"})
    assert (tags["a"], tags["b"], tags["c"], tags["d"]) == ("second", "first", "environment", "4")
    assert tags["mlflow.user"] == "me"
    assert tags["mlflow.source.type"] == "LOCAL"


@pytest.mark.parametrize("text", ["not json", "[1]", '{"a": {"b": 1}}'])
def test_a_run_context_that_is_no_object_of_tags_is_one_warning(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, text: str
) -> None:
    monkeypatch.setenv("MLFLOW_RUN_CONTEXT", text)
    assert "mlflow.user" in run_context_tags()
    assert "MLFLOW_RUN_CONTEXT is no JSON object" in caplog.text


def test_a_plugin_that_fails_costs_its_own_tags_alone(
    plugin: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> dict[str, str]:
        raise RuntimeError("no context today")

    plugin(chiplog_run_context=fail)
    plugin(chiplog_run_context=lambda: {"a": "there"})
    assert run_context_tags()["a"] == "there"
    assert "no context today" in caplog.text


def test_late_tags_and_files_reach_the_run_from_another_thread(
    plugin: Callable[..., None], writer: Writer
) -> None:
    threads: list[int] = []

    def late() -> dict[str, str]:
        threads.append(threading.get_ident())
        return {"late": "yes"}

    plugin(chiplog_run_context_late=late)
    plugin(chiplog_run_context_files=lambda: {"chiplog/notes.txt": "grün \ud800"})
    collect_late_context(writer)
    assert background.flush(30)
    assert writer.tags["late"] == "yes"
    with writer.artifacts.open("chiplog/notes.txt") as file:
        assert file.read().decode() == "grün ?"
    assert threads != [threading.get_ident()]


def test_a_run_that_cannot_be_written_costs_its_context_alone(
    writer: Writer,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    plugin: Callable[..., None],
) -> None:
    def refuse(tags: Mapping[str, str]) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(writer, "set_tags", refuse)
    plugin(chiplog_run_context_late=lambda: {"late": "yes"})
    collect_late_context(writer)
    assert background.flush(30)
    assert "the disk is full" in caplog.text


def test_a_thread_that_cannot_be_had_costs_the_late_context_alone(
    writer: Writer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(background, "defer", refuse)
    monkeypatch.delenv("CHIPLOG_STRICT")
    collect_late_context(writer)
    assert "can't start new thread" in caplog.text
