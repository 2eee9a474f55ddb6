"""The errors chiplog raises, and the names MLflow's users know them by."""

from chiplog.core.errors import (
    AlreadyExists,
    ChiplogError,
    InvalidValue,
    MissingLibrary,
    NotFound,
    StoreError,
    StoreUnavailable,
)

MlflowException = ChiplogError
RestException = StoreError
ExecutionException = StoreError
MissingConfigException = ChiplogError

__all__ = [
    "AlreadyExists",
    "ChiplogError",
    "ExecutionException",
    "InvalidValue",
    "MissingConfigException",
    "MissingLibrary",
    "MlflowException",
    "NotFound",
    "RestException",
    "StoreError",
    "StoreUnavailable",
]
