"""A model asked as a server is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chiplog.core.models import scoring
from chiplog.core.models.pyfunc.loading import load_model

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from chiplog.core.models.pyfunc.model import PyFuncModel


def ask(model: PyFuncModel, body: str | bytes, content_type: str = scoring.JSON) -> Any:
    """What a model gives for a request's body; see :func:`chiplog.core.models.scoring.parse`.

    Raises InvalidValue if the data or the parameters are not as the model's signature says.
    """
    signature = model.metadata.signature
    hinted = bool(model.metadata.extra.get("is_signature_from_type_hint"))
    inputs = signature.inputs if signature else None
    given = scoring.parse(body, content_type, inputs, as_given=hinted)
    return model.predict(given.data, given.params)


def validate_serving_input(
    model_uri: str | Path,
    serving_input: str | bytes,
    *,
    allow_pickle: bool | None = None,
    trusted_types: Sequence[str] = (),
) -> Any:
    """What the model gives for the JSON that it would be sent when it is served.

    Raises InvalidValue if the input is not as the model's signature says.
    """
    model = load_model(
        model_uri,
        suppress_warnings=True,
        allow_pickle=allow_pickle,
        trusted_types=trusted_types,
    )
    return ask(model, serving_input)
