"""The tables. One schema for SQLite, PostgreSQL and MySQL.

What to know before reading:

* Runs have an integer key of their own (``run``), narrower than their public ``run_id``.
* A *field* is the name of a metric, parameter or tag within one experiment. Rows point to fields,
  so an index that begins with a field holds one experiment's values alone, and a long name is
  stored once.
* Texts that are searched are cut in two: ``head`` is indexed, ``tail`` is NULL for all but long
  ones.
* Doubles are stored as integers that sort as the doubles do (:mod:`.doubles`): exact for NaN, -0.0
  and infinities on every database, and good for indexes.
* Nothing refers by foreign keys: the store is the only writer, and its inserts are hot.
"""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa

HEAD: Final = "0002"
"""The version of this schema: the newest revision in ``migrations/versions``."""

VERSION_TABLE: Final = "chiplog_version"

HEAD_LENGTH: Final = 64
"""Characters of a text that are indexed."""

metadata = sa.MetaData()

# Said in SQLAlchemy's own types: those of the dialects would import every database's.
_MYSQL_LONG: Final = 1 << 24  # MySQL takes its smallest type of that length: LONGTEXT, LONGBLOB

_Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_Blob = sa.LargeBinary().with_variant(sa.LargeBinary(_MYSQL_LONG), "mysql", "mariadb")
_LongText = sa.Text().with_variant(sa.Text(_MYSQL_LONG), "mysql", "mariadb")
_SortedText = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def _text(length: int) -> sa.String:
    """A text column that compares by code point on every database."""
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def _table(
    name: str, *columns: sa.schema.SchemaItem, clustered: bool = False, once: bool = False
) -> sa.Table:
    """A table.

    ``clustered`` keeps its rows in the order of the primary key, ``once`` never gives an id twice.
    """
    return sa.Table(
        name,
        metadata,
        *columns,
        sqlite_with_rowid=not clustered,
        sqlite_autoincrement=once,
    )


def _column(name: str, type_: sa.types.TypeEngine[Any], *, null: bool = False) -> sa.Column[Any]:
    return sa.Column(name, type_, nullable=null)


def _key(name: str) -> sa.Column[Any]:
    return sa.Column(name, _Id, primary_key=True, autoincrement=False)


version = sa.Table(
    VERSION_TABLE, metadata, sa.Column("version_num", sa.String(32), primary_key=True)
)

experiments = _table(
    "experiments",
    sa.Column("id", _Id, primary_key=True, autoincrement=True),
    _column("name", _text(500)),
    # The name while the experiment is in use: a deleted one's is free for others.
    sa.Column("live_name", _text(500), nullable=True, unique=True),
    _column("artifact_location", sa.Text(), null=True),
    _column("deleted", sa.SmallInteger()),
    _column("deleted_time", sa.BigInteger(), null=True),
    _column("creation_time", sa.BigInteger()),
    _column("last_update_time", sa.BigInteger()),
    sa.Index("experiments_by_name", "name"),
    once=True,  # an id names a folder of artifacts
)

experiment_tags = _table(
    "experiment_tags",
    _key("experiment_id"),
    sa.Column("name", _text(250), primary_key=True),
    _column("value", _LongText),
    clustered=True,
)

fields = _table(
    "fields",
    sa.Column("id", _Id, primary_key=True, autoincrement=True),
    _column("experiment_id", _Id),
    _column("kind", sa.String(1)),  # m, p or t
    _column("name", _text(250)),
    sa.UniqueConstraint("experiment_id", "kind", "name", name="fields_by_name"),
    once=True,  # processes remember which name an id stands for
)

runs = _table(
    "runs",
    sa.Column("id", _Id, primary_key=True, autoincrement=True),
    sa.Column("run_id", _text(256), nullable=False, unique=True),
    _column("experiment_id", _Id),
    _column("name", _SortedText),
    _column("user_id", _SortedText),
    _column("status", sa.String(16)),
    _column("start_time", sa.BigInteger()),
    _column("end_time", sa.BigInteger(), null=True),
    _column("deleted", sa.SmallInteger()),
    _column("deleted_time", sa.BigInteger(), null=True),
)
sa.Index(
    "runs_by_start",
    runs.c.experiment_id,
    runs.c.deleted,
    runs.c.start_time.desc(),
    runs.c.run_id,
)
sa.Index("runs_by_end", runs.c.experiment_id, runs.c.deleted, runs.c.end_time)

FINISHED: Final[sa.ColumnElement[str]] = sa.literal_column("'FINISHED'")
"""A status that most runs have, so an index leaves it out; written into statements as it is."""

_by_status = sa.Index(
    "runs_by_status",
    runs.c.experiment_id,
    runs.c.deleted,
    runs.c.status,
    sqlite_where=runs.c.status != FINISHED,
)


def _texts(name: str) -> sa.Table:
    return _table(
        name,
        _key("run"),
        _key("field"),
        _column("head", _text(HEAD_LENGTH)),
        _column("tail", _LongText, null=True),
        sa.Index(f"{name}_by_value", "field", "head"),
        clustered=True,
    )


params = _texts("params")
tags = _texts("tags")

# A metric of a run in a line. While count is 1, this row is all there is: the point itself.
metrics = _table(
    "metrics",
    _key("run"),
    _key("field"),
    _column("latest", sa.BigInteger()),
    _column("latest_step", sa.BigInteger()),
    _column("latest_time", sa.BigInteger()),
    _column("context", _Id),
    _column("count", sa.BigInteger()),
    _column("hot", sa.BigInteger()),  # of these in the table points
    _column("min", sa.BigInteger()),
    _column("min_step", sa.BigInteger()),
    _column("max", sa.BigInteger()),
    _column("max_step", sa.BigInteger()),
    sa.Index("metrics_by_value", "field", "latest"),
    clustered=True,
)

# Fresh points: a row holds what one batch brought, from the metric's n-th point on.
points = _table(
    "points",
    _key("run"),
    _key("field"),
    _key("n"),
    _column("context", _Id),
    _column("data", _Blob),
    clustered=True,
)

# Many points of one metric and context, compressed. ``overview`` comes first, to be read alone.
chunks = _table(
    "chunks",
    sa.Column("id", _Id, primary_key=True, autoincrement=True),
    _column("run", _Id),
    _column("field", _Id),
    _column("n", sa.BigInteger()),
    _column("context", _Id),
    _column("count", sa.BigInteger()),
    _column("overview", _Blob),
    _column("steps", _Blob),
    _column("times", _Blob),
    _column("data", _Blob),
    sa.UniqueConstraint("run", "field", "n", name="chunks_by_position"),
)

# What a metric was measured on. 0 stands for "nothing said" and has no row.
contexts = _table(
    "contexts",
    sa.Column("id", _Id, primary_key=True, autoincrement=True),
    _column("model_id", _text(100)),
    _column("dataset_name", _text(500)),
    _column("dataset_digest", _text(100)),
    sa.UniqueConstraint("model_id", "dataset_name", "dataset_digest", name="contexts_by_name"),
)

context_metrics = _table(
    "context_metrics",
    _key("context"),
    _key("run"),
    _key("field"),
    _column("latest", sa.BigInteger()),
    _column("latest_step", sa.BigInteger()),
    _column("latest_time", sa.BigInteger()),
    sa.Index("context_metrics_by_run", "run"),
    clustered=True,
)

datasets = _table(
    "datasets",
    sa.Column("id", _Id, primary_key=True, autoincrement=True),
    _column("experiment_id", _Id),
    _column("name", _text(500)),
    _column("digest", _text(100)),
    _column("source_type", sa.Text()),
    _column("source", _LongText),
    _column("schema", _LongText, null=True),
    _column("profile", _LongText, null=True),
    sa.UniqueConstraint("experiment_id", "name", "digest", name="datasets_by_name"),
)

inputs = _table(
    "inputs",
    _key("run"),
    _key("dataset"),
    sa.Index("inputs_by_dataset", "dataset"),
    clustered=True,
)

input_tags = _table(
    "input_tags",
    _key("run"),
    _key("dataset"),
    sa.Column("name", _text(255), primary_key=True),
    _column("value", sa.Text()),
    clustered=True,
)

run_models = _table(
    "run_models",
    _key("run"),
    sa.Column("direction", sa.String(1), primary_key=True),  # i or o
    sa.Column("model_id", _text(100), primary_key=True),
    sa.Column("step", sa.BigInteger(), primary_key=True, autoincrement=False),
    clustered=True,
)

documents = _table(
    "documents",
    sa.Column("id", _Id, primary_key=True, autoincrement=True),
    _column("run", _Id),
    _column("name", _text(100)),
    _column("body", _Blob),
    sa.UniqueConstraint("run", "name", name="documents_by_name"),
)

models = _table(
    "models",
    sa.Column("id", _Id, primary_key=True, autoincrement=True),
    sa.Column("model_id", _text(100), nullable=False, unique=True),
    _column("experiment_id", _Id),
    _column("name", _text(500)),
    _column("model_type", sa.Text(), null=True),
    _column("source_run_id", _text(256), null=True),
    _column("status", sa.String(32)),
    _column("status_message", sa.Text(), null=True),
    _column("artifact_location", sa.Text(), null=True),
    _column("creation_timestamp", sa.BigInteger()),
    _column("last_updated_timestamp", sa.BigInteger()),
    sa.Index("models_by_experiment", "experiment_id", "creation_timestamp"),
    sa.Index("models_by_source", "source_run_id"),
)


def _model_texts(name: str) -> sa.Table:
    return _table(
        name,
        _key("model"),
        sa.Column("name", _text(250), primary_key=True),
        _column("value", _LongText),
        clustered=True,
    )


model_params = _model_texts("model_params")
model_tags = _model_texts("model_tags")

# How far each journal has been delivered, in bytes since its beginning.
journals = _table(
    "journals",
    sa.Column("journal_id", _text(128), primary_key=True),
    _column("position", sa.BigInteger()),
)

# Which journal's process a running run lives and dies with.
owners = _table(
    "owners",
    _key("run"),
    _column("journal_id", _text(128)),
    sa.Index("owners_by_journal", "journal_id"),
    clustered=True,
)

# Where files lie that nobody needs any more, relative to the artifact root if they lie below it.
garbage = _table(
    "garbage",
    sa.Column("id", _Id, primary_key=True, autoincrement=True),
    _column("location", sa.Text()),
)

RUN_TABLES: Final = (
    params,
    tags,
    metrics,
    points,
    chunks,
    context_metrics,
    inputs,
    input_tags,
    run_models,
    documents,
    owners,
)
"""The tables whose rows belong to a run by their column ``run``."""


def create_tables(connection: sa.Connection) -> None:
    """Make every table and index; MySQL's compare texts by code point like the others'."""
    dialect = connection.dialect.name
    if dialect in {"mysql", "mariadb"}:  # said here: at the tables, it would import this dialect
        for table in metadata.tables.values():
            table.dialect_options[dialect].update(charset="utf8mb4", collate="utf8mb4_bin")
    if dialect == "postgresql":
        _by_status.dialect_options[dialect]["where"] = runs.c.status != FINISHED
    metadata.create_all(connection, checkfirst=False)
