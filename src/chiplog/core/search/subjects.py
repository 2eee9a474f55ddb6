"""What can be searched, and by which keys."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from chiplog.core.search.tree import Key, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_PREFIXES: Final[dict[Kind, tuple[str, ...]]] = {
    Kind.ATTRIBUTE: ("attributes", "attribute", "attr", "run"),
    Kind.METRIC: ("metrics", "metric"),
    Kind.PARAM: ("params", "param", "parameters", "parameter"),
    Kind.TAG: ("tags", "tag"),
    Kind.DATASET: ("datasets", "dataset"),
}

NUMBER_OPERATORS: Final = ("=", "!=", "<", "<=", ">", ">=")
TEXT_OPERATORS: Final = ("=", "!=", "LIKE", "ILIKE", "IN", "NOT IN")
NULL_OPERATORS: Final = ("IS NULL", "IS NOT NULL")

_DATASET_FIELDS: Final = ("name", "digest", "context")


@dataclass(frozen=True)
class Subject:
    """One thing that can be searched.

    Attributes:
        name: what its members are called in messages.
        kinds: the kinds of keys it has.
        texts: attributes compared as text.
        numbers: attributes compared as numbers.
        aliases: other spellings of attributes.
        order_kinds: the kinds of keys it can be sorted by.
    """

    name: str
    kinds: tuple[Kind, ...]
    texts: tuple[str, ...]
    numbers: tuple[str, ...]
    aliases: Mapping[str, str] = field(default_factory=dict)
    order_kinds: tuple[Kind, ...] = (Kind.ATTRIBUTE,)

    def kind_of(self, prefix: str) -> Kind | None:
        """The kind that a prefix such as ``param`` stands for, None if it stands for none."""
        for kind in self.kinds:
            if prefix.lower() in _PREFIXES[kind]:
                return kind
        return None

    def key(self, kind: Kind, name: str) -> Key | None:
        """The key of that kind and name, None if there is no such attribute."""
        if kind is Kind.ATTRIBUTE:
            name = self.aliases.get(name, name)
            if name in self.numbers:
                return Key(kind, name, numeric=True)
            return Key(kind, name) if name in self.texts else None
        if kind is Kind.DATASET:
            return Key(kind, name) if name in _DATASET_FIELDS else None
        return Key(kind, name, numeric=kind is Kind.METRIC)

    def names(self, kind: Kind) -> Iterable[str]:
        """The names a key of that kind may have; empty if any will do."""
        if kind is Kind.ATTRIBUTE:
            return (*self.texts, *self.numbers)
        return _DATASET_FIELDS if kind is Kind.DATASET else ()

    def prefixes(self) -> str:
        """The prefixes of this subject's keys, for messages."""
        return ", ".join(f"{kind.value}.x" for kind in self.kinds)


def operators(key: Key) -> tuple[str, ...]:
    """The operators that a key can be compared with."""
    if key.numeric:
        return NUMBER_OPERATORS
    if key.kind in {Kind.PARAM, Kind.TAG}:
        return TEXT_OPERATORS + NULL_OPERATORS
    return TEXT_OPERATORS


RUNS: Final = Subject(
    name="runs",
    kinds=(Kind.ATTRIBUTE, Kind.METRIC, Kind.PARAM, Kind.TAG, Kind.DATASET),
    texts=("run_id", "run_name", "status", "user_id", "artifact_uri"),
    numbers=("start_time", "end_time"),
    aliases={
        "run name": "run_name",
        "Run name": "run_name",
        "Run Name": "run_name",
        "created": "start_time",
        "Created": "start_time",
    },
    order_kinds=(Kind.ATTRIBUTE, Kind.METRIC, Kind.PARAM, Kind.TAG),
)

EXPERIMENTS: Final = Subject(
    name="experiments",
    kinds=(Kind.ATTRIBUTE, Kind.TAG),
    texts=("name", "experiment_id"),
    numbers=("creation_time", "last_update_time"),
)

LOGGED_MODELS: Final = Subject(
    name="logged models",
    kinds=(Kind.ATTRIBUTE, Kind.METRIC, Kind.PARAM, Kind.TAG),
    texts=("name", "model_id", "status", "model_type", "source_run_id", "experiment_id"),
    numbers=("creation_timestamp", "last_updated_timestamp"),
    aliases={
        "creation_time": "creation_timestamp",
        "last_updated_time": "last_updated_timestamp",
        "model_name": "name",
    },
    order_kinds=(Kind.ATTRIBUTE, Kind.METRIC),
)
