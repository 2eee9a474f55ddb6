"""``chiplog plugins``."""

from __future__ import annotations

import sys
from importlib import metadata
from typing import TYPE_CHECKING, Any

import pytest

from chiplog.hooks import hookimpl, manager
from chiplog.hooks.manager import plugins

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from click.testing import Result


@pytest.fixture
def fresh_plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plugins are found anew in this test, and as they were after it."""
    monkeypatch.setattr(manager, "_manager", None)


def publish(folder: Path, name: str, version: str, code: str, entry: str) -> None:
    """A distribution, as an installer leaves it, with one plugin."""
    (folder / f"{entry}.py").write_text(code)
    info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (info / "entry_points.txt").write_text(f"[chiplog]\n{entry} = {entry}\n")


def test_the_built_in_plugins_are_listed_with_what_they_provide(
    chiplog_json: Callable[..., Any],
) -> None:
    found = {plugin["name"]: plugin for plugin in chiplog_json("plugins")}
    assert {"artifacts", "cli", "context", "sklearn", "sql"} <= set(found)
    assert found["cli"]["distribution"] == "chiplog"
    assert found["cli"]["version"] == metadata.version("chiplog")
    assert found["cli"]["module"] == "chiplog.cli"
    assert found["cli"]["provides"] == ["commands"]
    assert found["cli"]["status"] == "loaded"
    assert any("scikit-learn" in words for words in found["sklearn"]["provides"])
    assert found["evaluation"]["provides"] == ["evaluator default"]
    assert any("sqlite" in words for words in found["sql"]["provides"])


def test_a_third_partys_plugins_loaded_or_broken_are_listed_with_their_version(
    chiplog: Callable[..., Result],
    project: Path,
    fresh_plugins: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    publish(
        project,
        "chiplog-good",
        "1.2",
        "from chiplog.hooks import hookimpl\n"
        "@hookimpl\n"
        "def chiplog_store_schemes():\n"
        "    return {'good': 'a good store'}\n"
        "@hookimpl\n"
        "def chiplog_tracking_store(uri):\n"
        "    return None\n",
        "goodplug",
    )
    publish(project, "chiplog-bad", "0.9", "raise RuntimeError('no luck')\n", "badplug")
    monkeypatch.syspath_prepend(str(project))
    result = chiplog("plugins")
    assert "chiplog-good 1.2" in result.stdout
    assert "tracking store (good)" in result.stdout
    assert "badplug: RuntimeError: no luck" in result.stdout
    assert "CHIPLOG_DISABLED_PLUGINS=badplug" in result.stdout
    for module in ("goodplug", "badplug"):
        sys.modules.pop(module, None)


def test_a_disabled_plugin_is_listed_as_such(
    chiplog_json: Callable[..., Any], fresh_plugins: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHIPLOG_DISABLED_PLUGINS", "context")
    (context,) = [p for p in chiplog_json("plugins") if p["name"] == "context"]
    assert context["status"] == "disabled"
    assert context["hooks"] == []


def test_a_plugin_that_cannot_say_what_it_provides_is_listed_all_the_same(
    chiplog: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Mute:
        @hookimpl
        def chiplog_store_schemes(self) -> Mapping[str, str]:
            raise RuntimeError("no words")

    monkeypatch.delenv("CHIPLOG_STRICT")
    plugins().add(Mute(), "mute")
    try:
        assert "mute" in chiplog("plugins").stdout
    finally:
        plugins().remove("mute")


def test_verbose_names_the_hooks(chiplog: Callable[..., Result]) -> None:
    assert "chiplog_cli" in chiplog("plugins", "--verbose").stdout
