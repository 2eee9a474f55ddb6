"""Images that serve a model: a folder with a Dockerfile and all it needs, built by Docker.

The image runs ``python -m chiplog models serve`` on port 8080 with the model at ``/opt/ml/model``,
as a user without rights; the chiplog in it is the very one that made the folder, and must have that
command.
"""

from __future__ import annotations

import platform
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from chiplog.core.errors import AlreadyExists, ChiplogError, InvalidValue
from chiplog.core.models import environment, wheel
from chiplog.core.models.isolation import check_manager, recipe_of
from chiplog.core.models.loading import open_model

if TYPE_CHECKING:
    from chiplog.core.models.isolation import Recipe

#: Where the model lies in the image; without one, where to mount it.
MODEL: Final = "/opt/ml/model"
PORT: Final = 8080

DOCKERFILE: Final = "Dockerfile"
_FOLDER: Final = "model_dir"
_NEEDS: Final = "chiplog"


class BuildFailed(ChiplogError):
    """Docker is not there, or did not build the image; the folder it builds from is."""


def generate_dockerfile(
    model_uri: str | Path | None = None,
    output_directory: str | Path = "mlflow-dockerfile",
    env_manager: str | None = None,
    mlflow_home: str | None = None,
    install_java: bool | None = None,
    install_mlflow: bool = False,
    base_image: str | None = None,
) -> Path:
    """Write a Dockerfile for an image that serves a model, and what it is built from.

    Args:
        model_uri: the model; None for an image that any may be mounted into at ``/opt/ml/model``,
            whose environment is then made when it starts.
        output_directory: the folder to write; it must be empty or not there.
        env_manager: ``"local"``, ``"virtualenv"`` or ``"uv"``; all put what the model needs into
            the image's own Python.
        mlflow_home: not used; taken for MLflow's sake.
        install_java: raises InvalidValue if true: no flavor of chiplog's needs Java.
        install_mlflow: install the MLflow that the model asks for, too.
        base_image: an image with Python; ``python:<the model's version>-slim`` unless given.

    Hands back the folder.
    """
    del mlflow_home
    check_manager(env_manager or "virtualenv")
    if env_manager == "conda":
        raise InvalidValue(
            "env_manager='conda' is not for images: what pip and uv install is all they hold. Use "
            "'virtualenv', and a base_image that has what conda would bring."
        )
    if install_java:
        raise InvalidValue(
            "install_java=True: the image has no place for Java. Give a base_image that has it."
        )
    recipe = None
    directory = None
    if model_uri is not None:
        directory = open_model(model_uri).directory
        recipe = recipe_of(directory, install_mlflow=install_mlflow)
    target = Path(output_directory)
    if target.exists() and any(target.iterdir()):
        raise AlreadyExists(
            f"The folder {str(target)!r} exists and is not empty; give another one, or remove it."
        )
    needs = target / _NEEDS
    needs.mkdir(parents=True, exist_ok=True)
    wheel.pack_wheel(needs)
    if recipe is not None and directory is not None:
        shutil.copytree(directory, target / _FOLDER)
        _write_requirements(needs, recipe)
    (target / DOCKERFILE).write_text(_dockerfile(recipe, base_image), encoding="utf-8")
    (target / ".dockerignore").write_text("**/__pycache__\n", encoding="utf-8")
    return target


def _write_requirements(folder: Path, recipe: Recipe) -> None:
    lines = []
    for line in recipe.requirements:
        source = Path(line)
        if source.is_absolute() and source.is_dir():  # a plugin that somebody works on
            ignored = shutil.ignore_patterns(".*", "__pycache__")
            shutil.copytree(source, folder / source.name, ignore=ignored)
            lines.append(f"./{source.name}")
        else:
            lines.append(line)
    if recipe.constraints:
        (folder / environment.CONSTRAINTS).write_text("\n".join(recipe.constraints), "utf-8")
        lines.append(f"-c {environment.CONSTRAINTS}")
    (folder / environment.PIP).write_text("\n".join(lines) + "\n", encoding="utf-8")


def _dockerfile(recipe: Recipe | None, base_image: str | None) -> str:
    python = recipe.python if recipe is not None else platform.python_version().rpartition(".")[0]
    base = base_image or f"python:{python}-slim"
    install = f"uv pip install --system --no-cache ./{wheel.file_name()}"
    if recipe is not None:
        install += f" -r {environment.PIP} \\\n && python -m pip uninstall --yes uv"
        model = f"COPY --chown=chiplog:chiplog {_FOLDER} {MODEL}\n"
        manager = "local"
    else:  # the environment is made when it starts, and uv is needed then
        model = f"# The model is mounted here: docker run -v <its folder>:{MODEL}\nVOLUME {MODEL}\n"
        manager = "uv"
    return f"""\
# An image that serves a model on port {PORT}, made by chiplog.
#   docker build -t model . && docker run -p 5001:{PORT} model
FROM {base}

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1

# What the model was saved with, and the chiplog that made this file.
RUN --mount=type=bind,source={_NEEDS},target=/tmp/{_NEEDS} cd /tmp/{_NEEDS} \\
 && python -m pip install --no-cache-dir --root-user-action=ignore uv \\
 && {install}

RUN useradd --create-home --uid 1000 chiplog
{model}USER chiplog
WORKDIR /home/chiplog
EXPOSE {PORT}

# GET /ping says whether the model is loaded; POST /invocations asks it. A model that brings code
# has to be trusted: docker run -e CHIPLOG_ALLOW_PICKLE_DESERIALIZATION=1
ENTRYPOINT ["python", "-m", "chiplog", "models", "serve", "-m", "{MODEL}", \\
            "-h", "0.0.0.0", "-p", "{PORT}", "--env-manager", "{manager}"]
"""


def build_docker(
    model_uri: str | Path | None = None,
    name: str = "mlflow-pyfunc",
    env_manager: str = "virtualenv",
    mlflow_home: str | None = None,
    install_java: bool = False,
    install_mlflow: bool = False,
    base_image: str | None = None,
) -> None:
    """Build an image that serves a model, as :func:`generate_dockerfile` describes it.

    Raises BuildFailed if Docker is not there or refuses; the text names the folder that was
    written, from which it can be built elsewhere.
    """
    folder = Path(tempfile.mkdtemp(prefix="chiplog-docker-"))
    generate_dockerfile(
        model_uri, folder, env_manager, mlflow_home, install_java, install_mlflow, base_image
    )
    command = ["docker", "build", "-t", name, "--platform", "linux/amd64", str(folder)]
    advice = f"All that is needed lies in {str(folder)!r}; to build it:\n    {' '.join(command)}"
    if shutil.which("docker") is None:
        raise BuildFailed(f"There is no docker on the PATH. {advice}")
    done = subprocess.run(command, check=False)
    if done.returncode:
        raise BuildFailed(f"docker ended with status {done.returncode}. {advice}")
    shutil.rmtree(folder, ignore_errors=True)
