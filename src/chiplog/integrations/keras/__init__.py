"""Keras: what this plugin provides. The heavy code is imported when it is needed.

Every ``fit`` of Keras 3 is recorded here, on whatever backend, and under whatever name Keras was
imported: ``tf.keras`` is the same Keras. Which of MLflow's two vocabularies is used depends on who
switched it on:

* ``chiplog.keras.autolog()``: that of MLflow's flavor ``keras`` (``optimizer_learning_rate``, …).
* ``chiplog.tensorflow.autolog()`` or ``chiplog.autolog()``: on the backend TensorFlow that of
  MLflow's flavor ``tensorflow`` (``opt_learning_rate``, …, the model in that flavor), as MLflow
  does it; on the other backends that of ``keras``.

The plugin ``tensorflow`` records what is not Keras: loops with ``GradientTape``.
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
    """Record Keras's training calls."""
    from chiplog.integrations.keras.integration import KerasIntegration

    return [KerasIntegration()]


@hookimpl
def chiplog_flavors() -> Iterable[Flavor]:
    """Save and load Keras's models."""
    from chiplog.integrations.keras.flavor import KerasFlavor

    return [KerasFlavor()]
