"""The patcher puts wrappers in that nobody notices, and takes them out without a trace."""

from __future__ import annotations

import copy
import importlib
import inspect
import pickle
import sys
import threading
import types
from typing import TYPE_CHECKING, Any

import cloudpickle
import pytest

from chiplog.hooks.patcher import Patcher, definer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Seen(list[str]):
    """A wrapper that notes what it was called around."""

    def __call__(self, wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
        self.append(wrapped.__name__)
        return wrapped(*args, **kwargs)


@pytest.fixture
def seen() -> Seen:
    return Seen()


@pytest.fixture
def patcher() -> Iterator[Patcher]:
    patcher = Patcher("test")
    yield patcher
    patcher.undo()


@pytest.fixture
def user(made_up: Path, tinyframe: Any) -> Iterator[types.ModuleType]:
    """A module of the user's that imported a metric before anything was patched."""
    module = types.ModuleType("users_own_module")
    sys.modules[module.__name__] = module
    module.metric = importlib.import_module("tinyframe.metrics").accuracy  # type: ignore[attr-defined]
    yield module
    del sys.modules[module.__name__]


# Wrapping


def test_a_wrapped_method_calls_the_wrapper_and_then_the_method(
    tinyframe: Any, patcher: Patcher, seen: Seen
) -> None:
    assert patcher.wrap(tinyframe.Trainer, "fit", seen)
    trainer = tinyframe.Trainer()
    assert trainer.fit([1.0]) is trainer
    assert seen == ["fit"]


def test_wrapping_twice_is_wrapping_once(tinyframe: Any, patcher: Patcher, seen: Seen) -> None:
    assert patcher.wrap(tinyframe.Trainer, "fit", seen)
    assert patcher.wrap(tinyframe.Trainer, "fit", seen)
    tinyframe.Trainer().fit([1.0])
    assert seen == ["fit"]


def test_a_class_that_only_inherits_a_method_is_left_alone(
    tinyframe: Any, patcher: Patcher, seen: Seen
) -> None:
    assert not patcher.wrap(tinyframe.Trainer, "fit_predict", seen)
    assert "fit_predict" not in vars(tinyframe.Trainer)
    assert definer(tinyframe.Trainer, "fit_predict") is tinyframe.Trainer.__mro__[1]


def test_what_cannot_be_called_cannot_be_wrapped(
    tinyframe: Any, patcher: Patcher, seen: Seen
) -> None:
    before = vars(tinyframe.Trainer)["quality"]
    with pytest.raises(TypeError, match=r"Trainer\.quality is a property"):
        patcher.wrap(tinyframe.Trainer, "quality", seen)
    assert vars(tinyframe.Trainer)["quality"] is before


def test_classmethods_and_staticmethods_stay_what_they_are(
    tinyframe: Any, patcher: Patcher, seen: Seen
) -> None:
    class Special(tinyframe.Trainer):  # type: ignore[misc]
        pass

    patcher.wrap(tinyframe.Trainer, "trained", seen)
    patcher.wrap(tinyframe.Trainer, "check", seen)
    assert type(Special.trained([1.0])) is Special
    assert type(Special().trained([1.0])) is Special
    assert tinyframe.Trainer.check([1]) is True
    assert tinyframe.Trainer().check(None) is False
    assert seen == ["trained", "trained", "check", "check"]
    assert isinstance(vars(tinyframe.Trainer)["trained"], classmethod)
    assert isinstance(vars(tinyframe.Trainer)["check"], staticmethod)


def test_a_method_that_hides_itself_still_does(
    tinyframe: Any, patcher: Patcher, seen: Seen
) -> None:
    patcher.wrap(tinyframe.Guarded, "predict", seen)
    assert not hasattr(tinyframe.Guarded(ready=False), "predict")
    assert tinyframe.Guarded(ready=True).predict([1, 2]) == [1, 2]
    assert tinyframe.Guarded.predict(tinyframe.Guarded(ready=True), (3,)) == [3]
    assert seen == ["predict", "predict"]


def test_a_call_through_the_class_has_its_instance(tinyframe: Any, patcher: Patcher) -> None:
    instances = []

    def note(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
        instances.append((instance, args))
        return wrapped(*args, **kwargs)

    patcher.wrap(tinyframe.Trainer, "fit", note)
    trainer = tinyframe.Trainer()
    assert tinyframe.Trainer.fit(trainer, [1.0]) is trainer
    assert instances == [(trainer, ([1.0],))]


def test_an_exception_of_the_original_passes_as_it_is(
    tinyframe: Any, patcher: Patcher, seen: Seen
) -> None:
    patcher.wrap(tinyframe.Trainer, "explode", seen)
    with pytest.raises(LookupError, match="of the framework's own") as caught:
        tinyframe.Trainer().explode()
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


# Nobody notices


def test_signature_docstring_and_type_are_the_originals(
    tinyframe: Any, patcher: Patcher, seen: Seen
) -> None:
    def look() -> list[Any]:
        return [
            inspect.signature(tinyframe.Trainer.fit),
            inspect.signature(tinyframe.Trainer().fit),
            inspect.getdoc(tinyframe.Trainer.fit),
            inspect.getsource(tinyframe.Trainer.fit),
            tinyframe.Trainer.fit.__name__,
            tinyframe.Trainer.fit.__qualname__,
            tinyframe.Trainer.fit.__module__,
            inspect.isfunction(tinyframe.Trainer.fit),
            inspect.ismethod(tinyframe.Trainer().fit),
            isinstance(tinyframe.Trainer().fit, types.MethodType),
            inspect.isfunction(tinyframe.train),
            inspect.signature(tinyframe.train),
            inspect.getfullargspec(tinyframe.train),
        ]

    before = look()
    patcher.wrap(tinyframe.Trainer, "fit", seen)
    patcher.wrap(tinyframe, "train", seen)
    assert look() == before


def test_a_bound_method_pickles_and_copies(tinyframe: Any, patcher: Patcher, seen: Seen) -> None:
    patcher.wrap(tinyframe.Trainer, "fit", seen)
    trainer = tinyframe.Trainer(rate=0.7)
    for method in (
        pickle.loads(pickle.dumps(trainer.fit)),
        cloudpickle.loads(cloudpickle.dumps(trainer.fit)),
        copy.deepcopy(trainer.fit),
    ):
        assert method.__self__ is not trainer
        assert method.__self__.rate == 0.7
    assert copy.copy(trainer.fit).__self__ is trainer


def test_a_method_of_a_class_pickles_by_its_name(
    tinyframe: Any, patcher: Patcher, seen: Seen
) -> None:
    patcher.wrap(tinyframe.Trainer, "fit", seen)
    patcher.wrap(tinyframe.Trainer, "trained", seen)
    assert pickle.loads(pickle.dumps(tinyframe.Trainer.fit)) == tinyframe.Trainer.fit
    assert pickle.loads(pickle.dumps(tinyframe.Trainer.trained))([1.0]).calls_ == 1
    assert copy.deepcopy(tinyframe.Trainer.fit) == tinyframe.Trainer.fit


def test_instances_of_a_patched_class_pickle_and_clone(
    tinyframe: Any, patcher: Patcher, seen: Seen
) -> None:
    plain = pickle.dumps(tinyframe.Trainer(rate=0.5))
    patcher.wrap(tinyframe.Trainer, "fit", seen)
    assert pickle.dumps(tinyframe.Trainer(rate=0.5)) == plain
    assert copy.deepcopy(tinyframe.Trainer(rate=0.5)).rate == 0.5


def test_a_wrapped_function_pickles_as_the_original_and_is_its_own_copy(
    tinyframe: Any, made_up: Path, patcher: Patcher, seen: Seen
) -> None:
    metrics = importlib.import_module("tinyframe.metrics")
    original = metrics.accuracy
    patcher.wrap_function_everywhere(original, seen, [metrics])
    assert metrics.accuracy is not original
    text = pickle.dumps(metrics.accuracy)
    assert pickle.loads(text) is original
    assert b"chiplog" not in text
    assert b"wrapt" not in text
    assert pickle.loads(pickle.dumps(original)) is original
    assert cloudpickle.loads(cloudpickle.dumps(metrics.accuracy))([1, 2], [1, 3]) == 0.5
    assert copy.copy(metrics.accuracy) is metrics.accuracy
    assert copy.deepcopy({"score": metrics.accuracy})["score"] is metrics.accuracy


def test_a_function_wrapped_where_it_is_defined_pickles_by_its_name(
    tinyframe: Any, made_up: Path, patcher: Patcher, seen: Seen
) -> None:
    home = importlib.import_module("tinyframe._training")
    patcher.wrap(home, "train", seen)
    assert pickle.loads(pickle.dumps(home.train)) is home.train


def test_a_wrapper_equals_and_hashes_as_the_original(
    tinyframe: Any, patcher: Patcher, seen: Seen
) -> None:
    original = tinyframe.train
    patcher.wrap(tinyframe, "train", seen)
    assert tinyframe.train == original
    assert hash(tinyframe.train) == hash(original)
    assert {original: 1}[tinyframe.train] == 1


# Undoing


def _entries(tinyframe: Any) -> dict[str, Any]:
    owners = [tinyframe.Trainer, tinyframe.Guarded, tinyframe.Trainer.__mro__[1], tinyframe]
    return {
        f"{owner.__name__}.{name}": entry
        for owner in owners
        for name, entry in vars(owner).items()
        if name != "__builtins__"
    }


def test_undoing_leaves_the_very_same_objects(tinyframe: Any, patcher: Patcher, seen: Seen) -> None:
    before = _entries(tinyframe)
    for name in ("fit", "predict", "trained", "check"):
        patcher.wrap(tinyframe.Trainer, name, seen)
    patcher.wrap(tinyframe.Guarded, "predict", seen)
    patcher.wrap(tinyframe, "train", seen)
    assert len(patcher.patches) == 6
    patcher.undo()
    after = _entries(tinyframe)
    assert after.keys() == before.keys()
    assert all(after[name] is before[name] for name in before)
    assert patcher.patches == []


def test_undoing_twice_is_undoing_once(tinyframe: Any, patcher: Patcher, seen: Seen) -> None:
    before = vars(tinyframe.Trainer)["fit"]
    patcher.wrap(tinyframe.Trainer, "fit", seen)
    patcher.undo()
    patcher.undo()
    assert vars(tinyframe.Trainer)["fit"] is before


def test_what_was_undone_can_be_patched_again(tinyframe: Any, patcher: Patcher, seen: Seen) -> None:
    before = vars(tinyframe.Trainer)["fit"]
    for round_ in range(1, 4):
        patcher.wrap(tinyframe.Trainer, "fit", seen)
        tinyframe.Trainer().fit([1.0])
        assert len(seen) == round_
        patcher.undo()
        tinyframe.Trainer().fit([1.0])
        assert len(seen) == round_
    assert vars(tinyframe.Trainer)["fit"] is before


def test_a_wrapper_somebody_else_put_around_ours_stays_and_ours_is_switched_off(
    tinyframe: Any, patcher: Patcher, seen: Seen
) -> None:
    theirs: list[str] = []
    patcher.wrap(tinyframe.Trainer, "fit", seen)
    ours = vars(tinyframe.Trainer)["fit"]

    def their_fit(self: Any, *args: Any, **kwargs: Any) -> Any:
        theirs.append("fit")
        return ours.__get__(self, type(self))(*args, **kwargs)

    tinyframe.Trainer.fit = their_fit
    patcher.undo()
    assert vars(tinyframe.Trainer)["fit"] is their_fit
    tinyframe.Trainer().fit([1.0])
    assert theirs == ["fit"]
    assert seen == []


def test_a_method_held_from_before_the_undoing_is_switched_off(
    tinyframe: Any, patcher: Patcher, seen: Seen
) -> None:
    patcher.wrap(tinyframe.Trainer, "fit", seen)
    held = tinyframe.Trainer().fit
    patcher.undo()
    held([1.0])
    assert seen == []


def test_wrapping_again_below_somebody_elses_wrapper_does_not_double(
    tinyframe: Any, patcher: Patcher, seen: Seen
) -> None:
    from functools import wraps

    patcher.wrap(tinyframe.Trainer, "fit", seen)
    ours = tinyframe.Trainer.fit

    @wraps(ours)
    def theirs(self: Any, *args: Any) -> Any:
        return ours(self, *args)

    theirs.__wrapped__ = vars(tinyframe.Trainer)["fit"]
    tinyframe.Trainer.fit = theirs
    patcher.wrap(tinyframe.Trainer, "fit", seen)
    tinyframe.Trainer().fit([1.0])
    assert seen == ["fit"]


def test_when_somebody_restored_the_original_under_us_it_is_wrapped_anew(
    tinyframe: Any, patcher: Patcher, seen: Seen
) -> None:
    original = vars(tinyframe.Trainer)["fit"]
    patcher.wrap(tinyframe.Trainer, "fit", seen)
    tinyframe.Trainer.fit = original
    patcher.wrap(tinyframe.Trainer, "fit", seen)
    tinyframe.Trainer().fit([1.0])
    assert seen == ["fit"]
    patcher.undo()
    assert vars(tinyframe.Trainer)["fit"] is original


# Functions everywhere


def test_a_function_imported_before_is_wrapped_in_the_users_module_and_put_back(
    tinyframe: Any, made_up: Path, user: types.ModuleType, patcher: Patcher, seen: Seen
) -> None:
    metrics = importlib.import_module("tinyframe.metrics")
    home = importlib.import_module("tinyframe._metrics")
    original = metrics.accuracy
    places = patcher.wrap_function_everywhere(original, seen, [metrics])
    assert places == 2
    assert user.metric([1], [1]) == 1.0
    assert metrics.accuracy([1], [1]) == 1.0
    assert seen == ["accuracy", "accuracy"]
    assert home.accuracy is original
    patcher.undo()
    assert user.metric is original
    assert metrics.accuracy is original


def test_what_the_framework_calls_itself_is_not_watched(
    tinyframe: Any, made_up: Path, patcher: Patcher, seen: Seen
) -> None:
    metrics = importlib.import_module("tinyframe.metrics")
    patcher.wrap_functions({metrics.accuracy: seen, metrics.error: seen}, [metrics])
    metrics.error([1], [1])
    assert seen == ["error"]


def test_a_module_that_imported_our_wrapper_later_gets_the_original_back(
    tinyframe: Any, made_up: Path, user: types.ModuleType, patcher: Patcher, seen: Seen
) -> None:
    metrics = importlib.import_module("tinyframe.metrics")
    original = metrics.error
    patcher.wrap_function_everywhere(original, seen, [metrics])
    user.later = metrics.error  # type: ignore[attr-defined]
    assert user.later is not original
    patcher.undo()
    assert user.later is original


def test_looking_for_holders_wakes_no_lazy_module(
    tinyframe: Any, made_up: Path, patcher: Patcher, seen: Seen
) -> None:
    woken = []

    class Lazy(types.ModuleType):
        def __getattribute__(self, name: str) -> Any:
            woken.append(name)
            return super().__getattribute__(name)

    class Odd:
        def __getattr__(self, name: str) -> Any:
            raise RuntimeError(f"somebody asked for {name}")

    lazy = Lazy("a_lazy_module")
    metrics = importlib.import_module("tinyframe.metrics")
    sys.modules["a_lazy_module"] = lazy
    sys.modules["an_odd_module"] = Odd()  # type: ignore[assignment]
    try:
        woken.clear()
        patcher.wrap_function_everywhere(metrics.accuracy, seen, [metrics])
        patcher.undo()
        assert woken == []
    finally:
        del sys.modules["a_lazy_module"], sys.modules["an_odd_module"]


# Imports


def test_a_module_imported_already_calls_back_at_once(tinyframe: Any, patcher: Patcher) -> None:
    called: list[Any] = []
    patcher.on_import("tinyframe", called.append)
    assert called == [tinyframe]


def test_a_module_imported_later_calls_back_then_and_once(made_up: Path, patcher: Patcher) -> None:
    called: list[Any] = []
    patcher.on_import("tinyframe", called.append)
    assert called == []
    module = importlib.import_module("tinyframe")
    importlib.import_module("tinyframe")
    assert called == [module]


def test_after_undoing_a_later_import_calls_nobody(made_up: Path, patcher: Patcher) -> None:
    called: list[Any] = []
    patcher.on_import("tinyframe", called.append)
    patcher.undo()
    importlib.import_module("tinyframe")
    assert called == []


def test_a_module_another_thread_is_importing_calls_back_when_it_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, patcher: Patcher
) -> None:
    (tmp_path / "slowly_imported.py").write_text(
        "import sys\nevents = sys.events\nevents[0].set()\nevents[1].wait(10)\nready = True\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    events = [threading.Event(), threading.Event()]
    monkeypatch.setattr(sys, "events", events, raising=False)
    whole: list[bool] = []
    importer = threading.Thread(target=importlib.import_module, args=("slowly_imported",))
    importer.start()
    events[0].wait(10)
    registering = threading.Thread(
        target=patcher.on_import,
        args=("slowly_imported", lambda module: whole.append(hasattr(module, "ready"))),
    )
    registering.start()
    events[1].set()
    importer.join(10)
    registering.join(10)
    assert whole == [True]
    del sys.modules["slowly_imported"]
