"""Pickles of models: MLflow's names stand in them, and are understood."""

from __future__ import annotations

import pickle
import pickletools
import sys
from typing import Any

import pytest

import chiplog
from chiplog import entities
from chiplog.core.errors import DamagedModel
from chiplog.core.models.pyfunc import pickles
from chiplog.core.models.pyfunc.python_model import PythonModel, as_python_model

pytest.importorskip("cloudpickle")


def texts_in(data: bytes) -> list[str]:
    return [arg for _, arg, _ in pickletools.genops(data) if isinstance(arg, str)]


def named(module: str, name: str) -> bytes:
    """A pickle of nothing but the object of that name."""
    return f"c{module}\n{name}\n.".encode()


def made_in_a_main_program() -> Any:
    """An object of a class that no module holds, so that its pickle must."""

    class Model(PythonModel):
        def predict(self, context: Any, model_input: Any, params: Any = None) -> Any:
            return [chiplog.models.Model is not None, entities.__name__, model_input]

    return Model()


def test_a_pickle_names_mlflows_class_and_nothing_of_chiplogs() -> None:
    data = pickles.dump(made_in_a_main_program())
    texts = texts_in(data)
    assert "mlflow.pyfunc.model:PythonModel" in texts
    assert {"mlflow:", "mlflow.models:", "mlflow.entities:"} <= set(texts)
    assert not [text for text in texts if text.startswith("chiplog.")]


def test_chiplogs_modules_come_back_as_chiplogs_without_a_second_name() -> None:
    before = sys.modules.get("mlflow")
    model = pickles.load(pickles.dump(made_in_a_main_program()))
    assert isinstance(model, PythonModel)
    assert model.predict(None, 3) == [True, "chiplog.entities", 3]
    assert sys.modules.get("mlflow") is before


def test_a_functions_class_is_in_the_pickle_itself() -> None:
    def double(model_input: Any) -> Any:
        return model_input * 2

    data = pickles.dump(as_python_model(double))
    model = pickles.load(data)
    assert type(model) is not type(as_python_model(double))
    assert model.predict(4) == 8


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("mlflow.pyfunc.model", "PythonModel"),
        ("mlflow.pyfunc.model", "PythonModelContext"),
        ("mlflow.exceptions", "MlflowException"),
    ],
)
def test_mlflows_names_are_chiplogs_classes(module: str, name: str) -> None:
    assert pickles.load(named(module, name)) is getattr(
        chiplog.pyfunc if "pyfunc" in module else chiplog.exceptions, name
    )


def test_a_function_that_mlflow_saved_is_called_as_it_takes_its_arguments() -> None:
    made = pickles.load(named("mlflow.pyfunc.model", "_FunctionPythonModel"))()
    made.func = lambda model_input: model_input + 1
    assert made.predict(None, 1) == 2


def test_a_name_that_cannot_be_imported_is_told_with_what_to_do() -> None:
    with pytest.raises(DamagedModel, match=r"no_such_module_here\.Thing(.|\n)*code_paths"):
        pickles.load(named("no_such_module_here", "Thing"))


def test_other_pickles_are_read_as_ever() -> None:
    assert pickles.load(pickle.dumps({"a": [1, 2.5]})) == {"a": [1, 2.5]}
    assert "mlflow" not in sys.modules or sys.modules["mlflow"] is chiplog
