"""Which parts of a training are recorded: all of them, or those a logger is there for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Content:
    """What is recorded beside the metrics.

    Attributes:
        keeps_names: metrics of single steps keep the names Lightning gives them in loggers. Else
            those that would share a name with an epoch's value get ``_step`` appended.
        parameters: the Trainer's, the optimizers' and EarlyStopping's settings.
        hyperparameters: the module's, which a logger is handed by the Trainer itself.
        model: the trained model.
        summary: the module's layers.
        latest: ``checkpoints/latest_checkpoint.pth`` and its like, as MLflow names them.
        files: the checkpoints under their own names: ``"kept"`` follows Lightning, which deletes
            those that are no longer among the best; ``"all"`` keeps each one; None takes none.
    """

    keeps_names: bool = False
    parameters: bool = True
    hyperparameters: bool = True
    model: bool = True
    summary: bool = True
    latest: bool = True
    files: str | None = "kept"
