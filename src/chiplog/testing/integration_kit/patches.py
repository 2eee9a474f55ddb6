"""Tests that patches are put in and taken out so that nobody notices."""

from __future__ import annotations

import copy
import inspect
import pickle
import sys
from typing import TYPE_CHECKING, Any

import pytest

from chiplog.core.autolog import engine
from chiplog.core.autolog.config import AutologConfig
from chiplog.core.models.safety import pickled_modules
from chiplog.testing.integration_kit.form import IntegrationForm
from chiplog.testing.saying import check

if TYPE_CHECKING:
    from types import ModuleType

    from chiplog.testing.project import Project


class PatchTests(IntegrationForm):
    """Off means off, undone means the very same objects, twice is once."""

    def test_undone_means_the_very_same_objects(self) -> None:
        places = self._patched_places()
        before = {place: vars(place[0]).get(place[1]) for place in places}
        everything = self._everything(places)
        self.switch_on()
        changed = [place for place in places if vars(place[0]).get(place[1]) is not before[place]]
        assert len(changed) == len(places)
        self.switch_off()
        for owner, name in places:
            assert vars(owner).get(name) is before[owner, name], f"{owner}.{name}"
            assert (name in vars(owner)) is (before[owner, name] is not None)
        left = [
            f"{owner.__name__}.{name}"
            for owner, name, entry in everything
            if vars(owner).get(name) is not entry
        ]
        check(
            not left,
            says="what autolog() changed is undone when it is switched off",
            seen=f"still changed: {', '.join(left)}",
            do="patch through installation.patcher or installation.watch alone",
        )

    def _everything(
        self, places: list[tuple[type | ModuleType, str]]
    ) -> list[tuple[type | ModuleType, str, Any]]:
        """Every function and class of the framework's modules that are patched or waited for."""
        names = set(engine.integrations()[self.integration].modules)
        names |= {o.__module__ if isinstance(o, type) else o.__name__ for o, _ in places}
        modules = [sys.modules[name] for name in names if name in sys.modules]
        owners: list[type | ModuleType] = list(modules)
        for module in modules:
            owners += [c for c in vars(module).values() if _is_of(c, names)]
        return [
            (owner, name, entry)
            for owner in owners
            for name, entry in list(vars(owner).items())
            if callable(entry) or isinstance(entry, (classmethod, staticmethod))
        ]

    def test_off_means_off(self, project: Project) -> None:
        self.switch_on()
        self.switch_off()
        self.train()
        assert project.runs() == []

    def test_twice_is_once(self, project: Project) -> None:
        self.switch_on()
        self.switch_on()
        self.train()
        assert len(project.top_runs()) == 1
        self.switch_off()
        self.train()
        assert len(project.top_runs()) == 1

    def test_on_again_after_off(self, project: Project) -> None:
        for count in (1, 2):
            self.switch_on()
            self.train()
            assert len(project.top_runs()) == count
            self.switch_off()

    def test_the_one_line_switches_it_on_and_off(self, project: Project) -> None:
        engine.autolog()
        self.train()
        assert len(project.top_runs()) == 1
        engine.autolog(disable=True)
        self.train()
        assert len(project.top_runs()) == 1

    def test_the_one_line_can_leave_it_out(self, project: Project) -> None:
        engine.autolog(exclude_flavors=[self.integration])
        self.train()
        assert project.runs() == []

    def test_its_own_settings_win_over_the_one_line(self, project: Project) -> None:
        self.switch_on(extra_tags={"whose": "its own"})
        engine.autolog(extra_tags={"whose": "the one line's"})
        self.train()
        run = self.only_run(project)
        assert run.data.tags["whose"] == "its own"

    def test_its_autolog_has_the_parameters_all_have(self) -> None:
        autolog: Any = engine.flavor_autolog(self.integration)
        parameters = inspect.signature(autolog).parameters
        assert autolog.integration_name == self.integration
        for name, default in {
            "disable": False,
            "exclusive": False,
            "disable_for_unsupported_versions": False,
            "silent": False,
            "extra_tags": None,
        }.items():
            assert parameters[name].default is default
        with pytest.raises(TypeError, match="no_such_argument"):
            autolog(no_such_argument=1)

    def test_its_settings_pickle(self) -> None:
        options = engine.integrations()[self.integration].options
        assert issubclass(options, AutologConfig)
        config = options(**self.options)
        assert pickle.loads(pickle.dumps(config)) == config

    def test_signatures_docstrings_and_types_are_the_originals(self) -> None:
        places = self.training_functions()
        before = {place: _look(*place) for place in places}
        self.switch_on()
        for place in places:
            assert _look(*place) == before[place], place

    def test_what_is_trained_pickles_and_copies_as_ever(self) -> None:
        plain = self.train()
        self.switch_on()
        recorded = self.train()
        text = pickle.dumps(recorded)
        assert pickle.loads(text) is not None
        ours = {"chiplog", "wrapt", type(engine.integrations()[self.integration]).__module__}
        named = sorted(pickled_modules(text) & {name.partition(".")[0] for name in ours})
        own = sorted(pickled_modules(pickle.dumps(plain)) & set(named))
        check(
            named == own,
            says="what is trained can be unpickled where chiplog is not installed",
            seen=f"the pickle of the trained object names {named}",
            do="leave nothing of yours in the user's objects, callbacks included",
        )
        assert len(text) == len(pickle.dumps(plain))
        assert self.outcome(copy.deepcopy(recorded)) == self.outcome(copy.deepcopy(plain))

    def test_watched_functions_and_classes_can_be_pickled_as_ever(self) -> None:
        places = self.training_functions()
        before = [_pickled(owner, name) for owner, name in places]
        self.switch_on()
        after = [_pickled(owner, name) for owner, name in places]
        wrong = [
            place
            for place, plain, ours in zip(places, before, after, strict=True)
            if plain is not None and (ours is None or {"chiplog", "wrapt"} & (ours - plain))
        ]
        check(
            not wrong,
            says="watched functions and their classes can be pickled, and unpickled where chiplog "
            "is not installed",
            seen=wrong,
            do="patch functions by patcher.wrap_functions where users import them by name",
        )

    def test_watched_methods_pickle_with_their_object(self) -> None:
        trained = self.train()
        names = [
            name
            for owner, name in self.training_functions()
            if isinstance(owner, type) and isinstance(trained, owner)
        ]
        self.switch_on()
        for name in names:
            method = pickle.loads(pickle.dumps(getattr(trained, name)))
            assert type(method.__self__) is type(trained)
            assert method.__name__ == getattr(trained, name).__name__

    def _patched_places(self) -> list[tuple[type | ModuleType, str]]:
        self.train()
        places = [(patch.owner, patch.name) for patch in self.switch_on().patcher.patches]
        self.switch_off()
        assert places
        return places


def _pickled(owner: type | ModuleType, name: str) -> set[str] | None:
    """The modules that unpickling a class, or a module's function, needs; None if it does not."""
    try:
        return pickled_modules(
            pickle.dumps(owner if isinstance(owner, type) else getattr(owner, name))
        )
    except Exception:
        return None


def _is_of(thing: object, modules: set[str]) -> bool:
    return isinstance(thing, type) and thing.__module__ in modules


def _look(owner: type | ModuleType, name: str) -> list[Any]:
    """What a curious user sees of a function."""
    found = getattr(owner, name)
    entry = vars(owner)[name]
    return [
        inspect.signature(found),
        inspect.getdoc(found),
        found.__name__,
        found.__qualname__,
        found.__module__,
        inspect.isfunction(found),
        inspect.ismethod(found),
        isinstance(entry, classmethod),
        isinstance(entry, staticmethod),
        getattr(entry, "__isabstractmethod__", False),
    ]
