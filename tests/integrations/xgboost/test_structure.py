"""XGBoost's files are looked through before XGBoost reads them: it follows every index."""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from chiplog.core.errors import DamagedModel
from chiplog.integrations.xgboost import structure

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = [
    pytest.mark.framework,
    # What it says of trees whose leaves are lists, and of its older formats.
    pytest.mark.filterwarnings("ignore::UserWarning"),
]

xgb: Any = pytest.importorskip("xgboost")

rows = np.random.default_rng(0).random((200, 4))
labels = (rows[:, 0] > 0.5).astype(int)
ROOT = 0


def train(rounds: int = 3, **params: Any) -> Any:
    y = rows[:, :3] if params.pop("several", False) else (rows[:, 1] * 3).astype(int)
    return xgb.train({"nthread": 1, **params}, xgb.DMatrix(rows, y), rounds)


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    """A model of three trees, as JSON."""
    found: dict[str, Any] = json.loads(bytes(train().save_raw("json")))
    return found


@pytest.mark.parametrize("ending", ["json", "ubj", "xgb"])
@pytest.mark.parametrize(
    "params",
    [
        {},
        {"objective": "multi:softprob", "num_class": 3},
        {"booster": "dart", "rate_drop": 0.5},
        {"booster": "gblinear", "updater": "coord_descent"},
        {"gamma": 1.0, "max_depth": 8, "tree_method": "exact"},
        {"several": True, "multi_strategy": "multi_output_tree", "tree_method": "hist"},
        {"several": True},
        {"rounds": 0},
    ],
    ids=str,
)
def test_what_xgboost_writes_passes(tmp_path: Path, params: dict[str, Any], ending: str) -> None:
    file = tmp_path / f"model.{ending}"
    train(**params).save_model(file)
    structure.check(file)


@pytest.mark.parametrize("ending", ["json", "ubj"])
def test_categories_pass(tmp_path: Path, ending: str) -> None:
    pd = pytest.importorskip("pandas")
    words = pd.Categorical(np.where(rows[:, 0] > 0.3, "many", "few"))
    frame = pd.DataFrame({"a": rows[:, 1], "word": words})
    frame["number"] = pd.Categorical((rows[:, 2] * 20).astype(int))
    data = xgb.DMatrix(frame, labels, enable_categorical=True)
    file = tmp_path / f"model.{ending}"
    xgb.train({"nthread": 1, "max_cat_to_onehot": 2}, data, 3).save_model(file)
    structure.check(file)


def item(name: str, position: int, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(learner: dict[str, Any]) -> None:
        learner["gradient_booster"]["model"]["trees"][0][name][position] = value

    return change


def model_item(name: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(learner: dict[str, Any]) -> None:
        learner["gradient_booster"]["model"][name][1] = value

    return change


def setting(name: str, value: str) -> Callable[[dict[str, Any]], None]:
    return lambda learner: learner["learner_model_param"].update({name: value})


def sets(**given: list[int]) -> Callable[[dict[str, Any]], None]:
    """Make the root split by categories that ``given`` says."""

    def change(learner: dict[str, Any]) -> None:
        tree = learner["gradient_booster"]["model"]["trees"][0]
        tree["split_type"][ROOT] = 1
        usual = {"": [1], "_nodes": [0], "_segments": [0], "_sizes": [1]}
        tree.update({f"categories{name}": values for name, values in usual.items()})
        tree.update({f"categories{name}": values for name, values in given.items()})

    return change


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (item("left_children", ROOT, 10**7), "child outside"),
        (item("left_children", ROOT, -5), "child outside"),
        (item("right_children", ROOT, 10**7), "child outside"),
        (item("left_children", ROOT, ROOT), "child outside"),
        (item("left_children", ROOT, 2), "two parents"),
        (item("right_children", -1, 1), "one child"),
        (item("parents", 1, 10**7), "parent outside"),
        (item("split_indices", ROOT, 10**6), "looks past 4 features"),
        (item("split_indices", ROOT, -7), "looks past 4 features"),
        (item("split_indices", ROOT, 0.5), "another kind"),
        (item("split_type", ROOT, 1), "lacks categories"),
        (sets(_segments=[10**7]), "lacks categories"),
        (sets(_sizes=[10**6]), "lacks categories"),
        (sets(_nodes=[10**6]), "lacks categories"),
        (sets(**{"": [-5]}), "category out of range"),
        (sets(**{"": [2**31 - 1]}), "category out of range"),
        (model_item("tree_info", 10**6), "output beyond"),
        (model_item("tree_info", -3), "output beyond"),
        (model_item("iteration_indptr", 10**6), "rounds"),
        (setting("num_class", "1000000"), "1000000 outputs"),
        (setting("num_target", "100000"), "100000 outputs"),
        (setting("num_feature", "2"), "looks past 2 features"),
        (setting("num_feature", "many"), "cannot be read"),
    ],
)
def test_an_index_out_of_range_is_refused(
    tmp_path: Path,
    described: dict[str, Any],
    change: Callable[[dict[str, Any]], None],
    says: str,
) -> None:
    body = json.loads(json.dumps(described))
    change(body["learner"])
    (tmp_path / "model.json").write_text(json.dumps(body))
    with pytest.raises(DamagedModel, match=says):
        structure.check(tmp_path / "model.json")


def test_the_flavor_refuses_it_before_xgboost_reads_it(
    tmp_path: Path, described: dict[str, Any]
) -> None:
    from chiplog.integrations.xgboost import api

    api.save_model(train(), tmp_path / "m", model_format="json")
    file, mlmodel = tmp_path / "m" / "model.json", tmp_path / "m" / "MLmodel"
    body = json.loads(json.dumps(described))
    item("left_children", ROOT, 10**7)(body["learner"])
    file.write_text(json.dumps(body))
    mlmodel.write_text(mlmodel.read_text().replace("file_digests", "of_no_use"))
    with pytest.raises(DamagedModel, match="child outside"):
        api.load_model(tmp_path / "m")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b'{"learner": {}, "learner": {}}', "twice"),
        (b"[" * 100_000, "cannot be read"),
        (b"{}", "learner"),
        (b"", "cannot be read"),
    ],
)
def test_json_that_two_readers_may_understand_differently_is_refused(
    tmp_path: Path, content: bytes, says: str
) -> None:
    (tmp_path / "model.json").write_bytes(content)
    with pytest.raises(DamagedModel, match=says):
        structure.check(tmp_path / "model.json")


def text(value: bytes) -> bytes:
    return b"L" + struct.pack(">q", len(value)) + value


@pytest.mark.parametrize(
    "content",
    [
        b"{" + text(b"a") + b"Z" + text(b"a") + b"Z}",
        b"{" + text(b"a") + b"[$l#L" + struct.pack(">q", 2**60),
        b"{" + text(b"a") + b"[$l#L" + struct.pack(">q", -1) + b"}",
        b"{" + text(b"a") + b"[#L" + struct.pack(">q", 2**60),
        b"{" + (text(b"a") + b"{") * 1000,
        b"{L" + struct.pack(">q", 2**62),
        b"{i\x01aZ}",
        b"{" + text(b"\xff") + b"Z}",
        b"binf old binary format",
    ],
)
def test_ubjson_that_xgboost_does_not_write_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "model.ubj").write_bytes(content)
    with pytest.raises(DamagedModel, match="cannot be read as an XGBoost model"):
        structure.check(tmp_path / "model.ubj")
