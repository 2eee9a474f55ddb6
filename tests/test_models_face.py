"""``chiplog.models``, ``chiplog.types`` and ``chiplog.pyfunc``: what users import."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import chiplog
from chiplog.core.models.flavor import flavors

models = chiplog.models


def test_every_name_can_be_loaded_and_is_declared_to_type_checkers_from_the_same_place() -> None:
    tree = ast.parse(Path(str(models.__file__)).read_text(encoding="utf-8"))
    (typed,) = [
        node
        for node in tree.body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    ]
    declared = {
        alias.name: statement.module
        for statement in typed.body
        if isinstance(statement, ast.ImportFrom) and statement.module != "typing"
        for alias in statement.names
    }
    assert declared == models._FOUND_IN
    assert sorted(models.__all__) == sorted(declared)
    for name in models.__all__:
        assert getattr(models, name) is not None
        assert name in dir(models)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match=r"'chiplog\.models' has no attribute 'Unknown'"):
        _ = models.Unknown


@pytest.mark.parametrize(
    ("module", "names"),
    [
        ("chiplog.models.signature", "ModelSignature infer_signature set_signature"),
        ("chiplog.models.model", "Model ModelInfo get_model_info"),
        ("chiplog.types", "ColSpec DataType ParamSchema ParamSpec Schema TensorSpec"),
        ("chiplog.types.schema", "AnyType Array ColSpec DataType Map Object Property Schema"),
        ("chiplog.pyfunc", "PyFuncModel PythonModel PythonModelContext load_model log_model"),
    ],
)
def test_the_modules_that_mlflows_users_import_have_its_names(module: str, names: str) -> None:
    found = importlib.import_module(module)
    assert set(names.split()) <= set(found.__all__)
    for name in found.__all__:
        assert getattr(found, name) is not None


def test_the_modules_themselves_load_nothing_heavy() -> None:
    script = (
        "import sys, chiplog; chiplog.models, chiplog.pyfunc.load_model, chiplog.types.Schema;"
        "print(*sorted({n.partition('.')[0] for n in sys.modules}"
        " & {'pandas', 'sklearn', 'skops', 'torch', 'scipy', 'matplotlib', 'sqlalchemy'}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout == "\n"


@pytest.mark.framework
@pytest.mark.parametrize("name", sorted(flavors()))
def test_every_flavor_has_a_module_to_save_log_and_load_with(name: str) -> None:
    module = getattr(chiplog, name)
    assert importlib.import_module(f"chiplog.{name}") is module
    for function in ("save_model", "log_model", "load_model"):
        assert callable(getattr(module, function))
