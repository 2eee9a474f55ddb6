"""Checks of an XGBoost model's file before XGBoost reads it, which follows every index unchecked.

A child, a feature or a category out of range makes it read and write memory that is not its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from chiplog.core.errors import DamagedModel
from chiplog.core.models.skops.structure import require
from chiplog.integrations.xgboost import content

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

_ROOT: Final = 2**31 - 1
_MOST_CATEGORIES: Final = 2**24
_MOST_GROUPS: Final = 10_000
_DEEPEST: Final = 10_000
_WHAT: Final = "an XGBoost model"
_TREE: Final = "a tree of an XGBoost model"


def check(path: Path) -> None:
    """Raise DamagedModel unless every index in a model's file lies inside what it points to."""
    try:
        _check_learner(content.read(path)["learner"])
    except (
        KeyError,
        TypeError,
        ValueError,
        OverflowError,
        RecursionError,
        AttributeError,
    ) as error:
        said = error if isinstance(error, ValueError) else repr(error)
        raise DamagedModel(f"{str(path)!r} cannot be read as {_WHAT}: {said}") from error


def _check_learner(learner: dict[str, Any]) -> None:
    param, booster = learner["learner_model_param"], learner["gradient_booster"]
    features = int(param["num_feature"])
    groups = max(int(param.get("num_class", 0)), int(param.get("num_target", 1)), 1)
    require(0 <= features < 2**31, _WHAT, f"says that it has {features} features")
    for name in ("feature_names", "feature_types"):
        count = len(learner.get(name) or ())
        require(count in {0, features}, _WHAT, f"has {count} {name} for {features} features")
    kind = booster["name"]
    if kind == "gblinear":
        weights = len(booster["model"]["weights"])
        require(weights in {0, (features + 1) * groups}, _WHAT, f"has {weights} weights")
        return
    require(kind in {"gbtree", "dart"}, _WHAT, f"is a {kind!r}, which is not known")
    if kind == "dart":
        dropped, booster = booster["weight_drop"], booster["gbtree"]
        trees = len(booster["model"]["trees"])
        require(len(dropped) == trees, _WHAT, f"has {len(dropped)} weights for {trees} trees")
    _check_trees(booster["model"], features, groups)


def _check_trees(model: dict[str, Any], features: int, groups: int) -> None:
    trees = model["trees"]
    for number, tree in enumerate(trees):
        require(int(tree.get("id", number)) == number, _TREE, f"says it is number {tree['id']}")
        _check_tree(tree, features, groups)
    most = max(_MOST_GROUPS, len(trees))
    require(groups <= most, _WHAT, f"says that it has {groups} outputs for {len(trees)} trees")
    info = _whole(model["tree_info"], "tree_info", len(trees))
    require(_within(info, 0, groups), _WHAT, f"has a tree for an output beyond its {groups}")
    ends = _whole(model.get("iteration_indptr", []), "iteration_indptr")
    if len(ends):
        in_order = bool((np.diff(ends) >= 0).all())
        require(
            in_order and ends[0] == 0 and ends[-1] == len(trees),
            _WHAT,
            "has rounds that are not made of its trees",
        )
    if model.get("cats"):
        _check_categories(model["cats"], features)


def _check_tree(tree: dict[str, Any], features: int, groups: int) -> None:
    param = tree["tree_param"]
    nodes, width = int(param["num_nodes"]), int(param.get("size_leaf_vector", 1))
    require(nodes >= 1, _TREE, f"says that it has {nodes} nodes")
    require(int(param["num_feature"]) <= features, _TREE, f"looks past {features} features")
    require(width in {0, 1, groups}, _TREE, f"has leaves of {width} values")
    left, right, parents, split = (
        _whole(tree[name], name, nodes)
        for name in ("left_children", "right_children", "parents", "split_indices")
    )
    kind = _whole(tree.get("split_type", [0] * nodes), "split_type", nodes)
    for name in ("default_left", "split_conditions"):
        require(len(tree[name]) == nodes, _TREE, f"has {len(tree[name])} {name}")
    inner = np.flatnonzero(left != -1)
    _check_leaves(tree, right[left == -1], nodes, width)
    children = np.concatenate([left[inner], right[inner]])
    require(_within(children, 1, nodes), _TREE, f"has a child outside its {nodes} nodes")
    require(np.bincount(children, minlength=1).max() <= 1, _TREE, "has a node with two parents")
    known = (parents >= -1) & (parents < nodes) | (parents == _ROOT)
    require(known.all(), _TREE, f"has a parent outside its {nodes} nodes")
    require((parents[children] == np.tile(inner, 2)).all(), _TREE, "has a child of another node")
    # Nobody has two parents: what hangs from the root is no circle, and nothing else is walked to.
    _check_depth(left, right)
    require(_within(split[inner], 0, features), _TREE, f"looks past {features} features")
    require(_within(kind, 0, 2), _TREE, "has a split of an unknown kind")
    _check_sets(tree, nodes, np.flatnonzero(kind == 1))


def _check_depth(left: npt.NDArray[np.int64], right: npt.NDArray[np.int64]) -> None:
    """Check that a tree is not so deep that following it exhausts the stack."""
    level, depth = np.zeros(1, dtype=np.int64), 0
    while len(level := level[left[level] != -1]):
        depth += 1
        require(depth <= _DEEPEST, _TREE, f"is more than {_DEEPEST} nodes deep")
        level = np.concatenate([left[level], right[level]])


def _check_leaves(
    tree: dict[str, Any], leaves: npt.NDArray[np.int64], nodes: int, width: int
) -> None:
    """Check what leaves have for their right child: nothing, or the number of their values."""
    if width <= 1:
        require((leaves == -1).all(), _TREE, "has a node with one child")
        return
    values, weights = len(tree.get("leaf_weights", ())), len(tree["base_weights"])
    require(values % width == 0 and weights == nodes * width, _TREE, f"has {weights} weights")
    require(_within(leaves, -1, values // width), _TREE, "has a leaf without its values")


def _check_sets(tree: dict[str, Any], nodes: int, categorical: npt.NDArray[Any]) -> None:
    """Check the sets of categories of a tree's nodes."""
    values = _whole(tree.get("categories", []), "categories")
    owners, starts, sizes = (
        _whole(tree.get(f"categories_{name}", []), f"categories_{name}")
        for name in ("nodes", "segments", "sizes")
    )
    require(len(owners) == len(starts) == len(sizes), _TREE, "has categories that do not add up")
    require(set(categorical.tolist()) <= set(owners.tolist()), _TREE, "lacks categories")
    inside = _within(owners, 0, nodes) and (np.diff(owners) > 0).all()
    require(inside, _TREE, "has categories of no node")
    within = _within(starts, 0, len(values) + 1) and _within(sizes, 0, len(values) + 1)
    require(within and _within(starts + sizes, 0, len(values) + 1), _TREE, "lacks categories")
    require(_within(values, 0, _MOST_CATEGORIES), _TREE, "has a category out of range")


def _check_categories(cats: dict[str, Any], features: int) -> None:
    """Check the categories by name that a model was trained on."""
    columns = cats.get("enc") or []
    require(len(columns) in {0, features}, _WHAT, f"has categories of {len(columns)} features")
    counts = []
    for column in columns:
        values = column.get("values", [])
        offsets = _whole(column.get("offsets", []), "offsets")
        if len(offsets):
            inside = _within(offsets, 0, len(values) + 1) and (np.diff(offsets) >= 0).all()
            require(inside, _WHAT, "has names of categories outside its text")
        counts.append(max(len(offsets) - 1, 0) if len(offsets) else len(values))
    ends = _whole(cats.get("feature_segments", []), "feature_segments")
    order = _whole(cats.get("sorted_idx", []), "sorted_idx")
    total = sum(counts)
    if columns:
        fits = ends.tolist() == np.cumsum([0, *counts]).tolist()
        require(fits, _WHAT, "has categories that do not add up")
        require(len(order) == total, _WHAT, f"has an order of {len(order)} categories")
        within = all(
            _within(order[start:end], 0, end - start)
            for start, end in zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True)
        )
        require(within, _WHAT, "has an order of other categories than its own")
    else:
        require(not len(order), _WHAT, "has an order of categories that it has not")


def _whole(values: Any, name: str, count: int | None = None) -> npt.NDArray[np.int64]:
    """Numbers as an array of integers; raises unless they are ``count`` whole ones."""
    array = np.asarray(values)
    if array.size == 0:
        array = array.astype(np.int64)
    fits = array.ndim == 1 and array.dtype.kind in "iub" and count in {None, len(array)}
    require(fits, _WHAT, f"has {name} of another kind or length than expected")
    return array.astype(np.int64)


def _within(values: npt.NDArray[Any], low: int, high: int) -> bool:
    return len(values) == 0 or bool(values.min() >= low and values.max() < high)
