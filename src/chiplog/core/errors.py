"""The errors chiplog raises. Codes and HTTP statuses are those MLflow clients read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable

HTTP_STATUS: Final[dict[str, int]] = {
    "INVALID_PARAMETER_VALUE": 400,
    "BAD_REQUEST": 400,
    "RESOURCE_ALREADY_EXISTS": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "RESOURCE_DOES_NOT_EXIST": 404,
    "NOT_FOUND": 404,
    "ENDPOINT_NOT_FOUND": 404,
    "RESOURCE_CONFLICT": 409,
    "RESOURCE_EXHAUSTED": 429,
    "NOT_IMPLEMENTED": 501,
    "TEMPORARILY_UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
    "INVALID_STATE": 500,
    "INTERNAL_ERROR": 500,
}


class ChiplogError(Exception):
    """Any error of chiplog's own. Says what was asked, what is so, and what to do next.

    Attributes:
        message: the text.
        error_code: one of MLflow's error codes, such as ``"INVALID_PARAMETER_VALUE"``.
    """

    default_code = "INTERNAL_ERROR"

    def __init__(self, message: object, error_code: str | None = None, **details: Any) -> None:
        self.message = str(message)
        self.error_code = error_code or self.default_code
        self.json_kwargs = details
        super().__init__(self.message)

    def get_http_status_code(self) -> int:
        """The HTTP status a server answers with, 500 for codes it does not know."""
        return HTTP_STATUS.get(self.error_code, 500)

    def serialize_as_json(self) -> str:
        """The error as the JSON body a server answers with."""
        body = {"error_code": self.error_code, "message": self.message, **self.json_kwargs}
        return msgspec.json.encode(body).decode()

    @classmethod
    def invalid_parameter_value(cls, message: object, **details: Any) -> ChiplogError:
        """An error of code ``INVALID_PARAMETER_VALUE``."""
        return cls(message, "INVALID_PARAMETER_VALUE", **details)


class InvalidValue(ChiplogError):
    """A name, a value or an argument that is not allowed."""

    default_code = "INVALID_PARAMETER_VALUE"


class NotFound(ChiplogError):
    """An experiment, run, model or file that does not exist."""

    default_code = "RESOURCE_DOES_NOT_EXIST"


class AlreadyExists(ChiplogError):
    """Something of that name exists."""

    default_code = "RESOURCE_ALREADY_EXISTS"


class MissingLibrary(ChiplogError, ImportError):
    """A library that the call needs is not installed; the text names the line to type."""

    default_code = "BAD_REQUEST"


class StoreUnavailable(ChiplogError):
    """A store cannot be reached or written for now; a later try may succeed."""

    default_code = "TEMPORARILY_UNAVAILABLE"


class StoreError(ChiplogError):
    """A store is damaged, foreign, of a newer version, or refuses for good."""


# Artifacts. As MLflow raises them, these are errors of Python's own kinds too.


class BadContent(InvalidValue, ValueError):
    """Content that cannot be stored in the form asked for, or read back from it."""


class WrongType(InvalidValue, TypeError):
    """An object of a kind that the call does not take, or arguments that exclude each other."""


class MissingFile(NotFound, FileNotFoundError):
    """A local file or directory that was to be stored does not exist."""


# Models


class CannotSave(ChiplogError):
    """A model that the chosen file format has no way to hold."""

    default_code = "INVALID_PARAMETER_VALUE"


class DamagedModel(ChiplogError):
    """A model's file is inconsistent: damaged, or made to do harm. It was not loaded."""

    default_code = "BAD_REQUEST"


class UntrustedModel(ChiplogError):
    """A model's file asks for trust that was not given; nothing of it was run.

    Attributes:
        names: the types and functions it asks for.
    """

    default_code = "PERMISSION_DENIED"

    def __init__(self, message: str, names: Iterable[str]) -> None:
        super().__init__(message)
        self.names = sorted(names)
