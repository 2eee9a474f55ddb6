"""chiplog records machine-learning work: call ``autolog()`` once, and training records itself.

The names of this module are loaded when first used; ``import chiplog`` alone loads nothing.
"""

from __future__ import annotations

import sys
from importlib import import_module

__version__ = "0.1.0"

TYPE_CHECKING = False  # type checkers know better; importing typing would cost most of the import
if TYPE_CHECKING:
    from typing import Any

    from chiplog import artifacts as artifacts
    from chiplog import client as client
    from chiplog import config as config
    from chiplog import data as data
    from chiplog import entities as entities
    from chiplog import exceptions as exceptions
    from chiplog import metrics as metrics
    from chiplog import models as models
    from chiplog import pyfunc as pyfunc
    from chiplog import system_metrics as system_metrics
    from chiplog import tracking as tracking
    from chiplog import types as types
    from chiplog.core.alias import install_mlflow_alias as install_mlflow_alias
    from chiplog.core.artifacts.images import Image as Image
    from chiplog.core.autolog.engine import autolog as autolog
    from chiplog.core.client import ChiplogClient as ChiplogClient
    from chiplog.core.client import MlflowClient as MlflowClient
    from chiplog.core.client import TrackingClient as TrackingClient
    from chiplog.core.errors import ChiplogError as ChiplogError
    from chiplog.core.evaluation.evaluate import evaluate as evaluate
    from chiplog.core.evaluation.thresholds import (
        validate_evaluation_results as validate_evaluation_results,
    )
    from chiplog.core.fluent import ActiveModel as ActiveModel
    from chiplog.core.fluent import ActiveRun as ActiveRun
    from chiplog.core.fluent import RunOperations as RunOperations
    from chiplog.core.fluent import active_run as active_run
    from chiplog.core.fluent import clear_active_model as clear_active_model
    from chiplog.core.fluent import create_experiment as create_experiment
    from chiplog.core.fluent import create_external_model as create_external_model
    from chiplog.core.fluent import delete_experiment as delete_experiment
    from chiplog.core.fluent import delete_experiment_tag as delete_experiment_tag
    from chiplog.core.fluent import delete_logged_model_tag as delete_logged_model_tag
    from chiplog.core.fluent import delete_run as delete_run
    from chiplog.core.fluent import delete_tag as delete_tag
    from chiplog.core.fluent import doctor as doctor
    from chiplog.core.fluent import end_run as end_run
    from chiplog.core.fluent import finalize_logged_model as finalize_logged_model
    from chiplog.core.fluent import flush_artifact_async_logging as flush_artifact_async_logging
    from chiplog.core.fluent import flush_async_logging as flush_async_logging
    from chiplog.core.fluent import get_active_model_id as get_active_model_id
    from chiplog.core.fluent import get_artifact_uri as get_artifact_uri
    from chiplog.core.fluent import get_experiment as get_experiment
    from chiplog.core.fluent import get_experiment_by_name as get_experiment_by_name
    from chiplog.core.fluent import get_logged_model as get_logged_model
    from chiplog.core.fluent import get_metric_history as get_metric_history
    from chiplog.core.fluent import get_parent_run as get_parent_run
    from chiplog.core.fluent import get_run as get_run
    from chiplog.core.fluent import import_checkpoints as import_checkpoints
    from chiplog.core.fluent import initialize_logged_model as initialize_logged_model
    from chiplog.core.fluent import last_active_run as last_active_run
    from chiplog.core.fluent import last_logged_model as last_logged_model
    from chiplog.core.fluent import load_table as load_table
    from chiplog.core.fluent import log_artifact as log_artifact
    from chiplog.core.fluent import log_artifacts as log_artifacts
    from chiplog.core.fluent import log_dict as log_dict
    from chiplog.core.fluent import log_figure as log_figure
    from chiplog.core.fluent import log_image as log_image
    from chiplog.core.fluent import log_input as log_input
    from chiplog.core.fluent import log_inputs as log_inputs
    from chiplog.core.fluent import log_metric as log_metric
    from chiplog.core.fluent import log_metrics as log_metrics
    from chiplog.core.fluent import log_model_params as log_model_params
    from chiplog.core.fluent import log_outputs as log_outputs
    from chiplog.core.fluent import log_param as log_param
    from chiplog.core.fluent import log_params as log_params
    from chiplog.core.fluent import log_stream as log_stream
    from chiplog.core.fluent import log_table as log_table
    from chiplog.core.fluent import log_text as log_text
    from chiplog.core.fluent import restore_experiment as restore_experiment
    from chiplog.core.fluent import restore_run as restore_run
    from chiplog.core.fluent import search_experiments as search_experiments
    from chiplog.core.fluent import search_logged_models as search_logged_models
    from chiplog.core.fluent import search_runs as search_runs
    from chiplog.core.fluent import set_active_model as set_active_model
    from chiplog.core.fluent import set_experiment as set_experiment
    from chiplog.core.fluent import set_experiment_tag as set_experiment_tag
    from chiplog.core.fluent import set_experiment_tags as set_experiment_tags
    from chiplog.core.fluent import set_logged_model_tags as set_logged_model_tags
    from chiplog.core.fluent import set_tag as set_tag
    from chiplog.core.fluent import set_tags as set_tags
    from chiplog.core.fluent import start_run as start_run
    from chiplog.core.location import is_tracking_uri_set as is_tracking_uri_set
    from chiplog.core.location import set_tracking_uri as set_tracking_uri
    from chiplog.core.registry_uri import get_registry_uri as get_registry_uri
    from chiplog.core.registry_uri import set_registry_uri as set_registry_uri
    from chiplog.core.system_metrics.settings import (
        disable_system_metrics_logging as disable_system_metrics_logging,
    )
    from chiplog.core.system_metrics.settings import (
        enable_system_metrics_logging as enable_system_metrics_logging,
    )
    from chiplog.core.system_metrics.settings import (
        set_system_metrics_node_id as set_system_metrics_node_id,
    )
    from chiplog.core.system_metrics.settings import (
        set_system_metrics_samples_before_logging as set_system_metrics_samples_before_logging,
    )
    from chiplog.core.system_metrics.settings import (
        set_system_metrics_sampling_interval as set_system_metrics_sampling_interval,
    )
    from chiplog.exceptions import MlflowException as MlflowException
    from chiplog.tracking import get_tracking_uri as get_tracking_uri

_SUBMODULES = frozenset(
    (
        "artifacts",
        "client",
        "config",
        "data",
        "entities",
        "exceptions",
        "metrics",
        "models",
        "pyfunc",
        "system_metrics",
        "tracking",
        "types",
    )
)

# Where each public name is found; as ``name`` or ``name=its name there``. The imports above say the
# same to type checkers, and a test compares the two.
_PLACES = {
    "chiplog.core.alias": "install_mlflow_alias",
    "chiplog.core.artifacts.images": "Image",
    "chiplog.core.autolog.engine": "autolog",
    "chiplog.core.client": "ChiplogClient MlflowClient TrackingClient",
    "chiplog.core.errors": "ChiplogError MlflowException=ChiplogError",
    "chiplog.core.evaluation.evaluate": "evaluate",
    "chiplog.core.evaluation.thresholds": "validate_evaluation_results",
    "chiplog.core.fluent": """
        ActiveModel ActiveRun RunOperations active_run clear_active_model create_experiment
        create_external_model delete_experiment delete_experiment_tag delete_logged_model_tag
        delete_run delete_tag doctor end_run finalize_logged_model flush_artifact_async_logging
        flush_async_logging get_active_model_id get_artifact_uri get_experiment
        get_experiment_by_name get_logged_model get_metric_history get_parent_run get_run
        import_checkpoints initialize_logged_model last_active_run last_logged_model load_table
        log_artifact log_artifacts log_dict log_figure log_image log_input log_inputs log_metric
        log_metrics log_model_params log_outputs log_param log_params log_stream log_table log_text
        restore_experiment restore_run search_experiments search_logged_models search_runs
        set_active_model set_experiment set_experiment_tag set_experiment_tags
        set_logged_model_tags set_tag set_tags start_run
    """,
    "chiplog.core.location": "is_tracking_uri_set set_tracking_uri",
    "chiplog.core.registry_uri": "get_registry_uri set_registry_uri",
    "chiplog.core.runs.active": "get_tracking_uri=store_uri",
    "chiplog.core.system_metrics.settings": """
        disable_system_metrics_logging enable_system_metrics_logging set_system_metrics_node_id
        set_system_metrics_samples_before_logging set_system_metrics_sampling_interval
    """,
}

_FOUND_IN: dict[str, tuple[str, str]] = {}
for _module, _names in _PLACES.items():
    for _entry in _names.split():
        _name, _, _other = _entry.partition("=")
        _FOUND_IN[_name] = (_module, _other or _name)


def __getattr__(name: str) -> Any:
    """Load a public name, a submodule or a flavor when it is first asked for, and keep it."""
    if name in _FOUND_IN:
        module, attribute = _FOUND_IN[name]
        value = getattr(import_module(module), attribute)
    elif name in _SUBMODULES:
        value = import_module(f"chiplog.{name}")
    else:
        value = _flavor(name)
    globals()[name] = value
    return value


def _flavor(name: str) -> Any:
    """The module of a plugin's flavor of that name; AttributeError if there is none."""
    if not name.startswith("_"):
        from chiplog.core.flavor_modules import flavor_module

        module = flavor_module(name)
        if module is not None:
            return import_module(f"chiplog.{name}")
    raise AttributeError(f"module 'chiplog' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_FOUND_IN, *_SUBMODULES})


class _FlavorFinder:
    """Makes ``import chiplog.sklearn`` find a plugin's flavor; asked last, after real modules."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> Any:  # noqa: ARG004 - the protocol's
        """What loads ``chiplog.<flavor>``, or None."""
        if not name.startswith("chiplog.") or name.count(".") != 1:
            return None
        from chiplog.core.flavor_modules import find_flavor

        return find_flavor(name)


sys.meta_path.append(_FlavorFinder)
