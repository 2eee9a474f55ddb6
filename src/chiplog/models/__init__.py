"""Models on disk: what they say of themselves, what they take and give, and loading any of them.

Names are loaded when they are first used.
"""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False  # as in chiplog/__init__.py: importing typing would cost more than the rest
if TYPE_CHECKING:
    from typing import Any

    from chiplog.core.evaluation.artifacts import EvaluationArtifact
    from chiplog.core.evaluation.evaluate import evaluate
    from chiplog.core.evaluation.evaluator import list_evaluators
    from chiplog.core.evaluation.metrics import EvaluationMetric, make_metric
    from chiplog.core.evaluation.result import EvaluationResult
    from chiplog.core.evaluation.thresholds import (
        MetricThreshold,
        ModelValidationFailedException,
        validate_evaluation_results,
    )
    from chiplog.core.models.docker import build_docker, generate_dockerfile
    from chiplog.core.models.enforcement import Policy, SchemaViolation, validate_schema
    from chiplog.core.models.information import get_model_info, load_model, set_signature
    from chiplog.core.models.model import Model, ModelInfo
    from chiplog.core.models.prediction import predict
    from chiplog.core.models.pyfunc.code import ModelConfig, set_model
    from chiplog.core.models.pyfunc.serving import validate_serving_input
    from chiplog.core.models.schema import (
        AnyType,
        Array,
        ColSpec,
        DataType,
        Map,
        Object,
        ParamSchema,
        ParamSpec,
        Property,
        Schema,
        TensorSpec,
    )
    from chiplog.core.models.scoring import convert_input_example_to_serving_input
    from chiplog.core.models.signature import ModelSignature, infer_signature
    from chiplog.core.models.upkeep import infer_pip_requirements, update_model_requirements

__all__ = [
    "load_model",
    "get_model_info",
    "Model",
    "ModelInfo",
    "ModelSignature",
    "infer_signature",
    "set_signature",
    "Schema",
    "ColSpec",
    "TensorSpec",
    "ParamSchema",
    "ParamSpec",
    "DataType",
    "Array",
    "Object",
    "Property",
    "Map",
    "AnyType",
    "validate_schema",
    "SchemaViolation",
    "Policy",
    "predict",
    "convert_input_example_to_serving_input",
    "validate_serving_input",
    "build_docker",
    "generate_dockerfile",
    "infer_pip_requirements",
    "update_model_requirements",
    "set_model",
    "ModelConfig",
    "evaluate",
    "EvaluationArtifact",
    "EvaluationMetric",
    "EvaluationResult",
    "MetricThreshold",
    "list_evaluators",
    "make_metric",
    "validate_evaluation_results",
    "ModelValidationFailedException",
]

# Where each name is found. The imports above say the same to type checkers, and a test compares
# the two.
_PLACES = {
    "chiplog.core.evaluation.artifacts": "EvaluationArtifact",
    "chiplog.core.evaluation.evaluate": "evaluate",
    "chiplog.core.evaluation.evaluator": "list_evaluators",
    "chiplog.core.evaluation.metrics": "EvaluationMetric make_metric",
    "chiplog.core.evaluation.result": "EvaluationResult",
    "chiplog.core.evaluation.thresholds": """
        MetricThreshold ModelValidationFailedException validate_evaluation_results
    """,
    "chiplog.core.models.docker": "build_docker generate_dockerfile",
    "chiplog.core.models.enforcement": "Policy SchemaViolation validate_schema",
    "chiplog.core.models.information": "get_model_info load_model set_signature",
    "chiplog.core.models.model": "Model ModelInfo",
    "chiplog.core.models.prediction": "predict",
    "chiplog.core.models.pyfunc.code": "ModelConfig set_model",
    "chiplog.core.models.pyfunc.serving": "validate_serving_input",
    "chiplog.core.models.schema": """
        AnyType Array ColSpec DataType Map Object ParamSchema ParamSpec Property Schema TensorSpec
    """,
    "chiplog.core.models.scoring": "convert_input_example_to_serving_input",
    "chiplog.core.models.signature": "ModelSignature infer_signature",
    "chiplog.core.models.upkeep": "infer_pip_requirements update_model_requirements",
}
_SUBMODULES = frozenset(("model", "signature"))

_FOUND_IN = {name: module for module, names in _PLACES.items() for name in names.split()}


def __getattr__(name: str) -> Any:
    """Load a name when it is first asked for, and keep it."""
    if name in _FOUND_IN:
        value = getattr(import_module(_FOUND_IN[name]), name)
    elif name in _SUBMODULES:
        value = import_module(f"chiplog.models.{name}")
    else:
        raise AttributeError(f"module 'chiplog.models' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_FOUND_IN, *_SUBMODULES})
