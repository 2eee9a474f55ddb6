"""The names of metrics, parameters and tags, and the numbers that stand for them.

Numbers never change while their experiment exists, so a process remembers them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from chiplog.store.sql import schema
from chiplog.store.sql.prepared import Among, insert, select_among

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from chiplog.store.sql.engine import Transaction

METRIC: Final = "m"
PARAM: Final = "p"
TAG: Final = "t"

_MOST_REMEMBERED: Final = 200_000

_table = schema.fields
_insert = insert(_table, "experiment_id", "kind", "name")
_select_by_number = select_among(_table, ("experiment_id", "kind", "name", "id"), "id")
_select_by_name = Among(
    lambda among: sa.select(_table.c.name, _table.c.id).where(
        _table.c.experiment_id == sa.bindparam("experiment_id"),
        _table.c.kind == sa.bindparam("kind"),
        among,
    ),
    _table.c.name,
    ("experiment_id", "kind"),
)

FieldKey = tuple[int, str, str]
"""Experiment, kind, name."""


class FieldMemory:
    """What a process knows of a database's fields. Safe to share between threads."""

    def __init__(self) -> None:
        self.numbers: dict[FieldKey, int] = {}
        self.names: dict[int, str] = {}

    def remember(self, found: dict[FieldKey, int]) -> None:
        """Keep what a committed transaction has found or made."""
        if len(self.numbers) > _MOST_REMEMBERED:
            self.numbers = {}
            self.names = {}
        self.numbers.update(found)
        self.names.update({number: key[2] for key, number in found.items()})

    def name_of(self, tx: Transaction, numbers: Collection[int]) -> dict[int, str]:
        """The names of fields."""
        names = self.names
        missing = [number for number in numbers if number not in names]
        if not missing:
            return names
        found: dict[FieldKey, int] = {}
        for experiment, kind, name, number in tx.among(_select_by_number, missing):
            found[experiment, kind, name] = number
        result = {**names, **{number: key[2] for key, number in found.items()}}
        self.remember(found)
        return result


class Fields:
    """The fields that one transaction uses; what it makes is remembered when it has committed."""

    def __init__(self, memory: FieldMemory, tx: Transaction) -> None:
        self._memory = memory
        self._known = memory.numbers  # which another thread may begin anew
        self._tx = tx
        self._found: dict[FieldKey, int] = {}

    def committed(self) -> None:
        """Tell that the transaction has committed."""
        self._memory.remember(self._found)
        self._found = {}

    def rolled_back(self) -> None:
        """Tell that what was made since the beginning may be gone."""
        self._found = {}

    def number(self, experiment: int, kind: str, name: str) -> int | None:
        """The number of a field that :meth:`find` or :meth:`ensure` has seen."""
        key = (experiment, kind, name)
        return self._found.get(key) or self._known.get(key)

    def find(self, keys: Iterable[FieldKey]) -> list[FieldKey]:
        """Look fields up; hand back those that do not exist."""
        missing = {key for key in keys if key not in self._found and key not in self._known}
        if not missing:
            return []
        groups: dict[tuple[int, str], list[str]] = {}
        for experiment, kind, name in missing:
            groups.setdefault((experiment, kind), []).append(name)
        for (experiment, kind), names in groups.items():
            rows = self._tx.among(_select_by_name, names, experiment, kind)
            self._found.update({(experiment, kind, name): number for name, number in rows})
        return [key for key in missing if key not in self._found]

    def ensure(self, keys: Iterable[FieldKey]) -> None:
        """Make the fields that do not exist."""
        missing = self.find(keys)
        if missing:
            self._tx.many(_insert, missing)
            self.find(missing)
