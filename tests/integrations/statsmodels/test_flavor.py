"""Saving and loading what statsmodels' fits hand back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import chiplog
from chiplog.core.errors import CannotSave, InvalidValue, UntrustedModel
from chiplog.integrations.statsmodels.api import load_model, log_model, save_model

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.framework, pytest.mark.usefixtures("project")]

pytest.importorskip("statsmodels")
pd = pytest.importorskip("pandas")

PICKLE: dict[str, Any] = {"serialization_format": "pickle"}


@pytest.fixture(scope="module")
def fitted(frame: Any) -> Any:
    """A regression by a formula."""
    import statsmodels.formula.api as smf

    return smf.ols("y ~ a + b * C(kind)", frame).fit()


def test_a_result_is_pickled_only_when_asked_for(tmp_path: Path, fitted: Any, frame: Any) -> None:
    with pytest.raises(CannotSave, match="serialization_format='pickle'"):
        save_model(fitted, tmp_path / "m")
    with pytest.raises(InvalidValue, match="'skops'"):
        save_model(fitted, tmp_path / "n", serialization_format="skops")
    save_model(fitted, tmp_path / "o", **PICKLE)
    with pytest.raises(UntrustedModel, match=r"OLS[\s\S]*allow_pickle=True"):
        load_model(tmp_path / "o")
    with pytest.raises(UntrustedModel, match="RegressionResults"):
        chiplog.pyfunc.load_model(tmp_path / "o")
    loaded = load_model(tmp_path / "o", allow_pickle=True)
    assert np.array_equal(loaded.predict(frame), fitted.predict(frame))


def test_a_logged_result_predicts_as_a_function(fitted: Any, frame: Any) -> None:
    with chiplog.start_run():
        info = log_model(fitted, name="m", input_example=frame[["a", "b", "kind"]][:3], **PICKLE)
    assert info.signature is not None
    loaded = chiplog.pyfunc.load_model(info.model_uri, allow_pickle=True)
    assert np.array_equal(loaded.predict(frame), fitted.predict(frame))


def test_the_training_data_can_be_left_out(tmp_path: Path) -> None:
    from statsmodels.regression.linear_model import OLS

    rows = np.random.RandomState(0).normal(size=(4000, 3))
    result = OLS(rows[:, 0], rows).fit()
    save_model(result, tmp_path / "whole", **PICKLE)
    save_model(result, tmp_path / "slim", remove_data=True, **PICKLE)
    whole, slim = (
        (tmp_path / one / "model.statsmodels").stat().st_size for one in ("whole", "slim")
    )
    assert slim < whole / 10
    assert result.model.exog.shape == (4000, 3)  # the user's own is left as it was
    loaded = load_model(tmp_path / "slim", allow_pickle=True)
    assert np.array_equal(loaded.predict(rows), result.predict(rows))


def test_a_time_series_predicts_from_start_to_end(tmp_path: Path) -> None:
    from statsmodels.tsa.ar_model import AutoReg

    series = np.cumsum(np.random.RandomState(0).normal(size=50))
    result = AutoReg(series, lags=1).fit()
    save_model(result, tmp_path / "m", **PICKLE)
    loaded = chiplog.pyfunc.load_model(tmp_path / "m", allow_pickle=True)
    given = loaded.predict(pd.DataFrame({"start": [45], "end": [55]}))
    assert np.array_equal(given, result.predict(45, 55))
    with pytest.raises(InvalidValue, match="one row with the columns 'start' and 'end'"):
        loaded.predict(pd.DataFrame({"from": [1]}))
