"""What autologging records of ``fit``."""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from chiplog.core.autolog import engine
from chiplog.core.background import flush
from chiplog.core.errors import InvalidValue
from chiplog.core.location import get_tracking_uri
from chiplog.core.runs.lifecycle import start_run
from chiplog.core.runs.reading import metric_history
from chiplog.core.stores import open_artifact_store

if TYPE_CHECKING:
    from collections.abc import Callable

    from chiplog.testing.project import Project

pytestmark = [
    pytest.mark.framework,
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:.*end of sequence.*:UserWarning"),
]

keras: Any = pytest.importorskip("keras")


def points(run: Any, key: str) -> list[tuple[int, float]]:
    return [(m.step, m.value) for m in metric_history(get_tracking_uri(), run.info.run_id, key)]


def files(run: Any, folder: str | None = None) -> set[str]:
    return {info.path for info in open_artifact_store(run.info.artifact_uri).list(folder)}


def reasons(project: Project, run: Any) -> dict[str, str]:
    return {entry.what: entry.reason for entry in project.receipt(run.info.run_id).skipped}


def test_params_are_those_of_fit_and_of_the_optimizer(
    project: Project, autolog: Callable[..., None], data: Any, make_model: Callable[..., Any]
) -> None:
    autolog()
    make_model().fit(*data, epochs=1, validation_split=0.25, verbose=0)
    (run,) = project.runs()
    params = run.data.params
    assert params["epochs"] == "1"
    assert params["batch_size"] == "32"
    assert params["validation_split"] == "0.25"
    assert params["optimizer_name"].startswith("sgd")
    assert float(params["optimizer_learning_rate"]) == pytest.approx(0.01)
    assert params["total_parameters"] == "8"
    assert not {"x", "y", "callbacks", "validation_data", "verbose", "self"} & params.keys()
    assert run.data.tags["mlflow.autologging"] == "keras"
    assert "model_summary.txt" in files(run)


def test_metrics_of_epochs_and_of_batches_have_axes_of_their_own(
    project: Project, autolog: Callable[..., None], data: Any, make_model: Callable[..., Any]
) -> None:
    autolog()
    history = (
        make_model()
        .fit(*data, epochs=3, batch_size=10, validation_data=(data[0][:8], data[1][:8]), verbose=0)
        .history
    )
    (run,) = project.runs()
    assert points(run, "loss") == list(enumerate(history["loss"]))
    assert points(run, "val_loss") == list(enumerate(history["val_loss"]))
    assert points(run, "validation_accuracy") == list(enumerate(history["val_accuracy"]))
    steps = [step for step, _ in points(run, "batch/loss")]
    assert steps == list(range(12))
    last_of_each_epoch = [value for step, value in points(run, "batch/loss") if step % 4 == 3]
    assert last_of_each_epoch == pytest.approx(history["loss"], rel=1e-6)
    assert [step for step, _ in points(run, "samples_per_second")] == [0, 1, 2]
    assert points(run, "learning_rate") == [(0, float(np.float32(0.01)))]
    contexts = [tag.value for given in run.inputs.dataset_inputs for tag in given.tags]
    assert contexts == ["train", "eval"]


def test_early_stopping_is_told_with_the_metrics_of_the_epoch_that_was_restored(
    project: Project, autolog: Callable[..., None], data: Any, make_model: Callable[..., Any]
) -> None:
    autolog()
    stop = keras.callbacks.EarlyStopping(
        "loss", min_delta=10, patience=2, restore_best_weights=True
    )
    given = [stop]
    history = make_model().fit(*data, epochs=9, callbacks=given, verbose=0).history
    (run,) = project.runs()
    assert given == [stop], "the user's list is left as it is"
    assert run.data.params["monitor"] == "loss"
    assert run.data.params["min_delta"] == "10"
    assert run.data.params["restore_best_weights"] == "True"
    assert run.data.metrics["stopped_epoch"] == stop.stopped_epoch == 2
    assert run.data.metrics["restored_epoch"] == 0
    assert points(run, "loss")[-1] == (3, history["loss"][0])


def test_a_schedule_s_rate_is_recorded_at_each_batch(
    project: Project, autolog: Callable[..., None], data: Any, make_model: Callable[..., Any]
) -> None:
    schedule = keras.optimizers.schedules.ExponentialDecay(0.1, 2, 0.5)
    model = make_model(keras.optimizers.SGD(schedule))
    model.fit(*data, batch_size=20, epochs=1, verbose=0)  # two steps that are not recorded
    autolog()
    model.fit(*data, batch_size=20, epochs=2, verbose=0)
    (run,) = project.runs()
    rates = points(run, "batch/learning_rate")
    assert [step for step, _ in rates] == [0, 1, 2, 3]
    assert [rate for _, rate in rates] == pytest.approx(
        [0.1 * 0.5 ** ((step + 2) / 2) for step in range(4)]
    )
    assert run.data.params["optimizer_learning_rate"] == "ExponentialDecay"
    assert run.data.params["optimizer_learning_rate_decay_steps"] == "2"


def test_a_fit_that_goes_on_goes_on_in_its_run(
    project: Project, autolog: Callable[..., None], data: Any, make_model: Callable[..., Any]
) -> None:
    autolog(log_models=False)
    model = make_model()
    model.fit(*data, epochs=2, batch_size=20, verbose=0)
    model.fit(*data, epochs=4, initial_epoch=2, batch_size=20, verbose=0)
    (run,) = project.runs()
    assert [step for step, _ in points(run, "loss")] == [0, 1, 2, 3]
    assert [step for step, _ in points(run, "batch/loss")] == list(range(8))
    assert run.info.status == "FINISHED"
    assert run.data.params["epochs"] == "2"
    assert "the run began with 2" in reasons(project, run)["param 'epochs'"]
    model.fit(*data, epochs=1, verbose=0)
    assert len(project.runs()) == 2, "one that begins at the beginning is another training"


def test_every_n_steps_is_instead_of_every_epoch(
    project: Project, autolog: Callable[..., None], data: Any, make_model: Callable[..., Any]
) -> None:
    with pytest.raises(InvalidValue, match="exactly one"):
        autolog(log_every_n_steps=2)
    with pytest.raises(InvalidValue, match="exactly one"):
        autolog(log_every_epoch=False)
    autolog(log_every_epoch=False, log_every_n_steps=3, log_batches=False)
    make_model().fit(*data, epochs=2, batch_size=10, verbose=0)
    (run,) = project.runs()
    assert [step for step, _ in points(run, "loss")] == [0, 3, 6]
    assert "batch/loss" not in run.data.metrics


@pytest.mark.parametrize("kind", ["generator", "PyDataset", "tf.data"])
def test_nothing_is_taken_from_data_that_comes_in_batches(
    project: Project,
    autolog: Callable[..., None],
    data: Any,
    make_model: Callable[..., Any],
    kind: str,
) -> None:
    taken: list[int] = []
    given = _batches(kind, data, taken)
    make_model().fit(given, epochs=1, steps_per_epoch=2, shuffle=False, verbose=0)
    plain, given = len(taken), _batches(kind, data, taken := [])
    autolog(log_input_examples=True)
    make_model().fit(given, epochs=1, steps_per_epoch=2, shuffle=False, verbose=0)
    assert len(taken) == plain
    (run,) = project.runs()
    left_out = reasons(project, run)
    assert "consume" in left_out["input example"]
    if kind == "tf.data":
        assert run.data.params["batch_size"] == "10"
        (given_data,) = run.inputs.dataset_inputs
        assert "float32" in (given_data.dataset.schema or "")
    else:
        assert "dataset" in left_out
        assert "param 'batch_size'" in left_out
    (output,) = run.outputs.model_outputs
    assert output.model_id


def _batches(kind: str, data: Any, taken: list[int]) -> Any:
    X, y = data

    def generate() -> Any:
        for start in (0, 10, 20, 30):
            taken.append(start)
            yield X[start : start + 10], y[start : start + 10]

    class Batches(keras.utils.PyDataset):  # type: ignore[misc]  # Keras ships no types
        def __len__(self) -> int:
            return 2

        def __getitem__(self, index: int) -> Any:
            taken.append(index)
            return X[index * 10 : index * 10 + 10], y[index * 10 : index * 10 + 10]

    if kind == "generator":
        return generate()
    if kind == "PyDataset":
        return Batches()
    import tensorflow as tf

    return tf.data.Dataset.from_tensor_slices((X, y)).batch(10).prefetch(1)


def test_a_custom_train_step_is_recorded_and_what_is_no_number_is_refused(
    project: Project, autolog: Callable[..., None], data: Any
) -> None:
    class Own(keras.Model):  # type: ignore[misc]  # Keras ships no types
        def __init__(self) -> None:
            super().__init__()
            self.dense = keras.layers.Dense(1)

        def call(self, x: Any) -> Any:
            return self.dense(x)

        def train_step(self, batch: Any) -> Any:
            loss = keras.ops.mean(self(batch[0]) ** 2)
            return {"own": loss, "pair": keras.ops.stack([loss, loss]), "bad": loss * math.nan}

    autolog()
    keras.utils.set_random_seed(1)
    model = Own()
    model.compile("sgd", "mse", run_eagerly=True)
    model.fit(*data, batch_size=20, epochs=1, verbose=0)
    (run,) = project.runs()
    assert [step for step, _ in points(run, "batch/own")] == [0, 1]
    assert math.isnan(run.data.metrics["batch/bad"])
    assert "batch/pair" not in run.data.metrics
    assert "metric 'pair'" in reasons(project, run)
    assert run.info.status == "FINISHED"
    assert run.data.params["model_class"].endswith("Own")


def test_an_interrupted_fit_keeps_every_batch_so_far(
    project: Project, autolog: Callable[..., None], data: Any, make_model: Callable[..., Any]
) -> None:
    class Interrupt(keras.callbacks.Callback):  # type: ignore[misc]  # Keras ships no types
        def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
            if batch == 2:
                raise KeyboardInterrupt

    autolog()
    with pytest.raises(KeyboardInterrupt):
        make_model().fit(*data, batch_size=10, epochs=2, verbose=0, callbacks=[Interrupt()])
    (run,) = project.runs()
    assert run.info.status == "FAILED"
    assert [step for step, _ in points(run, "batch/loss")] == [0, 1]
    assert run.outputs.model_outputs == []


def test_steps_of_one_execution_are_recorded_at_the_last_of_them(
    project: Project, autolog: Callable[..., None], data: Any, make_model: Callable[..., Any]
) -> None:
    autolog(log_models=False)
    make_model(run_eagerly=False, steps_per_execution=2).fit(
        *data, batch_size=10, epochs=2, verbose=0
    )
    (run,) = project.runs()
    assert [step for step, _ in points(run, "batch/loss")] == [1, 3, 5, 7]


def test_evaluating_later_is_recorded_on_the_run_of_the_model(
    project: Project, autolog: Callable[..., None], data: Any, make_model: Callable[..., Any]
) -> None:
    autolog(log_models=False)
    X_test, y_test = data
    model = make_model()
    model.fit(X_test, y_test, epochs=1, verbose=0)
    loss, accuracy = model.evaluate(X_test, y_test, verbose=0)
    again = model.evaluate(X_test, y_test, verbose=0, return_dict=True)
    make_model().evaluate(X_test, y_test, verbose=0)
    (run,) = project.runs()
    assert run.data.metrics["loss_X_test"] == pytest.approx(loss)
    assert run.data.metrics["accuracy_X_test"] == pytest.approx(accuracy)
    assert run.data.metrics["loss-2_X_test"] == pytest.approx(again["loss"])


def test_inside_a_search_over_wrapped_models_only_the_search_logs(
    project: Project, autolog: Callable[..., None], data: Any
) -> None:
    from sklearn.model_selection import GridSearchCV

    def build(X: Any, y: Any, units: int = 2) -> Any:
        model = keras.Sequential([keras.layers.Dense(2, activation="softmax")])
        model.compile("sgd", "categorical_crossentropy", run_eagerly=True)
        return model

    autolog()
    engine.flavor_autolog("sklearn")(log_models=False)
    wrapped = keras.wrappers.SKLearnClassifier(build, fit_kwargs={"verbose": 0})
    search = GridSearchCV(wrapped, {"fit_kwargs": [{"epochs": 1, "verbose": 0}]}, cv=2)
    with start_run() as mine:
        search.fit(*data)
    (run,) = project.top_runs()
    assert run.info.run_id == mine.info.run_id
    assert run.data.tags["estimator_name"] == "GridSearchCV"
    receipts = [run for run in project.runs() if project.document(run.info.run_id, "receipt")]
    assert len(receipts) == 1


def test_a_callback_list_of_the_users_is_told_as_ever(
    project: Project, autolog: Callable[..., None], data: Any, make_model: Callable[..., Any]
) -> None:
    told: list[int] = []

    class Mine(keras.callbacks.Callback):  # type: ignore[misc]  # Keras ships no types
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            told.append(epoch)

    autolog(log_models=False)
    model = make_model()
    given = keras.callbacks.CallbackList([Mine()], add_history=True, model=model, epochs=2)
    model.fit(*data, epochs=2, callbacks=given, verbose=0)
    (run,) = project.runs()
    assert told == [0, 1]
    assert len(given.callbacks) == 2
    assert [step for step, _ in points(run, "loss")] == [0, 1]
    assert model.history.history["loss"] == [value for _, value in points(run, "loss")]


def test_keras_s_own_random_numbers_go_on_as_without(
    project: Project, autolog: Callable[..., None], data: Any, make_model: Callable[..., Any]
) -> None:
    def run() -> Any:
        model = make_model()
        model.fit(*data, epochs=2, batch_size=10, verbose=0)
        return np.asarray(keras.random.uniform((3,))).tobytes(), model.get_weights()[0].tobytes()

    plain = run()
    autolog(log_input_examples=True)
    assert run() == plain
    assert len(project.runs()) == 1


@pytest.mark.skipif(keras.config.backend() != "tensorflow", reason="the callback is TensorFlow's")
def test_what_the_tensorboard_callback_wrote_in_this_training_is_kept(
    project: Project, autolog: Callable[..., None], data: Any, make_model: Callable[..., Any]
) -> None:
    board = project.path / "board"
    (board / "train").mkdir(parents=True)
    earlier = board / "train" / "events.out.tfevents.1"
    earlier.write_bytes(b"of another training")
    os.utime(earlier, (1, 1))
    autolog(log_models=False)
    make_model().fit(*data, verbose=0, callbacks=[keras.callbacks.TensorBoard(str(board))])
    (run,) = project.runs()
    flush()
    kept = files(run, "tensorboard_logs/train")
    assert len(kept) == 1
    assert "tensorboard_logs/train/events.out.tfevents.1" not in kept
