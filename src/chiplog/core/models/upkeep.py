"""The requirements of a model that is saved already: read, changed, and inferred anew."""

from __future__ import annotations

import logging
import zipfile
from typing import TYPE_CHECKING, Any, Final

from chiplog.core.errors import ChiplogError, InvalidValue, NotFound
from chiplog.core.models import digests, environment, keras_file, references, yamls
from chiplog.core.models.loading import local_directory, place_of
from chiplog.core.models.model import FILE, Model
from chiplog.core.models.requirements import name_of, needs_of
from chiplog.core.models.skops.file import type_names
from chiplog.core.stores import open_artifact_store

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from chiplog.core.stores import ArtifactStore

_log = logging.getLogger("chiplog")

# What models of a flavor need beside the package of the flavor's own name.
_NEEDS: Final = {
    "catboost": {"catboost", "numpy"},
    "keras": {"keras", "numpy"},
    "lightgbm": {"lightgbm", "numpy", "scipy"},
    "onnx": {"onnx", "onnxruntime", "numpy"},
    "pytorch": {"torch", "numpy"},
    "sklearn": {"sklearn", "numpy", "scipy"},
    "statsmodels": {"statsmodels", "numpy", "scipy", "pandas"},
    "tensorflow": {"tensorflow", "keras", "numpy"},
    "xgboost": {"xgboost", "numpy", "scipy"},
}

# How the modules that a file references are found, by the file's kind.
_READERS: Final[dict[str, Callable[[Path], set[str]]]] = {
    ".pkl": lambda file: references.in_pickle(file.read_bytes()),
    ".statsmodels": lambda file: references.in_pickle(file.read_bytes()),
    ".pth": references.in_torch_file,
    ".skops": lambda file: type_names(file.read_bytes()) | {"skops"},
    ".keras": keras_file.foreign_names,
    ".safetensors": lambda _file: {"safetensors"},
    ".py": lambda file: references.in_sources([file]),
}


def get_model_dependencies(model_uri: str | Path, format: str = "pip") -> str:  # noqa: A002 - MLflow's name
    """The local path of the file that says what a model needs.

    ``"pip"`` asks for its ``requirements.txt``, ``"conda"`` for its ``conda.yaml``.
    """
    files = {"pip": environment.PIP, "conda": environment.CONDA}
    if format not in files:
        raise InvalidValue(f"format={format!r} is unknown; it is 'pip' or 'conda'.")
    directory = local_directory(model_uri)
    Model.load(directory)
    file = directory / files[format]
    if not file.is_file():
        raise NotFound(f"The model {str(model_uri)!r} has no file {files[format]!r}.")
    install = "pip install -r" if format == "pip" else "conda env update -f"
    _log.info("To install what the model needs: %s %s", install, file)
    return str(file)


def update_model_requirements(
    model_uri: str | Path, operation: str, requirement_list: Sequence[str]
) -> None:
    """Add requirements to a saved model's ``requirements.txt`` and ``conda.yaml``, or remove them.

    Args:
        model_uri: ``models:/m-…``, ``runs:/<run id>/<name>``, or a path.
        operation: ``"add"``, where one of the same name is replaced; or ``"remove"``, where
            versions do not matter, and what is not there is passed over.
        requirement_list: lines as in a requirements file.
    """
    if operation not in {"add", "remove"}:
        raise InvalidValue(f"operation={operation!r} is unknown; it is 'add' or 'remove'.")
    if isinstance(requirement_list, str):
        raise InvalidValue(f"Give a list of requirements: [{requirement_list!r}].")
    given = _by_name(requirement_list)
    root, path = place_of(str(model_uri))
    store = open_artifact_store(root)
    start = f"{path}/" if path else ""

    def changed(lines: list[str]) -> list[str]:
        if operation == "remove":
            return [line for line in lines if name_of(line) not in given]
        there = {name_of(line) for line in lines}
        more = [line for name, line in given.items() if name not in there]
        return [given.get(name_of(line) or "", line) for line in lines] + more

    lines = changed(_read(store, f"{start}{environment.PIP}", model_uri).splitlines())
    text = _read(store, f"{start}{environment.CONDA}", model_uri).encode()
    conda = yamls.parse(text, f"{model_uri}/{environment.CONDA}") if text.strip() else {}
    part = environment.pip_part(conda)
    if not part and operation == "add":
        conda.setdefault("dependencies", []).append({"pip": part})
    part[:] = changed(part)
    files = {
        environment.PIP: "\n".join(lines).encode(),
        environment.CONDA: yamls.dump(conda, sort_keys=False).encode(),
    }
    mlmodel = yamls.parse(_read(store, f"{start}{FILE}", model_uri).encode(), f"{model_uri}/{FILE}")
    for name, data in files.items():
        store.put_bytes(data, f"{start}{name}")
    if digests.renew(mlmodel, files):
        store.put_bytes(yamls.dump(mlmodel).encode(), f"{start}{FILE}")


def _by_name(requirement_list: Sequence[str]) -> dict[str, str]:
    found = {}
    for line in requirement_list:
        name = name_of(line)
        if name is None:
            raise InvalidValue(f"{line!r} is no requirement; give such as 'pandas>=2'.")
        found[name] = line
    return found


def _read(store: ArtifactStore, path: str, model_uri: str | Path) -> str:
    try:
        with store.open(path) as file:
            return file.read(yamls.LONGEST + 1).decode("utf-8")
    except NotFound as error:
        raise NotFound(
            f"The model {str(model_uri)!r} has no file {path.rpartition('/')[2]!r}."
        ) from error


def infer_pip_requirements(  # noqa: D417 - timeout and extra_env_vars are MLflow's, and idle
    model_uri: str | Path,
    flavor: str,
    fallback: list[str] | None = None,
    timeout: float | None = None,  # noqa: ARG001 - nothing is run that could take long
    extra_env_vars: Any = None,  # noqa: ARG001 - nothing is run
) -> list[str]:
    """What a saved model needs installed, as pinned requirements; it is not loaded for that.

    Args:
        model_uri: where the model lies; a path, or any model URI.
        flavor: the flavor it was saved in.
        fallback: what to answer if its files cannot be read.
    """
    try:
        directory = local_directory(model_uri)
        modules = _NEEDS.get(flavor) or ({flavor} if flavor != "python_function" else set())
        return needs_of(modules | references_of(directory)).requirements
    except (ChiplogError, OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        if fallback is None:
            raise
        _log.warning(
            "The requirements of the model %r could not be inferred (%s); its flavor's are used.",
            str(model_uri),
            error,
        )
        return list(fallback)


def references_of(directory: Path) -> set[str]:
    """The modules, dotted, that the files of a model's directory reference."""
    if not directory.is_dir():
        raise NotFound(f"There is no directory {str(directory)!r}.")
    code = directory / "code"
    found = references.in_sources(code.iterdir()) if code.is_dir() else set()
    for file in sorted(directory.rglob("*")):
        read = _READERS.get(file.suffix)
        if read is not None and file.is_file() and not file.is_relative_to(code):
            found |= read(file)
    return found
