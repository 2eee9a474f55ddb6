"""The small parts of the engine: weak map, random state, versions, settings, silence, account."""

# The global generators are what is tested.
# ruff: noqa: NPY002

from __future__ import annotations

import contextlib
import gc
import logging
import pickle
import random
import sys
import types
from dataclasses import dataclass
from importlib import metadata
from typing import Any

import numpy as np
import pytest

from chiplog.core.autolog.account import Account
from chiplog.core.autolog.config import AutologConfig
from chiplog.core.autolog.integration import Call
from chiplog.core.autolog.randomness import untouched_random_state
from chiplog.core.autolog.receipt import Captured, Hook, Receipt, ReceiptDocument, decode, encode
from chiplog.core.autolog.silence import hushed
from chiplog.core.autolog.versions import installed_version, is_known
from chiplog.core.autolog.weakmap import WeakIdMap
from chiplog.core.errors import InvalidValue

# The weak map


class Unhashable:
    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        raise AssertionError("nobody may compare")


def test_a_value_is_found_by_the_very_object_and_gone_with_it() -> None:
    kept: WeakIdMap[str] = WeakIdMap()
    thing = Unhashable()
    assert kept.set(thing, "value")
    assert kept.get(thing) == "value"
    assert kept.get(Unhashable()) is None
    assert len(kept) == 1
    del thing
    gc.collect()
    assert len(kept) == 0


def test_what_takes_no_weak_reference_is_not_kept() -> None:
    kept: WeakIdMap[str] = WeakIdMap()
    assert not kept.set([1, 2], "value")
    assert not kept


def test_a_replaced_value_survives_the_old_entrys_end() -> None:
    kept: WeakIdMap[str] = WeakIdMap()
    thing = Unhashable()
    kept.set(thing, "old")
    kept.set(thing, "new")
    gc.collect()
    assert kept.get(thing) == "new"
    assert kept.pop(thing) == "new"
    assert kept.pop(thing) is None


def test_an_array_can_be_a_key() -> None:
    kept: WeakIdMap[str] = WeakIdMap()
    array = np.zeros(3)
    kept.set(array, "value")
    assert kept.get(array) == "value"
    assert kept.get(array[:]) is None


# Random state


def test_drawing_inside_leaves_the_generators_as_they_were() -> None:
    random.seed(1)
    np.random.seed(1)
    expected = random.random(), np.random.rand()
    random.seed(1)
    np.random.seed(1)
    with untouched_random_state():
        random.random()
        np.random.rand(700)
        np.random.normal()
    assert (random.random(), np.random.rand()) == expected


def test_the_generators_are_put_back_after_an_error() -> None:
    random.seed(1)
    state = random.getstate()
    with contextlib.suppress(KeyError), untouched_random_state():
        random.random()
        raise KeyError
    assert random.getstate() == state


# Versions


@pytest.mark.parametrize(
    ("version", "range_", "known"),
    [
        ("1.4.0", ">=1.4", True),
        ("1.4", ">=1.4.0", True),
        ("1.3.9", ">=1.4", False),
        ("2.0.0", ">=1.4,<2", False),
        ("1.9.1", ">=1.4,<2", True),
        ("1.10.0", ">=1.9", True),
        ("1.5.0.dev0", ">=1.4", False),
        ("1.5.0rc1", ">=1.4", False),
        ("1.5.0.post1", ">=1.4", True),
        ("2.6.0+cu124", ">=2.6", True),
        ("1.5", "!=1.5", False),
        ("1.5", "==1.5.0", True),
        ("anything", "", True),
        (None, ">=1", False),
        ("unknown", ">=1", False),
    ],
)
def test_a_version_is_known_if_it_lies_in_the_range(
    version: str | None, range_: str, known: bool
) -> None:
    assert is_known(version, range_) is known


def test_a_range_that_is_none_is_the_authors_mistake() -> None:
    with pytest.raises(ValueError, match="write it like"):
        is_known("1.0", "at least 1")


def test_the_version_is_the_modules_own_or_its_distributions() -> None:
    module = types.ModuleType("some")
    assert installed_version(module, "no-such-distribution") is None
    assert installed_version(module, "wrapt") is not None
    module.__version__ = "7.1"  # type: ignore[attr-defined]
    assert installed_version(module, "wrapt") == "7.1"


def test_the_version_of_a_submodule_is_that_of_the_distribution_it_comes_with() -> None:
    module = types.ModuleType("wrapt.some.submodule")
    assert installed_version(module, "no-such-distribution") == metadata.version("wrapt")


def test_the_word_of_the_top_module_spares_a_look_at_every_distribution(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    top = types.ModuleType("some")
    top.__version__ = "7.1"  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "some", top)
    monkeypatch.delattr(metadata, "packages_distributions")
    assert installed_version(types.ModuleType("some.part"), "no-such-distribution") == "7.1"


# Settings


@dataclass(frozen=True, kw_only=True)
class OwnConfig(AutologConfig):
    depth: int = 3


def test_settings_pickle_and_compare() -> None:
    config = OwnConfig(depth=5, extra_tags={"a": 1})  # type: ignore[dict-item]
    assert pickle.loads(pickle.dumps(config)) == config
    assert config.extra_tags == {"a": "1"}


def test_extra_tags_that_are_no_dictionary_are_refused() -> None:
    with pytest.raises(InvalidValue, match="extra_tags='team' is no dictionary"):
        AutologConfig(extra_tags="team")  # type: ignore[arg-type]


def test_the_tag_of_autologging_itself_is_left_out_with_a_warning(
    caplog: pytest.LogCaptureFixture,
) -> None:
    config = AutologConfig(extra_tags={"mlflow.autologging": "mine", "team": "vision"})
    assert config.extra_tags == {"team": "vision"}
    assert "mlflow.autologging" in caplog.text


def test_only_known_settings_are_handed_on() -> None:
    assert OwnConfig.accepted({"depth": 1, "silent": True, "other": 2}) == {
        "depth": 1,
        "silent": True,
    }


# Calls


class Model:
    def fit(self, x: Any, y: Any = None, **more: Any) -> str:
        return "fitted"


def test_arguments_are_found_by_name_however_they_were_given() -> None:
    model = Model()
    call = Call(model.fit, model, (1,), {"y": 2, "z": 3}, "fit")
    assert call.argument("x") == 1
    assert call.argument("y") == 2
    assert call.argument("z") == 3
    assert call.argument("w", "default") == "default"
    assert call.arguments() == {"x": 1, "y": 2, "more": {"z": 3}}
    assert Call(model.fit, model, (1,), {}, "fit").arguments() == {"x": 1, "y": None, "more": {}}


def test_a_value_has_the_name_its_caller_gave_it() -> None:
    call = Call(Model().fit, None, (), {}, "fit")
    X_test = [1, 2]
    assert call.name_of(X_test) == "X_test"
    assert call.name_of([1, 2]) is None


# Silence


def test_hushed_drops_what_is_said_on_this_thread(caplog: pytest.LogCaptureFixture) -> None:
    log = logging.getLogger("chiplog.autolog")
    with hushed(silent=True):
        with hushed(silent=True):
            log.warning("unheard")
        log.warning("unheard")
        with hushed(silent=False):
            log.warning("unheard")
    log.warning("heard")
    assert [record.message for record in caplog.records] == ["heard"]


# The account


def test_nothing_seen_is_nothing_said() -> None:
    assert Account().line() is None


def test_what_was_not_recorded_is_said_in_one_line() -> None:
    account = Account()
    account.unrecorded("tiny.cv", "folds are not watched")
    account.unrecorded("tiny.cv", "folds are not watched")
    account.trouble("other", "version 0.1 is not known")
    line = account.line()
    assert line is not None
    assert "\n" not in line
    assert "2 calls of tiny.cv (folds are not watched)" in line
    assert "other (version 0.1 is not known)" in line
    account.forget()
    assert account.line() is None


def test_a_trouble_that_is_settled_is_not_said() -> None:
    account = Account()
    account.trouble("other", "version 0.1 is not known")
    account.settled("other")
    assert account.line() is None


# The receipt


def test_a_receipt_comes_back_as_it_went_in() -> None:
    receipt = Receipt(
        "tiny",
        "tinyframe 1.2",
        ">=1",
        hooks=[Hook("tiny.fit", fired=2), Hook("tiny.cv", installed=False, reason="gone")],
        captured=[Captured("params", 3)],
        overhead_ms=1.5,
    )
    assert decode(encode(ReceiptDocument([receipt]))).sessions == [receipt]
    assert decode(b'{"sessions": [{"integration": "x", "of_the_future": 1}]}').sessions[0]
