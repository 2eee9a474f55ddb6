"""Frames that go into models which compute with arrays."""

from __future__ import annotations

import numpy as np
import pytest

from chiplog.core.models.frames import array_of, as_given

pd = pytest.importorskip("pandas")

FRAME = pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0]}, index=["x", "y"])


def test_a_frames_prediction_is_a_frame_with_its_rows() -> None:
    assert np.array_equal(array_of(FRAME), [[1.0, 3.0], [2.0, 4.0]])
    given = as_given(FRAME, np.array([[5.0], [6.0]]))
    assert given.index.tolist() == ["x", "y"]
    assert given[0].tolist() == [5.0, 6.0]


@pytest.mark.parametrize("prediction", [np.zeros((2, 2, 2)), np.zeros(3), {"y": np.zeros(2)}, 1.0])
def test_what_is_no_table_of_these_rows_stays_as_it_is(prediction: object) -> None:
    assert as_given(FRAME, prediction) is prediction


def test_arrays_stay_arrays() -> None:
    data, prediction = np.zeros((2, 2)), np.zeros(2)
    assert array_of(data) is data
    assert as_given(data, prediction) is prediction
