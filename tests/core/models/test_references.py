"""Which modules saved bytes and sources reference."""

from __future__ import annotations

import collections
import importlib
import pickle
import sys
import zipfile
from typing import TYPE_CHECKING

import pytest

from chiplog.core.models.references import (
    imports_in,
    in_own_module,
    in_pickle,
    in_sources,
    in_torch_file,
)

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_references_the_modules_it_names_and_not_those_its_texts_spell(
    protocol: int,
) -> None:
    held = [collections.OrderedDict(a=1), collections.Counter("ab"), ["yaml", "numpy"]]
    assert in_pickle(pickle.dumps(held, protocol)) - {"copyreg"} == {"collections"}


def test_a_function_held_by_value_references_what_it_uses_and_what_it_imports() -> None:
    cloudpickle = pytest.importorskip("cloudpickle")
    space: dict[str, object] = {"__name__": "__main__"}
    source = "import numpy as np\ndef f(x):\n    import rich\n    return np.log(x)\n"
    exec(source, space)
    found = in_pickle(cloudpickle.dumps(space["f"]))
    assert {"numpy", "rich"} <= found
    assert "__main__" not in found
    assert "x" not in found


def test_a_function_held_by_value_references_the_users_own_modules_and_not_their_namesakes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloudpickle = pytest.importorskip("cloudpickle")
    for name in ("own_used_x", "own_namesake_x"):
        (tmp_path / f"{name}.py").write_text("value = 1\n")
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.setitem(sys.modules, name, importlib.import_module(name))
    space: dict[str, object] = {"__name__": "__main__"}
    source = (
        "import own_used_x, os\n"
        "def f(x):\n    return own_used_x.value, os.sep, x.own_namesake_x, 'own_namesake_x'\n"
    )
    exec(source, space)
    found = in_pickle(cloudpickle.dumps(space["f"]))
    assert "own_used_x" in found
    assert "own_namesake_x" not in found


def test_a_file_of_torch_references_what_its_pickles_name(tmp_path: Path) -> None:
    file = tmp_path / "model.pth"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("model/data.pkl", pickle.dumps(collections.OrderedDict()))
        archive.writestr("model/data/0", b"numbers")
    assert in_torch_file(file) == {"collections"}


def test_imports_of_every_spelling_are_found() -> None:
    source = (
        "import a.b, c as d\n"
        "from e.f import g, h\n"
        "from . import i\n"
        "from ..j import k\n"
        "def late():\n    import l\n"
        "import importlib\nimportlib.import_module('m.n')\n__import__('o')\n"
    )
    assert imports_in(source, "pack.sub") == {
        *("a.b", "c", "e.f.g", "e.f.h", "pack.sub.i", "pack.j.k", "l", "importlib", "m.n", "o"),
    }


def test_an_import_that_may_fail_counts_if_it_would_not_here() -> None:
    source = (
        "try:\n    import no_such_module\nexcept ImportError:\n    import yaml\n"
        "try:\n    import surely\nfinally:\n    pass\n"
    )
    assert imports_in(source) == {"yaml", "surely"}


def test_what_is_imported_for_type_checkers_alone_does_not_count() -> None:
    source = (
        "import typing\nfrom typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n    import a\nelse:\n    import b\n"
        "if typing.TYPE_CHECKING:\n    import c\n"
    )
    assert {name for name in imports_in(source) if "typing" not in name} == {"b"}


def test_a_source_that_is_no_python_imports_nothing() -> None:
    assert imports_in("def (") == set()
    assert imports_in("\0") == set()


def test_files_and_folders_saved_along_import_each_other_for_free(tmp_path: Path) -> None:
    (tmp_path / "pack").mkdir()
    (tmp_path / "pack" / "__init__.py").write_text("from pack.inner import x\nimport helpers")
    (tmp_path / "pack" / "inner.py").write_text("import yaml, helpers.more\n")
    (tmp_path / "pack" / "data.bin").write_bytes(b"\xff\xfe")
    (tmp_path / "helpers.py").write_text("import click")
    assert in_sources([tmp_path / "pack", tmp_path / "helpers.py"]) == {"yaml", "click"}


def test_the_users_own_module_is_followed_by_the_packages_it_lies_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = tmp_path / "own_pack_x" / "inner"
    inner.mkdir(parents=True)
    (tmp_path / "own_pack_x" / "__init__.py").write_text("import yaml")
    (inner / "__init__.py").write_text("")
    (inner / "nets.py").write_text("import click\nfrom . import parts\n")
    (inner / "parts.py").write_text("import rich")
    (inner / "unused.py").write_text("import sqlalchemy")
    monkeypatch.syspath_prepend(tmp_path)
    seen: set[Path] = set()
    found = in_own_module("own_pack_x.inner.nets.Net", seen)
    assert found == {"yaml", "click", "own_pack_x.inner.parts"}
    assert in_own_module("own_pack_x.inner.parts", seen) == {"rich"}
    assert "own_pack_x" not in sys.modules
