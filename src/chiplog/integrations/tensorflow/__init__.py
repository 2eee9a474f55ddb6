"""TensorFlow: what this plugin provides. The heavy code is imported when it is needed.

It records loops of one's own with ``GradientTape``. ``fit`` is Keras's, under ``tf.keras`` too, and
is recorded by the plugin ``keras``, which is set up by ``chiplog.tensorflow.autolog()`` as well and
then uses the names of MLflow's flavor ``tensorflow``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chiplog.hooks.markers import hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chiplog.core.autolog.integration import Integration
    from chiplog.core.models.flavor import Flavor


@hookimpl
def chiplog_instrumentors() -> Iterable[Integration]:
    """Record TensorFlow's training loops."""
    from chiplog.integrations.tensorflow.integration import TensorFlowIntegration

    return [TensorFlowIntegration()]


@hookimpl
def chiplog_flavors() -> Iterable[Flavor]:
    """Save and load TensorFlow's models."""
    from chiplog.integrations.tensorflow.flavor import TensorFlowFlavor

    return [TensorFlowFlavor()]
