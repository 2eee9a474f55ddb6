"""Type hints for the data that a model's ``predict`` takes."""

from chiplog.core.models.typehints import TypeFromExample

__all__ = ["TypeFromExample"]
