"""Asking a saved model once: here, or in an environment of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from chiplog.core.errors import ChiplogError, InvalidValue, MissingFile
from chiplog.core.models import isolation, scoring
from chiplog.core.models.installing import clean_environment
from chiplog.core.models.loading import open_model
from chiplog.core.models.pyfunc.loading import load_model
from chiplog.core.models.pyfunc.serving import ask

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CONTENT_TYPES: Final = ("json", "csv")


class PredictionFailed(ChiplogError):
    """A model that was asked gave no answer."""

    default_code = "BAD_REQUEST"


def predict(
    model_uri: str | Path,
    input_data: Any = None,
    input_path: str | Path | None = None,
    content_type: str = "json",
    output_path: str | Path | None = None,
    env_manager: str = "virtualenv",
    install_mlflow: bool = False,
    pip_requirements_override: Sequence[str] | None = None,
    extra_envs: Mapping[str, str] | None = None,
    *,
    allow_pickle: bool | None = None,
    trusted_types: Sequence[str] = (),
) -> None:
    """Ask a model as a server would be asked, and write or print ``{"predictions": …}``.

    Args:
        model_uri: ``models:/m-…``, ``runs:/<run id>/<name>``, or a path.
        input_data: what to ask: a table, an array, a dict, a list, or the text of a request. Give
            it or ``input_path``.
        input_path: a file with a request, as ``content_type`` says.
        content_type: ``"json"`` or ``"csv"``.
        output_path: where to write the answer; it is printed if this is not given.
        env_manager: ``"virtualenv"``, ``"uv"`` or ``"conda"`` make an environment from the model's
            files, once; ``"local"`` asks it in this process.
        install_mlflow: install the MLflow that the model asks for, too.
        pip_requirements_override: requirements that win over the model's.
        extra_envs: environment variables for the process that asks it.
        allow_pickle: run the code that the model holds.
        trusted_types: full names of types it may hold.

    Raises:
        PredictionFailed: the model gave no answer; the text has the reason.
        InstallationFailed: the environment could not be made.
    """
    isolation.check_manager(env_manager)
    is_local = env_manager == "local"
    if is_local and pip_requirements_override:
        raise InvalidValue(
            "pip_requirements_override needs an environment to install into, and "
            "env_manager='local' makes none; use 'virtualenv'."
        )
    body = request_body(input_data, input_path, content_type)
    if is_local and not extra_envs:
        model = load_model(model_uri, allow_pickle=allow_pickle, trusted_types=trusted_types)
        try:
            answer = scoring.serialize(ask(model, body, content_type))
        except ChiplogError:
            raise
        except Exception as error:  # the model's own
            raise PredictionFailed(f"The model raised {type(error).__name__}: {error}") from error
        deliver(answer, output_path)
        return
    directory = open_model(model_uri).directory
    python = isolation.environment_for(
        directory,
        env_manager,
        install_mlflow=install_mlflow,
        pip_requirements_override=pip_requirements_override,
    )
    trust = ["--allow-pickle"] if allow_pickle else []
    trust += [part for name in trusted_types for part in ("--trusted-type", name)]
    variables = dict(os.environ) if is_local else clean_environment()
    variables |= {name: str(value) for name, value in (extra_envs or {}).items()}
    answer = _ask_elsewhere(python, directory, body, content_type, trust, variables)
    deliver(answer, output_path)


def request_body(input_data: Any, input_path: str | Path | None, content_type: str) -> bytes:
    """The request that the arguments of :func:`predict` stand for."""
    if content_type not in CONTENT_TYPES:
        raise InvalidValue(
            f"content_type={content_type!r} is unknown; it is one of {', '.join(CONTENT_TYPES)}."
        )
    if (input_data is None) == (input_path is None):
        raise InvalidValue("Give either input_data or input_path, one of them.")
    if input_path is not None:
        try:
            return Path(input_path).read_bytes()
        except OSError as error:
            raise MissingFile(
                f"The input {str(input_path)!r} cannot be read: {error.strerror}."
            ) from error
    if isinstance(input_data, (str, bytes)):
        return input_data.encode() if isinstance(input_data, str) else input_data
    if content_type == "csv":
        if not hasattr(input_data, "to_csv"):
            raise InvalidValue(
                f"content_type='csv' takes a text or a table, not a {type(input_data).__name__}."
            )
        return str(input_data.to_csv(index=False)).encode()
    return (scoring.convert_input_example_to_serving_input(input_data) or "").encode()


def deliver(answer: str, output_path: str | Path | None) -> None:
    """Write an answer to a file, or print it."""
    if output_path is None:
        sys.stdout.write(answer + "\n")
        sys.stdout.flush()
    else:
        Path(output_path).write_text(answer, encoding="utf-8")


def _ask_elsewhere(
    python: Path,
    directory: Path,
    body: bytes,
    content_type: str,
    trust: Sequence[str],
    variables: Mapping[str, str],
) -> str:
    """The answer of a model that another Python loads."""
    with tempfile.TemporaryDirectory(prefix="chiplog-predict-") as folder:
        asked, answered = Path(folder, "input"), Path(folder, "output.json")
        asked.write_bytes(body)
        # -P: what lies in the working directory is no part of the model's environment.
        command = [str(python), "-P", "-m", "chiplog", "models", "predict"]
        command += ["-m", str(directory.resolve()), "-i", str(asked), "-o", str(answered)]
        command += ["-t", content_type, "--env-manager", "local", *trust]
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            env=variables,
            check=False,
        )
        said = done.stderr.strip()
        if done.returncode or not answered.is_file():
            reason = said.partition("Error: ")[2] or said or "it says nothing"
            raise PredictionFailed(
                f"The model gave no answer in its own environment ({python}, status "
                f"{done.returncode}):\n{reason}"
            )
        if said:
            sys.stderr.write(said + "\n")
        return answered.read_text(encoding="utf-8")
