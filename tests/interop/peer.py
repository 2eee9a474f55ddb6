"""Real MLflow, in a process of its own: does what JSON lines ask for, and answers in JSON lines."""

from __future__ import annotations

import contextlib
import io
import json
import os
import runpy
import sys
import traceback
import warnings
from importlib import import_module
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import cloudpickle
import mlflow

zoo: Any = import_module("zoo")
cloudpickle.register_pickle_by_value(zoo)  # a user's module, which is nowhere else


def save(name: str, path: str, options: dict[str, Any]) -> dict[str, Any]:
    """Save a model of the zoo; what it predicts, and what MLflow makes of it."""
    entry = zoo.ZOO[name]
    model, data = entry.make(), entry.data()
    given = zoo.plain(
        entry.predict(model, data)
    )  # before MLflow moves tensors out of an ONNX model
    Path(path).mkdir()  # MLflow's keras writes the example before it makes the folder
    flavor = import_module(f"mlflow.{entry.flavor}")
    flavor.save_model(
        model, path, pip_requirements=["numpy"], input_example=zoo.head(data), **options
    )
    return {"native": given}


def load(name: str, path: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
    """Load a model both ways; what it predicts, or the error."""
    entry = zoo.ZOO[name]
    data = entry.data()
    flavor = import_module(f"mlflow.{entry.flavor}")
    return {
        "native": _tried(lambda: entry.predict(flavor.load_model(path), data)),
        "pyfunc": _tried(lambda: mlflow.pyfunc.load_model(path).predict(data, params=params)),
    }


def save_python_model(path: str, artifact: str, script: str | None) -> dict[str, Any]:
    """Save a PythonModel, or the script that makes one."""
    signature = mlflow.models.infer_signature(zoo.numbers(), zoo.features()[:, 0], {"shift": 0.0})
    mlflow.pyfunc.save_model(
        path,
        python_model=script or zoo.python_model(mlflow.pyfunc.PythonModel),
        artifacts={"factor": artifact},
        signature=signature,
        pip_requirements=["numpy"],
    )
    return {}


def load_python_model(path: str, params: dict[str, Any]) -> dict[str, Any]:
    """What a model of the user's own predicts."""
    loaded = mlflow.pyfunc.load_model(path)
    return {"given": zoo.plain(loaded.predict(zoo.numbers(), params=params))}


def save_function(path: str) -> dict[str, Any]:
    """Save a function."""
    mlflow.pyfunc.save_model(path, python_model=zoo.shout, pip_requirements=["numpy"])
    return {}


def load_function(path: str, data: list[str]) -> dict[str, Any]:
    """What a function gives."""
    return {"given": mlflow.pyfunc.load_model(path).predict(data)}


def environment(path: str, add: list[str], remove: list[str]) -> dict[str, Any]:
    """Change a model's requirements; the texts of its environment files then."""
    mlflow.models.update_model_requirements(path, "add", add)
    mlflow.models.update_model_requirements(path, "remove", remove)
    files = {kind: mlflow.pyfunc.get_model_dependencies(path, kind) for kind in ("pip", "conda")}
    return {kind: Path(file).read_text() for kind, file in files.items()}


def serve(path: str, bodies: list[str]) -> dict[str, Any]:
    """What a served model would answer to requests; None for an error."""

    def answer(body: str) -> Any:
        try:
            return mlflow.models.validate_serving_input(path, body)
        except Exception:
            return None

    return {"answers": [answer(body) for body in bodies]}


def run_script(path: str, folder: str) -> dict[str, Any]:
    """Run a script in a folder with a store of its own; what it prints."""
    before = Path.cwd()
    os.chdir(folder)
    mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said):
            runpy.run_path(path, run_name="__main__")
    finally:
        os.chdir(before)
    return {"said": said.getvalue()}


def _tried(predict: Any) -> dict[str, Any]:
    try:
        return {"given": zoo.plain(predict())}
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}


COMMANDS = {
    function.__name__: function
    for function in (
        save,
        load,
        save_python_model,
        load_python_model,
        save_function,
        load_function,
        environment,
        serve,
        run_script,
    )
}


def main() -> None:
    """Answer each line until there are no more."""
    warnings.simplefilter("ignore")
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what libraries print is no answer
    zoo.import_frameworks()
    print(json.dumps({"ready": True}), file=answers, flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = COMMANDS[request.pop("do")](**request)
        except BaseException:
            answer = {"failed": traceback.format_exc()}
        print(json.dumps(answer), file=answers, flush=True)
    os._exit(0)  # without waiting for what libraries do at exit


if __name__ == "__main__":
    main()
