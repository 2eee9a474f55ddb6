"""Loading models: from a path, a run, or a logged model's id."""

from __future__ import annotations

import atexit
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from chiplog.core.errors import DamagedModel, InvalidValue, NotFound
from chiplog.core.models.flavor import get_flavor
from chiplog.core.models.model import FILE, Model
from chiplog.core.stores import open_artifact_store

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chiplog.core.models.safety import Trust


def resolve(model_uri: str) -> tuple[str, str | None]:
    """The artifact root a model URI means, and the path below it.

    ``runs:/<run id>/<name>`` is the run's artifact of that path, or its logged model of that name;
    ``models:/m-…`` a logged model; anything else a location of its own.
    """
    from chiplog.core.runs.active import store_uri
    from chiplog.core.runs.reading import readable_store

    if model_uri.startswith("runs:/"):
        run_id, _, path = model_uri.removeprefix("runs:/").strip("/").partition("/")
        if not run_id or not path:
            raise InvalidValue(
                f"The model URI {model_uri!r} is incomplete; it is runs:/<run id>/<model name>."
            )
        return _of_run(store_uri(), run_id, path)
    if model_uri.startswith("models:/"):
        name = model_uri.removeprefix("models:/").strip("/")
        model_id, _, path = name.partition("/")
        if not model_id.startswith("m-") or "@" in name:
            raise InvalidValue(
                f"The model URI {model_uri!r} names a registered model, and there is no registry "
                "yet; give models:/m-… (a logged model's id), runs:/<run id>/<name>, or a path."
            )
        logged = readable_store(store_uri()).get_logged_model(model_id)
        return logged.artifact_location, path or None
    return model_uri, None


def _of_run(uri: str, run_id: str, path: str) -> tuple[str, str | None]:
    from chiplog.core.runs.reading import readable_store

    store = readable_store(uri)
    run = store.get_run(run_id)
    root = run.info.artifact_uri or ""
    if any(info.path.endswith(FILE) for info in open_artifact_store(root).list(path)):
        return root, path
    name, _, rest = path.partition("/")
    for output in reversed(run.outputs.model_outputs):
        logged = store.get_logged_model(output.model_id)
        if logged.name == name:
            return logged.artifact_location, rest or None
    raise NotFound(
        f"Run {run_id!r} has neither an artifact {path!r} that holds a model, nor a logged model "
        f"named {name!r}."
    )


def local_directory(model_uri: str | Path, destination: str | Path | None = None) -> Path:
    """A local directory with the model's files: where they lie if they are local, else a download.

    ``destination`` asks for a copy in that directory. A temporary download is removed when the
    process ends.
    """
    text = str(model_uri)
    plain = _plain_path(text)
    if plain is None:
        root, path = resolve(text)
        plain = _plain_path(root)
        if plain is not None and path:
            plain /= path
    else:
        root, path = str(plain), None
    if plain is not None and destination is None:
        return plain
    target = Path(destination) if destination is not None else _temporary()
    return open_artifact_store(root).download(path or "", target)


def _plain_path(text: str) -> Path | None:
    if text.startswith("file:"):
        return Path(unquote(urlsplit(text).path))
    return None if ":/" in text else Path(text).expanduser()


def _temporary() -> Path:
    directory = tempfile.mkdtemp(prefix="chiplog-model-")
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    return Path(directory)


def load_model(
    flavor_name: str,
    model_uri: str | Path,
    trust: Trust,
    destination: str | Path | None = None,
) -> Any:
    """Load a model in its framework's own form; raises NotFound if it was not saved in that one."""
    directory = local_directory(model_uri, destination)
    mlmodel = Model.load(directory)
    settings = mlmodel.flavors.get(flavor_name)
    if settings is None:
        listed = ", ".join(sorted(mlmodel.flavors)) or "none"
        raise NotFound(
            f"The model {str(model_uri)!r} has no flavor {flavor_name!r}; it has: {listed}."
        )
    if trust.allows_code:
        _add_code(directory, settings)
    return get_flavor(flavor_name).load(directory, settings, trust)


def file_of(directory: Path, name: object) -> Path:
    """A file of a model's directory by the name its settings give; raises if it is not inside."""
    path = (directory / str(name)).resolve()
    if not path.is_relative_to(directory.resolve()):
        raise DamagedModel(f"The model in {str(directory)!r} names a file outside it: {name!r}.")
    if not path.is_file():
        raise NotFound(f"The model in {str(directory)!r} lacks its file {name!r}.")
    return path


def _add_code(directory: Path, settings: Mapping[str, Any]) -> None:
    """Make the code that was saved along importable."""
    code = settings.get("code")
    if code:
        folder = str((directory / code).resolve())
        if folder not in sys.path:
            sys.path.insert(0, folder)
