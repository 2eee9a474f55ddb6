"""Images that serve a model: the folder that one is built from."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import venv
import zipfile
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest

from chiplog.core.errors import AlreadyExists, InvalidValue
from chiplog.core.models import wheel
from chiplog.core.models.docker import BuildFailed, build_docker, generate_dockerfile
from chiplog.core.models.environment import write_environment
from chiplog.core.models.model import Model
from chiplog.core.models.signature import infer_signature

WHEEL = f"chiplog-{metadata.version('chiplog')}-py3-none-any.whl"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A model's directory with its environment files, and no model in it."""
    folder = tmp_path / "model"
    folder.mkdir()
    Model(signature=infer_signature(np.ones((1, 2)))).save(folder / "MLmodel")
    (tmp_path / "c.txt").write_text("a<2")
    lines = ["mlflow==3.1", "a==1", f"-c {tmp_path / 'c.txt'}"]
    write_environment(folder, (), pip_requirements=lines)
    return folder


def _instructions(dockerfile: Path) -> list[str]:
    text = dockerfile.read_text().replace("\\\n", "")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def test_the_folder_has_all_that_the_image_is_built_from(directory: Path, tmp_path: Path) -> None:
    out = generate_dockerfile(directory, tmp_path / "image")
    files = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    assert files >= {"Dockerfile", "model_dir/MLmodel", f"chiplog/{WHEEL}"}
    assert (out / "chiplog" / "requirements.txt").read_text() == "a==1\n-c constraints.txt\n"
    assert (out / "chiplog" / "constraints.txt").read_text() == "a<2"


def test_the_image_serves_the_model_as_a_user_without_rights(
    directory: Path, tmp_path: Path
) -> None:
    (directory / "python_env.yaml").write_text("python: 3.12.4\n")
    lines = _instructions(generate_dockerfile(directory, tmp_path / "image") / "Dockerfile")
    assert lines[0] == "FROM python:3.12-slim"
    (install,) = [line for line in lines if line.startswith("RUN --mount")]
    assert f"uv pip install --system --no-cache ./{WHEEL} -r requirements.txt" in install
    assert "COPY --chown=chiplog:chiplog model_dir /opt/ml/model" in lines
    (entry,) = [line for line in lines if line.startswith("ENTRYPOINT")]
    assert lines.index("USER chiplog") < lines.index(entry)
    command = " ".join(json.loads(entry.removeprefix("ENTRYPOINT")))
    serve = "python -m chiplog models serve -m /opt/ml/model -h 0.0.0.0 -p 8080"
    assert command == f"{serve} --env-manager local"


def test_an_image_for_any_model_makes_the_environment_when_it_starts(tmp_path: Path) -> None:
    lines = _instructions(generate_dockerfile(None, tmp_path / "image") / "Dockerfile")
    assert lines[0] == f"FROM python:{sys.version_info.major}.{sys.version_info.minor}-slim"
    assert "VOLUME /opt/ml/model" in lines
    assert lines[-1].endswith('"--env-manager", "uv"]')
    assert not (tmp_path / "image" / "model_dir").exists()


def test_another_base_image_is_taken(directory: Path, tmp_path: Path) -> None:
    out = generate_dockerfile(directory, tmp_path / "image", base_image="mine:1")
    assert _instructions(out / "Dockerfile")[0] == "FROM mine:1"


def test_a_folder_with_something_in_it_is_left_alone(directory: Path, tmp_path: Path) -> None:
    (tmp_path / "image").mkdir()
    (tmp_path / "image" / "precious").write_text("x")
    with pytest.raises(AlreadyExists, match="exists and is not empty"):
        generate_dockerfile(directory, tmp_path / "image")
    assert [path.name for path in (tmp_path / "image").iterdir()] == ["precious"]


def test_what_an_image_cannot_hold_is_refused(directory: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidValue, match="env_manager='conda' is not for images"):
        generate_dockerfile(directory, tmp_path / "image", env_manager="conda")
    with pytest.raises(InvalidValue, match="no place for Java"):
        generate_dockerfile(directory, tmp_path / "image", install_java=True)
    assert not (tmp_path / "image").exists()


def test_without_docker_the_folder_is_named_and_how_to_build_from_it(
    directory: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BuildFailed, match="There is no docker on the PATH") as caught:
        build_docker(directory, "mine")
    found = re.search(r"docker build -t mine --platform linux/amd64 (\S+)", str(caught.value))
    assert found is not None
    built_from = found.group(1)
    assert (Path(built_from) / "chiplog" / WHEEL).is_file()
    shutil.rmtree(built_from)


# The wheel


def test_the_wheel_is_this_very_chiplog_and_installs(tmp_path: Path) -> None:
    file = wheel.pack_wheel(tmp_path)
    again = tmp_path / "again"
    again.mkdir()
    assert wheel.pack_wheel(again).read_bytes() == file.read_bytes()
    with zipfile.ZipFile(file) as archive:
        assert not [name for name in archive.namelist() if "__pycache__" in name]
    home = tmp_path / "home"
    venv.create(home, with_pip=False)
    python = home / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--no-deps", "--quiet"]
    subprocess.run([*pip, "--no-index", str(file)], check=True)
    script = (
        "import chiplog, importlib.metadata as m\n"
        "print(m.version('chiplog'), chiplog.__file__, len(m.entry_points(group='chiplog')))"
    )
    command = [str(python), "-I", "-c", script]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    here = metadata.distribution("chiplog").entry_points.select(group="chiplog")
    assert said[0] == metadata.version("chiplog")
    assert said[1].startswith(str(home))
    assert int(said[2]) == len(here)


def test_a_wheel_for_this_machine_leaves_a_folder_that_is_worked_on_where_it_is(
    tmp_path: Path,
) -> None:
    if not wheel._is_worked_on():
        pytest.skip("this chiplog is not installed from a folder")
    with zipfile.ZipFile(wheel.pack_wheel(tmp_path, for_here=True)) as archive:
        names = archive.namelist()
        assert [name for name in names if ".dist-info/" not in name] == ["_chiplog.pth"]
        folder = archive.read("_chiplog.pth").decode().strip()
    assert (Path(folder) / "chiplog" / "__init__.py").is_file()
