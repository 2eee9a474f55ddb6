"""Opening stores: once for each URI and process, and not for ever."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

import pytest

from chiplog.core import experiments, stores
from chiplog.core.errors import InvalidValue
from chiplog.core.stores import close_stores, open_artifact_store, open_tracking_store

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType


def test_an_artifact_store_is_opened_once_and_not_kept_for_ever(tmp_path: Path) -> None:
    first = open_artifact_store(str(tmp_path / "first"))
    assert open_artifact_store(str(tmp_path / "first")) is first
    for number in range(1100):
        open_artifact_store(str(tmp_path / f"run{number}"))
    assert open_artifact_store(str(tmp_path / "first")) is not first
    last = open_artifact_store(str(tmp_path / "run1099"))
    close_stores()
    assert open_artifact_store(str(tmp_path / "run1099")) is not last


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
@pytest.mark.parametrize("module", [stores, experiments])
def test_a_forked_child_does_not_wait_for_a_thread_it_does_not_have(module: ModuleType) -> None:
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with module._lock:
            held.set()
            done.wait(30)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(30)
    child = os.fork()
    if child == 0:
        os._exit(0 if module._lock.acquire(timeout=5) else 1)
    _, status = os.waitpid(child, 0)
    done.set()
    thread.join()
    assert os.waitstatus_to_exitcode(status) == 0


def test_an_unknown_scheme_is_answered_with_those_of_its_kind_and_without_secrets() -> None:
    with pytest.raises(InvalidValue) as caught:
        open_tracking_store("postgres://ada:secret@host/runs?token=hidden")
    text = str(caught.value)
    assert "Did you mean 'postgresql'?" in text
    assert "sqlite" in text
    assert "  file" not in text
    assert "secret" not in text
    assert "hidden" not in text
