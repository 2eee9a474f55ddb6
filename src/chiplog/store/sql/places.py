"""Where a store's artifacts and journals lie.

A location that is not given is computed when it is read, from where the database lies now: so a
project folder can be moved.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from chiplog.core.location import folder_of, project_folder
from chiplog.store.sql import schema

if TYPE_CHECKING:
    from chiplog.store.sql.engine import Database, Transaction

_log = logging.getLogger("chiplog")


@dataclass(frozen=True)
class Places:
    """The root of default artifact locations, and the journals' directory if there is one."""

    artifact_root: str
    journals: Path | None

    @classmethod
    def of(cls, path: Path | None) -> Places:
        """The places of the SQLite file at ``path``; a server's are in the project folder."""
        if path is None:
            return cls(str(Path(project_folder().value) / "artifacts"), None)
        folder = folder_of(path)
        return cls(str(folder / "artifacts"), folder / "journals")

    def experiment(self, number: int, location: str | None) -> str:
        """An experiment's artifact location."""
        return location or f"{self.artifact_root}/{number}"

    def run(self, number: int, location: str | None, run_id: str) -> str:
        """A run's artifact URI, from its experiment's number and location."""
        return f"{self.experiment(number, location)}/{run_id}/artifacts"

    def model(self, number: int, location: str | None, model_id: str) -> str:
        """A logged model's artifact location, from its experiment's."""
        return f"{self.experiment(number, location)}/models/{model_id}/artifacts"

    def relative(self, uri: str) -> str:
        """A location as it is written down: without the artifact root, if it lies below it."""
        return uri.removeprefix(f"{self.artifact_root}/")

    def absolute(self, location: str) -> str:
        """The URI of a location that :meth:`relative` gave."""
        is_whole = "://" in location or location.startswith("/") or Path(location).is_absolute()
        return location if is_whole else f"{self.artifact_root}/{location}"

    def run_expression(self) -> sa.ColumnElement[str]:
        """A run's artifact URI in SQL, over ``runs``."""
        location = (
            sa.select(schema.experiments.c.artifact_location)
            .where(schema.experiments.c.id == schema.runs.c.experiment_id)
            .scalar_subquery()
        )
        default = sa.literal(f"{self.artifact_root}/").concat(
            sa.cast(schema.runs.c.experiment_id, sa.String(20))
        )
        return (
            sa.func.coalesce(location, default)
            .concat("/")
            .concat(schema.runs.c.run_id)
            .concat("/artifacts")
        )


def warn_of_local_files(tx: Transaction, database: Database, places: Places) -> None:
    """Say it if a server's experiments keep their files where others do not see them."""
    table = schema.experiments
    query = sa.select(table.c.name).where(table.c.artifact_location.is_(None), table.c.deleted == 0)
    names = [name for (name,) in tx.execute(query.limit(2))]
    if names:
        _log.warning(
            "The runs are kept in %s, but the files of %s in %s on this machine, where others do "
            "not see them. Set CHIPLOG_DEFAULT_ARTIFACT_ROOT to a folder or URI that all can "
            "reach and make an experiment: it keeps its files there.",
            database.place,
            f"experiment {names[0]!r}{' and others' if len(names) > 1 else ''}",
            places.artifact_root,
        )
