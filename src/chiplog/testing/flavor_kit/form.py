"""What the author of a flavor fills in, and the tools the tests share."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from chiplog.core.models.flavor import get_flavor
from chiplog.core.models.loading import load_model
from chiplog.core.models.model import FILE, Model
from chiplog.core.models.safety import Trust
from chiplog.core.models.saving import ModelContent, save_model
from chiplog.testing.project import own_project

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from chiplog.core.models.flavor import Flavor
    from chiplog.testing.project import Project

#: Files of a model's directory that every flavor has, beside its own.
COMMON_FILES = frozenset(
    {
        FILE,
        "conda.yaml",
        "python_env.yaml",
        "requirements.txt",
        "constraints.txt",
        "input_example.json",
        "serving_input_example.json",
    }
)


_models: dict[type, Any] = {}


class FlavorForm:
    """What a subclass fills in.

    Attributes:
        flavor: the flavor's name.
        framework: the framework's top-level module, as it is imported.
        distribution: the distribution that ``requirements.txt`` must pin; the framework's module
            unless given.
        options: the flavor's own arguments of ``save_model`` in these tests.
        pickling: the arguments with which the flavor writes a pickle, if it can be asked to.
        only_pickles: whether the framework has no other format. ``options`` asks for it, then, and
            the tests load with trust, but for those of what happens without.
    """

    flavor: ClassVar[str]
    framework: ClassVar[str]
    distribution: ClassVar[str] = ""
    options: ClassVar[dict[str, Any]] = {}
    pickling: ClassVar[dict[str, Any] | None] = None
    only_pickles: ClassVar[bool] = False

    def make_model(self) -> Any:
        """A small trained model. Takes well under a second; made once for the class."""
        raise NotImplementedError

    def make_input(self) -> Any:
        """Data that the model predicts from."""
        raise NotImplementedError

    def predict(self, model: Any) -> bytes:
        """The model's predictions as bytes, to be compared; of the flavor unless overridden."""
        return self.as_bytes(self.the_flavor.predict(model, self.make_input(), self.options))

    def as_bytes(self, given: Any) -> bytes:
        """What a prediction gave, an array or several by name, as bytes."""
        import numpy as np

        parts = given.values() if isinstance(given, dict) else [given]
        return b"".join(np.ascontiguousarray(part).tobytes() for part in parts)

    # Tools

    @pytest.fixture
    def model(self) -> Any:
        """The model, made once and shared by the tests."""
        if type(self) not in _models:
            _models[type(self)] = self.make_model()
        return _models[type(self)]

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
    def unverified(self, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG002 - it clears such variables first
        """Whoever changes a file can change its digest: the flavor finds what is wrong itself."""
        monkeypatch.setenv("CHIPLOG_VERIFY_MODEL_FILES", "false")

    @pytest.fixture
    def saved(self, project: Project, model: Any) -> Path:
        """The model, saved in a directory."""
        return self.save(model, project.path / "saved")

    @property
    def asking(self) -> dict[str, Any]:
        """What the public ``save_model`` must be told, of a framework that has only pickles."""
        return self.options if self.only_pickles else {}

    @property
    def trusting(self) -> dict[str, Any]:
        """What the public ``load_model`` must be told, likewise."""
        return {"allow_pickle": True} if self.only_pickles else {}

    @property
    def the_flavor(self) -> Flavor:
        """The flavor, as its plugin provides it."""
        return get_flavor(self.flavor)

    def save(self, model: Any, path: Path, **changes: Any) -> Path:
        """Save a model into a directory; ``changes`` are of :class:`ModelContent`."""
        changes.setdefault("options", self.options)
        save_model(self.the_flavor, ModelContent(model, **changes), path)
        return path

    def load(self, path: Path, *, allow_pickle: bool | None = None) -> Any:
        """Load a model with no trust beyond that, and what its format cannot do without."""
        if allow_pickle is None and self.only_pickles:
            allow_pickle = True
        return load_model(self.flavor, path, Trust(allow_pickle))

    def settings(self, path: Path) -> dict[str, Any]:
        """The flavor's part of the MLmodel file."""
        return Model.load(path).flavors[self.flavor]

    def own_files(self, path: Path) -> list[Path]:
        """The files that the flavor itself wrote."""
        return sorted(
            file
            for file in path.rglob("*")
            if file.is_file() and file.relative_to(path).as_posix() not in COMMON_FILES
        )
