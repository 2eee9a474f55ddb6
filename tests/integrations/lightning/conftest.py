"""Digits, small Lightning modules on them, and a project for each test."""

from __future__ import annotations

import functools
import logging
from typing import TYPE_CHECKING, Any

import pytest

from chiplog.testing.project import own_project

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from chiplog.testing.project import Project


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """A project of the test's own."""
    with own_project(tmp_path) as project:
        yield project


@pytest.fixture
def autolog(project: Project) -> Callable[..., None]:
    """``chiplog.lightning.autolog``; ``own_project`` switches it off again."""
    from chiplog.core.autolog.engine import flavor_autolog

    function = flavor_autolog("lightning")

    def switch_on(**options: Any) -> None:
        function(**options)

    return switch_on


@pytest.fixture(autouse=True)
def _quiet() -> None:
    for name in ("lightning.pytorch", "pytorch_lightning", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.ERROR)


class Kit:
    """One of Lightning's packages, and modules made from it."""

    def __init__(self, package: Any) -> None:
        import torch

        torch.set_num_threads(1)
        self.package = package
        self.callbacks = package.callbacks
        self.Digits = module_class(package)

    def trainer(self, **options: Any) -> Any:
        defaults = {
            "max_epochs": 2,
            "logger": False,
            "enable_checkpointing": False,
            "enable_progress_bar": False,
            "enable_model_summary": False,
            "accelerator": "cpu",
            "log_every_n_steps": 50,
        }
        return self.package.Trainer(**{**defaults, **options})

    def loaders(self, rows: int = 40, batch: int = 8) -> tuple[Any, Any]:
        X, y = digits()
        return loader(X[:rows], y[:rows], batch), loader(
            X[rows : rows + 20], y[rows : rows + 20], 10
        )

    def seed(self) -> None:
        import torch

        torch.manual_seed(3)

    def fit(self, module: Any = None, **options: Any) -> tuple[Any, Any]:
        """Train once; hands back trainer and module."""
        self.seed()
        module = module or self.Digits()
        trainer = self.trainer(**options)
        trainer.fit(module, *self.loaders())
        return trainer, module


@functools.cache
def digits() -> tuple[Any, Any]:
    import torch
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    return torch.tensor(X[:200] / 16, dtype=torch.float32), torch.tensor(y[:200])


def loader(X: Any, y: Any, batch: int) -> Any:
    from torch.utils.data import DataLoader, TensorDataset

    return DataLoader(TensorDataset(X, y), batch_size=batch, shuffle=False)


@functools.cache
def module_class(package: Any) -> Any:
    import torch
    from torch.nn import functional

    class Digits(package.LightningModule):  # type: ignore[misc]  # a base known at run time only
        """A small classifier that logs a bit of everything."""

        def __init__(self, hidden: int = 8, rate: float = 0.01) -> None:
            super().__init__()
            self.save_hyperparameters()
            self.net = torch.nn.Sequential(
                torch.nn.Linear(64, hidden),
                torch.nn.ReLU(),
                torch.nn.Dropout(0.1),
                torch.nn.Linear(hidden, 10),
            )
            self.seen: list[float] = []

        def forward(self, x: Any) -> Any:
            return self.net(x)

        def training_step(self, batch: Any, index: int) -> Any:
            x, y = batch
            loss = functional.cross_entropy(self(x), y)
            self.log("train_loss", loss, on_step=True, on_epoch=True)
            self.seen.append(loss.item())
            return loss

        def validation_step(self, batch: Any, index: int) -> None:
            x, y = batch
            out = self(x)
            self.log("val_loss", functional.cross_entropy(out, y))

        def test_step(self, batch: Any, index: int) -> None:
            x, y = batch
            self.log("test_loss", functional.cross_entropy(self(x), y))

        def predict_step(self, batch: Any, index: int) -> Any:
            return self(batch[0])

        def configure_optimizers(self) -> Any:
            return torch.optim.Adam(self.parameters(), lr=self.hparams.rate)

    return Digits


@pytest.fixture
def kit() -> Kit:
    """``lightning`` with its modules."""
    return Kit(pytest.importorskip("lightning.pytorch"))


@pytest.fixture(params=["lightning.pytorch", "pytorch_lightning"])
def each_kit(request: pytest.FixtureRequest) -> Kit:
    """Both packages, one after the other."""
    return Kit(pytest.importorskip(request.param))
