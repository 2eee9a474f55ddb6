"""Loading models: from a path, a run, or a logged model's id."""

from __future__ import annotations

import atexit
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from chiplog.core.errors import InvalidValue, NotFound
from chiplog.core.logged_models import EXTERNAL_TAG
from chiplog.core.models import digests
from chiplog.core.models.directory import check_modules, file_inside, inside
from chiplog.core.models.flavor import PYTHON_FUNCTION, flavors, get_flavor
from chiplog.core.models.mismatch import warn_of_mismatch
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
    root, path = place_of(str(model_uri))
    plain = _plain_path(root)
    if plain is not None and destination is None:
        return _inside(plain, path) if path else plain
    target = Path(destination) if destination is not None else _temporary()
    return open_artifact_store(root).download(path or "", target)


def place_of(model_uri: str) -> tuple[str, str | None]:
    """The artifact root where a model lies, and the path below it.

    The URI of the MLmodel file itself means the directory it is in.
    """
    if not model_uri:
        raise InvalidValue(
            "The model URI is empty; give models:/m-…, runs:/<run id>/<name>, a path."
        )
    plain = _plain_path(model_uri)
    if plain is not None:
        return str(plain.parent if plain.name == FILE and not plain.is_dir() else plain), None
    return resolve(model_uri.removesuffix(f"/{FILE}"))


def local_copy(uri: str) -> Path:
    """A file or directory of an artifact's URI: where it lies if that is here, else a download."""
    plain = _plain_path(uri)
    if plain is None:
        from chiplog.core.artifacts.loading import download_artifacts

        return Path(download_artifacts(uri, dst_path=_temporary()))
    if not plain.exists():
        raise NotFound(f"There is no file or folder {uri!r}.")
    return plain


def _inside(root: Path, path: str) -> Path:
    found = root / path
    if not found.resolve().is_relative_to(root.resolve()):
        raise InvalidValue(f"The path {path!r} leads out of the model's files.")
    return found


def _plain_path(text: str) -> Path | None:
    if text.startswith("file:"):
        return Path(unquote(urlsplit(text).path))
    return None if ":/" in text else Path(text).expanduser()


def _temporary() -> Path:
    directory = tempfile.mkdtemp(prefix="chiplog-model-")
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    return Path(directory)


@dataclass(frozen=True)
class OpenedModel:
    """A model's files in a local directory, and what its MLmodel file says."""

    uri: str
    directory: Path
    mlmodel: Model

    def settings(self, flavor_name: str) -> dict[str, Any]:
        """A flavor's settings; raises NotFound with the flavors it has."""
        found = self.mlmodel.flavors.get(flavor_name)
        if found is None:
            listed = ", ".join(sorted(self.mlmodel.flavors)) or "none"
            raise NotFound(
                f"The model {self.uri!r} has no flavor {flavor_name!r}; it has: {listed}."
            )
        return found

    def read(
        self,
        flavor_name: str,
        settings: Mapping[str, Any],
        trust: Trust,
        *,
        as_function: bool = False,
    ) -> Any:
        """The model in its framework's own form, as far as it is trusted.

        ``as_function`` is for ``flavor.predict`` alone: a flavor whose models compute nothing by
        themselves has a ``load_function`` beside its ``load``, for what does.
        """
        add_code(self.directory, settings, trust)
        flavor = get_flavor(flavor_name)
        load = getattr(flavor, "load_function", flavor.load) if as_function else flavor.load
        return load(self.directory, settings, trust)


def open_model(model_uri: str | Path, destination: str | Path | None = None) -> OpenedModel:
    """Find a model's files and read what they say of it: where every load begins."""
    directory = local_directory(model_uri, destination)
    mlmodel = Model.load(directory)
    digests.verify(directory, mlmodel.extra.get(digests.KEY))
    if EXTERNAL_TAG in (mlmodel.metadata or {}):
        raise NotFound(
            f"The files of the model {str(model_uri)!r} lie elsewhere, with whoever recorded it as "
            "an external model; it cannot be loaded from here."
        )
    return OpenedModel(str(model_uri), directory, mlmodel)


def load_model(
    flavor_name: str,
    model_uri: str | Path,
    trust: Trust,
    destination: str | Path | None = None,
) -> Any:
    """Load a model in its framework's own form; raises NotFound if it was not saved in that one."""
    opened = open_model(model_uri, destination)
    warn_of_mismatch(opened.directory)
    return opened.read(flavor_name, opened.settings(flavor_name), trust)


def own_flavor(opened: OpenedModel) -> str:
    """The one flavor that a model was made with; ``python_function`` if it has no other.

    Raises NotFound if no plugin provides it, InvalidValue if it was saved in several.
    """
    own = [name for name in opened.mlmodel.flavors if name != PYTHON_FUNCTION]
    known = [name for name in own if name in flavors()]
    if len(known) == 1:
        return known[0]
    if not own:
        return PYTHON_FUNCTION
    if not known:
        return get_flavor(own[0]).name
    raise InvalidValue(
        f"The model {opened.uri!r} was saved in several flavors, {', '.join(known)}; load it with "
        f"the one you want, such as chiplog.{known[0]}.load_model()."
    )


def file_of(directory: Path, name: object) -> Path:
    """A file of a model's directory by the name its settings give; raises if it is not inside."""
    return file_inside(directory, name)


def add_code(directory: Path, settings: Mapping[str, Any], trust: Trust) -> None:
    """Make the code that was saved along importable, as far as it is trusted.

    Where types alone are trusted, it comes behind what is installed, and stands for none of that.
    """
    code = settings.get("code")
    if code and trust.allows_code:
        folder = inside(directory, code, "code")
        check_modules(folder)
        if str(folder) not in sys.path:
            sys.path.insert(0 if trust.allows_pickle else len(sys.path), str(folder))
