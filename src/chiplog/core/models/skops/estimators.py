"""Checks that the parts of a loaded estimator fit each other, before it is handed to anyone.

Each part may be sound by itself and the whole still be harmful: a tree over a thousand features in
an estimator that admits four columns reads past every row. Only attributes are looked at; no
method of the model runs.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chiplog.core.models.skops.structure import refuse, require


def check_estimators(model: object) -> None:
    """Check every estimator in a loaded object; raises DamagedModel."""
    seen: set[int] = set()
    stack: list[Any] = [model]
    while stack:
        item = stack.pop()
        if id(item) in seen:
            continue
        seen.add(id(item))
        if isinstance(item, dict):
            stack.extend(v for v in item.values() if not isinstance(v, _PLAIN))
        elif isinstance(item, (list, tuple, set, frozenset)):
            stack.extend(v for v in item if not isinstance(v, _PLAIN))
        elif isinstance(item, np.ndarray):
            if item.dtype == object:
                stack.extend(item.ravel().tolist())
        elif not isinstance(item, type):
            parts = getattr(item, "__dict__", None)
            if isinstance(parts, dict):
                _check(item, parts)
                stack.extend(v for v in parts.values() if not isinstance(v, _PLAIN))


_PLAIN = (str, bytes, int, float, bool, type(None), np.generic)


def _check(item: Any, parts: dict[str, Any]) -> None:
    kind = type(item).__name__
    if type(parts.get("tree_")).__name__ == "Tree":
        _check_tree_holder(kind, parts)
    if kind.startswith("GradientBoosting") and "estimators_" in parts:
        _check_gradient_boosting(kind, parts)
    if kind.startswith("HistGradientBoosting") and "_predictors" in parts:
        _check_histogram_boosting(kind, parts)
    if kind == "IsolationForest" and "estimators_" in parts:
        _check_isolation_forest(parts)
    if "_fit_method" in parts and "classes_" in parts:
        _check_neighbour_votes(kind, parts)
    if "dual_coef_" in parts and "_n_support" in parts:
        _check_support_vectors(kind, parts)


def _features(kind: str, parts: dict[str, Any]) -> int:
    count = parts.get("n_features_in_")
    if isinstance(count, bool) or not isinstance(count, (int, np.integer)) or count < 1:
        refuse(f"a {kind}", f"has n_features_in_ = {count!r}")
    return int(count)


def _check_tree_holder(kind: str, parts: dict[str, Any]) -> None:
    columns, tree = _features(kind, parts), parts["tree_"]
    require(
        tree.n_features == columns,
        f"a {kind}",
        f"admits {columns} columns, and its tree looks at {tree.n_features}",
    )


def _trees(estimators: Any) -> list[Any]:
    flat = estimators.ravel().tolist() if isinstance(estimators, np.ndarray) else list(estimators)
    return [getattr(estimator, "tree_", None) for estimator in flat]


def _check_gradient_boosting(kind: str, parts: dict[str, Any]) -> None:
    what, columns, stages = f"a {kind}", _features(kind, parts), parts["estimators_"]
    require(isinstance(stages, np.ndarray) and stages.ndim == 2, what, "has no grid of trees")
    for tree in _trees(stages):
        require(type(tree).__name__ == "Tree", what, "has a stage without a tree")
        require(tree.n_features == columns, what, f"has a tree over {tree.n_features} columns")
        shape = tree.value.shape[1:]
        require(shape == (1, 1), what, f"has a tree with values of shape {shape}")
    width = 1
    if kind.endswith("Classifier"):
        classes = np.asarray(parts.get("classes_"))
        require(classes.ndim == 1, what, "has no list of classes")
        width = len(classes) if len(classes) > 2 else 1
    require(stages.shape[1] == width, what, f"has {stages.shape[1]} trees a stage, not {width}")
    per_stage = parts.get("n_trees_per_iteration_", width)
    require(per_stage == width, what, f"says {per_stage} trees a stage, not {width}")
    start: Any = parts.get("init_")
    if width > 1 and hasattr(start, "classes_"):
        require(len(start.classes_) == width, what, "starts from other classes than its own")


def _check_histogram_boosting(kind: str, parts: dict[str, Any]) -> None:
    what, columns = f"a {kind}", _features(kind, parts)
    for stage in parts["_predictors"]:
        for predictor in stage:
            require(type(predictor).__name__ == "TreePredictor", what, "has a stage without a tree")
            nodes = predictor.nodes
            used = nodes["feature_idx"][nodes["is_leaf"] == 0]
            inside = len(used) == 0 or used.max() < columns
            require(inside, what, f"has a tree that looks past its {columns} columns")
    bins = parts.get("_bin_mapper")
    flags = np.asarray(getattr(bins, "is_categorical_", ()))
    thresholds: Any = getattr(bins, "bin_thresholds_", None)
    require(isinstance(thresholds, list), what, "has no bins")
    require(
        len(thresholds) == columns and len(flags) == columns, what, "has bins for other columns"
    )
    for flag, values in zip(flags, thresholds, strict=True):
        if flag and len(values):
            categories = np.asarray(values)
            inside = bool(categories.min() >= 0 and categories.max() < 256)
            require(inside, what, "has a category outside 0 to 255")


def _check_isolation_forest(parts: dict[str, Any]) -> None:
    what, columns = "an IsolationForest", _features("IsolationForest", parts)
    chosen: Any = parts.get("estimators_features_")
    trees = _trees(parts["estimators_"])
    require(chosen is not None and len(chosen) == len(trees), what, "has other columns than trees")
    whole = parts.get("_max_features") == columns
    for tree, picked in zip(trees, chosen, strict=True):
        require(type(tree).__name__ == "Tree", what, "has a member without a tree")
        width = columns if whole else len(picked)
        require(tree.n_features <= width, what, f"has a tree over {tree.n_features} columns")


def _check_neighbour_votes(kind: str, parts: dict[str, Any]) -> None:
    """Check that a neighbours classifier's labels are numbers of its classes."""
    what, labels, classes = f"a {kind}", parts.get("_y"), parts["classes_"]
    if not isinstance(labels, np.ndarray) or not isinstance(classes, np.ndarray):
        return  # several outputs: counted by numpy, which checks
    if labels.ndim == 1 and labels.dtype.kind in "iu":
        inside = len(labels) == 0 or bool(labels.min() >= 0 and labels.max() < len(classes))
        require(inside, what, f"has a label outside its {len(classes)} classes")
    samples = getattr(parts.get("_fit_X"), "shape", (len(labels),))[0]
    require(len(labels) == samples, what, f"has {len(labels)} labels for {samples} samples")


def _check_support_vectors(kind: str, parts: dict[str, Any]) -> None:
    what = f"a {kind}"
    vectors, support = parts.get("support_vectors_"), np.asarray(parts.get("support_"))
    counts, weights = np.asarray(parts["_n_support"]), parts["dual_coef_"]
    held = getattr(vectors, "shape", (0,))[0]
    if parts.get("_sparse") or not hasattr(weights, "shape"):
        held = len(support)
    require(counts.min(initial=0) >= 0, what, "has a negative number of support vectors")
    total = int(counts.sum()) if kind in {"SVC", "NuSVC"} else int(counts[:1].sum())
    require(len(support) == held, what, f"has {held} support vectors and {len(support)} indices")
    require(total == held, what, f"has {held} support vectors, and says {total}")
    require(weights.shape[1] == held, what, f"has weights of shape {weights.shape}")
    if kind in {"SVC", "NuSVC"}:
        classes = len(parts.get("classes_", ()))
        require(len(counts) == classes, what, f"counts {len(counts)} classes, not {classes}")
        require(weights.shape[0] == classes - 1, what, f"has weights of shape {weights.shape}")
