"""``chiplog models``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from click.testing import CliRunner

from chiplog.core.cli import program
from chiplog.core.models.signature import infer_signature

if TYPE_CHECKING:
    from collections.abc import Callable

    from click.testing import Result

SCRIPT = """
from chiplog.models import set_model
from chiplog.pyfunc import PythonModel

class Sums(PythonModel):
    def predict(self, context, model_input, params=None):
        return model_input.sum(axis=1)

set_model(Sums())
"""


@pytest.fixture
def model(project: Path) -> str:
    """The directory of a model from code that adds up rows of two numbers."""
    from chiplog.pyfunc import save_model

    Path("sums.py").write_text(SCRIPT)
    signature = infer_signature(np.ones((1, 2)))
    save_model("model", python_model="sums.py", signature=signature)
    return "model"


LOCAL = ("--env-manager", "local", "--allow-pickle")


def test_predict_answers_a_file(chiplog: Callable[..., Result], model: str) -> None:
    Path("in.json").write_text('{"inputs": [[1, 2], [3, 4]]}')
    result = chiplog("models", "predict", "-m", model, "-i", "in.json", *LOCAL)
    assert json.loads(result.stdout) == {"predictions": [3.0, 7.0]}
    chiplog("models", "predict", "-m", model, "-i", "in.json", "-o", "out.json", *LOCAL)
    assert json.loads(Path("out.json").read_text()) == {"predictions": [3.0, 7.0]}


def test_predict_answers_standard_input(model: str) -> None:
    arguments = ["models", "predict", "-m", model, "--no-conda", "--allow-pickle"]
    result = CliRunner().invoke(program, arguments, input='{"inputs": [[1, 2]]}')
    assert json.loads(result.stdout) == {"predictions": [3.0]}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("{", "Error: The input is no valid JSON"),
        ('{"data": [1]}', "Error: The input has 'data'. It is a JSON object with exactly one of"),
        (" ", "Error: The input is empty; a request is JSON such as"),
        ('{"inputs": [["x", "y"]]}', "Error: Failed to enforce schema of data"),
    ],
)
def test_an_input_that_does_not_fit_is_told_without_a_traceback(
    chiplog: Callable[..., Result], model: str, body: str, said: str
) -> None:
    Path("in.json").write_text(body)
    result = chiplog("models", "predict", "-m", model, "-i", "in.json", *LOCAL, code=1)
    assert said in result.stderr
    assert "Traceback" not in result.output
    assert result.stdout == ""


def test_what_the_model_raises_is_told_as_its_own(
    chiplog: Callable[..., Result], project: Path
) -> None:
    from chiplog.pyfunc import save_model

    raising = SCRIPT.replace("return model_input.sum(axis=1)", "raise ValueError('on purpose')")
    Path("raising.py").write_text(raising)
    save_model("raising", python_model="raising.py")
    Path("in.json").write_text('{"inputs": [[1, 2]]}')
    said = chiplog("models", "predict", "-m", "raising", "-i", "in.json", *LOCAL, code=1).stderr
    assert "Error: The model raised ValueError: on purpose" in said
    assert "mistake of chiplog's" not in said


def test_predict_does_not_run_a_models_code_without_a_word(
    chiplog: Callable[..., Result], model: str
) -> None:
    Path("in.json").write_text('{"inputs": [[1, 2]]}')
    arguments = ("-m", model, "-i", "in.json", "--env-manager", "local")
    said = chiplog("models", "predict", *arguments, code=1).stderr
    assert "sums.py" in said
    assert "On this command line that is --allow-pickle" in said


def test_a_variable_needs_a_name_and_a_value(chiplog: Callable[..., Result], model: str) -> None:
    Path("in.json").write_text("{}")
    result = chiplog("models", "predict", "-m", model, "-i", "in.json", "--env", "x", code=2)
    assert "'x' is not NAME=VALUE" in result.stderr


def test_a_model_that_is_not_there_is_named(chiplog: Callable[..., Result]) -> None:
    said = chiplog("models", "prepare-env", "-m", "nowhere", code=1).stderr
    assert "There is no model at 'nowhere'" in said


def test_prepare_env_prints_the_python_of_the_environment(
    chiplog: Callable[..., Result], model: str
) -> None:
    result = chiplog("models", "prepare-env", "-m", model, "--env-manager", "local")
    assert result.stdout.strip() == sys.executable


def test_requirements_are_added_and_removed(chiplog: Callable[..., Result], model: str) -> None:
    chiplog("models", "update-pip-requirements", "-m", model, "add", "one>=2", "two")
    assert Path(model, "requirements.txt").read_text().splitlines()[-2:] == ["one>=2", "two"]
    chiplog("models", "update-pip-requirements", "-m", model, "remove", "one")
    assert "one" not in Path(model, "requirements.txt").read_text()
    said = chiplog("models", "update-pip-requirements", "-m", model, "add", "-e .", code=2)
    assert "Usage" in said.stderr
    chiplog("models", "update-pip-requirements", "-m", model, "add", code=2)


def test_a_dockerfile_is_written_and_how_to_go_on_is_said(
    chiplog: Callable[..., Result], model: str
) -> None:
    said = chiplog("models", "generate-dockerfile", "-m", model).stdout
    assert "docker build -t NAME mlflow-dockerfile" in said
    assert Path("mlflow-dockerfile", "model_dir", "MLmodel").is_file()
    again = chiplog("models", "generate-dockerfile", "-m", model, code=1).stderr
    assert "'mlflow-dockerfile' exists and is not empty" in again


def test_build_docker_without_docker_names_what_is_missing(
    chiplog: Callable[..., Result], model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(Path.cwd()))
    monkeypatch.setenv("TMPDIR", str(Path.cwd()))
    said = chiplog("models", "build-docker", "-m", model, "-n", "mine", code=1).stderr
    assert "There is no docker on the PATH" in said
    assert "docker build -t mine" in said


@pytest.mark.parametrize(
    "name",
    ["predict", "prepare-env", "generate-dockerfile", "build-docker", "update-pip-requirements"],
)
def test_every_commands_help_fits_a_terminal(chiplog: Callable[..., Result], name: str) -> None:
    lines = chiplog("models", name, "--help").stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert any("--model-uri" in line for line in lines)
