"""Running the program in a project, as a user does."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result

from chiplog.core.cli import program

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def chiplog(project: Path) -> Callable[..., Result]:
    """Run ``chiplog ARGUMENTS`` in an empty folder; hands back output and exit code."""

    def run(*arguments: str, code: int | None = 0) -> Result:
        result = CliRunner().invoke(program, list(arguments), prog_name="chiplog")
        if code is not None:
            assert result.exit_code == code, result.output
        return result

    return run


@pytest.fixture
def chiplog_json(chiplog: Callable[..., Result]) -> Callable[..., Any]:
    """Run ``chiplog ARGUMENTS --json``; hands back the document."""

    def run(*arguments: str) -> Any:
        return json.loads(chiplog(*arguments, "--json").stdout)

    return run


@pytest.fixture
def voyages(project: Path) -> dict[str, str]:
    """A project with four runs, their ids by name.

    ``first`` and ``second`` are of one kind, with curves; ``search`` has three children; ``lost``
    failed.
    """
    import math

    import chiplog as log

    ids = {}
    log.set_experiment("voyages")
    for name, rate in (("first", 0.1), ("second", 0.2)):
        with log.start_run(run_name=name, tags={"stage": "test"}) as run:
            log.log_params({"rate": rate, "layers": 3, "note": "a\nb"})
            for step in range(20):
                log.log_metric("loss", math.exp(-rate * step), step=step)
            log.log_metric("accuracy", 0.95 if name == "first" else 1.0)
            log.log_text("hello", "notes/hello.txt")
            log.log_dict({"a": 1}, "config.json")
            ids[name] = run.info.run_id
    with log.start_run(run_name="search") as run:
        ids["search"] = run.info.run_id
        for number in range(3):
            with log.start_run(run_name=f"candidate-{number}", nested=True) as child:
                log.log_metric("accuracy", number / 10)
                ids[f"candidate-{number}"] = child.info.run_id
    ids["lost"] = _fail()
    return ids


def _fail() -> str:
    """A run that ends by an exception; its id."""
    import math

    import chiplog as log

    def sail() -> None:
        with log.start_run(run_name="lost") as run:
            ids.append(run.info.run_id)
            for step, value in enumerate([1.0, math.nan, math.inf, -math.inf]):
                log.log_metric("depth", value, step=step)
            _ = 1 / 0

    ids: list[str] = []
    with pytest.raises(ZeroDivisionError):
        sail()
    return ids[0]
