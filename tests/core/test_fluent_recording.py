"""Recording metrics, params, tags, inputs and outputs with the module's functions."""

from __future__ import annotations

import logging
import math
import signal
import struct
import threading

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import chiplog
from chiplog.core.errors import InvalidValue, NotFound
from chiplog.core.fluent.operations import switch
from chiplog.core.runs import active
from chiplog.entities import Dataset, LoggedModelInput, LoggedModelOutput, Metric

pytestmark = pytest.mark.usefixtures("project")


def history(run_id: str, key: str) -> list[Metric]:
    return chiplog.get_metric_history(run_id, key)


def stored(run: chiplog.ActiveRun) -> chiplog.entities.Run:
    return chiplog.get_run(run.info.run_id)


def test_a_metric_can_be_read_back_at_once() -> None:
    with chiplog.start_run() as run:
        assert chiplog.log_metric("loss", 0.5, step=3) is None
        assert [(point.value, point.step) for point in history(run.info.run_id, "loss")] == [
            (0.5, 3)
        ]
        assert stored(run).data.metrics == {"loss": 0.5}


def test_a_run_starts_by_itself_when_none_is_active() -> None:
    chiplog.log_metric("m", 1)
    run = chiplog.active_run()
    assert run is not None
    chiplog.log_param("p", 1)
    chiplog.set_tag("t", 1)
    assert chiplog.active_run() is run
    assert stored(run).data.params == {"p": "1"}


def test_steps_are_kept_in_any_order_and_may_repeat() -> None:
    steps = [5, -1, 5, 0, 2**62, -(2**62)]
    with chiplog.start_run() as run:
        for at, step in enumerate(steps):
            chiplog.log_metric("m", at, step=step, timestamp=1000 + at)
    assert [point.step for point in history(run.info.run_id, "m")] == steps


def test_every_double_is_kept_exactly() -> None:
    values = [math.inf, -math.inf, -0.0, 5e-324, 1.7976931348623157e308, 0.1]
    with chiplog.start_run() as run:
        for at, value in enumerate(values):
            chiplog.log_metric("m", value, timestamp=at)
        chiplog.log_metric("nan", math.nan)
    back = [point.value for point in history(run.info.run_id, "m")]
    assert struct.pack("6d", *back) == struct.pack("6d", *values)
    assert math.isnan(stored(run).data.metrics["nan"])


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.floats(), min_size=1, max_size=20))
def test_whatever_doubles_come_they_come_back(values: list[float]) -> None:
    with chiplog.start_run() as run:
        for at, value in enumerate(values):
            chiplog.log_metric("m", value, timestamp=at)
    back = [point.value for point in history(run.info.run_id, "m")]
    assert [math.isnan(value) or value for value in back] == [
        math.isnan(value) or value for value in values
    ]


def test_numbers_of_all_kinds_are_taken() -> None:
    with chiplog.start_run() as run:
        for at, value in enumerate([True, 2, "3.5", np.float32(4), np.array([5])]):
            chiplog.log_metric("m", value, step=np.int64(at), timestamp=at)
    assert [p.value for p in history(run.info.run_id, "m")] == [1.0, 2.0, 3.5, 4.0, 5.0]


def test_bad_metrics_are_refused_at_the_call_and_nothing_else_is_lost() -> None:
    with chiplog.start_run() as run:
        chiplog.log_metric("good", 1)
        for key, value, step, timestamp in [
            ("a//b", 1, 0, None),
            (5, 1, 0, None),
            (["x"], 1, 0, None),
            ("m", "abc", 0, None),
            ("m", None, 0, None),
            ("m", 1, "3", None),
            ("m", 1, 2**63, None),
            ("m", 1, 0, -1),
            ("m", 1, 0, 2**63),
        ]:
            with pytest.raises(InvalidValue):
                chiplog.log_metric(key, value, step=step, timestamp=timestamp)  # type: ignore[arg-type]
        chiplog.log_metric("good", 2)
    assert stored(run).data.metrics == {"good": 2.0}


def test_several_metrics_share_a_timestamp_and_are_all_or_none() -> None:
    with chiplog.start_run() as run:
        chiplog.log_metrics({"a": 1, "b": 2}, step=4)
        with pytest.raises(InvalidValue):
            chiplog.log_metrics({"c": 1, "d": "x"})
    points = history(run.info.run_id, "a") + history(run.info.run_id, "b")
    assert {point.step for point in points} == {4}
    assert len({point.timestamp for point in points}) == 1
    assert stored(run).data.metrics == {"a": 1.0, "b": 2.0}


def test_a_param_keeps_its_first_value() -> None:
    with chiplog.start_run() as run:
        assert chiplog.log_param("lr", 1) == 1
        assert chiplog.log_param("lr", "1") == "1"
        with pytest.raises(InvalidValue, match=r"'lr'.*is '1' already, not '2'"):
            chiplog.log_param("lr", 2)
    assert stored(run).data.params == {"lr": "1"}


def test_params_are_taken_all_or_none() -> None:
    with chiplog.start_run() as run:
        chiplog.log_params({"a": 1})
        with pytest.raises(InvalidValue):
            chiplog.log_params({"b": 1, "a": 2})
        with pytest.raises(InvalidValue):
            chiplog.log_params({"c": 1, "d//e": 2})
    assert stored(run).data.params == {"a": "1"}


def test_a_resumed_run_still_knows_its_params() -> None:
    with chiplog.start_run() as run:
        chiplog.log_param("a", 1)
    with chiplog.start_run(run.info.run_id):
        chiplog.log_param("a", 1)
        with pytest.raises(InvalidValue, match="Changing param values"):
            chiplog.log_param("a", 2)


def test_tags_are_replaced_and_deleted() -> None:
    with chiplog.start_run() as run:
        chiplog.set_tag("a", 1)
        chiplog.set_tags({"a": 2, "b": None})
        assert stored(run).data.tags["a"] == "2"
        assert stored(run).data.tags["b"] == "None"
        chiplog.delete_tag("a")
        assert "a" not in stored(run).data.tags
        with pytest.raises(NotFound, match="no tag 'a'"):
            chiplog.delete_tag("a")


def test_the_name_tag_renames_the_run() -> None:
    with chiplog.start_run() as run:
        chiplog.set_tag("mlflow.runName", "new")
    assert stored(run).info.run_name == "new"


def test_over_long_values_are_cut(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "chiplog"), chiplog.start_run() as run:
        chiplog.log_param("p", "x" * 7000)
        chiplog.log_param("p", "x" * 7000)
        chiplog.set_tag("t", "y" * 9000)
    assert len(stored(run).data.params["p"]) == 6000
    assert len(stored(run).data.tags["t"]) == 8000


def test_synchronous_false_hands_back_something_to_wait_for() -> None:
    with chiplog.start_run() as run:
        for operations in [
            chiplog.log_metric("m", 1, synchronous=False),
            chiplog.log_metrics({"n": 1}, synchronous=False),
            chiplog.log_param("p", 1, synchronous=False),
            chiplog.log_params({"q": 1}, synchronous=False),
            chiplog.set_tag("t", 1, synchronous=False),
        ]:
            assert isinstance(operations, chiplog.RunOperations)
            operations.wait()
    chiplog.flush_async_logging()
    assert stored(run).data.metrics == {"m": 1.0, "n": 1.0}


def test_asynchronous_logging_can_be_made_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CHIPLOG_ENABLE_ASYNC_LOGGING", "MLFLOW_ENABLE_ASYNC_LOGGING"):
        monkeypatch.setenv(name, "false")
    try:
        chiplog.config.enable_async_logging()
        assert isinstance(chiplog.log_metric("m", 1), chiplog.RunOperations)
        assert chiplog.log_metric("m", 1, synchronous=True) is None
    finally:
        switch.on = False


def test_many_threads_may_record_into_one_run() -> None:
    with chiplog.start_run() as run:

        def work(number: int) -> None:
            for step in range(200):
                chiplog.log_metric(f"m{number}", step, step=step, run_id=run.info.run_id)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    for number in range(4):
        assert [p.step for p in history(run.info.run_id, f"m{number}")] == list(range(200))


def test_a_data_set_is_an_input_with_its_context() -> None:
    data = Dataset("d", "abc", "code", "{}")
    with chiplog.start_run() as run:
        chiplog.log_input(data, context="training", tags={"fold": "1"})
        chiplog.log_inputs([data], ["test"], [None])
    first, *rest = stored(run).inputs.dataset_inputs
    assert first.dataset.name == "d"
    tags = {tag.key: tag.value for one in [first, *rest] for tag in one.tags}
    assert "mlflow.data.context" in tags


def test_a_data_set_made_from_an_array_is_an_input() -> None:
    with chiplog.start_run() as run:
        chiplog.log_input(chiplog.data.from_numpy(np.zeros((3, 2)), name="zeros"), context="train")
    (only,) = stored(run).inputs.dataset_inputs
    assert only.dataset.name == "zeros"


def test_a_context_without_a_data_set_is_refused() -> None:
    with pytest.raises(InvalidValue, match="belong to a data set"):
        chiplog.log_input(context="training")
    with pytest.raises(InvalidValue, match="of one length"):
        chiplog.log_inputs([None], [None, None])
    with pytest.raises(InvalidValue, match="is no data set"):
        chiplog.log_input(5)


def test_models_are_inputs_and_outputs() -> None:
    with chiplog.start_run() as run:
        model = chiplog.initialize_logged_model("m")
        chiplog.log_input(model=LoggedModelInput(model.model_id))
        chiplog.log_outputs([LoggedModelOutput(model.model_id, 7)])
        chiplog.log_metric("score", 0.5, step=7)
        chiplog.log_metric("score", 0.6, step=8)
    now = stored(run)
    assert [one.model_id for one in now.inputs.model_inputs] == [model.model_id]
    assert [(o.model_id, o.step) for o in now.outputs.model_outputs] == [(model.model_id, 7)]
    scores = chiplog.get_logged_model(model.model_id).metrics
    assert [(metric.key, metric.value, metric.step) for metric in scores] == [("score", 0.5, 7)]


def test_metrics_belong_to_the_active_model() -> None:
    with chiplog.start_run() as run:
        with chiplog.set_active_model(name="net") as model:
            assert chiplog.get_active_model_id() == model.model_id
            chiplog.log_metric("score", 1)
        assert chiplog.get_active_model_id() is None
        chiplog.log_metric("score", 2)
        chiplog.log_metric("direct", 3, model_id=model.model_id)
    metrics = chiplog.get_logged_model(model.model_id).metrics
    assert {metric.key: metric.value for metric in metrics} == {"score": 1.0, "direct": 3.0}
    assert stored(run).data.metrics["score"] == 2.0


def test_a_signal_handler_may_log_params_while_params_are_logged() -> None:
    def handle(_number: int, _frame: object) -> None:
        chiplog.log_param("from the handler", 1)

    before = signal.signal(signal.SIGUSR1, handle)
    try:
        with chiplog.start_run() as run:
            writer = active.current_writer()
            assert writer is not None
            with writer._params_lock:  # where the signal finds the training thread
                signal.raise_signal(signal.SIGUSR1)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert set(chiplog.get_run(run.info.run_id).data.params) == {"from the handler"}


def test_metrics_that_are_no_dict_are_refused_by_what_was_given() -> None:
    with pytest.raises(InvalidValue, match=r"not \[1\] \(list\)"):
        chiplog.log_metrics([1])  # type: ignore[arg-type]
    assert chiplog.active_run() is None
