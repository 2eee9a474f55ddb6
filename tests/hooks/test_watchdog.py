"""A plugin that does not come back is named; everybody else goes on."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from chiplog.hooks import hookimpl, watchdog
from chiplog.hooks.manager import PluginManager

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Publish = Callable[[str, str], Path]


def wait_for(condition: Callable[[], Any]) -> None:
    """Until something is so; a watchdog looks a few times a second."""
    for _ in range(600):
        if condition():
            return
        time.sleep(0.02)
    pytest.fail("it never came to be so")


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A plugin is named after a tenth of a second."""
    monkeypatch.setenv("CHIPLOG_PLUGIN_PATIENCE", "0.1")


class Slow:
    """A plugin that waits until it is let go."""

    def __init__(self) -> None:
        self.go_on = threading.Event()

    @hookimpl
    def chiplog_run_context(self) -> dict[str, str]:
        assert self.go_on.wait(30)
        return {"came": "back"}


@pytest.mark.usefixtures("impatient")
def test_a_plugin_that_does_not_come_back_is_named_once_with_where_it_waits(
    caplog: pytest.LogCaptureFixture,
) -> None:
    manager, slow = PluginManager(), Slow()
    manager.add(slow, "slow")
    answers: list[Any] = []
    thread = threading.Thread(
        target=lambda: answers.extend(manager.hook.chiplog_run_context()), name="training"
    )
    thread.start()
    wait_for(lambda: "'slow'" in caplog.text)
    time.sleep(0.3)
    slow.go_on.set()
    thread.join(30)
    wait_for(lambda: "came back" in caplog.text)
    assert answers == [{"came": "back"}]
    (said, back) = [record.message for record in caplog.records]
    assert "chiplog_run_context" in said
    assert "the thread 'training'" in said
    assert "threading.py" in said
    assert "CHIPLOG_DISABLED_PLUGINS=slow" in said
    assert back.startswith("Plugin 'slow' came back from chiplog_run_context after")


def test_with_no_patience_set_nobody_is_named_and_there_is_no_thread(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CHIPLOG_PLUGIN_PATIENCE", "0")
    monkeypatch.setattr(watchdog, "_thread", None)
    manager, slow = PluginManager(), Slow()
    slow.go_on.set()
    manager.add(slow, "slow")
    assert manager.hook.chiplog_run_context() == [{"came": "back"}]
    assert watchdog._thread is None


def test_what_ships_with_chiplog_is_not_watched() -> None:
    manager = PluginManager()
    manager.discover()
    with manager.watched("context", "a hook"):
        assert not watchdog._calls
    manager.add(Slow(), "slow")
    with manager.watched("slow", "a hook"):
        assert [call.plugin for call in watchdog._calls.values()] == ["slow"]
    assert not watchdog._calls


@pytest.fixture
def publish(tmp_path: Path) -> Publish:
    """Lays down a third party's plugin as an installer does."""

    def publish(name: str, source: str) -> Path:
        (tmp_path / f"{name}.py").write_text(textwrap.dedent(source))
        info = tmp_path / f"chiplog_{name}-1.2.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: chiplog-{name}\nVersion: 1.2\n"
        )
        (info / "entry_points.txt").write_text(f"[chiplog]\n{name} = {name}\n")
        return tmp_path

    return publish


def run(site: Path, script: str) -> subprocess.CompletedProcess[str]:
    """A user's program, with the plugins of ``site`` installed."""
    (site / "work").mkdir(exist_ok=True)
    head = f"import os, sys; sys.path.insert(0, {str(site)!r})\n"
    return subprocess.run(
        [sys.executable, "-c", head + textwrap.dedent(script)],
        cwd=site / "work",
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_plugin_that_hangs_where_metrics_are_told_of_loses_nothing(publish: Publish) -> None:
    site = publish(
        "hanging",
        """
        import time
        from chiplog.plugins import hookimpl

        @hookimpl
        def chiplog_metrics_recorded(points):
            time.sleep(3600)
        """,
    )
    done = run(
        site,
        """
        os.environ["CHIPLOG_PLUGIN_PATIENCE"] = "0.2"
        os.environ["CHIPLOG_END_TIMEOUT"] = os.environ["CHIPLOG_EXIT_TIMEOUT"] = "2"
        import chiplog
        with chiplog.start_run(run_name="mine"):
            for step in range(1000):
                chiplog.log_metric("loss", step, step=step)
        print("trained")
        """,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "trained\n"
    assert "Plugin 'hanging' (chiplog-hanging 1.2) has been in chiplog_metrics_rec" in done.stderr
    assert "holds up the delivery of what is recorded" in done.stderr
    read = run(
        site,
        """
        import chiplog  # the plugin is still there
        (run,) = chiplog.search_runs(output_format="list")
        print(len(chiplog.get_metric_history(run.info.run_id, "loss")))
        """,
    )
    assert read.stdout == "1000\n", read.stderr


def test_an_integration_that_hangs_is_named_as_the_plugin_it_came_with(publish: Publish) -> None:
    site = publish(
        "hanging",
        """
        import json, sys, time
        from chiplog.plugins import Integration, Point, Watch, hookimpl

        class Waits(Watch):
            def before(self, call):
                time.sleep(1.5)

        class Hanging(Integration):
            name, distribution, modules = "hanging", "hanging", ("colorsys",)
            def points(self):
                yield Point(sys.modules["colorsys"], "rgb_to_hsv", Waits)

        @hookimpl
        def chiplog_instrumentors():
            return [Hanging()]
        """,
    )
    done = run(
        site,
        """
        os.environ["CHIPLOG_PLUGIN_PATIENCE"] = "0.2"
        import chiplog, colorsys
        chiplog.autolog()
        print(colorsys.rgb_to_hsv(0, 0, 0))
        """,
    )
    assert done.stdout == "(0.0, 0.0, 0)\n"
    assert "Plugin 'hanging' (chiplog-hanging 1.2) has been in before() of its" in done.stderr
    assert "holds up your program" in done.stderr
    assert "hanging.py, line 7, in before()" in done.stderr


IN_A_HOOK = """
from chiplog.plugins import hookimpl
@hookimpl
def chiplog_run_started(run):
    raise RuntimeError('no luck')
"""

NONSENSE = """
from chiplog.plugins import hookimpl
@hookimpl
def chiplog_run_context():
    return 7
"""


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("import time\ntime.sleep(1)\n", "has been in its import"),
        ("raise RuntimeError('no luck')\n", "could not be loaded and is left out: RuntimeError"),
        (IN_A_HOOK, "failed in chiplog_run_started and is left out of it: RuntimeError: no luck"),
        (NONSENSE, "it handed back 7, which is no mapping of texts"),
    ],
    ids=["hangs at import", "raises at import", "raises in a hook", "answers nonsense"],
)
def test_a_bad_plugin_is_named_and_the_run_is_recorded(
    publish: Publish, source: str, said: str
) -> None:
    site = publish("bad", source)
    done = run(
        site,
        """
        os.environ["CHIPLOG_PLUGIN_PATIENCE"] = "0.2"
        import chiplog
        with chiplog.start_run() as run:
            chiplog.log_metric("loss", 1.0)
        found = chiplog.get_run(run.info.run_id)
        print(found.info.status, found.data.metrics)
        """,
    )
    assert done.stdout == "FINISHED {'loss': 1.0}\n", done.stderr
    assert said in done.stderr
    assert "bad" in done.stderr
