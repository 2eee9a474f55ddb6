"""A plain PyTorch loop passes the kit that every integration passes, as far as it is about calls.

No call spans a loop, so the tests of what such a call raises are in ``test_endings.py``.
"""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from chiplog.core.autolog import engine
from chiplog.core.autolog.loop import end_loops
from chiplog.testing.integration_kit import IntegrationKit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

pytestmark = pytest.mark.framework

torch = pytest.importorskip("torch")


#: What an enclosing call raises, and what is made of it: there is none.
NOT_OF_LOOPS = (
    "test_a_training_that_is_killed_keeps_what_was_recorded_before",
    "test_two_threads_train_in_two_runs",
    "test_a_watch_that_raises_does_not_hide_the_users_exception",
    "test_the_users_exception_comes_through_and_the_run_says_failed",
    "test_an_interrupt_comes_through_and_the_run_says_failed",
    "test_in_strict_mode_our_mistake_is_raised_once_training_is_over",
    "test_our_mistake_does_not_hide_the_users_exception",
    "test_nothing_is_kept_alive_by_a_training_that_failed",
)


class TestPytorch(IntegrationKit):
    """A small loop with dropout, which draws random numbers."""

    integration = "pytorch"
    options: ClassVar[dict[str, Any]] = {"max_overhead": 1e6}  # every gradient norm

    def make_data(self) -> Any:
        """Twenty points."""
        generator = torch.Generator().manual_seed(0)
        X = torch.randn(20, 3, generator=generator)
        return X, X.sum(1, keepdim=True)

    def train_on(self, data: Any) -> Any:
        """Train for two epochs; the end of the loop's run stands for the end of the program."""
        X, y = data
        dataset = torch.utils.data.TensorDataset(X, y)
        model = self._train(torch.utils.data.DataLoader(dataset, batch_size=8, shuffle=True), 2)
        end_loops()
        return model

    def _train(self, batches: Any, epochs: int) -> Any:
        torch.set_num_threads(1)
        model = torch.nn.Sequential(
            torch.nn.Linear(3, 4), torch.nn.Dropout(), torch.nn.Linear(4, 1)
        )
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for _ in range(epochs):
            for x, y in batches:
                optimizer.zero_grad()
                loss = ((model(x) - y) ** 2).mean()
                loss.backward()
                optimizer.step()
        return model

    def outcome(self, trained: Any) -> Any:
        """The weights, to the bit."""
        return pickle.dumps([tensor.detach().numpy() for tensor in trained.state_dict().values()])

    def make_batches(self) -> list[Any]:
        """Batches, of which the loop reads all but one."""
        X, y = self.make_data()
        return [(X[i : i + 4], y[i : i + 4]) for i in range(0, 20, 4)]

    def train_from(self, batches: Iterator[Any]) -> Any:
        """Train from an iterator."""
        from itertools import islice

        self._train(islice(batches, 4), 1)

    def train_nested(self, data: Any) -> Any:
        """Train a loop inside another training's call."""
        pytest.importorskip("sklearn")
        from sklearn.base import BaseEstimator
        from sklearn.pipeline import make_pipeline

        kit = self

        class Estimator(BaseEstimator):  # type: ignore[misc]  # it has no types
            def fit(self, X: Any, y: Any) -> Any:
                kit.train_on((X, y))
                return self

        engine.flavor_autolog("sklearn")(log_models=False)
        return make_pipeline(Estimator()).fit(*data)

    def seed(self) -> None:
        """Seed torch's generator, too."""
        super().seed()
        torch.manual_seed(7)

    def random_state(self) -> Any:
        """Torch's generator included."""
        return [super().random_state(), pickle.dumps(torch.get_rng_state().numpy())]

    def training_functions(self) -> list[tuple[type | ModuleType, str]]:
        """No function trains: a loop does."""
        return []


for name in NOT_OF_LOOPS:
    setattr(TestPytorch, name, None)
