"""Forward-only schema changes, one numbered file each in ``versions``.

A new database is made from :mod:`chiplog.store.sql.schema` at once and stamped with its version;
Alembic is imported only to bring an old one forward.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from chiplog.store.sql.schema import VERSION_TABLE

if TYPE_CHECKING:
    import sqlalchemy as sa

VERSIONS = Path(__file__).parent / "versions"


def migrate(connection: sa.Connection) -> None:
    """Bring a database forward to the newest version, inside the connection's transaction."""
    from alembic.config import Config
    from alembic.runtime.environment import EnvironmentContext
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory(str(Path(__file__).parent), version_locations=[str(VERSIONS)])

    def steps(revision: Any, _context: Any) -> Any:
        return scripts._upgrade_revs("head", revision)  # noqa: SLF001 - what Alembic's own command calls

    with EnvironmentContext(Config(), scripts, fn=steps) as environment:
        environment.configure(connection=connection, version_table=VERSION_TABLE)
        with environment.begin_transaction():
            environment.run_migrations()
