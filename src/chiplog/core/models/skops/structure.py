"""Checks of what compiled code follows without looking: tree nodes, neighbour indices, supports.

scikit-learn's compiled routines index into these arrays unchecked, so a file with a child or a
feature out of range would make a prediction read or write memory that is not its own. Every check
raises :class:`DamagedModel`. Cost is linear in the size of the arrays, in numpy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from chiplog.core.errors import DamagedModel

if TYPE_CHECKING:
    import numpy.typing as npt

_LEAF = -1


def refuse(what: str, why: str) -> NoReturn:
    """Raise DamagedModel."""
    raise DamagedModel(
        f"The model was not loaded: {what} {why}. The file is damaged or was tampered with; "
        "get it again from where it was made."
    )


def require(condition: object, what: str, why: str) -> None:
    """Raise DamagedModel unless ``condition`` holds."""
    if not condition:
        refuse(what, why)


def _count(value: Any, what: str, name: str, least: int = 0) -> int:
    """A Python or numpy integer of at least ``least``."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
        refuse(what, f"has {name} = {value!r}, not an integer of at least {least}")
    return int(value)


def _array(value: Any, what: str, name: str, ndim: int, kinds: str) -> npt.NDArray[Any]:
    if not isinstance(value, np.ndarray) or value.ndim != ndim or value.dtype.kind not in kinds:
        shown = f"{value.dtype} {value.shape}" if isinstance(value, np.ndarray) else type(value)
        refuse(what, f"has {name} of another shape or type than expected: {shown}")
    return value


def _fields(nodes: npt.NDArray[Any], what: str, *names: str) -> list[npt.NDArray[Any]]:
    present = nodes.dtype.names or ()
    missing = [name for name in names if name not in present]
    require(not missing, what, f"has nodes without {', '.join(missing)}")
    return [nodes[name] for name in names]


def _within(values: Any, low: int, high: int) -> bool:
    """Whether every value lies in [low, high)."""
    return len(values) == 0 or bool(values.min() >= low and values.max() < high)


def _depth(left: npt.NDArray[Any], right: npt.NDArray[Any], what: str) -> int:
    """Check that the inner nodes form a tree rooted in node 0, and hand back its depth.

    ``left`` and ``right`` are each node's children, _LEAF for leaves. Writers number children after
    their parents, which rules out circles; that no node has two parents bounds the work.
    """
    count = len(left)
    inner = np.flatnonzero(left != _LEAF)
    lefts, rights = left[inner].astype(np.int64), right[inner].astype(np.int64)
    children = np.concatenate([lefts, rights])
    require(_within(children, 1, count), what, f"has a child outside its {count} nodes")
    require((lefts > inner).all() and (rights > inner).all(), what, "has a child before its parent")
    parents = np.bincount(children, minlength=1)
    require(parents.max(initial=0) <= 1, what, "has a node with two parents")
    depth, level = -1, np.zeros(1, dtype=np.int64)
    while len(level):
        depth += 1
        level = level[left[level] != _LEAF]
        level = np.concatenate([left[level], right[level]]).astype(np.int64)
    return depth


def check_tree(args: Any, state: Any) -> None:
    """Check the constructor arguments and the state of a ``sklearn.tree._tree.Tree``."""
    what = "a decision tree"
    require(isinstance(args, tuple) and len(args) == 3, what, "has other arguments than expected")
    n_features = _count(args[0], what, "n_features", 1)
    n_outputs = _count(args[2], what, "n_outputs", 1)
    n_classes = _array(args[1], what, "n_classes", 1, "i")
    require(len(n_classes) == n_outputs, what, f"has {len(n_classes)} class counts")
    require(n_classes.min() >= 1, what, "has an output without classes")
    require(isinstance(state, dict), what, "has no state")
    nodes = _array(state.get("nodes"), what, "nodes", 1, "V")
    values = _array(state.get("values"), what, "values", 3, "f")
    count = _count(state.get("node_count"), what, "node_count", 1)
    require(len(nodes) == count, what, f"has {len(nodes)} nodes, and says {count}")
    shape = (count, n_outputs, int(n_classes.max()))
    require(values.shape == shape, what, f"has values of shape {values.shape}, not {shape}")
    left, right, feature = _fields(nodes, what, "left_child", "right_child", "feature")
    for field in (left, right, feature):
        require(field.dtype.kind == "i", what, "has nodes of another type")
    leaves = left == _LEAF
    require((leaves == (right == _LEAF)).all(), what, "has a node with one child")
    require(_within(feature[~leaves], 0, n_features), what, f"looks past {n_features} features")
    depth = _depth(left, right, what)
    deepest = _count(state.get("max_depth"), what, "max_depth")
    require(depth <= deepest, what, f"is {depth} deep, and says {deepest}")


def check_predictor(state: Any) -> None:
    """Check the state of a histogram gradient boosting ``TreePredictor``."""
    what = "a boosted tree"
    require(isinstance(state, dict), what, "has no state")
    nodes = _array(state.get("nodes"), what, "nodes", 1, "V")
    require(len(nodes) > 0, what, "has no nodes")
    left, right, is_leaf = _fields(nodes, what, "left", "right", "is_leaf")
    categorical, bitset, feature = _fields(
        nodes, what, "is_categorical", "bitset_idx", "feature_idx"
    )
    for field in (left, right, is_leaf, categorical, bitset, feature):
        require(field.dtype.kind in "iu", what, "has nodes of another type")
    leaves = is_leaf != 0
    signed = [np.where(leaves, _LEAF, side.astype(np.int64)) for side in (left, right)]
    require((signed[0] == _LEAF).sum() == leaves.sum(), what, "has a child outside its nodes")
    _depth(signed[0], signed[1], what)
    require(_within(feature[~leaves].astype(np.int64), 0, 2**31), what, "looks before its features")
    split = ~leaves & (categorical != 0)
    for name in ("binned_left_cat_bitsets", "raw_left_cat_bitsets"):
        bitsets = _array(state.get(name), what, name, 2, "u")
        require(bitsets.dtype.itemsize == 4, what, f"has {name} of another type")
        require(bitsets.shape[1] == 8, what, f"has {name} of shape {bitsets.shape}")
        require(_within(bitset[split].astype(np.int64), 0, len(bitsets)), what, "lacks categories")


def check_neighbours(state: Any) -> None:
    """Check the state of a ``KDTree`` or ``BallTree``."""
    what = "a neighbours tree"
    require(isinstance(state, tuple) and len(state) == 13, what, "has another state than expected")
    data = _array(state[0], what, "data", 2, "f")
    index = _array(state[1], what, "idx_array", 1, "i")
    nodes = _array(state[2], what, "node_data", 1, "V")
    bounds = _array(state[3], what, "node_bounds", 3, "f")
    samples, features = data.shape
    leaf_size = _count(state[4], what, "leaf_size", 1)
    levels = _count(state[5], what, "n_levels", 1)
    count = _count(state[6], what, "n_nodes", 1)
    require(leaf_size > 0 and levels < 63, what, "has another shape than expected")
    require(count == 2**levels - 1 and len(nodes) == count, what, f"has {len(nodes)} nodes")
    require(len(index) == samples, what, f"has {len(index)} indices for {samples} samples")
    require(_within(index, 0, samples), what, "has an index outside its samples")
    require(bounds.shape[1:] == (count, features), what, f"has bounds of shape {bounds.shape}")
    require(bounds.shape[0] in {1, 2}, what, f"has bounds of shape {bounds.shape}")
    start, end, is_leaf = _fields(nodes, what, "idx_start", "idx_end", "is_leaf")
    for field in (start, end, is_leaf):
        require(field.dtype.kind == "i", what, "has nodes of another type")
    require(_within(start, 0, samples + 1), what, "has a node outside its samples")
    require(_within(end, 0, samples + 1), what, "has a node outside its samples")
    require((start <= end).all(), what, "has a node that ends before it begins")
    last_level = np.arange(count) >= count // 2
    require((is_leaf[last_level] != 0).all(), what, "has a node without room for its children")
    if state[12] is not None:
        weights = _array(state[12], what, "sample_weight", 1, "f")
        require(len(weights) == samples, what, f"has {len(weights)} weights")
    _check_metric(state[11], features, what)


def _check_metric(metric: Any, features: int, what: str) -> None:
    """Check that a distance's own arrays fit the data's width."""
    state = metric.__getstate__() if hasattr(metric, "__getstate__") else None
    if not isinstance(state, tuple) or len(state) < 3:
        return
    vector, matrix = np.asarray(state[1]), np.asarray(state[2])
    name = type(metric).__name__
    if name.startswith("SEuclidean") or (name.startswith("Minkowski") and vector.size):
        require(vector.shape == (features,), what, f"has {vector.size} weights in its distance")
    if name.startswith("Mahalanobis"):
        require(matrix.shape == (features, features), what, "has another matrix in its distance")


def check_sparse(matrix: Any) -> None:
    """Check that a sparse matrix's indices lie inside it."""
    what = "a sparse matrix"
    if matrix.format in {"csr", "csc", "bsr"}:
        try:
            matrix.check_format(full_check=True)
        except (ValueError, TypeError) as error:
            refuse(what, f"is inconsistent: {error}")
    elif matrix.format == "coo":
        coords = getattr(matrix, "coords", None) or (matrix.row, matrix.col)
        for positions, length in zip(coords, matrix.shape, strict=True):
            require(_within(positions, 0, length), what, "has an entry outside its shape")
