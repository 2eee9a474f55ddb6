"""Experiments: made, named, put in the bin and taken out again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from chiplog.core.clock import now_ms
from chiplog.core.config import env
from chiplog.core.entities import Experiment, LifecycleStage
from chiplog.core.errors import AlreadyExists, ChiplogError, InvalidValue, NotFound
from chiplog.core.records import NAMED
from chiplog.store.sql import schema
from chiplog.store.sql.prepared import select, select_among

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from chiplog.store.sql.engine import AnyRow, Transaction
    from chiplog.store.sql.places import Places

_table = schema.experiments
_tags = schema.experiment_tags
_select_tags = select_among(_tags, ("experiment_id", "name", "value"), "experiment_id")
_select_live = select(_table, ("id",), ("live_name",))
_select_deleted = select(_table, ("deleted",), ("id",))


def parse_id(experiment_id: object) -> int:
    """The number of an experiment id; raises InvalidValue if it is none."""
    text = str(experiment_id)
    if not _is_id(text):
        raise InvalidValue(
            f"Experiment ids are whole numbers such as '0', not {experiment_id!r}. "
            "'chiplog experiments list' shows them."
        )
    return int(text)


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 19


def default_root() -> str | None:
    """Where new experiments keep their files, if the user says so for all of them."""
    root = env("DEFAULT_ARTIFACT_ROOT")
    if not root:
        return None
    return root.rstrip("/") if "://" in root else str(Path(root).expanduser().absolute())


def create(tx: Transaction, name: str, location: str | None, tags: Mapping[str, str]) -> str:
    """Create an experiment and hand back its id."""
    other = _live(tx, name)
    if other is not None:
        raise AlreadyExists(f"There is an experiment {name!r} already, with id '{other}'.")
    now = now_ms()
    tx.execute(
        _table.insert().inline(),
        {
            "name": name,
            "live_name": name,
            "artifact_location": location.rstrip("/") if location else None,
            "deleted": 0,
            "creation_time": now,
            "last_update_time": now,
        },
    )
    number = _live(tx, name)
    assert number is not None
    root = default_root()
    if not location and root:
        this = _table.update().where(_table.c.id == number)
        tx.execute(this.values(artifact_location=f"{root}/{number}"))
    if tags:
        rows = [{"experiment_id": number, "name": k, "value": v} for k, v in tags.items()]
        tx.execute(_tags.insert(), rows)
    return str(number)


def ensure(tx: Transaction, name: str) -> int:
    """The number of the live experiment of that name, made if there is none."""
    number = _live(tx, name)
    return int(create(tx, name, None, {})) if number is None else number


def find(tx: Transaction, experiment_id: str) -> tuple[int, bool] | None:
    """The number of an experiment that a record names, and whether it is deleted.

    One that is named as ``name:NAME`` is made if there is none; an id that is none is None.
    """
    if experiment_id.startswith(NAMED):
        return ensure(tx, experiment_id.removeprefix(NAMED)), False
    if not _is_id(experiment_id):
        return None
    number = int(experiment_id)
    rows = tx.rows(_select_deleted, number)
    return (number, bool(rows[0][0])) if rows else None


def find_default(tx: Transaction) -> int:
    """The experiment for what names one that is not there: it was recorded, so it has a home."""
    return ensure(tx, Experiment.DEFAULT_EXPERIMENT_NAME)


def _live(tx: Transaction, name: str) -> int | None:
    rows = tx.rows(_select_live, name)
    return int(rows[0][0]) if rows else None


def get_row(tx: Transaction, experiment_id: str, *, lock: bool = False) -> AnyRow:
    """The row of an experiment, locked against others' changes if asked; raises NotFound."""
    query = sa.select(_table).where(_table.c.id == parse_id(experiment_id))
    row = tx.execute(query.with_for_update() if lock else query).first()
    if row is None:
        raise NotFound(
            f"There is no experiment with id {experiment_id!r}. "
            "'chiplog experiments list' shows those that exist."
        )
    return row


def _active_row(tx: Transaction, experiment_id: str, code: str | None = None) -> AnyRow:
    row = get_row(tx, experiment_id, lock=True)
    if row.deleted:
        text = f"The experiment {row.name!r} (id {experiment_id!r}) is deleted; restore it first."
        raise ChiplogError(text, code) if code else NotFound(text)
    return row


def read(tx: Transaction, places: Places, rows: Sequence[AnyRow]) -> list[Experiment]:
    """The experiments of some rows, tags included."""
    tags: dict[int, dict[str, str]] = {row.id: {} for row in rows}
    for experiment, name, value in tx.among(_select_tags, list(tags)):
        tags[experiment][name] = value
    return [
        Experiment(
            experiment_id=str(row.id),
            name=row.name,
            artifact_location=places.experiment(row.id, row.artifact_location),
            lifecycle_stage=LifecycleStage.DELETED if row.deleted else LifecycleStage.ACTIVE,
            tags=tags[row.id],
            creation_time=row.creation_time,
            last_update_time=row.last_update_time,
        )
        for row in rows
    ]


def find_by_name(tx: Transaction, name: str) -> AnyRow | None:
    """The row of the active experiment of that name, else of the latest deleted one."""
    query = (
        sa.select(_table)
        .where(_table.c.name == name)
        .order_by(_table.c.deleted, sa.func.coalesce(_table.c.deleted_time, 0).desc())
        .order_by(_table.c.id.desc())
    )
    return tx.execute(query.limit(1)).first()


def rename(tx: Transaction, experiment_id: str, new_name: str) -> None:
    """Give an active experiment another name."""
    row = _active_row(tx, experiment_id, "INVALID_STATE")
    other = _live(tx, new_name)
    if other not in {None, row.id}:
        raise AlreadyExists(f"There is an experiment {new_name!r} already, with id '{other}'.")
    _set(tx, row.id, name=new_name, live_name=new_name)


def delete(tx: Transaction, experiment_id: str) -> None:
    """Put an experiment and its runs in the bin."""
    row = _active_row(tx, experiment_id)
    now = now_ms()
    _set(tx, row.id, live_name=None, deleted=1, deleted_time=now)
    runs = schema.runs
    tx.execute(
        runs.update()
        .where(runs.c.experiment_id == row.id, runs.c.deleted == 0)
        .values(deleted=1, deleted_time=now)
    )


def restore(tx: Transaction, experiment_id: str) -> None:
    """Take an experiment and all its runs out of the bin."""
    row = get_row(tx, experiment_id, lock=True)
    if not row.deleted:
        raise NotFound(
            f"The experiment {row.name!r} (id {experiment_id!r}) is not deleted, so there is "
            "nothing to restore."
        )
    other = _live(tx, row.name)
    if other is not None:
        raise AlreadyExists(
            f"The experiment {experiment_id!r} cannot be restored: its name {row.name!r} is now "
            f"that of experiment '{other}'. Rename that one first."
        )
    _set(tx, row.id, live_name=row.name, deleted=0, deleted_time=None)
    runs = schema.runs
    tx.execute(
        runs.update()
        .where(runs.c.experiment_id == row.id, runs.c.deleted == 1)
        .values(deleted=0, deleted_time=None)
    )


def set_tag(tx: Transaction, experiment_id: str, key: str, value: str) -> None:
    """Set or replace a tag of an active experiment."""
    row = _active_row(tx, experiment_id, "INVALID_PARAMETER_VALUE")
    this = sa.and_(_tags.c.experiment_id == row.id, _tags.c.name == key)
    tx.execute(_tags.delete().where(this))
    tx.execute(_tags.insert(), {"experiment_id": row.id, "name": key, "value": value})
    _set(tx, row.id)


def delete_tag(tx: Transaction, experiment_id: str, key: str) -> None:
    """Remove a tag of an active experiment; raises NotFound if there is none."""
    row = _active_row(tx, experiment_id, "INVALID_PARAMETER_VALUE")
    this = sa.and_(_tags.c.experiment_id == row.id, _tags.c.name == key)
    if not tx.execute(_tags.delete().where(this)).rowcount:
        raise NotFound(f"The experiment {row.name!r} has no tag {key!r}.")
    _set(tx, row.id)


def _set(tx: Transaction, number: int, **values: Any) -> None:
    tx.execute(
        _table.update().where(_table.c.id == number).values(last_update_time=now_ms(), **values)
    )
