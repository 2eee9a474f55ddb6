"""Holding a prediction's data and parameters to the model's signature."""

from chiplog.core.models.enforcement.enforce import enforce_schema, validate_schema
from chiplog.core.models.enforcement.params import enforce_params
from chiplog.core.models.enforcement.policy import Policy
from chiplog.core.models.enforcement.violations import SchemaViolation, Violation

__all__ = [
    "Policy",
    "SchemaViolation",
    "Violation",
    "enforce_params",
    "enforce_schema",
    "validate_schema",
]
