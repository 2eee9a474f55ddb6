"""The errors chiplog raises, and the names MLflow's users know them by."""

from chiplog.core.errors import (
    AlreadyExists,
    BadContent,
    CannotSave,
    ChiplogError,
    DamagedModel,
    InvalidValue,
    MissingFile,
    MissingLibrary,
    NotFound,
    StoreError,
    StoreUnavailable,
    UntrustedModel,
    WrongType,
)

MlflowException = ChiplogError
RestException = StoreError
ExecutionException = StoreError
MissingConfigException = ChiplogError

__all__ = [
    "AlreadyExists",
    "BadContent",
    "CannotSave",
    "ChiplogError",
    "DamagedModel",
    "ExecutionException",
    "InvalidValue",
    "MissingConfigException",
    "MissingFile",
    "MissingLibrary",
    "MlflowException",
    "NotFound",
    "RestException",
    "StoreError",
    "StoreUnavailable",
    "UntrustedModel",
    "WrongType",
]
