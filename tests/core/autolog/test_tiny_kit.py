"""The conformance kit, on the integration of a made-up framework."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from chiplog.core.autolog import engine
from chiplog.hooks.manager import plugins
from chiplog.testing import IntegrationKit

if TYPE_CHECKING:
    from collections.abc import Iterator

MADE_UP = Path(__file__).parents[2] / "made_up"


class TestTiny(IntegrationKit):
    integration = "tiny"

    @pytest.fixture(autouse=True)
    def provided(self, project: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        """The integration is a plugin of this test's."""
        manager = plugins()  # discovers before the path changes
        monkeypatch.syspath_prepend(str(MADE_UP))
        manager.add(importlib.import_module("chiplog_tinyframe"), "tiny")
        engine.reset()
        yield
        engine.reset()
        manager.remove("tiny")
        for name in [name for name in sys.modules if name.partition(".")[0] == "tinyframe"]:
            del sys.modules[name]

    def make_data(self) -> Any:
        return np.arange(4.0)

    def train_on(self, data: Any) -> Any:
        return importlib.import_module("tinyframe").Trainer(rate=0.5).fit(data)

    def train_nested(self, data: Any) -> Any:
        return importlib.import_module("tinyframe").Search(threads=True).fit(data)

    def make_batches(self) -> list[Any]:
        return list(range(10))

    def train_from(self, batches: Iterator[Any]) -> Any:
        return importlib.import_module("tinyframe").train(
            {}, [], callbacks=(lambda step, loss: next(batches),)
        )
