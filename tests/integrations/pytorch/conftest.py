"""Scripts as people write them, run with and without autologging."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from chiplog.core.autolog.engine import flavor_autolog
from chiplog.core.autolog.loop import end_loops
from chiplog.core.client import TrackingClient
from chiplog.testing.project import own_project

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from chiplog.core.entities import Run
    from chiplog.testing.project import Project

SCRIPTS = Path(__file__).parent / "scripts"


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """A project of the test's own, and one thread for torch."""
    torch = pytest.importorskip("torch")
    torch.set_num_threads(1)
    with own_project(tmp_path) as project:
        yield project


@pytest.fixture
def autolog(project: Project) -> Callable[..., None]:
    """``chiplog.pytorch.autolog``; ``own_project`` switches it off again."""
    return flavor_autolog("pytorch")


class Script:
    """A script's outcome without chiplog and with it.

    Attributes:
        plain: its variables after it ran alone.
        logged: its variables after it ran with autologging.
        run: the run.
    """

    def __init__(self, name: str, project: Project, options: dict[str, Any]) -> None:
        path = str(SCRIPTS / f"{name}.py")
        self.plain = runpy.run_path(path)
        flavor_autolog("pytorch")(max_overhead=1000.0, **options)
        self.logged = runpy.run_path(path)
        end_loops()
        self._project = project
        (self.run,) = project.top_runs()
        self.receipt = project.receipt(self.run.info.run_id)

    def curve(self, key: str) -> list[tuple[int, float]]:
        """Steps and values of one of the run's metrics."""
        return curve(self.run, key)


def curve(run: Run, key: str) -> list[tuple[int, float]]:
    """Steps and values of a run's metric."""
    history = TrackingClient().get_metric_history(run.info.run_id, key)
    return [(point.step, point.value) for point in history]


@pytest.fixture
def script(project: Project) -> Callable[..., Script]:
    """Runs a script of ``scripts/`` twice, without chiplog and with it."""

    def run(name: str, **options: Any) -> Script:
        return Script(name, project, options)

    return run
