"""LightGBM's texts are looked through before LightGBM reads them: it follows every index."""

from __future__ import annotations

import re
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from chiplog.core.errors import DamagedModel
from chiplog.integrations.lightgbm import structure

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.framework

lgb: Any = pytest.importorskip("lightgbm")

rows = np.random.default_rng(0).random((300, 4))
rows[:, 3] = np.random.default_rng(1).integers(0, 9, 300)
labels = (rows[:, 0] + rows[:, 1] + rows[:, 3] % 2 > 1.5).astype(int)
OFTEN = {"min_data_per_group": 1, "cat_smooth": 0.1, "max_cat_to_onehot": 2}


def train(categories: bool = False, **params: Any) -> Any:
    data = lgb.Dataset(rows, labels, categorical_feature=[3] if categories else "auto")
    return lgb.train({"verbose": -1, "num_threads": 1, "num_leaves": 6, **params}, data, 3)


@pytest.fixture(scope="module")
def text() -> str:
    """A model with a split by categories, without the sizes of its trees."""
    found = train(categories=True, **OFTEN).model_to_string()
    return re.sub(r"tree_sizes=.*\n", "", found)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(
    "params",
    [
        {},
        {"categories": True, **OFTEN},
        {"objective": "multiclass", "num_class": 3},
        {"objective": "multiclassova", "num_class": 3},
        {"boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.5},
        {"boosting": "dart"},
        {"linear_tree": True},
        {"monotone_constraints": [1, 0, 0, -1]},
        {"min_data_in_leaf": 300},
    ],
    ids=str,
)
def test_what_lightgbm_writes_passes(tmp_path: Path, params: dict[str, Any]) -> None:
    train(**params).save_model(tmp_path / "model.lgb")
    structure.check_file(tmp_path / "model.lgb")


def item(name: str, position: int, value: object) -> Callable[[str], str]:
    """Change one number of the first line of that name."""

    def of_line(match: re.Match[str]) -> str:
        parts = match.group(1).split()
        parts[position] = str(value)
        return f"{name}={' '.join(parts)}"

    return lambda text: re.sub(rf"^{name}=(.*)$", of_line, text, count=1, flags=re.MULTILINE)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (item("left_child", 0, 10**7), "child outside"),
        (item("left_child", 0, -(10**6)), "child outside"),
        (item("right_child", 0, 10**7), "child outside"),
        (item("left_child", 0, 0), "circle"),
        (item("left_child", 1, -2), "two parents"),
        (item("split_feature", 0, 10**7), "looks past 4"),
        (item("split_feature", 0, -5), "looks past 4"),
        (item("split_feature", 0, "1e3"), "not whole numbers"),
        (item("num_leaves", 0, 100000), "not 100000"),
        (item("num_leaves", 0, -4), "-4 leaves"),
        (item("num_cat", 0, 10000), "cat_boundaries"),
        (item("cat_boundaries", -1, 10**7), "outside its sets"),
        (item("cat_boundaries", 0, -1), "outside its sets"),
        (item("threshold", 0, "1e6"), "lacks categories"),
        (item("max_feature_idx", 0, 0), "looks past 1"),
        (item("max_feature_idx", 0, -5), "-4 features"),
        (item("num_class", 0, 1000), "classes"),
        (item("num_tree_per_iteration", 0, 1000), "classes"),
        (item("num_tree_per_iteration", 0, 0), "classes"),
        (item("objective", 0, "multiclass num_class:100000"), "classes"),
        (item("is_linear", 0, 1), "num_features"),
        (lambda text: text.replace("leaf_count", "leaf_value"), "'leaf_value' twice"),
        (lambda text: text.replace("\nTree=1", "\nTree=7"), "tree 1 belongs"),
        (lambda text: text.replace("\nTree=0", "\ntree_sizes=99999 1 1\n\nTree=0"), "other trees"),
        (lambda text: text.replace("num_cat", "num\rcat", 1), "end its lines early"),
        (lambda text: text.replace("end of trees", "end"), "no end"),
    ],
)
def test_an_index_out_of_range_is_refused(
    text: str, change: Callable[[str], str], says: str
) -> None:
    structure.check_text(text)
    with pytest.raises(DamagedModel, match=says):
        structure.check_text(change(text))


def test_the_flavor_refuses_it_before_lightgbm_reads_it(tmp_path: Path, text: str) -> None:
    from chiplog.integrations.lightgbm import api

    api.save_model(train(), tmp_path / "m")
    (tmp_path / "m" / "model.lgb").write_text(item("left_child", 0, 10**7)(text))
    mlmodel = tmp_path / "m" / "MLmodel"
    mlmodel.write_text(mlmodel.read_text().replace("file_digests", "of_no_use"))
    with pytest.raises(DamagedModel, match="child outside"):
        api.load_model(tmp_path / "m")


def test_a_booster_inside_an_estimators_file_is_checked_too(tmp_path: Path) -> None:
    from chiplog.integrations.lightgbm import api

    estimator = lgb.LGBMClassifier(n_estimators=2, num_leaves=5, verbose=-1, n_jobs=1)
    api.save_model(estimator.fit(rows, labels), tmp_path / "m")
    assert np.array_equal(api.load_model(tmp_path / "m").predict(rows), estimator.predict(rows))
    file, mlmodel = tmp_path / "m" / "model.skops", tmp_path / "m" / "MLmodel"
    mlmodel.write_text(mlmodel.read_text().replace("file_digests", "of_no_use"))
    with zipfile.ZipFile(file) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    schema = re.sub(rb"tree_sizes=[0-9 ]*", b"tree_count=2", parts["schema.json"])
    parts["schema.json"] = re.sub(rb"split_feature=[0-9]+", b"split_feature=9999999", schema)
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    with pytest.raises(DamagedModel, match="looks past 4"):
        api.load_model(tmp_path / "m")
    with pytest.raises(DamagedModel, match="without its text"):
        structure.check_state({"_handle": 7})
