"""``import chiplog`` loads nothing, and its names are there when they are asked for."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import chiplog

HEAVY = [
    "numpy",
    "pandas",
    "sqlalchemy",
    "alembic",
    "sklearn",
    "matplotlib",
    "torch",
    "pluggy",
    "msgspec",
    "rich",
    "click",
    "yaml",
    "psutil",
    "wrapt",
    "pcodec",
    "logging",
    "asyncio",
]


def in_new_process(program: str) -> str:
    """What a program prints, in a process that has loaded nothing yet."""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_importing_chiplog_loads_none_of_its_dependencies() -> None:
    loaded = in_new_process(
        "import sys; before = set(sys.modules); import chiplog; "
        "print(*{name.partition('.')[0] for name in set(sys.modules) - before})"
    )
    assert set(loaded.split()).isdisjoint(HEAVY)
    assert "chiplog" in loaded.split()


def test_recording_loads_no_framework() -> None:
    loaded = in_new_process(
        "import sys, chiplog; chiplog.start_run; chiplog.log_metric; chiplog.MlflowClient; "
        "chiplog.entities, chiplog.exceptions, chiplog.tracking, chiplog.config; "
        "print(*{name.partition('.')[0] for name in sys.modules})"
    )
    assert set(loaded.split()).isdisjoint(
        ["sklearn", "matplotlib", "torch", "pandas", "sqlalchemy"]
    )


def names_for_type_checkers() -> set[str]:
    tree = ast.parse(Path(chiplog.__file__).read_text(encoding="utf-8"))
    block = next(
        node
        for node in tree.body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    )
    return {
        name.asname or name.name
        for statement in block.body
        if isinstance(statement, ast.ImportFrom) and statement.module != "typing"
        for name in statement.names
    }


def test_type_checkers_see_the_names_that_there_are() -> None:
    assert names_for_type_checkers() == {*chiplog._FOUND_IN, *chiplog._SUBMODULES}


@pytest.mark.parametrize("name", sorted({*chiplog._FOUND_IN, *chiplog._SUBMODULES}))
def test_every_public_name_is_found_and_kept(name: str) -> None:
    value = getattr(chiplog, name)
    assert vars(chiplog)[name] is value
    assert name in dir(chiplog)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'log_metrik'"):
        chiplog.log_metrik  # noqa: B018
    assert not hasattr(chiplog, "__wrapped__")


def test_mlflows_names_are_there_too() -> None:
    assert chiplog.MlflowException is chiplog.ChiplogError
    assert chiplog.exceptions.MlflowException is chiplog.ChiplogError
    assert chiplog.tracking.MlflowClient is chiplog.client.MlflowClient is chiplog.TrackingClient
    assert chiplog.entities.PagedList is chiplog.entities.Page
