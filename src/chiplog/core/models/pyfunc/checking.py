"""What a prediction is given, made to fit the model's signature, or refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chiplog.core.models import enforcement, typehints

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chiplog.core.models.enforcement import Policy
    from chiplog.core.models.model import Model


def checked(
    mlmodel: Model,
    hint: Any,
    data: Any,
    params: Mapping[str, Any] | None,
    policy: Policy | str | None = None,
) -> tuple[Any, Mapping[str, Any] | None]:
    """Data and parameters as the signature says; raises SchemaViolation where they cannot be.

    ``hint`` is the type hint that the signature is from, if it is from one: that knows more.
    """
    signature = mlmodel.signature
    inputs = signature.inputs if signature else None
    accepted = signature.params if signature else None
    if hint is not None:
        data = typehints.convert_by_hint(data, hint)
    elif inputs is not None:
        data = enforcement.enforce_schema(data, inputs, policy)
        if mlmodel.extra.get("type_hint_from_example"):
            data = typehints.as_example(data, inputs, mlmodel.saved_input_example_info)
    if params is not None or accepted is not None:
        params = enforcement.enforce_params(params, accepted)
    return data, params
