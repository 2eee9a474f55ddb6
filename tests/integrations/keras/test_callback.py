"""``ChiplogCallback``: recording one ``fit`` without autologging."""

from __future__ import annotations

import gc
import pickle
from typing import TYPE_CHECKING, Any

import pytest

import chiplog

if TYPE_CHECKING:
    from collections.abc import Callable

    from chiplog.testing.project import Project

pytestmark = [
    pytest.mark.framework,
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]

keras: Any = pytest.importorskip("keras")


def callback(**settings: Any) -> Any:
    return chiplog.keras.ChiplogCallback(**settings)


def test_it_records_the_fit_that_it_is_given_to_and_no_other(
    project: Project, data: Any, make_model: Callable[..., Any]
) -> None:
    given = callback(log_models=False, extra_tags={"team": "vision"})
    make_model().fit(*data, epochs=1, verbose=0)
    assert project.runs() == []
    make_model().fit(*data, epochs=2, verbose=0, callbacks=[given])
    (run,) = project.runs()
    assert run.info.status == "FINISHED"
    assert run.data.tags["team"] == "vision"
    assert run.data.tags["mlflow.autologging"] == "keras"
    assert "optimizer_name" in run.data.params
    assert "batch/loss" in run.data.metrics
    assert run.outputs.model_outputs == []


def test_it_tells_of_a_fit_that_raised(
    project: Project, data: Any, make_model: Callable[..., Any]
) -> None:
    def fail(epoch: int, logs: Any) -> None:
        raise ValueError("the user's own")

    own = keras.callbacks.LambdaCallback(on_epoch_end=fail)
    with pytest.raises(ValueError, match="the user's own"):
        make_model().fit(*data, verbose=0, callbacks=[callback(), own])
    gc.collect()  # of the traceback, and what fit() left behind in it
    (run,) = project.runs()
    assert run.info.status == "FAILED"


def test_with_autologging_the_fit_is_recorded_once_and_the_receipt_says_by_whom(
    project: Project, autolog: Callable[..., None], data: Any, make_model: Callable[..., Any]
) -> None:
    autolog(log_models=False)
    make_model().fit(*data, epochs=1, batch_size=20, verbose=0, callbacks=[callback()])
    (run,) = project.runs()
    skipped = {entry.what for entry in project.receipt(run.info.run_id).skipped}
    assert "ChiplogCallback" in skipped


def test_it_has_mlflow_s_name_too_and_pickles() -> None:
    assert chiplog.keras.MlflowCallback is chiplog.keras.ChiplogCallback
    assert chiplog.tensorflow.MlflowCallback is chiplog.tensorflow.ChiplogCallback
    assert isinstance(callback(), keras.callbacks.Callback)
    copied = pickle.loads(pickle.dumps(callback(checkpoint=True)))
    assert copied.config.checkpoint
