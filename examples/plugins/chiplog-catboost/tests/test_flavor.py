"""The flavor passes chiplog's kit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import chiplog
import numpy as np
import pytest
from chiplog.plugins import CannotSave, InvalidValue
from chiplog.testing import FlavorKit

if TYPE_CHECKING:
    from pathlib import Path


def rows() -> Any:
    """Forty rows."""
    return np.random.RandomState(0).normal(size=(40, 3))


class TestCatBoostFlavor(FlavorKit):
    """A small regressor."""

    flavor = "catboost"
    framework = "catboost"

    def make_model(self) -> Any:
        """Fit to the first column."""
        from catboost import CatBoostRegressor

        model = CatBoostRegressor(
            iterations=3, depth=2, verbose=False, allow_writing_files=False, thread_count=1
        )
        return model.fit(rows(), rows()[:, 0])

    def make_input(self) -> Any:
        """The same rows."""
        return rows()

    def test_a_model_can_be_saved_as_json(self, tmp_path: Path, model: Any) -> None:
        """And comes back."""
        saved = self.save(model, tmp_path / "json", options={"save_format": "json"})
        assert (saved / "model.cb").read_bytes()[:1] == b"{"
        assert self.load(saved).predict(rows()) == pytest.approx(model.predict(rows()))

    def test_a_saved_model_is_a_function(self, tmp_path: Path, model: Any) -> None:
        """Which takes and gives what its signature says."""
        saved = self.save(model, tmp_path / "function", input_example=rows()[:5])
        loaded = chiplog.pyfunc.load_model(saved)
        assert loaded.predict(rows()) == pytest.approx(model.predict(rows()))
        with pytest.raises(chiplog.ChiplogError, match="shape"):
            loaded.predict(rows()[:, :2])

    def test_what_cannot_be_saved_is_said(self, tmp_path: Path, model: Any) -> None:
        """A model that was not trained, and an unknown format."""
        with pytest.raises(CannotSave, match="call fit"):
            self.save(type(model)(), tmp_path / "a")
        with pytest.raises(InvalidValue, match="'onnx'"):
            self.save(model, tmp_path / "b", options={"save_format": "onnx"})
