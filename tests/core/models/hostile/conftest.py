"""Models made to do harm, and the canary that tells whether any of their code ran."""

from __future__ import annotations

import functools
import io
import json
import os
import pickle
import struct
import sys
import zipfile
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from chiplog.core.autolog import engine
from chiplog.hooks.manager import plugins

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

EXAMPLE = Path(__file__).parents[4] / "examples" / "plugins" / "chiplog-catboost" / "src"
CANARY = "canary_that_sang"
MODULE = "canary_module"

#: Each flavor's settings, and the file that they name.
FLAVORS: dict[str, tuple[dict[str, Any], str]] = {
    "sklearn": ({"pickled_model": "model.pkl", "serialization_format": "pickle"}, "model.pkl"),
    "pytorch": ({"model_data": "data", "serialization_format": "pickle"}, "data/model.pth"),
    "tensorflow": ({"data": "data", "model_type": "keras"}, "data/model.keras"),
    "keras": ({"data": "data"}, "data/model.keras"),
    "xgboost": ({"data": "model.ubj", "model_class": "xgboost.core.Booster"}, "model.ubj"),
    "lightgbm": ({"data": "model.lgb", "model_class": "lightgbm.basic.Booster"}, "model.lgb"),
    "onnx": ({"data": "model.onnx"}, "model.onnx"),
    "statsmodels": ({"data": "model.statsmodels"}, "model.statsmodels"),
    "catboost": ({"data": "model.cb", "model_type": "CatBoost", "save_format": "cbm"}, "model.cb"),
    "python_function": ({}, "python_model.pkl"),
}


class Harmful:
    """Unpickled, it leaves a file."""

    def __reduce__(self) -> Any:
        return exec, (f"open({CANARY!r}, 'w').close()",)


@dataclass
class Hostile:
    """A model's directory in the making, which an attack changes before it is written."""

    flavor: str
    path: Path
    body: dict[str, Any]
    files: dict[str, bytes] = field(default_factory=dict)

    @property
    def settings(self) -> dict[str, Any]:
        """The settings of the flavor that is attacked."""
        found: dict[str, Any] = self.body["flavors"][self.flavor]
        return found

    @property
    def function(self) -> dict[str, Any]:
        """Those of its python_function view."""
        found: dict[str, Any] = self.body["flavors"]["python_function"]
        return found

    @property
    def file(self) -> str:
        """The model's own file."""
        return FLAVORS[self.flavor][1]

    def write(self, mlmodel: bytes | None = None) -> None:
        """Write the files, and an MLmodel file of these bytes or else of the body."""
        for name, data in self.files.items():
            (self.path / name).parent.mkdir(parents=True, exist_ok=True)
            (self.path / name).write_bytes(data)
        text = yaml.safe_dump(self.body).encode() if mlmodel is None else mlmodel
        (self.path / "MLmodel").write_bytes(text)


@pytest.fixture
def hostile(project: Path) -> Callable[[str], Hostile]:
    """Makes a model of a flavor whose file is a pickle that leaves a canary."""

    def make(flavor: str) -> Hostile:
        settings, file = FLAVORS[flavor]
        loader = "mlflow.pyfunc.model" if flavor == "python_function" else f"mlflow.{flavor}"
        function = {"loader_module": loader, "python_model": file, "data": settings.get("data")}
        flavors: dict[str, Any] = {"python_function": function}
        if flavor != "python_function":
            flavors[flavor] = dict(settings)
        path = project / "model"
        path.mkdir()
        body = {"flavors": flavors, "mlflow_version": "3.1.0", "model_uuid": "0" * 32}
        return Hostile(flavor, path, body, {file: pickle.dumps(Harmful())})

    return make


class Watch:
    """What the interpreter tells of code that runs and programs that start."""

    def __init__(self) -> None:
        self.is_on = False
        self.canary = Path(CANARY)
        self.heard: list[str] = []

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.is_on:
            return
        starts = event in {"os.system", "subprocess.Popen", "os.exec", "os.posix_spawn"}
        if starts and arguments[0] != "uname":  # which the standard library's platform asks
            self.heard.append(f"{event} {arguments[0]!r}")
        elif event in {"compile", "exec"}:
            code = arguments[0]
            text = getattr(code, "co_filename", code)
            text = text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
            if CANARY in text or MODULE in text:
                self.heard.append(f"{event} of {text:.200}")


_watch = Watch()
sys.addaudithook(_watch)


@pytest.fixture
def watch(project: Path) -> Iterator[Watch]:
    """Hears of code that runs during a test; a canary at its end fails it."""
    _watch.heard = []
    _watch.is_on = True
    try:
        yield _watch
    finally:
        _watch.is_on = False
        sys.modules.pop(MODULE, None)
        sys.path[:] = [entry for entry in sys.path if not entry.startswith(str(project))]
    assert not _watch.heard
    assert not (project / CANARY).exists()


@pytest.fixture(scope="module", autouse=True)
def _catboost() -> Iterator[None]:
    """The example's flavor, as if it were installed."""
    manager = plugins()
    sys.path.insert(0, str(EXAMPLE))
    try:
        engine.reset()  # which may have asked before for what there is
        manager.add(import_module("chiplog_catboost"), "catboost")
        yield
        manager.remove("catboost")
        engine.reset()
    finally:
        sys.path.remove(str(EXAMPLE))


@pytest.fixture(scope="session")
def attacks() -> dict[str, Callable[[Hostile], None]]:
    """What can be done to a model of any flavor, by name."""
    return {
        name.removeprefix("attack_"): function
        for name, function in globals().items()
        if name.startswith("attack_")
    }


SOURCE = f"open({CANARY!r}, 'w').close()\n".encode()


def attack_pickle(model: Hostile) -> None:
    model.write()


def attack_old_pickle(model: Hostile) -> None:
    model.files[model.file] = pickle.dumps(Harmful(), 0)
    model.write()


def attack_claimed_pickle(model: Hostile) -> None:
    model.settings["serialization_format"] = "cloudpickle"
    model.settings["model_format"] = "pickle"
    model.settings["save_format"] = "pickle"
    model.write()


def attack_loader(model: Hostile) -> None:
    model.files[f"code/{MODULE}.py"] = SOURCE
    model.function.update(loader_module=MODULE, code="code")
    model.settings["code"] = "code"
    model.write()


def attack_script(model: Hostile) -> None:
    model.files["model.py"] = SOURCE
    loader = "mlflow.pyfunc.loaders.code_model"
    model.function.update(loader_module=loader, model_code_path="model.py")
    model.write()


def attack_code_for_pythons_own(model: Hostile) -> None:
    for name in ("json", "colorsys", "numpy", "sklearn", "torch"):
        model.files[f"code/{name}.py"] = SOURCE
    model.settings["code"] = model.function["code"] = "code"
    model.write()


def attack_file_outside(model: Hostile) -> None:
    outside = model.path.parent / "outside"
    outside.mkdir()
    (outside / "file").write_bytes(pickle.dumps(Harmful()))
    for settings in (model.settings, model.function):
        for name in ("pickled_model", "data", "model_data", "python_model"):
            if settings.get(name):
                settings[name] = "../outside/file"
    model.write()


def attack_absolute_file(model: Hostile) -> None:
    attack_file_outside(model)
    text = (model.path / "MLmodel").read_text()
    absolute = str(model.path.parent / "outside" / "file")
    (model.path / "MLmodel").write_text(text.replace("../outside/file", absolute))


def attack_link(model: Hostile) -> None:
    model.write()
    (model.path.parent / "elsewhere").write_bytes(pickle.dumps(Harmful()))
    (model.path / model.file).unlink()
    (model.path / model.file).symlink_to(model.path.parent / "elsewhere")


def attack_pipe(model: Hostile) -> None:
    model.write()
    (model.path / model.file).unlink()
    os.mkfifo(model.path / model.file)


def attack_wrong_digest(model: Hostile) -> None:
    model.body["file_digests"] = {model.file: "0" * 64}
    model.write()


def attack_added_code(model: Hostile) -> None:
    model.body["file_digests"] = {}
    model.write()
    from chiplog.core.models import digests

    model.body["file_digests"] = digests.digests_of(model.path)
    model.files["code/added.py"] = SOURCE
    model.write()


def attack_missing_file(model: Hostile) -> None:
    model.files.clear()
    model.write()


def attack_tag(model: Hostile) -> None:
    text = yaml.safe_dump(model.body)
    call = f"!!python/object/apply:builtins.exec [\"open('{CANARY}', 'w')\"]"
    model.write(f"{text}metadata: {call}\n".encode())


def attack_references(model: Hostile) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    model.write(f"{yaml.safe_dump(model.body)}{chr(10).join(lines)}\nmetadata: *a11\n".encode())


def attack_depth(model: Hostile) -> None:
    model.write(b"flavors: " + b"[" * 200_000 + b"]" * 200_000)


def attack_no_text(model: Hostile) -> None:
    model.write(b"flavors: \xff\xfe\x80")


def attack_wrong_kinds(model: Hostile) -> None:
    model.body["flavors"][model.flavor] = 3
    model.body["flavors"]["python_function"] = ["loader_module"]
    model.write()


def attack_next_version(model: Hostile) -> None:
    model.body["mlflow_version"] = "4.0.0"
    model.write()


def attack_bomb(model: Hostile) -> None:
    model.files[model.file] = bomb()
    model.write()


@functools.cache
def bomb() -> bytes:
    """An archive of many blanks."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("schema.json", "config.json", "model/data.pkl"):
            archive.writestr(name, b" " * (30 << 20), compresslevel=1)
    return file.getvalue()


def attack_garbage(model: Hostile) -> None:
    model.files[model.file] = struct.pack("<4sQ", b"CBM1", 2**63) + json.dumps({"a": 1}).encode()
    model.write()
