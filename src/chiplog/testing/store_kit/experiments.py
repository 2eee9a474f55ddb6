"""Behaviour of experiments."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from chiplog.core.entities import ViewType
from chiplog.core.errors import AlreadyExists, ChiplogError, InvalidValue, NotFound
from chiplog.testing.store_kit.pen import Behaviour

if TYPE_CHECKING:
    from chiplog.core.stores import TrackingStore
    from chiplog.testing.store_kit.pen import Pen


class ExperimentBehaviour(Behaviour):
    """Making, naming, deleting and searching experiments."""

    def test_a_new_store_has_the_default_experiment(self, store: TrackingStore) -> None:
        """Its id is "0" and its name Default."""
        experiment = store.get_experiment("0")
        assert (experiment.name, experiment.lifecycle_stage) == ("Default", "active")

    def test_an_experiment_reads_back_as_it_was_made(self, store: TrackingStore) -> None:
        """Name, location, tags, times."""
        made = store.create_experiment("größe/1", "/somewhere/else", {"a": "b", "long": "x" * 9000})
        experiment = store.get_experiment(made)
        assert experiment.name == "größe/1"
        assert experiment.artifact_location == "/somewhere/else"
        assert experiment.tags == {"a": "b", "long": "x" * 9000}
        assert experiment.creation_time == experiment.last_update_time
        assert store.get_experiment_by_name("größe/1") == experiment

    def test_a_default_artifact_location_ends_with_the_id(self, store: TrackingStore) -> None:
        """So that experiments never share a folder."""
        made = store.create_experiment("e", None, {})
        assert store.get_experiment(made).artifact_location.endswith(f"/{made}")

    def test_a_name_in_use_cannot_be_taken(self, store: TrackingStore) -> None:
        """Neither by making nor by renaming."""
        store.create_experiment("one", None, {})
        other = store.create_experiment("other", None, {})
        with pytest.raises(AlreadyExists, match="'one'"):
            store.create_experiment("one", None, {})
        with pytest.raises(AlreadyExists, match="'one'"):
            store.rename_experiment(other, "one")
        assert store.get_experiment(other).name == "other"

    def test_names_mind_case(self, store: TrackingStore) -> None:
        """Two names that differ in case alone are two names."""
        store.create_experiment("One", None, {})
        store.create_experiment("one", None, {})
        assert store.get_experiment_by_name("ONE") is None

    def test_what_does_not_exist_is_not_found(self, store: TrackingStore) -> None:
        """An unknown name is None; an unknown id raises; what is no id at all is invalid."""
        assert store.get_experiment_by_name("nothing") is None
        with pytest.raises(NotFound):
            store.get_experiment("4711")
        with pytest.raises(InvalidValue):
            store.get_experiment("no number")

    def test_a_deleted_name_is_free_at_once(self, store: TrackingStore) -> None:
        """And the name then means the new one."""
        old = store.create_experiment("again", None, {})
        store.delete_experiment(old)
        found = store.get_experiment_by_name("again")
        assert found is not None
        assert (found.experiment_id, found.lifecycle_stage) == (old, "deleted")
        new = store.create_experiment("again", None, {})
        found = store.get_experiment_by_name("again")
        assert found is not None
        assert found.experiment_id == new

    def test_restoring_onto_a_taken_name_is_refused(self, store: TrackingStore) -> None:
        """Nothing is changed by the refusal."""
        old = store.create_experiment("taken", None, {})
        store.delete_experiment(old)
        store.create_experiment("taken", None, {})
        with pytest.raises(AlreadyExists, match="taken"):
            store.restore_experiment(old)
        assert store.get_experiment(old).lifecycle_stage == "deleted"

    def test_deleting_and_restoring_takes_the_runs_along(
        self, store: TrackingStore, pen: Pen
    ) -> None:
        """All of them."""
        experiment = store.create_experiment("e", None, {})
        run = pen.run(experiment_id=experiment)
        store.delete_experiment(experiment)
        assert store.get_run(run).info.lifecycle_stage == "deleted"
        with pytest.raises(NotFound):
            store.delete_experiment(experiment)
        store.restore_experiment(experiment)
        assert store.get_run(run).info.lifecycle_stage == "active"
        assert store.get_experiment(experiment).lifecycle_stage == "active"

    def test_only_active_experiments_are_renamed(self, store: TrackingStore) -> None:
        """A deleted one keeps its name."""
        experiment = store.create_experiment("before", None, {})
        store.rename_experiment(experiment, "after")
        assert store.get_experiment(experiment).name == "after"
        store.delete_experiment(experiment)
        with pytest.raises(ChiplogError) as caught:
            store.rename_experiment(experiment, "later")
        assert caught.value.error_code == "INVALID_STATE"

    def test_tags_are_set_replaced_and_removed(self, store: TrackingStore) -> None:
        """One that is not there cannot be removed."""
        store.set_experiment_tag("0", "k", "one")
        store.set_experiment_tag("0", "k", "two")
        assert store.get_experiment("0").tags == {"k": "two"}
        store.delete_experiment_tag("0", "k")
        assert store.get_experiment("0").tags == {}
        with pytest.raises(NotFound, match="'k'"):
            store.delete_experiment_tag("0", "k")

    def test_experiments_are_searched_by_page(self, store: TrackingStore) -> None:
        """Newest first by default; each exactly once over all pages."""
        made = [store.create_experiment(f"e{number}", None, {}) for number in range(5)]
        found: list[str] = []
        token = None
        while True:
            page = store.search_experiments(
                ViewType.ACTIVE_ONLY, 2, "name LIKE 'e%'", ["name DESC"], token
            )
            found += [experiment.experiment_id for experiment in page]
            token = page.token
            if token is None:
                break
            assert len(page) == 2
        assert found == made[::-1]

    def test_experiments_are_filtered(self, store: TrackingStore) -> None:
        """By name, id, time and tag."""
        one = store.create_experiment("Alpha", None, {"team": "red"})
        two = store.create_experiment("beta", None, {"team": "blue"})
        for text, expected in {
            "name = 'Alpha'": {one},
            "name ILIKE 'ALPHA'": {one},
            "tags.team != 'red'": {two},
            "tags.team IS NULL": {"0"},
            f"experiment_id IN ('{one}', '{two}')": {one, two},
            "NOT (name = 'Alpha' OR tags.team = 'blue')": {"0"},
            "creation_time > 0": {"0", one, two},
        }.items():
            page = store.search_experiments(ViewType.ALL, 100, text, None, None)
            assert {experiment.experiment_id for experiment in page} == expected, text
