"""The tags that chiplog itself sets and reads, by MLflow's names where MLflow has them."""

from __future__ import annotations

from typing import Final

RUN_NAME: Final = "mlflow.runName"
PARENT_RUN_ID: Final = "mlflow.parentRunId"
DESCRIPTION: Final = "mlflow.note.content"

USER: Final = "mlflow.user"
SOURCE_NAME: Final = "mlflow.source.name"
SOURCE_TYPE: Final = "mlflow.source.type"
GIT_COMMIT: Final = "mlflow.source.git.commit"
GIT_BRANCH: Final = "mlflow.source.git.branch"
GIT_REPOSITORY: Final = "mlflow.source.git.repoURL"
GIT_DIRTY: Final = "mlflow.source.git.dirty"

#: Why a run did not end well: an exception's type, an exit code, a signal.
EXIT_REASON: Final = "chiplog.exit.reason"

#: Of a data set as a run's input: what it was for.
DATA_CONTEXT: Final = "mlflow.data.context"
