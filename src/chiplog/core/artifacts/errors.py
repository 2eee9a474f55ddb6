"""Errors of artifact contents, which are Python's own kinds too, as MLflow raises them."""

from __future__ import annotations

from chiplog.core.errors import InvalidValue


class BadContent(InvalidValue, ValueError):
    """Content that cannot be stored in the form asked for, or read back from it."""


class WrongType(InvalidValue, TypeError):
    """An object of a kind that the call does not take, or arguments that exclude each other."""
