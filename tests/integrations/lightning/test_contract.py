"""Lightning passes the kit that every integration passes."""

from __future__ import annotations

import logging
import pickle
import warnings
from typing import TYPE_CHECKING, Any

import pytest

from chiplog.core.autolog import engine
from chiplog.testing.integration_kit import IntegrationKit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chiplog.testing.project import Project

pytestmark = [
    pytest.mark.framework,
    pytest.mark.filterwarnings("ignore::UserWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]

pytest.importorskip("lightning")


def _module_class() -> Any:
    import lightning.pytorch as package
    import torch

    class Line(package.LightningModule):
        """A line with dropout before it, which draws random numbers."""

        def __init__(self) -> None:
            super().__init__()
            self.net = torch.nn.Sequential(torch.nn.Dropout(0.5), torch.nn.Linear(2, 1))

        def forward(self, x: Any) -> Any:
            return self.net(x)

        def training_step(self, batch: Any, index: int) -> Any:
            loss = (self(batch) - batch.sum(1, keepdim=True)).square().mean()
            self.log("train_loss", loss)
            return loss

        def configure_optimizers(self) -> Any:
            return torch.optim.SGD(self.parameters(), lr=0.1)

        def __reduce__(self) -> Any:
            return _revived, (self.state_dict(),)

    return Line


def _revived(state: Any) -> Any:
    module = _module_class()()
    module.load_state_dict(state)
    return module


class TestLightning(IntegrationKit):
    """Three steps of a line."""

    integration = "lightning"
    options = {"log_models": False}  # noqa: RUF012 - as the kit has it

    def test_the_one_line_can_leave_it_out(self, project: Project) -> None:
        """Excluded by itself it would be recorded as the plain loop that it is below."""
        engine.autolog(exclude_flavors=["pytorch"])
        self.train()
        assert project.runs() == []

    def make_data(self) -> Any:
        import torch

        return torch.arange(12.0).reshape(6, 2) / 10

    def train_on(self, data: Any) -> Any:
        return self._fit(data)[1]

    def _fit(self, data: Any) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import lightning.pytorch as package
            import torch

            logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
            torch.set_num_threads(1)
            torch.manual_seed(5)
            trainer = package.Trainer(
                max_epochs=1,
                logger=False,
                enable_checkpointing=False,
                accelerator="cpu",
                enable_progress_bar=False,
                enable_model_summary=False,
            )
            module = _module_class()()
            trainer.fit(module, torch.utils.data.DataLoader(data, batch_size=2))
        state = torch.get_rng_state()
        module.trainer = None
        return trainer, module, state

    def outcome(self, trained: Any) -> Any:
        return pickle.dumps({k: v.numpy() for k, v in trained.state_dict().items()})

    def train_nested(self, data: Any) -> Any:
        import lightning.pytorch as package

        outer = self

        class Fits(package.Callback):
            def on_train_end(self, trainer: Any, pl_module: Any) -> None:
                outer._fit(data)

        import torch

        trainer = package.Trainer(
            max_epochs=1,
            logger=False,
            enable_checkpointing=False,
            accelerator="cpu",
            enable_progress_bar=False,
            enable_model_summary=False,
            callbacks=[Fits()],
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            trainer.fit(_module_class()(), torch.utils.data.DataLoader(data, batch_size=2))

    def make_batches(self) -> list[Any]:
        return list(self.make_data().split(1))

    def train_from(self, batches: Iterator[Any]) -> Any:
        import lightning.pytorch as package

        class Stream:
            def __iter__(self) -> Any:
                return batches

        trainer = package.Trainer(
            max_epochs=1,
            logger=False,
            enable_checkpointing=False,
            accelerator="cpu",
            enable_progress_bar=False,
            enable_model_summary=False,
            limit_train_batches=3,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            trainer.fit(_module_class()(), Stream())

    def random_state(self) -> Any:
        import torch

        return [super().random_state(), torch.get_rng_state().tolist()]
