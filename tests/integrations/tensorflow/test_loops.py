"""What autologging records of loops with ``GradientTape``."""

from __future__ import annotations

import gc
import weakref
from typing import TYPE_CHECKING, Any

import pytest

import chiplog
from chiplog.core.autolog.loop import end_loops
from chiplog.core.location import get_tracking_uri
from chiplog.core.runs.reading import metric_history

if TYPE_CHECKING:
    from collections.abc import Callable

    from chiplog.testing.project import Project

pytestmark = [
    pytest.mark.framework,
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]

tf: Any = pytest.importorskip("tensorflow")


def points(run: Any, key: str) -> list[tuple[int, float]]:
    return [(m.step, m.value) for m in metric_history(get_tracking_uri(), run.info.run_id, key)]


def only_run(project: Project) -> Any:
    """The run of the loop, which is over now."""
    end_loops("tensorflow")
    (run,) = project.runs()
    return run


def make_model(name: str = "net") -> Any:
    tf.keras.utils.set_random_seed(1)
    layers = [tf.keras.Input((3,)), tf.keras.layers.Dense(1, name="dense")]
    return tf.keras.Sequential(layers, name=name)


def make_step(model: Any, optimizer: Any) -> Callable[[Any, Any], Any]:
    def train_step(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((model(x, training=True) - y) ** 2)
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        return loss

    return train_step


@pytest.mark.parametrize("form", ["eager", "function"])
def test_every_step_s_loss_is_recorded_in_eager_mode_and_out_of_a_function(
    project: Project, autolog: Callable[..., None], batches: Any, form: str
) -> None:
    def run() -> tuple[list[float], bytes]:
        model, optimizer = make_model(), tf.keras.optimizers.SGD(0.1)
        step = make_step(model, optimizer)
        if form == "function":
            step = tf.function(step)
        losses = [float(step(*batch)) for _ in range(2) for batch in batches]
        end_loops("tensorflow")
        return losses, model.get_weights()[0].tobytes()

    plain = run()
    autolog()
    recorded = run()
    assert recorded == plain
    found = only_run(project)
    assert points(found, "loss") == list(enumerate(plain[0]))
    assert found.info.status == "FINISHED"
    assert found.data.tags["mlflow.autologging"] == "tensorflow"
    assert found.data.params["opt_name"].startswith("sgd")
    assert found.data.params["total_parameters"] == "4"
    assert found.data.metrics["learning_rate"] == pytest.approx(0.1)
    assert len(found.outputs.model_outputs) == 1
    loaded = chiplog.tensorflow.load_model(f"runs:/{found.info.run_id}/model")
    assert loaded.get_weights()[0].tobytes() == recorded[1]


def test_a_loss_that_a_function_keeps_to_itself_is_told_and_metrics_are_recorded(
    project: Project, autolog: Callable[..., None], batches: Any
) -> None:
    autolog(log_models=False)
    model, optimizer = make_model(), tf.keras.optimizers.SGD(0.1)
    mean = tf.keras.metrics.Mean(name="train_loss")
    inner = make_step(model, optimizer)

    def train_step(x: Any, y: Any) -> None:
        mean.update_state(inner(x, y))

    compiled = tf.function(train_step)
    seen = []
    for _ in range(2):
        mean.reset_state()
        for batch in batches:
            compiled(*batch)
        seen.append(float(mean.result()))
    run = only_run(project)
    assert points(run, "train_loss") == [(3, seen[0]), (7, seen[1])]
    reasons = {entry.what: entry.reason for entry in project.receipt(run.info.run_id).skipped}
    assert "log_metric" in reasons["loss 'loss' of train_step()"]


def test_two_networks_that_are_trained_in_turns_are_one_training(
    project: Project, autolog: Callable[..., None], batches: Any
) -> None:
    autolog()
    generator, critic = make_model("generator"), make_model("critic")
    first, second = tf.keras.optimizers.SGD(0.1), tf.keras.optimizers.Adam(0.1)
    for x, y in batches:
        with tf.GradientTape() as one, tf.GradientTape() as other:
            gen_loss = tf.reduce_mean((generator(x) - y) ** 2)
            critic_loss = tf.reduce_mean((critic(x) + y) ** 2)
        to_generator = one.gradient(gen_loss, generator.trainable_variables)
        to_critic = other.gradient(critic_loss, critic.trainable_variables)
        first.apply_gradients(zip(to_generator, generator.trainable_variables, strict=True))
        second.apply_gradients(zip(to_critic, critic.trainable_variables, strict=True))
    run = only_run(project)
    assert [step for step, _ in points(run, "gen_loss")] == [0, 1, 2, 3]
    assert [step for step, _ in points(run, "critic_loss")] == [0, 1, 2, 3]
    assert run.data.params["opt_name"].startswith("sgd")
    assert run.data.params["second/opt_name"].startswith("adam")
    assert len(run.outputs.model_outputs) == 2


def test_gradients_that_are_added_up_are_one_step(
    project: Project, autolog: Callable[..., None], batches: Any
) -> None:
    autolog(log_models=False)
    model, optimizer = make_model(), tf.keras.optimizers.SGD(0.1)
    for pair in (batches[:2], batches[2:]):
        total: Any = None
        for x, y in pair:
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean((model(x) - y) ** 2)
            found = tape.gradient(loss, model.trainable_variables)
            total = found if total is None else [a + b for a, b in zip(total, found, strict=True)]
        optimizer.apply_gradients(zip(total, model.trainable_variables, strict=True))
    assert [step for step, _ in points(only_run(project), "loss")] == [0, 1]


def test_gradients_that_train_nothing_are_no_training(
    project: Project, autolog: Callable[..., None], batches: Any
) -> None:
    autolog()
    model, x = make_model(), tf.constant(batches[0][0])
    with tf.GradientTape() as tape:
        tape.watch(x)
        score = tf.reduce_sum(model(x))
    tape.gradient(score, x)
    end_loops("tensorflow")
    assert project.runs() == []


def test_a_loss_of_more_than_one_number_is_refused(
    project: Project, autolog: Callable[..., None], batches: Any
) -> None:
    autolog(log_models=False)
    model, optimizer = make_model(), tf.keras.optimizers.SGD(0.1)
    for x, y in batches:
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((model(x) - y) ** 2, axis=1)
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
    run = only_run(project)
    assert "loss" not in run.data.metrics
    skipped = {entry.what: entry.reason for entry in project.receipt(run.info.run_id).skipped}
    assert "(10,)" in skipped["metric 'loss'"]


def test_a_loop_in_the_user_s_run_is_recorded_there_and_ends_with_it(
    project: Project, autolog: Callable[..., None], batches: Any
) -> None:
    autolog()
    model = make_model()
    with chiplog.start_run() as mine:
        step = make_step(model, tf.keras.optimizers.SGD(0.1))
        for batch in batches:
            step(*batch)
    (run,) = project.runs()
    assert run.info.run_id == mine.info.run_id
    assert run.info.status == "FINISHED"
    assert len(points(run, "loss")) == 4
    assert len(run.outputs.model_outputs) == 1


def test_nothing_of_a_loop_is_kept_alive(
    project: Project, autolog: Callable[..., None], batches: Any
) -> None:
    autolog(log_models=False)

    def train() -> list[weakref.ref[Any]]:
        model, optimizer = make_model(), tf.keras.optimizers.SGD(0.1)
        step = make_step(model, optimizer)
        loss = None
        for batch in batches:
            loss = step(*batch)
        return [weakref.ref(model), weakref.ref(optimizer), weakref.ref(loss)]

    left = train()
    gc.collect()
    assert [reference() for reference in left] == [None, None, None]
    (run,) = project.runs()
    assert run.info.status == "FINISHED", "it ends when what it trained is gone"


def test_fit_is_recorded_under_tensorflow_s_names(
    project: Project, autolog: Callable[..., None], batches: Any
) -> None:
    autolog(checkpoint=True, checkpoint_monitor="loss", log_datasets=False)
    model = make_model()
    model.compile("sgd", "mse", run_eagerly=True)
    model.fit(*batches[0], epochs=2, batch_size=5, verbose=0)
    (run,) = project.runs()
    assert run.data.params["opt_name"].startswith("sgd")
    assert run.data.tags["mlflow.autologging"] == "tensorflow"
    assert run.data.tags["mlflow.latest_checkpoint_artifact"] == "checkpoints/latest_checkpoint.h5"
    files = chiplog.artifacts.list_artifacts(run_id=run.info.run_id, artifact_path="checkpoints")
    assert {file.path for file in files} == {
        "checkpoints/latest_checkpoint.h5",
        "checkpoints/latest_checkpoint_metrics.json",
    }
    assert run.inputs.dataset_inputs == []
    assert chiplog.tensorflow.load_model(f"runs:/{run.info.run_id}/model").name == "net"


def test_train_on_batch_is_a_loop_too(
    project: Project, autolog: Callable[..., None], batches: Any
) -> None:
    autolog(log_models=False)
    model = make_model()
    model.compile("sgd", "mse")
    handed_back = [float(model.train_on_batch(*batch)) for batch in batches]
    run = only_run(project)
    assert [value for _, value in points(run, "loss")] == pytest.approx(handed_back)


def test_what_is_patched_is_put_back(
    project: Project, autolog: Callable[..., None], batches: Any
) -> None:
    optimizer = tf.keras.optimizers.SGD
    before = tf.GradientTape.gradient, optimizer.apply, tf.keras.metrics.Mean.result
    autolog(log_models=False)
    make_step(make_model(), optimizer(0.1))(*batches[0])
    assert tf.GradientTape.gradient is not before[0]
    end_loops("tensorflow")
    autolog(disable=True)
    assert (tf.GradientTape.gradient, optimizer.apply, tf.keras.metrics.Mean.result) == before
