"""What is said of a model that is saved already: read, and its signature changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chiplog.core.errors import InvalidValue, NotFound
from chiplog.core.models import yamls
from chiplog.core.models.flavor import PYTHON_FUNCTION
from chiplog.core.models.loading import open_model, own_flavor, place_of
from chiplog.core.models.mismatch import warn_of_mismatch
from chiplog.core.models.model import FILE, Model, ModelInfo
from chiplog.core.models.safety import Trust
from chiplog.core.models.signature import ModelSignature
from chiplog.core.stores import open_artifact_store

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def get_model_info(model_uri: str | Path) -> ModelInfo:
    """What a model says of itself; of a logged model also its params, tags and metrics.

    Reads its MLmodel file alone: no other file is fetched, and none is loaded.
    """
    mlmodel = read_mlmodel(str(model_uri))
    return mlmodel.get_model_info(_logged(mlmodel.model_id), str(model_uri))


def set_signature(model_uri: str | Path, signature: ModelSignature) -> None:
    """Say anew what a saved model takes and gives; its MLmodel file is replaced."""
    if not isinstance(signature, ModelSignature):
        raise InvalidValue(
            f"The signature is a {type(signature).__name__}; give what infer_signature() hands "
            "back, or a ModelSignature."
        )
    mlmodel = read_mlmodel(str(model_uri))
    mlmodel.signature = signature
    mlmodel.extra.pop("is_signature_from_type_hint", None)
    root, path = place_of(str(model_uri))
    text = yamls.dump(mlmodel.to_dict())
    open_artifact_store(root).put_bytes(text.encode(), f"{path}/{FILE}" if path else FILE)


def load_model(
    model_uri: str | Path,
    dst_path: str | Path | None = None,
    *,
    allow_pickle: bool | None = None,
    trusted_types: Sequence[str] = (),
) -> Any:
    """Load a model of any flavor in its framework's own form; a model of your own as a PyFuncModel.

    Args:
        model_uri: ``models:/m-…``, ``runs:/<run id>/<name>``, or a path.
        dst_path: where to put a copy of its files.
        allow_pickle: read a pickle, which runs whatever code it holds.
        trusted_types: full names of types that it may hold beside its framework's.

    Raises:
        UntrustedModel: it asks for more trust than it was given; the text names what for.
        NotFound: no plugin provides its flavor.
    """
    opened = open_model(model_uri, dst_path)
    warn_of_mismatch(opened.directory)
    name = own_flavor(opened)
    trust = Trust(allow_pickle, tuple(trusted_types))
    if name != PYTHON_FUNCTION:
        return opened.read(name, opened.settings(name), trust)
    from chiplog.core.models.pyfunc.loading import loaded

    return loaded(opened, trust)


def read_mlmodel(model_uri: str) -> Model:
    """The MLmodel file of a model, wherever it lies."""
    root, path = place_of(model_uri)
    try:
        with open_artifact_store(root).open(f"{path}/{FILE}" if path else FILE) as file:
            text = file.read(yamls.LONGEST + 1)
    except NotFound:
        raise NotFound(
            f"There is no model at {model_uri!r}: it has no file named {FILE!r}. "
            "Give the directory that save_model wrote, or a URI such as models:/m-…"
        ) from None
    return Model.from_dict(yamls.parse(text, f"{model_uri}/{FILE}"))


def _logged(model_id: str | None) -> Any:
    """The record of a logged model, if the store in use has it."""
    if model_id is None:
        return None
    from chiplog.core import logged_models
    from chiplog.core.runs.active import store_uri

    try:
        return logged_models.get(store_uri(), model_id)
    except NotFound:  # it was logged to another store
        return None
