"""``chiplog.plugins``: what the authors of plugins import."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from chiplog import plugins


def test_every_name_can_be_loaded_and_is_declared_to_type_checkers_from_the_same_place() -> None:
    tree = ast.parse(Path(plugins.__file__).read_text(encoding="utf-8"))
    (typed,) = [
        node
        for node in tree.body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    ]
    declared = {
        alias.asname or alias.name: (statement.module, alias.name)
        for statement in typed.body
        if isinstance(statement, ast.ImportFrom) and statement.module != "typing"
        for alias in statement.names
    }
    assert declared == plugins._FOUND_IN
    assert set(plugins.__all__) == set(declared)
    for name in plugins.__all__:
        assert getattr(plugins, name) is not None
        assert name in dir(plugins)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Unknown'"):
        _ = plugins.Unknown


def test_a_manifest_costs_the_marker_alone() -> None:
    script = (
        "import sys; from chiplog.plugins import hookimpl;"
        "print(*sorted(n for n in sys.modules if n.startswith('chiplog.core')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout == "\n"
