"""Indexes for searches by end, status and data set, and a list of files to be removed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make what is new; no row is touched."""
    op.create_index("runs_by_end", "runs", ["experiment_id", "deleted", "end_time"])
    most = sa.text("status != 'FINISHED'")
    op.create_index(
        "runs_by_status",
        "runs",
        ["experiment_id", "deleted", "status"],
        sqlite_where=most,
        postgresql_where=most,
    )
    op.create_index("inputs_by_dataset", "inputs", ["dataset"])
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "garbage",
        sa.Column("id", number, primary_key=True, autoincrement=True),
        sa.Column("location", sa.Text(), nullable=False),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mariadb_charset="utf8mb4",
        mariadb_collate="utf8mb4_bin",
    )
