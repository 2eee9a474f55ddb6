"""Child runs of a training that are recorded whole: a search's candidates, a validation's folds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chiplog.core.context import run_context_tags
from chiplog.core.entities import DatasetInput, InputTag
from chiplog.core.records import RunRecorded
from chiplog.core.runs.names import new_run_id, random_name
from chiplog.core.tags import DATA_CONTEXT, RUN_NAME, USER
from chiplog.core.validation import MAX_PARAM_VALUE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chiplog.core.autolog.session import TrainingSession
    from chiplog.core.entities import Dataset


class Children:
    """Records runs that have in common what estimator was trained, and on what.

    Args:
        session: the training they are part of.
        estimator: what each of them trained a copy of.
        tags: tags of them all.
        dataset: what they were trained on, if it is known.
    """

    def __init__(
        self,
        session: TrainingSession,
        estimator: Any,
        tags: Mapping[str, str],
        dataset: Dataset | None,
    ) -> None:
        self._session = session
        self._params = _texts(estimator.get_params(deep=True))
        self._tags = run_context_tags(session.child_tags(tags))
        self._inputs = (
            [] if dataset is None else [DatasetInput(dataset, [InputTag(DATA_CONTEXT, "train")])]
        )

    def record(
        self,
        metrics: Mapping[str, float],
        seconds: float,
        *,
        params: Mapping[str, Any] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> str:
        """Record one of them, which took so long; its run's id.

        ``params`` are those it has in place of the estimator's.
        """
        session, name, run_id = self._session, random_name(), new_run_id()
        session.record_child_run(
            RunRecorded(
                run_id,
                experiment_id=session.experiment_id,
                user_id=self._tags.get(USER, ""),
                start_time=session.started,
                end_time=session.started + round(seconds * 1e3),
                status="FINISHED",
                name=name,
                tags={**self._tags, RUN_NAME: name, **(tags or {})},
                params={**self._params, **_texts(params or {})},
                metrics=dict(metrics),
                datasets=self._inputs,
            )
        )
        return run_id


def _texts(params: Mapping[str, Any]) -> dict[str, str]:
    return {key: str(value)[:MAX_PARAM_VALUE] for key, value in params.items()}
