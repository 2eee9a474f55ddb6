"""Every way to train in every framework gives data, or a reason why not: no silent cell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

import chiplog
from chiplog.core import background
from chiplog.core.autolog import receipt
from chiplog.core.autolog.account import account
from chiplog.core.autolog.loop import end_loops
from chiplog.core.stores import open_tracking_store
from chiplog.testing.project import own_project

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = [
    pytest.mark.framework,
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore"),  # the frameworks' own
]


@dataclass(frozen=True)
class Cell:
    """A way to train.

    Attributes:
        framework: the module it needs, which names its integration unless ``flavor`` does.
        entry: what the user calls.
        train: trains a little.
        recorded: a metric or param that the run has; None if nothing can be recorded.
    """

    framework: str
    entry: str
    train: Callable[[], object]
    recorded: str | None


CELLS: list[Cell] = []


def cell(
    framework: str, entry: str, recorded: str | None
) -> Callable[[Callable[[], object]], Callable[[], object]]:
    """Enter the decorated function as a way to train."""

    def enter(train: Callable[[], object]) -> Callable[[], object]:
        CELLS.append(Cell(framework, entry, train, recorded))
        return train

    return enter


def digits() -> tuple[Any, Any]:
    """A hundred digits: features as float32, labels."""
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    return (X[:100] / 16).astype("float32"), y[:100]


# scikit-learn


@cell("sklearn", "fit", "training_score")
def sklearn_fit() -> object:
    from sklearn.tree import DecisionTreeClassifier

    return DecisionTreeClassifier().fit(*digits())


@cell("sklearn", "fit_transform", "n_components")
def sklearn_fit_transform() -> object:
    from sklearn.decomposition import PCA

    return PCA(2).fit_transform(digits()[0])


@cell("sklearn", "fit_predict", "n_clusters")
def sklearn_fit_predict() -> object:
    from sklearn.cluster import KMeans

    return KMeans(2, n_init=1).fit_predict(digits()[0])


@cell("sklearn", "partial_fit", "training_score")
def sklearn_partial_fit() -> object:
    from sklearn.naive_bayes import GaussianNB

    return GaussianNB().partial_fit(*digits(), classes=range(10))


@cell("sklearn", "GridSearchCV.fit", "best_cv_score")
def sklearn_search() -> object:
    from sklearn.model_selection import GridSearchCV
    from sklearn.naive_bayes import GaussianNB

    return GridSearchCV(GaussianNB(), {"var_smoothing": [1e-9, 1e-3]}, cv=2).fit(*digits())


@cell("sklearn", "cross_val_score", "mean_test_score")
def sklearn_cross_val_score() -> object:
    from sklearn.model_selection import cross_val_score
    from sklearn.naive_bayes import GaussianNB

    return cross_val_score(GaussianNB(), *digits(), cv=2)


# PyTorch


def torch_parts() -> tuple[Any, Any, Any, Any]:
    """A model, an optimizer, features and labels."""
    import torch

    torch.manual_seed(0)
    X, y = digits()
    model = torch.nn.Linear(64, 10)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    return model, optimizer, torch.tensor(X), torch.tensor(y)


@cell("torch", "backward and step", "loss")
def torch_loop() -> object:
    import torch

    model, optimizer, X, y = torch_parts()
    for _ in range(3):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(X), y).backward()
        optimizer.step()
    return model


@cell("torch", "autograd.backward and step", "loss")
def torch_autograd() -> object:
    import torch

    model, optimizer, X, y = torch_parts()
    torch.autograd.backward(torch.nn.functional.cross_entropy(model(X), y))
    optimizer.step()
    return model


@cell("torch", "step(closure)", "loss")
def torch_closure() -> object:
    import torch

    model, optimizer, X, y = torch_parts()

    def closure() -> Any:
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(X), y)
        loss.backward()
        return loss

    optimizer.step(closure)
    return model


@cell("torch", "autograd.grad and step", "lr")
def torch_own_gradients() -> object:
    import torch

    model, optimizer, X, y = torch_parts()
    loss = torch.nn.functional.cross_entropy(model(X), y)
    for parameter, gradient in zip(
        model.parameters(), torch.autograd.grad(loss, list(model.parameters())), strict=True
    ):
        parameter.grad = gradient
    optimizer.step()
    return model


@cell("torch", "backward without an optimizer", None)
def torch_without_optimizer() -> object:
    import torch

    model, _, X, y = torch_parts()
    torch.nn.functional.cross_entropy(model(X), y).backward()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.sub_(0.1 * parameter.grad)
    return model


# Lightning


def lightning_parts(package: str) -> tuple[Any, Any, Any]:
    """A trainer, a module and a loader."""
    import importlib

    import torch
    from torch.utils.data import DataLoader, TensorDataset

    lightning = importlib.import_module(package)

    class Classifier(lightning.LightningModule):  # type: ignore[name-defined,misc]  # either package's
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(64, 10)

        def training_step(self, batch: Any, batch_idx: int) -> Any:
            loss = torch.nn.functional.cross_entropy(self.layer(batch[0]), batch[1])
            self.log("train_loss", loss)
            return loss

        def test_step(self, batch: Any, batch_idx: int) -> None:
            self.log("test_loss", torch.nn.functional.cross_entropy(self.layer(batch[0]), batch[1]))

        def configure_optimizers(self) -> Any:
            return torch.optim.SGD(self.parameters(), lr=0.1)

    X, y = digits()
    loader = DataLoader(TensorDataset(torch.tensor(X), torch.tensor(y)), batch_size=50)
    trainer = lightning.Trainer(
        max_epochs=1,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    return trainer, Classifier(), loader


@cell("lightning", "lightning Trainer.fit", "train_loss")
def lightning_fit() -> object:
    trainer, model, loader = lightning_parts("lightning")
    trainer.fit(model, loader)
    return model


@cell("pytorch_lightning", "pytorch_lightning Trainer.fit", "train_loss")
def pytorch_lightning_fit() -> object:
    trainer, model, loader = lightning_parts("pytorch_lightning")
    trainer.fit(model, loader)
    return model


@cell("lightning", "Trainer.test after fit", "test_loss")
def lightning_test() -> object:
    trainer, model, loader = lightning_parts("lightning")
    trainer.fit(model, loader)
    return trainer.test(model, loader, verbose=False)


@cell("lightning", "Fabric", "loss")
def lightning_fabric() -> object:
    import lightning
    import torch

    fabric = lightning.Fabric(accelerator="cpu", devices=1)
    model, optimizer, X, y = torch_parts()
    model, optimizer = fabric.setup(model, optimizer)
    for _ in range(2):
        optimizer.zero_grad()
        fabric.backward(torch.nn.functional.cross_entropy(model(X), y))
        optimizer.step()
    return model


# Keras and TensorFlow


def keras_model() -> Any:
    """A compiled model."""
    import keras

    model = keras.Sequential([keras.Input((64,)), keras.layers.Dense(10)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer="sgd", loss=loss)
    return model


@cell("tensorflow", "Model.fit", "loss")
def keras_fit() -> object:
    model = keras_model()
    model.fit(*digits(), epochs=1, verbose=0)
    return model


@cell("tensorflow", "Model.train_on_batch", "loss")
def keras_train_on_batch() -> object:
    model = keras_model()
    for _ in range(2):
        model.train_on_batch(*digits())
    return model


def tape_step(model: Any, optimizer: Any, X: Any, y: Any) -> Any:
    """A step written out."""
    import tensorflow as tf

    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.keras.losses.sparse_categorical_crossentropy(y, model(X), True))
    gradients = tape.gradient(loss, model.trainable_variables)
    optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
    return loss


@cell("tensorflow", "GradientTape", "loss")
def tensorflow_tape() -> object:
    import tensorflow as tf

    model, optimizer = keras_model(), tf.keras.optimizers.SGD()
    for _ in range(2):
        tape_step(model, optimizer, *digits())
    return model


@cell("tensorflow", "GradientTape in tf.function", "loss")
def tensorflow_function() -> object:
    import tensorflow as tf

    model, optimizer = keras_model(), tf.keras.optimizers.SGD()
    optimizer.build(model.trainable_variables)
    X, y = (tf.constant(one) for one in digits())
    step = tf.function(lambda: tape_step(model, optimizer, X, y))
    for _ in range(2):
        step()
    return model


@cell("tensorflow", "GradientTape without an optimizer", None)
def tensorflow_without_optimizer() -> object:
    import tensorflow as tf

    weights = tf.Variable(tf.zeros((64, 10)))
    X, y = digits()
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.keras.losses.sparse_categorical_crossentropy(y, X @ weights, True))
    weights.assign_sub(0.1 * tape.gradient(loss, weights))
    return weights


# XGBoost and LightGBM


@cell("xgboost", "train", "train-mlogloss")
def xgboost_train() -> object:
    import xgboost

    data = xgboost.DMatrix(*digits())
    params = {"objective": "multi:softprob", "num_class": 10}
    return xgboost.train(params, data, 2, evals=[(data, "train")])


@cell("xgboost", "cv", "test-mlogloss-mean")
def xgboost_cv() -> object:
    import xgboost

    params = {"objective": "multi:softprob", "num_class": 10}
    return xgboost.cv(params, xgboost.DMatrix(*digits()), 2, nfold=2)


@cell("xgboost", "XGBClassifier.fit", "n_estimators")
def xgboost_classifier() -> object:
    import xgboost

    return xgboost.XGBClassifier(n_estimators=2).fit(*digits())


@cell("xgboost", "Booster.update", None)
def xgboost_update() -> object:
    import xgboost

    data = xgboost.DMatrix(*digits())
    booster = xgboost.Booster({"objective": "multi:softprob", "num_class": 10}, [data])
    booster.update(data, 0)
    return booster


@cell("lightgbm", "train", "train-multi_logloss")
def lightgbm_train() -> object:
    import lightgbm

    data = lightgbm.Dataset(*digits())
    params = {"objective": "multiclass", "num_class": 10, "verbose": -1}
    return lightgbm.train(params, data, 2, valid_sets=[data], valid_names=["train"])


@cell("lightgbm", "cv", "valid-multi_logloss-mean")
def lightgbm_cv() -> object:
    import lightgbm

    params = {"objective": "multiclass", "num_class": 10, "verbose": -1}
    return lightgbm.cv(params, lightgbm.Dataset(*digits()), 2, nfold=2)


@cell("lightgbm", "LGBMClassifier.fit", "n_estimators")
def lightgbm_classifier() -> object:
    import lightgbm

    return lightgbm.LGBMClassifier(n_estimators=2, verbose=-1).fit(*digits())


@cell("lightgbm", "Booster.update", None)
def lightgbm_update() -> object:
    import lightgbm

    params = {"objective": "multiclass", "num_class": 10, "verbose": -1}
    booster = lightgbm.Booster(params, lightgbm.Dataset(*digits()))
    booster.update()
    return booster


# statsmodels


@cell("statsmodels", "OLS.fit", "rsquared")
def statsmodels_fit() -> object:
    from statsmodels.regression.linear_model import OLS

    X, y = digits()
    return OLS(y, X[:, 20:24]).fit()


@pytest.fixture
def _recording(tmp_path: Any) -> Iterator[None]:
    """Autologging of everything, in a project of the test's own."""
    with own_project(tmp_path):
        chiplog.autolog()
        yield
        chiplog.autolog(disable=True)


@pytest.mark.usefixtures("_recording")
@pytest.mark.parametrize("way", CELLS, ids=lambda way: f"{way.framework}: {way.entry}")
def test_a_way_to_train_gives_data_or_a_reason(way: Cell) -> None:
    pytest.importorskip(way.framework)
    trained = way.train()
    for flavor in ("pytorch", "tensorflow"):
        end_loops(flavor)
    del trained
    background.flush(60)
    runs = chiplog.search_runs(output_format="list")
    found = {key for run in runs for key in (*run.data.metrics, *run.data.params)}
    if way.recorded is None:
        assert not found
        line = account.line()
        assert line is not None
        assert "nothing was recorded of" in line
        return
    assert way.recorded in found
    store = open_tracking_store(chiplog.get_tracking_uri())
    bodies = [store.get_document(run.info.run_id, receipt.DOCUMENT) for run in runs]
    sessions = [one for body in bodies if body for one in receipt.decode(body).sessions]
    assert sessions
    assert all(one.captured for one in sessions)
    assert all(one.reason for session in sessions for one in session.skipped + session.degraded)
