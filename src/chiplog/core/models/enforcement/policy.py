"""How strictly each column is held to its type."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, get_args

from chiplog.core.errors import InvalidValue

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chiplog.core.models.schema import Schema

Mode = Literal["mlflow", "strict", "coerce", "warn"]
Name = str | int


@dataclass(frozen=True)
class Policy:
    """How strictly data is held to a signature, by column.

    * ``"mlflow"``: values may only widen (``int32`` to ``int64``, ``float`` to ``double``).
    * ``"strict"``: types must be equal; nothing is converted.
    * ``"coerce"``: whatever can be converted without a guess is, such as text to numbers and whole
      floats to integers; a value that cannot is named with its row.
    * ``"warn"``: what does not fit passes as it is, with one warning.

    Attributes:
        default: the mode of the columns (or tensors) that ``columns`` does not name.
        columns: modes by column name, or by position where a signature has no names.
    """

    default: Mode = "mlflow"
    columns: Mapping[Name, Mode] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for mode in (self.default, *self.columns.values()):
            if mode not in get_args(Mode):
                known = ", ".join(map(repr, get_args(Mode)))
                raise InvalidValue(f"There is no enforcement {mode!r}; give one of {known}.")

    @classmethod
    def of(cls, policy: Policy | str | None) -> Policy:
        """The policy that an argument means: one, a mode for every column, or None for MLflow's."""
        if isinstance(policy, Policy):
            return policy
        return cls() if policy is None else cls(policy)  # type: ignore[arg-type]  # checked there

    def mode(self, column: Name) -> Mode:
        """The mode of a column."""
        return self.columns.get(column, self.default)

    def check(self, schema: Schema) -> None:
        """Raise InvalidValue if the policy names a column that the schema does not have."""
        unknown = [name for name in self.columns if name not in schema.input_names()]
        if unknown:
            raise InvalidValue(
                f"The enforcement policy names {', '.join(map(repr, unknown))}, which the model's "
                f"signature does not have; it has {', '.join(map(repr, schema.input_names()))}."
            )
