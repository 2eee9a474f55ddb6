"""Tests that loading runs nothing that was not trusted, and says what is damaged."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from chiplog.core.errors import ChiplogError, DamagedModel, UntrustedModel
from chiplog.core.models.loading import load_model
from chiplog.core.models.model import FILE, Model
from chiplog.core.models.safety import Trust
from chiplog.testing.flavor_kit.form import FlavorForm
from chiplog.testing.saying import check

if TYPE_CHECKING:
    from chiplog.testing.project import Project

MARK = "it-ran"


class Hostile:
    """Unpickled, it makes a file."""

    def __reduce__(self) -> Any:
        return (open, (MARK, "w"))


class Unhurt(Exception):
    """Stands for the error of a file that may be damaged: the model was loaded whole."""


class SafetyTests(FlavorForm):
    """A model's directory is a stranger's until its user says otherwise."""

    @pytest.mark.usefixtures("unverified")
    @pytest.mark.parametrize("protocol", [0, 2, pickle.DEFAULT_PROTOCOL])
    def test_a_hostile_pickle_in_place_of_the_model_does_not_run(
        self, saved: Path, model: Any, protocol: int
    ) -> None:
        for file in self.own_files(saved):
            data = file.read_bytes()
            file.write_bytes(pickle.dumps(Hostile(), protocol))
            error = self._refusal(saved, model)
            check(
                not Path(MARK).exists(),
                says="loading a model runs nothing that was not trusted",
                seen=f"a pickle in place of {file.name} was run",
                do="read files with read_skops() or the framework's own format, and pickles "
                "through read_pickle(path, trust) alone",
            )
            self._check_refused(error, f"a pickle in place of {file.name}")
            file.write_bytes(data)

    @pytest.mark.usefixtures("unverified")
    def test_a_model_that_calls_itself_a_pickle_is_not_believed(self, saved: Path) -> None:
        mlmodel = Model.load(saved)
        settings = mlmodel.flavors[self.flavor]
        names = [name for name in settings if name.endswith("format")]
        for file in self.own_files(saved):
            file.write_bytes(pickle.dumps(Hostile()))
        for name in names or ["serialization_format"]:
            own = settings.get(name)
            for claimed in ("pickle", "cloudpickle", "joblib"):
                settings[name] = claimed
                mlmodel.save(saved / FILE)
                self._refusal(saved)
                check(
                    not Path(MARK).exists(),
                    says="a model's own word is no reason to trust it",
                    seen=f"{name}={claimed!r} in the MLmodel file made load() run a pickle",
                    do="unpickle through read_pickle(path, trust) alone",
                )
            settings[name] = own

    def test_a_pickle_of_its_own_asks_for_trust_and_names_what_it_holds(
        self, project: Project, model: Any
    ) -> None:
        if self.pickling is None:
            pytest.skip("the flavor writes no pickles")
        saved = self.save(model, project.path / "m", options={**self.options, **self.pickling})
        with pytest.raises(UntrustedModel, match=type(model).__name__):
            load_model(self.flavor, saved, Trust())
        assert self.predict(self.load(saved, allow_pickle=True)) == self.predict(model)

    @pytest.mark.usefixtures("unverified")
    @pytest.mark.parametrize("how", ["empty", "half", "garbage"])
    def test_a_damaged_file_is_said_to_be_damaged(self, saved: Path, model: Any, how: str) -> None:
        for file in self.own_files(saved):
            data = file.read_bytes()
            damage = {"empty": b"", "half": data[: len(data) // 2], "garbage": b"\xff\x00 no" * 99}
            file.write_bytes(damage[how])
            # Of a pickle that is not trusted, nothing would be looked at.
            error = self._refusal(saved, model, Trust(True if self.only_pickles else None))
            self._check_refused(error, f"{file.name} with {how} content")
            file.write_bytes(data)

    @pytest.mark.usefixtures("unverified")
    def test_a_file_outside_the_directory_is_not_read(self, saved: Path, project: Project) -> None:
        mlmodel = Model.load(saved)
        settings = mlmodel.flavors[self.flavor]
        names = [n for n, v in settings.items() if isinstance(v, str) and (saved / v).is_file()]
        if not names:
            pytest.skip("no setting names a single file")
        for name in names:
            inside = settings[name]
            (project.path / "outside").write_bytes((saved / inside).read_bytes())
            for outside in ("../outside", str(project.path / "outside")):
                settings[name] = outside
                mlmodel.save(saved / FILE)
                error = self._refusal(saved)
                check(
                    isinstance(error, ChiplogError),
                    says="a model names no file outside its own directory",
                    seen=f"{name}={outside!r} was {'read' if error is None else repr(error)}",
                    do="find files with file_of(path, settings[...])",
                )
            settings[name] = inside

    def _refusal(
        self, saved: Path, model: Any = None, trust: Trust | None = None
    ) -> Exception | None:
        """What loading raises; None if it gives a model. Unhurt if it predicts as ``model``."""
        try:
            loaded = load_model(self.flavor, saved, trust or Trust())
            if model is not None and self.predict(loaded) == self.predict(model):
                return Unhurt()  # the file is not needed to load, such as a note on the writer
        except Exception as error:
            return error
        return None

    def _check_refused(self, error: Exception | None, what: str) -> None:
        check(
            isinstance(error, (DamagedModel, UntrustedModel, Unhurt)),
            says="a damaged model raises DamagedModel, an untrusted one UntrustedModel",
            seen=f"{what}: "
            + ("it was loaded, as another model" if error is None else repr(error)[:300]),
            do="catch the framework's own error in load() and raise DamagedModel(...) from it; "
            "where the framework takes damaged files, keep a size or digest in the settings",
        )
