"""What the author of an integration fills in, and the tools the tests share."""

from __future__ import annotations

import os
import pickle
import random
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from chiplog.core.autolog import engine
from chiplog.hooks import guard
from chiplog.hooks.patcher import Patcher
from chiplog.testing.project import own_project
from chiplog.testing.saying import check

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from types import ModuleType

    from chiplog.core.autolog.installation import Installation
    from chiplog.core.entities import Run
    from chiplog.testing.project import Project


@dataclass(frozen=True)
class Plain:
    """What a training comes to without chiplog.

    Attributes:
        outcome: of the trained object.
        random_state: of the global generators afterwards.
        calls: how often each training function was called.
    """

    outcome: Any
    random_state: Any
    calls: dict[str, int]


_plain: dict[type, Plain] = {}
_functions: dict[type, list[tuple[type | ModuleType, str]]] = {}


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
        left = [p.target for p in below.patches if vars(p.owner)[p.name] is not p.raw]
        check(
            not left,
            says="what autolog() changed is undone when it is switched off",
            seen=f"still changed: {', '.join(left)}",
            do="patch through installation.patcher or installation.watch alone; undo anything "
            "else in uninstall()",
        )

    def train(self) -> Any:
        """Train once from the same seeds."""
        self.seed()
        return self.train_on(self.make_data())

    def only_run(self, project: Project) -> Run:
        """The one run that was recorded, a child run's parent counted alone."""
        runs = project.top_runs()
        check(
            len(runs) == 1,
            says="a training is one run",
            seen=f"there are {len(runs)} runs: {[run.info.run_name for run in runs]}",
            do="watch the function that users call, with a Watch; what it calls inside is left "
            "alone by itself. No run at all: see the receipt line above, or wants()",
        )
        return runs[0]

    def switch_on(self, **options: Any) -> Installation:
        """Call the integration's ``autolog()`` and hand back how it stands."""
        engine.flavor_autolog(self.integration)(**{**self.options, **options})
        installation = engine.installation(self.integration)
        assert installation is not None
        return installation

    def tag(self) -> str:
        """What the tag ``mlflow.autologging`` of its runs says."""
        integration = engine.integrations()[self.integration]
        return integration.configured_by or integration.name

    def switch_off(self) -> None:
        """Call the integration's ``autolog(disable=True)``."""
        engine.flavor_autolog(self.integration)(disable=True)

    def plain(self, below: Below) -> Plain:
        """What this training comes to without chiplog; trained for once, and remembered."""
        if type(self) not in _plain:
            below.calls.clear()
            outcome = self.outcome(self.train())
            _plain[type(self)] = Plain(outcome, self.random_state(), dict(below.calls))
            below.calls.clear()
        return _plain[type(self)]

    def training_functions(self) -> list[tuple[type | ModuleType, str]]:
        """The functions that the integration watches, as owner and name."""
        found = _functions.get(type(self), [])
        if found and all(_is_current(owner) for owner, _ in found):
            return list(found)
        self.train()  # so that whatever it imports lazily is there
        installation = self.switch_on()
        found = list(installation.training)
        state, reason = installation.state, installation.reason
        engine.reset()
        check(
            found,
            says="an integration watches at least one training function",
            seen=f"after a training, {self.integration!r} is {state!r}: {reason or 'no points'}",
            do="name the module that the user imports in Integration.modules, and yield a Point "
            "with a Watch from points()",
        )
        _functions[type(self)] = found
        return list(found)

    def seed(self) -> None:
        """Seed the global generators."""
        random.seed(7)
        if "numpy" in sys.modules:
            sys.modules["numpy"].random.seed(7)
        if hasattr(sys.modules.get("torch"), "manual_seed"):
            sys.modules["torch"].manual_seed(7)

    def random_state(self) -> Any:
        """The state of the global generators."""
        state: list[Any] = [random.getstate()]
        if "numpy" in sys.modules:
            state.append(pickle.dumps(sys.modules["numpy"].random.get_state()))
        if hasattr(sys.modules.get("torch"), "get_rng_state"):
            state.append(sys.modules["torch"].get_rng_state().numpy().tobytes())
        return state


def _is_current(owner: type | ModuleType) -> bool:
    """Whether the module of a watched function has not been imported anew since."""
    if not isinstance(owner, type):
        return sys.modules.get(owner.__name__) is owner
    module = sys.modules.get(owner.__module__)
    return getattr(module, owner.__name__, None) is owner


class Below:
    """Counts the calls that reach the original training functions, and can make them fail.

    Attributes:
        calls: how many outermost calls there were, by the function's name.
        error: raised by the next outermost call instead of training.
        first: called by the next outermost call before training.
        arguments: what the last outermost call was given, by position and by name.
    """

    def __init__(self, functions: list[tuple[type | ModuleType, str]]) -> None:
        self.calls: dict[str, int] = {}
        self.error: BaseException | None = None
        self.first: Callable[[], object] | None = None
        self.arguments: tuple[tuple[Any, ...], dict[str, Any]] = ((), {})
        self.patcher = Patcher("below")
        self._depth = 0
        for owner, name in functions:
            self.patcher.wrap(owner, name, self._around)
        self.patches = self.patcher.patches

    def _around(self, wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:  # noqa: ARG002
        if self._depth == 0:
            self.calls[wrapped.__name__] = self.calls.get(wrapped.__name__, 0) + 1
            self.arguments = args, kwargs
            if self.first is not None:
                self.first()
            error, self.error = self.error, None
            if error is not None:
                raise error
        self._depth += 1
        try:
            return wrapped(*args, **kwargs)
        finally:
            self._depth -= 1
