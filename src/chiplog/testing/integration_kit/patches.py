"""Tests that patches are put in and taken out so that nobody notices."""

from __future__ import annotations

import copy
import inspect
import pickle
from typing import TYPE_CHECKING, Any

import pytest

from chiplog.core.autolog import engine
from chiplog.core.autolog.config import AutologConfig
from chiplog.testing.integration_kit.form import IntegrationForm

if TYPE_CHECKING:
    from types import ModuleType

    from chiplog.testing.project import Project


class PatchTests(IntegrationForm):
    """Off means off, undone means the very same objects, twice is once."""

    def test_undone_means_the_very_same_objects(self) -> None:
        places = self._patched_places()
        before = {place: vars(place[0]).get(place[1]) for place in places}
        self.switch_on()
        changed = [place for place in places if vars(place[0]).get(place[1]) is not before[place]]
        assert len(changed) == len(places)
        self.switch_off()
        for owner, name in places:
            assert vars(owner).get(name) is before[owner, name], f"{owner}.{name}"
            assert (name in vars(owner)) is (before[owner, name] is not None)

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
        (run,) = project.top_runs()
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
        assert len(text) == len(pickle.dumps(plain))
        assert self.outcome(copy.deepcopy(recorded)) == self.outcome(copy.deepcopy(plain))

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
