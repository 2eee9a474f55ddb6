"""Loading: nothing runs without a decision to trust, and hostile files are refused."""

from __future__ import annotations

import io
import json
import pickle
import re
import subprocess
import sys
import textwrap
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chiplog.core.errors import DamagedModel, UntrustedModel
from chiplog.core.models.safety import Trust, pickled_names, read_pickle, read_skops

pytestmark = pytest.mark.framework

sklearn = pytest.importorskip("sklearn")
skops_io = pytest.importorskip("skops.io")

from sklearn.datasets import load_iris  # noqa: E402
from sklearn.ensemble import (  # noqa: E402
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    IsolationForest,
    RandomForestClassifier,
)
from sklearn.neighbors import KNeighborsClassifier  # noqa: E402
from sklearn.svm import SVC  # noqa: E402
from sklearn.tree import DecisionTreeClassifier  # noqa: E402

X, y = load_iris(return_X_y=True)


def dump(model: Any, path: Path) -> Path:
    file = path / "model.skops"
    file.write_bytes(skops_io.dumps(model))
    return file


def rewrite(file: Path, change: Any) -> None:
    """Rewrite each part of a skops file: ``change(name, bytes)`` hands back the new bytes."""
    with zipfile.ZipFile(file) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in parts.items():
            archive.writestr(name, change(name, data))


def edit_arrays(file: Path, edit: Any, field: str) -> int:
    """Change the structured arrays that have ``field``; how many there were."""
    count = 0

    def change(name: str, data: bytes) -> bytes:
        nonlocal count
        if not name.endswith(".npy"):
            return data
        array = np.load(io.BytesIO(data))
        if field not in (array.dtype.names or ()):
            return data
        array = array.copy()
        edit(array)
        count += 1
        out = io.BytesIO()
        np.save(out, array)
        return out.getvalue()

    rewrite(file, change)
    return count


class Harmful:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


def test_a_pickle_is_not_run_without_trust_and_its_names_are_listed(tmp_path: Path) -> None:
    file = tmp_path / "model.pkl"
    file.write_bytes(pickle.dumps(Harmful(tmp_path / "harmed")))
    with pytest.raises(UntrustedModel, match=r"allow_pickle=True") as caught:
        read_pickle(file, Trust())
    assert any("Path" in name for name in caught.value.names)
    assert not (tmp_path / "harmed").exists()
    read_pickle(file, Trust(allow_pickle=True))
    assert (tmp_path / "harmed").exists()


def test_the_environment_can_allow_pickles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "model.pkl").write_bytes(pickle.dumps([1]))
    monkeypatch.setenv("CHIPLOG_ALLOW_PICKLE_DESERIALIZATION", "true")
    assert read_pickle(tmp_path / "model.pkl", Trust()) == [1]


def test_names_are_found_in_every_pickle_protocol() -> None:
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        names = pickled_names(pickle.dumps(DecisionTreeClassifier(), protocol))
        assert "sklearn.tree._classes.DecisionTreeClassifier" in names


def test_a_type_of_the_users_own_needs_trust_by_name(tmp_path: Path) -> None:
    file = dump({"mine": Mine()}, tmp_path)
    name = f"{Mine.__module__}.Mine"
    with pytest.raises(UntrustedModel, match=re.escape(name)):
        read_skops(file, Trust())


class Mine:
    """Somebody's own class."""

    def __init__(self) -> None:
        self.a = 1


@pytest.mark.parametrize(
    "model",
    [
        DecisionTreeClassifier(max_depth=4),
        RandomForestClassifier(3),
        GradientBoostingClassifier(n_estimators=2),
        IsolationForest(n_estimators=2),
    ],
    ids=lambda m: type(m).__name__,
)
@pytest.mark.parametrize(
    ("field", "value"), [("left_child", 10**6), ("right_child", 10**6), ("feature", 999)]
)
def test_a_tree_that_points_outside_is_refused(
    tmp_path: Path, model: Any, field: str, value: int
) -> None:
    file = dump(model.fit(X, y), tmp_path)

    def edit(nodes: Any) -> None:
        nodes[field][nodes["left_child"] != -1] = value

    assert edit_arrays(file, edit, "left_child")
    with pytest.raises(DamagedModel, match="decision tree"):
        read_skops(file, Trust())


def test_a_tree_with_a_circle_is_refused(tmp_path: Path) -> None:
    file = dump(DecisionTreeClassifier().fit(X, y), tmp_path)

    def edit(nodes: Any) -> None:
        inner = np.flatnonzero(nodes["left_child"] != -1)
        nodes["left_child"][inner[-1]] = inner[0]

    edit_arrays(file, edit, "left_child")
    with pytest.raises(DamagedModel, match="child"):
        read_skops(file, Trust())


def test_a_tree_deeper_than_it_says_is_refused(tmp_path: Path) -> None:
    file = dump(DecisionTreeClassifier().fit(X, y), tmp_path)
    depth = DecisionTreeClassifier().fit(X, y).tree_.max_depth

    def change(name: str, data: bytes) -> bytes:
        if name != "schema.json":
            return data
        schema = json.loads(data)
        tree = schema["content"]["content"]["tree_"]["content"]["content"]
        assert tree["max_depth"]["content"] == str(depth)
        tree["max_depth"]["content"] = "1"
        return json.dumps(schema).encode()

    rewrite(file, change)
    with pytest.raises(DamagedModel, match="deep"):
        read_skops(file, Trust())


def test_a_tree_over_more_columns_than_its_estimator_admits_is_refused(tmp_path: Path) -> None:
    model = DecisionTreeClassifier().fit(X, y)
    model.n_features_in_ = 2
    with pytest.raises(DamagedModel, match="admits 2 columns"):
        read_skops(dump(model, tmp_path), Trust())


def test_a_boosting_with_too_many_trees_a_stage_is_refused(tmp_path: Path) -> None:
    model = GradientBoostingClassifier(n_estimators=2).fit(X, y > 0)
    model.estimators_ = np.repeat(model.estimators_, 5, axis=1)
    with pytest.raises(DamagedModel, match="5 trees a stage"):
        read_skops(dump(model, tmp_path), Trust())


@pytest.mark.parametrize(
    ("field", "value"), [("left", 10**6), ("right", 10**6), ("feature_idx", 999)]
)
def test_a_boosted_tree_that_points_outside_is_refused(
    tmp_path: Path, field: str, value: int
) -> None:
    file = dump(HistGradientBoostingClassifier(max_iter=2).fit(X, y), tmp_path)

    def edit(nodes: Any) -> None:
        nodes[field][nodes["is_leaf"] == 0] = value

    assert edit_arrays(file, edit, "is_leaf")
    with pytest.raises(DamagedModel, match="not loaded"):
        read_skops(file, Trust())


def test_a_neighbours_tree_with_an_index_outside_is_refused(tmp_path: Path) -> None:
    file = dump(KNeighborsClassifier(algorithm="kd_tree").fit(X, y), tmp_path)

    def change(name: str, data: bytes) -> bytes:
        if name.endswith(".npy"):
            array = np.load(io.BytesIO(data))
            if array.dtype.kind == "i" and sorted(array.ravel()) == list(range(len(X))):
                out = io.BytesIO()
                np.save(out, array + 10**6)
                return out.getvalue()
        return data

    rewrite(file, change)
    with pytest.raises(DamagedModel, match="neighbours tree"):
        read_skops(file, Trust())


def test_a_neighbours_label_outside_the_classes_is_refused(tmp_path: Path) -> None:
    model = KNeighborsClassifier(algorithm="brute").fit(X, y)
    model._y = model._y + 100
    with pytest.raises(DamagedModel, match="label outside"):
        read_skops(dump(model, tmp_path), Trust())


def test_support_vectors_that_do_not_add_up_are_refused(tmp_path: Path) -> None:
    model = SVC().fit(X, y)
    model._n_support = model._n_support + 1000
    with pytest.raises(DamagedModel, match="support vectors"):
        read_skops(dump(model, tmp_path), Trust())


def test_a_sparse_matrix_with_an_index_outside_is_refused(tmp_path: Path) -> None:
    sparse = pytest.importorskip("scipy.sparse")
    matrix = sparse.csr_matrix(np.eye(4))
    matrix.indices = matrix.indices + 1000
    with pytest.raises(DamagedModel, match="sparse matrix"):
        read_skops(dump([matrix], tmp_path), Trust())


def test_a_known_type_in_a_record_of_another_kind_is_refused(tmp_path: Path) -> None:
    file = dump(DecisionTreeClassifier().fit(X, y), tmp_path)

    def change(name: str, data: bytes) -> bytes:
        if name != "schema.json":
            return data
        return data.replace(b'"TreeNode"', b'"ObjectNode"')

    rewrite(file, change)
    with pytest.raises(DamagedModel, match="stands in it as a ObjectNode"):
        read_skops(file, Trust())


def test_a_file_that_is_no_archive_is_named(tmp_path: Path) -> None:
    (tmp_path / "model.skops").write_bytes(b"nonsense")
    with pytest.raises(DamagedModel, match="no skops file"):
        read_skops(tmp_path / "model.skops", Trust())


def test_an_experimental_estimator_is_known_whenever_it_was_enabled(tmp_path: Path) -> None:
    """skops knows those alone that were enabled before it was imported."""
    script = """
        import sys
        from pathlib import Path
        import skops.io
        from sklearn.experimental import enable_halving_search_cv, enable_iterative_imputer
        from sklearn.impute import IterativeImputer
        from sklearn.linear_model import Ridge
        from sklearn.model_selection import HalvingGridSearchCV
        from chiplog.core.models.skops import file as skops_file
        from chiplog.core.models.safety import Trust, read_skops
        for model in (IterativeImputer(), HalvingGridSearchCV(Ridge(), {"alpha": [1.0]})):
            Path(sys.argv[1]).write_bytes(skops_file.dump(model))
            assert type(read_skops(Path(sys.argv[1]), Trust())) is type(model)
    """
    command = [sys.executable, "-c", textwrap.dedent(script), str(tmp_path / "model.skops")]
    subprocess.run(command, check=True, timeout=60)
