"""Plugins are found, isolated from each other, and reported on."""

from __future__ import annotations

import importlib
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING

import pytest

from chiplog.hooks import hookimpl, spec
from chiplog.hooks.manager import PluginManager, plugins

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Install = Callable[..., Path]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Installs a distribution of one module as pip would lay it down, and makes it importable."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(str(site))

    def install(name: str, source: str, version: str = "1.0") -> Path:
        module = name.replace("-", "_")
        (site / f"{module}.py").write_text(textwrap.dedent(source))
        info = site / f"{module}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        (info / "entry_points.txt").write_text(f"[chiplog]\n{name} = {module}\n")
        importlib.invalidate_caches()
        monkeypatch.delitem(sys.modules, module, raising=False)
        return site

    return install


GOOD = """
    from chiplog.hooks import hookimpl

    @hookimpl
    def chiplog_run_context():
        return {"ship": "Beagle"}
    """


def _discovered() -> PluginManager:
    manager = PluginManager()
    manager.discover()
    return manager


def test_an_installed_distribution_is_found_by_its_entry_point(install: Install) -> None:
    install("chiplog-ship", GOOD, version="2.5")
    manager = _discovered()
    (info,) = [info for info in manager.infos if info.name == "chiplog-ship"]
    assert (info.distribution, info.version, info.module) == ("chiplog-ship", "2.5", "chiplog_ship")
    assert info.hooks == ("chiplog_run_context",)
    assert {"ship": "Beagle"} in manager.hook.chiplog_run_context()


def test_what_ships_with_chiplog_comes_through_the_same_group(install: Install) -> None:
    install("a-plugin", GOOD)
    infos = _discovered().infos
    own = [info.distribution == "chiplog" for info in infos]
    assert any(own)
    assert own == sorted(own, reverse=True), "chiplog's own are loaded first"


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import a_library_nobody_has", "No module named 'a_library_nobody_has'"),
        ("raise RuntimeError('half installed')", "half installed"),
        ("this is no Python", "SyntaxError"),
        (
            """
            from chiplog.hooks import hookimpl

            @hookimpl
            def chiplog_run_context():
                return {"never": "seen"}

            @hookimpl
            def chiplog_no_such_hook():
                return None
            """,
            "chiplog_no_such_hook",
        ),
        (
            """
            from chiplog.hooks import hookimpl

            @hookimpl
            def chiplog_run_context(no_such_argument):
                return {"never": "seen"}
            """,
            "no_such_argument",
        ),
        (
            """
            from chiplog.hooks import hookimpl

            @hookimpl(wrapper=True)
            def chiplog_run_context():
                return (yield)
            """,
            "wrapper",
        ),
    ],
    ids=["missing library", "raises", "syntax", "unknown hook", "unknown argument", "wrapper"],
)
def test_a_broken_plugin_is_one_warning_and_harms_no_other(
    install: Install, caplog: pytest.LogCaptureFixture, source: str, reason: str
) -> None:
    install("chiplog-broken", source, version="0.3")
    install("chiplog-ship", GOOD)
    manager = _discovered()
    (record,) = [record for record in caplog.records if "chiplog-broken" in record.message]
    assert reason in record.message
    assert "0.3" in record.message
    assert "CHIPLOG_DISABLED_PLUGINS=chiplog-broken" in record.message
    (info,) = [info for info in manager.infos if info.name == "chiplog-broken"]
    assert info.error is not None
    assert reason in info.error
    found = manager.hook.chiplog_run_context()
    assert {"ship": "Beagle"} in found
    assert {"never": "seen"} not in found


def test_a_disabled_plugin_is_not_even_imported(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("chiplog-ship", "raise SystemExit('imported')")
    monkeypatch.setenv("CHIPLOG_DISABLED_PLUGINS", "other, chiplog-ship")
    (info,) = [info for info in _discovered().infos if info.name == "chiplog-ship"]
    assert info.disabled


def test_a_star_disables_third_parties_alone(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("chiplog-ship", GOOD)
    monkeypatch.setenv("CHIPLOG_DISABLED_PLUGINS", "*")
    infos = _discovered().infos
    assert [info.name for info in infos if info.disabled] == ["chiplog-ship"]
    assert any(info.distribution == "chiplog" for info in infos)


class _Good:
    @hookimpl
    def chiplog_run_context(self) -> dict[str, str]:
        return {"good": "yes"}


class _Failing:
    @hookimpl
    def chiplog_run_context(self) -> dict[str, str]:
        raise RuntimeError("no context today")


def test_a_hook_that_raises_is_left_out_and_named_once(caplog: pytest.LogCaptureFixture) -> None:
    manager = PluginManager()
    manager.add(_Failing(), "failing")
    manager.add(_Good(), "good")
    for _ in range(2):
        assert manager.hook.chiplog_run_context() == [{"good": "yes"}]
    (record,) = caplog.records
    assert "'failing'" in record.message
    assert "chiplog_run_context" in record.message
    assert "no context today" in record.message


def test_an_implementation_may_ask_for_fewer_arguments() -> None:
    told = []

    class Modest:
        @hookimpl
        def chiplog_training_finished(self, outcome: str) -> None:
            told.append(outcome)

    manager = PluginManager()
    manager.add(Modest(), "modest")
    manager.hook.chiplog_training_finished(session=None, outcome="FINISHED")
    assert told == ["FINISHED"]


def test_plugins_are_called_in_the_order_in_which_they_were_registered() -> None:
    manager = PluginManager()
    for name in ("first", "second", "third"):

        class Named:
            @hookimpl
            def chiplog_run_context(self, name: str = name) -> dict[str, str]:
                return {"name": name}

        manager.add(Named(), name)
    assert [tags["name"] for tags in manager.hook.chiplog_run_context()] == [
        "first",
        "second",
        "third",
    ]


def test_the_first_to_open_a_store_wins_and_its_error_is_the_answer() -> None:
    class Opens:
        @hookimpl
        def chiplog_tracking_store(self, uri: str) -> object:
            if uri == "broken://":
                raise OSError("cannot be opened")
            return uri if uri == "mine://" else None

    manager = PluginManager()
    manager.add(Opens(), "opens")
    assert manager.hook.chiplog_tracking_store(uri="mine://") == "mine://"
    assert manager.hook.chiplog_tracking_store(uri="other://") is None
    with pytest.raises(OSError, match="cannot be opened"):
        manager.hook.chiplog_tracking_store(uri="broken://")


def test_a_plugin_added_by_hand_can_be_taken_out() -> None:
    manager = PluginManager()
    manager.add(_Good(), "good")
    assert [info.name for info in manager.infos] == ["good"]
    manager.remove("good")
    assert manager.infos == []
    assert manager.hook.chiplog_run_context() == []


def test_there_is_one_manager_for_the_process() -> None:
    assert plugins() is plugins()


def test_importing_chiplog_looks_for_no_plugin(install: Install) -> None:
    site = install("chiplog-ship", "raise SystemExit('imported')")
    script = f"import sys; sys.path.insert(0, {str(site)!r}); import chiplog"
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


def test_tracing_prints_hook_calls_with_their_arguments() -> None:
    script = (
        "from chiplog.hooks.manager import plugins\n"
        "plugins().hook.chiplog_training_finished(session='a session', outcome='FINISHED')"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={"CHIPLOG_TRACE_PLUGINS": "1", "PATH": ""},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert "chiplog_training_finished" in done.stderr
    assert "FINISHED" in done.stderr
    assert done.stdout == ""


def test_every_hook_says_what_it_is_for() -> None:
    hooks = [name for name in vars(spec) if name.startswith("chiplog_")]
    assert len(hooks) > 10
    for name in hooks:
        assert getattr(spec, name).__doc__, name
