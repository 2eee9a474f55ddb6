"""The points of a classifier's curves, and their pictures."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

pytestmark = pytest.mark.framework

pytest.importorskip("sklearn")
pytest.importorskip("matplotlib")

from sklearn import metrics as skm  # noqa: E402
from sklearn.calibration import calibration_curve  # noqa: E402

from chiplog.core.evaluation import plots  # noqa: E402 - matplotlib may be missing
from chiplog.core.evaluation.plots import Line  # noqa: E402
from chiplog.integrations.evaluation import curves  # noqa: E402

if TYPE_CHECKING:
    import numpy.typing as npt


@pytest.fixture(scope="module")
def scored() -> tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any]]:
    """Which of 5000 rows are of a class, how sure a model is of it, and ones."""
    rng = np.random.default_rng(0)
    is_it = rng.random(5000) < 0.3
    sure = np.round(np.clip(rng.normal(0.35 + 0.2 * is_it, 0.2), 0, 1), 3)  # with ties
    return is_it, sure, np.ones(5000)


def test_a_roc_curve_and_its_area_are_those_of_all_points(scored: Any) -> None:
    is_it, sure, ones = scored
    line = curves._roc("", is_it, sure, ones)
    area = skm.roc_auc_score(is_it, sure)
    assert line.label == f"AUC = {area:.4g}"
    assert len(line.x) <= 1000
    assert skm.auc(line.x, line.y) == pytest.approx(area, abs=1e-4)
    assert (line.x[0], line.x[-1], line.y[-1]) == (0, 1, 1)


def test_a_precision_recall_curve_runs_from_no_recall_to_all(scored: Any) -> None:
    is_it, sure, ones = scored
    line = curves._precision_recall("cat", is_it, sure, ones)
    average = skm.average_precision_score(is_it, sure)
    assert line.label == f"cat: AP = {average:.4g}"
    assert (np.diff(line.x) >= 0).all()
    assert np.sum(np.diff(line.x) * line.y[1:]) == pytest.approx(average, abs=1e-2)
    assert (line.x[0], line.y[0], line.x[-1]) == (0, 1, 1)


def test_lift_ends_at_one_and_says_how_dense_the_class_is_among_the_likeliest(scored: Any) -> None:
    is_it, sure, ones = scored
    line = curves._lift("", is_it, sure, ones)
    assert line.x[-1] == line.y[-1] == 1
    at = len(line.x) // 3
    count = round(line.x[at] * len(sure))
    likeliest = np.argsort(-sure, kind="stable")[:count]
    assert line.y[at] == pytest.approx(is_it[likeliest].mean() / is_it.mean())
    doubled = curves._lift("", is_it, sure, ones * 2)
    assert doubled.y == pytest.approx(line.y)


def test_calibration_is_as_scikit_learn_bins_it(scored: Any) -> None:
    is_it, sure, ones = scored
    line = curves._calibration("", is_it, np.clip(sure, 0.001, 0.999), ones)
    share, mean = calibration_curve(is_it, np.clip(sure, 0.001, 0.999), n_bins=10)
    inner = slice(2, 8)  # a value on a bin's edge may go to either side
    assert line.x[inner] == pytest.approx(mean[inner], abs=0.01)
    assert line.y[inner] == pytest.approx(share[inner], abs=0.03)


def test_rows_of_double_weight_count_as_two(scored: Any) -> None:
    is_it, sure, _ = scored
    is_it, sure = is_it[:300], sure[:300]
    weights = np.where(np.arange(300) % 3 == 0, 2.0, 1.0)
    doubled = np.repeat(np.arange(300), weights.astype(int))
    for line_of in (curves._roc, curves._precision_recall, curves._lift, curves._calibration):
        weighed = line_of("", is_it, sure, weights)
        counted = line_of("", is_it[doubled], sure[doubled], np.ones(len(doubled)))
        assert weighed.x == pytest.approx(counted.x)
        assert weighed.y == pytest.approx(counted.y)
        assert weighed.label == counted.label


@pytest.mark.parametrize("name", ["a$b$c", r"$\frac$", "line\nbreak", "日本", "x" * 200, "_x", ""])
def test_any_name_of_a_class_can_be_drawn(name: str) -> None:
    straight = np.linspace(0, 1, 3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        confusion = plots.draw_confusion(np.eye(2), [name, "b"])
        roc = plots.draw_roc([Line(straight, straight, plots.shortened(name))] * 5)
    for png in (confusion, roc):
        assert png.startswith(b"\x89PNG")


def test_drawing_touches_nothing_of_the_users() -> None:
    import matplotlib.pyplot as plt

    before = plt.get_fignums()
    plots.draw_importance("title", ["a", "b"], np.asarray([0.2, 0.1]))
    assert plt.get_fignums() == before
