"""Tables as Parquet, by pandas where the user has it."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from chiplog.core.errors import BadContent, MissingLibrary

if TYPE_CHECKING:
    from chiplog.core.artifacts.cells import Table


def encode(table: Table, before: bytes | None, artifact_file: str) -> bytes:
    """The rows of ``before``, a Parquet file if there is one, and those of ``table``."""
    pandas = _pandas(artifact_file)
    frame = pandas.DataFrame(dict(zip(table.names, table.columns, strict=True)))
    if before is not None:
        frame = pandas.concat([decode(before, artifact_file), frame], ignore_index=True)
    frame.columns = [str(name) for name in frame.columns]
    target = io.BytesIO()
    try:
        frame.to_parquet(target, index=False)
    except ImportError as error:
        raise _missing(artifact_file) from error
    except (ValueError, TypeError) as error:
        raise BadContent(
            f"The table {artifact_file!r} cannot be written as Parquet: {error}. "
            "Columns of mixed kinds can be written as .json."
        ) from error
    return target.getvalue()


def decode(data: bytes, artifact_file: str) -> Any:
    """A Parquet file as a pandas DataFrame."""
    pandas = _pandas(artifact_file)
    try:
        return pandas.read_parquet(io.BytesIO(data))
    except ImportError as error:
        raise _missing(artifact_file) from error
    except (ValueError, OSError) as error:
        raise BadContent(f"{artifact_file!r} cannot be read as Parquet: {error}.") from error


def _pandas(artifact_file: str) -> Any:
    try:
        import pandas as pd
    except ImportError as error:
        raise _missing(artifact_file) from error
    return pd


def _missing(artifact_file: str) -> MissingLibrary:
    return MissingLibrary(
        f"The table {artifact_file!r} needs pandas and pyarrow, which are not both installed; "
        "a table named .json needs neither.\n    pip install pandas pyarrow"
    )
