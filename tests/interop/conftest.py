"""Real MLflow beside chiplog: an environment for it, made once, and a process that it runs in."""

from __future__ import annotations

import base64
import contextlib
import fcntl
import hashlib
import importlib.util
import json
import os
import select
import shutil
import subprocess
import sys
import sysconfig
import venv
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pytest

from chiplog.testing.project import own_project

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chiplog.testing.project import Project

HERE: Final = Path(__file__).parent
ENVIRONMENT: Final = HERE.parents[1] / ".venv-interop"
MLFLOW: Final = "mlflow==3.17.2"
VARIABLE: Final = "CHIPLOG_TEST_MLFLOW"
PATIENCE: Final = 180  # seconds for one answer

# Asked for before each test clears chiplog's variables.
_GIVEN: Final = os.environ.get(VARIABLE)


def _zoo() -> Any:
    spec = importlib.util.spec_from_file_location("zoo", HERE / "zoo.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Peer:
    """MLflow's process. It lives as long as the tests, since importing frameworks is slow."""

    def __init__(self, python: str, folder: Path) -> None:
        self._log = folder / "peer.log"
        environment = {
            **{name: v for name, v in os.environ.items() if not name.startswith("CHIPLOG_")},
            "MLFLOW_TRACKING_URI": f"sqlite:///{folder}/mlflow.db",
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "DO_NOT_TRACK": "true",
            "OMP_NUM_THREADS": "1",
            "TF_CPP_MIN_LOG_LEVEL": "3",
            "CUDA_VISIBLE_DEVICES": "",
        }
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [python, str(HERE / "peer.py")],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=folder,
                env=environment,
            )

    def wait(self) -> None:
        """Wait until it is ready."""
        assert self._answer() == {"ready": True}

    def ask(self, do: str, **arguments: Any) -> dict[str, Any]:
        """Have something done; raises AssertionError with MLflow's traceback if it fails."""
        assert self._process.stdin is not None
        request = json.dumps({"do": do, **arguments})
        self._process.stdin.write(request.encode() + b"\n")
        self._process.stdin.flush()
        answer = self._answer()
        assert "failed" not in answer, answer["failed"]
        return answer

    def _answer(self) -> dict[str, Any]:
        stream = self._process.stdout
        assert stream is not None
        ready, _, _ = select.select([stream], [], [], PATIENCE)
        line = stream.readline() if ready else b""
        said = self._log.read_text(errors="replace")[-3000:]
        assert line, f"MLflow's process gave no answer. It said:\n{said}"
        answer: dict[str, Any] = json.loads(line)
        return answer

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()


@pytest.fixture(scope="session")
def mlflow_python() -> str:
    """A Python that has real MLflow, and the frameworks that the tests have."""
    return _GIVEN or str(environment_with_mlflow())


@pytest.fixture(scope="session")
def peer(mlflow_python: str, zoo: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peer]:
    """MLflow's process."""
    with contextlib.closing(Peer(mlflow_python, tmp_path_factory.mktemp("mlflow"))) as peer:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            zoo.import_frameworks()
        peer.wait()
        yield peer


@pytest.fixture(scope="session")
def zoo() -> Any:
    """The models; see ``zoo.py``."""
    return _zoo()


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """A project of the test's own."""
    with own_project(tmp_path) as project:
        yield project


@pytest.fixture(scope="session")
def decoded() -> Any:
    """The inverse of ``zoo.plain``."""
    return _decoded


def _decoded(value: Any) -> Any:
    if "texts" in value:
        return np.array(value["texts"], dtype=object).reshape(value["shape"])
    if "data" not in value:
        return {name: _decoded(part) for name, part in value.items()}
    data = base64.b64decode(value["data"])
    return np.frombuffer(data, dtype=np.dtype(value["dtype"])).reshape(value["shape"])


def environment_with_mlflow() -> Path:
    """The Python of an environment with MLflow, made if it is not there; skips without a network.

    Of its own it has what MLflow needs and the tests' environment lacks. Everything else it finds
    there, so that no framework is installed twice.
    """
    site = sysconfig.get_path("purelib")
    mark = hashlib.sha256(f"{MLFLOW} {sys.version} {site}".encode()).hexdigest()
    done, python = ENVIRONMENT / f"{mark[:16]}.done", ENVIRONMENT / "bin" / "python"
    with Path(f"{ENVIRONMENT}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # of several workers one makes it
        if not done.exists():
            _make_environment(python, site)
            done.touch()
    return python


def _make_environment(python: Path, site: str) -> None:
    shutil.rmtree(ENVIRONMENT, ignore_errors=True)
    venv.create(ENVIRONMENT, with_pip=False, symlinks=True)
    own = next(ENVIRONMENT.glob("lib/python*/site-packages"))
    (own / "tests.pth").write_text(site + "\n", encoding="utf-8")
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet"]
    told = subprocess.run(
        [*pip, "--no-compile", "--disable-pip-version-check", "--retries=1", MLFLOW],
        capture_output=True,
        text=True,
        check=False,
    )
    if told.returncode:
        text = told.stderr.strip()
        if "onnection" in text or "name resolution" in text:
            pytest.skip(f"MLflow cannot be installed without a network: {text.splitlines()[0]}")
        pytest.fail(f"MLflow cannot be installed; {VARIABLE}=PYTHON names one that has it.\n{text}")
