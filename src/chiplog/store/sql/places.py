"""Where a store's artifacts and journals lie.

A location that is not given is computed when it is read, from where the database lies now: so a
project folder can be moved.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from chiplog.core.location import project_folder
from chiplog.store.sql import schema


@dataclass(frozen=True)
class Places:
    """The root of default artifact locations, and the journals' directory if there is one."""

    artifact_root: str
    journals: Path | None

    @classmethod
    def of(cls, path: Path | None) -> Places:
        """The places of the SQLite file at ``path``; a server's are in the project folder."""
        if path is not None:
            return cls(str(path.parent / "artifacts"), path.parent / "journals")
        return cls(str(Path(project_folder().value) / "artifacts"), None)

    def experiment(self, number: int, location: str | None) -> str:
        """An experiment's artifact location."""
        return location or f"{self.artifact_root}/{number}"

    def run(self, number: int, location: str | None, run_id: str) -> str:
        """A run's artifact URI, from its experiment's number and location."""
        return f"{self.experiment(number, location)}/{run_id}/artifacts"

    def model(self, number: int, location: str | None, model_id: str) -> str:
        """A logged model's artifact location, from its experiment's."""
        return f"{self.experiment(number, location)}/models/{model_id}/artifacts"

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
