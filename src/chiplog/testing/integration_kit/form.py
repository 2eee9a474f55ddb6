"""What the author of an integration fills in, and the tools the tests share."""

from __future__ import annotations

import os
import pickle
import random
import sys
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from chiplog.core.autolog import engine
from chiplog.hooks import guard
from chiplog.hooks.patcher import Patcher
from chiplog.testing.project import own_project

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import ModuleType

    from chiplog.core.autolog.installation import Installation
    from chiplog.testing.project import Project


class IntegrationForm:
    """What a subclass fills in.

    Attributes:
        integration: the integration's name.
        options: arguments for its ``autolog()`` in these tests.
    """

    integration: ClassVar[str]
    options: ClassVar[dict[str, Any]] = {}

    def make_data(self) -> Any:
        """Data for one small training; the same at each call."""
        raise NotImplementedError

    def train_on(self, data: Any) -> Any:
        """Train once and hand back what was trained. Takes well under a second.

        The same result each time for the same seeds of ``random`` and ``numpy.random``.
        """
        raise NotImplementedError

    def outcome(self, trained: Any) -> Any:
        """What to compare of a trained object; its pickle unless overridden."""
        return pickle.dumps(trained)

    def train_nested(self, data: Any) -> Any:  # noqa: ARG002
        """Train something that trains inside itself, such as a search. Left out by default."""
        pytest.skip("no nested training was filled in")

    def train_from(self, batches: Iterator[Any]) -> Any:  # noqa: ARG002
        """Train from an iterator over what :meth:`make_batches` gives. Left out by default."""
        pytest.skip("no training from an iterator was filled in")

    def make_batches(self) -> list[Any]:
        """What :meth:`train_from` iterates over; more than it takes."""
        return []

    # Tools

    @pytest.fixture(autouse=True)
    def project(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
        """A project of the test's own, strict errors, and nothing steering it from outside."""
        for name in list(os.environ):
            if name.startswith(("CHIPLOG_", "MLFLOW_")):
                monkeypatch.delenv(name)
        monkeypatch.setenv("CHIPLOG_STRICT", "1")
        with own_project(tmp_path) as project:
            yield project

    @pytest.fixture
    def lenient(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """As at a user's: chiplog's own errors are warnings."""
        monkeypatch.delenv("CHIPLOG_STRICT", raising=False)
        monkeypatch.setattr(guard, "_seen", set())

    @pytest.fixture
    def below(self) -> Iterator[Below]:
        """Stands below chiplog's wrappers, around the original training functions."""
        below = Below(self.training_functions())
        yield below
        engine.reset()  # what lies above it goes first, or it would stay buried underneath
        below.patcher.undo()
        assert all(vars(patch.owner)[patch.name] is patch.raw for patch in below.patches)

    def train(self) -> Any:
        """Train once from the same seeds."""
        self.seed()
        return self.train_on(self.make_data())

    def switch_on(self, **options: Any) -> Installation:
        """Call the integration's ``autolog()`` and hand back how it stands."""
        engine.flavor_autolog(self.integration)(**{**self.options, **options})
        installation = engine.installation(self.integration)
        assert installation is not None
        return installation

    def switch_off(self) -> None:
        """Call the integration's ``autolog(disable=True)``."""
        engine.flavor_autolog(self.integration)(disable=True)

    def training_functions(self) -> list[tuple[type | ModuleType, str]]:
        """The functions that the integration watches, as owner and name."""
        self.train()  # so that whatever it imports lazily is there
        installation = self.switch_on()
        found = list(installation.training)
        engine.reset()
        assert found, "the integration watches no training function"
        return found

    def seed(self) -> None:
        """Seed the global generators."""
        random.seed(7)
        if "numpy" in sys.modules:
            sys.modules["numpy"].random.seed(7)

    def random_state(self) -> Any:
        """The state of the global generators."""
        state: list[Any] = [random.getstate()]
        if "numpy" in sys.modules:
            state.append(pickle.dumps(sys.modules["numpy"].random.get_state()))
        return state


class Below:
    """Counts the calls that reach the original training functions, and can make them fail.

    Attributes:
        calls: how many outermost calls there were, by the function's name.
        error: raised by the next outermost call instead of training.
    """

    def __init__(self, functions: list[tuple[type | ModuleType, str]]) -> None:
        self.calls: dict[str, int] = {}
        self.error: BaseException | None = None
        self.patcher = Patcher("below")
        self._depth = 0
        for owner, name in functions:
            self.patcher.wrap(owner, name, self._around)
        self.patches = self.patcher.patches

    def _around(self, wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:  # noqa: ARG002
        if self._depth == 0:
            self.calls[wrapped.__name__] = self.calls.get(wrapped.__name__, 0) + 1
            error, self.error = self.error, None
            if error is not None:
                raise error
        self._depth += 1
        try:
            return wrapped(*args, **kwargs)
        finally:
            self._depth -= 1
