"""Models from code: a script says which model it makes."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

import chiplog
from chiplog.core.errors import DamagedModel, InvalidValue, UntrustedModel

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.usefixtures("project")

SCRIPT = """
import sys
import mlflow

config = mlflow.models.ModelConfig(development_config={"factor": 2})
sys.modules.setdefault("times_the_script_ran", []).append(1)

class Scaled(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        return [config.get("factor") * value for value in model_input]

mlflow.models.set_model(Scaled())
"""


@pytest.fixture
def ran() -> Iterator[list[int]]:
    """How often the script has run."""
    runs: list[int] = []
    sys.modules["times_the_script_ran"] = runs  # type: ignore[assignment]  # a place scripts reach
    yield runs
    del sys.modules["times_the_script_ran"]


def write(text: str, name: str = "model.py") -> str:
    Path(name).write_text(text, encoding="utf-8")
    return name


def test_a_script_is_saved_as_it_is_and_run_only_when_trusted(ran: list[int]) -> None:
    chiplog.pyfunc.save_model("there", python_model=write(SCRIPT), model_config={"factor": 3})
    assert Path("there", "model.py").read_text(encoding="utf-8") == SCRIPT
    assert not list(Path("there").rglob("*.pkl"))
    before = len(ran)
    with pytest.raises(UntrustedModel, match=r"script 'model\.py'.* Read it; if you trust"):
        chiplog.pyfunc.load_model("there")
    assert len(ran) == before
    model = chiplog.pyfunc.load_model("there", allow_pickle=True)
    assert model.predict([1, 2]) == [3, 6]
    assert model.loader_module == "mlflow.pyfunc.loaders.code_model"


def test_a_scripts_settings_are_those_it_is_loaded_with(ran: list[int]) -> None:
    chiplog.pyfunc.save_model("there", python_model=write(SCRIPT))
    loaded = chiplog.pyfunc.load_model("there", model_config={"factor": 5}, allow_pickle=True)
    assert loaded.predict([1]) == [5]
    assert chiplog.pyfunc.load_model("there", allow_pickle=True).predict([1]) == [2]


def test_where_mlflow_lay_when_it_was_saved_does_not_matter(ran: list[int]) -> None:
    chiplog.pyfunc.save_model("there", python_model=write(SCRIPT))
    file = Path("there", "MLmodel")
    body = yaml.safe_load(file.read_text(encoding="utf-8"))
    body["flavors"]["python_function"]["model_code_path"] = "/somewhere/else/model.py"
    file.write_text(yaml.safe_dump(body), encoding="utf-8")
    assert chiplog.pyfunc.load_model("there", allow_pickle=True).predict([2]) == [4]


def test_a_script_without_a_model_is_told_what_it_lacks() -> None:
    with pytest.raises(DamagedModel, match="sets no model: it must call"):
        chiplog.pyfunc.save_model("there", python_model=write("x = 1\n"))


def test_an_error_in_a_script_is_the_users_own() -> None:
    with pytest.raises(ZeroDivisionError):
        chiplog.pyfunc.save_model("there", python_model=write("1 / 0\n"))


def test_a_script_may_set_a_function_and_use_code_saved_beside_it() -> None:
    write("OFFSET = 40\n", "beside_the_script.py")
    script = (
        "def add(model_input):\n"
        "    from beside_the_script import OFFSET\n"
        "    return model_input + OFFSET\n"
        "import chiplog\n"
        "chiplog.models.set_model(add)\n"
    )
    path = write(script)
    chiplog.pyfunc.save_model("there", python_model=path, code_paths=["beside_the_script.py"])
    Path("beside_the_script.py").unlink()
    assert chiplog.pyfunc.load_model("there", allow_pickle=True).predict(2) == 42
    del sys.modules["beside_the_script"]


def test_a_script_run_by_itself_sets_nothing() -> None:
    chiplog.models.set_model(lambda model_input: model_input)
    with pytest.raises(InvalidValue, match="A int is no model"):
        chiplog.models.set_model(3)


def test_a_setting_that_is_not_there_is_named_with_those_that_are() -> None:
    config = chiplog.models.ModelConfig(development_config={"a": 1})
    assert config.to_dict() == {"a": 1}
    with pytest.raises(InvalidValue, match="no 'b'; they have: 'a'"):
        config.get("b")


@pytest.mark.skipif(
    importlib.util.find_spec("mlflow") is not None, reason="MLflow itself is installed here"
)
def test_mlflow_stays_chiplog_where_it_is_not_installed(ran: list[int]) -> None:
    script = """
import mlflow
def later(model_input):
    import mlflow.pyfunc
    return mlflow.__name__
mlflow.models.set_model(later)
"""
    chiplog.pyfunc.save_model("there", python_model=write(script))
    model: Any = chiplog.pyfunc.load_model("there", allow_pickle=True)
    assert model.predict(0) == "chiplog"
