"""Checks of a LightGBM model's text before LightGBM reads it, which follows every index unchecked.

A child, a feature or a category out of range makes it read memory that is not its own, and a circle
keeps it busy for good. What LightGBM might read differently from what is checked is refused.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from chiplog.core.errors import DamagedModel
from chiplog.core.models.skops.structure import require

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

_WHAT: Final = "a LightGBM model"
_TREE: Final = "a tree of a LightGBM model"
_LINE: Final = re.compile(r"([a-z_]+)=(.*)")
_WHOLE: Final = re.compile(r"[-0-9 ]*")
_DEEPEST: Final = 10_000
_MOST_CLASSES: Final = 10_000


def check_file(path: Path) -> None:
    """Raise DamagedModel unless every index in a model's file lies inside what it points to."""
    try:
        check_text(path.read_bytes().decode("utf-8"))
    except UnicodeDecodeError as error:
        raise DamagedModel(f"{str(path)!r} cannot be read as {_WHAT}: {error}") from error


def check_state(state: Any) -> None:
    """Check what a booster is made of when it comes in another file; it holds its text."""
    text = state.get("_handle", state.get("handle")) if isinstance(state, dict) else None
    require(isinstance(text, str), _WHAT, "stands in its file without its text")
    check_text(str(text))


def check_text(text: str) -> None:
    """Raise DamagedModel for a model's text that LightGBM must not be given."""
    try:
        _check(text)
    except (KeyError, ValueError, OverflowError, IndexError) as error:
        raise DamagedModel(f"A LightGBM model cannot be read: {error!r}") from error


def _check(text: str) -> None:
    require("\0" not in text and "\r" not in text, _WHAT, "has characters that end its lines early")
    start, end = _place(text, "Tree="), _place(text, "end of trees")
    head, body = (text[:start], text[start:end]) if start >= 0 else (text[:end], "")
    require(end >= start, _WHAT, "has no end of its trees")
    header = _keys(head.splitlines())
    features = _number(header, "max_feature_idx") + 1
    require(features >= 1, _WHAT, f"says that it has {features} features")
    blocks = re.split(r"(?m)^(?=Tree=)", body)[1:] if body else []
    classes = _number(header, "num_class")
    per_round = _number(header, "num_tree_per_iteration")
    named = re.search(r"num_class:(\S*)", header.get("objective", ""))
    says = [classes, per_round, *([int(named.group(1))] if named else [])]
    fits = 1 <= classes <= max(_MOST_CLASSES, len(blocks)) and set(says) == {classes}
    require(fits, _WHAT, f"says that it has {says} classes")
    is_of_many = header.get("objective", "").startswith("multiclass")
    require(named or not is_of_many, _WHAT, "does not say how many classes it has")
    require(len(blocks) % classes == 0, _WHAT, f"has {len(blocks)} trees for {classes} classes")
    if "tree_sizes" in header:
        sizes = _whole(header, "tree_sizes").tolist()
        require(sizes == [len(block.encode()) for block in blocks], _WHAT, "has other trees")
    for number, block in enumerate(blocks):
        first, *lines = block.rstrip("\n").split("\n")
        require(first == f"Tree={number}", _WHAT, f"has {first!r:.40} where tree {number} belongs")
        _check_tree(_keys(lines, strictly=True), features)


def _place(text: str, beginning: str) -> int:
    """Where the first line begins that begins so; -1 if none does."""
    return 0 if text.startswith(beginning) else text.find(f"\n{beginning}") + 1 or -1


def _keys(lines: list[str], *, strictly: bool = False) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in lines:
        match = _LINE.fullmatch(line)
        if match is None:
            require(not strictly, _TREE, f"has a line {line!r:.60}")
            continue
        require(match.group(1) not in found, _WHAT, f"has {match.group(1)!r} twice")
        found[match.group(1)] = match.group(2)
    return found


def _check_tree(tree: dict[str, str], features: int) -> None:
    leaves, sets = _number(tree, "num_leaves"), _number(tree, "num_cat")
    require(leaves >= 1 and sets >= 0, _TREE, f"says that it has {leaves} leaves")
    for name in ("leaf_value", "leaf_weight", "leaf_count"):
        count = len(tree.get(name, "").split())
        optional = name != "leaf_value" and count == 0
        require(count == leaves or optional, _TREE, f"has {count} of {name}, not {leaves}")
    if tree.get("is_linear", "0").strip() != "0":
        _check_linear(tree, leaves, features)
    if leaves == 1:
        return
    inner = leaves - 1
    left, right, split, kinds = (
        _whole(tree, name, inner)
        for name in ("left_child", "right_child", "split_feature", "decision_type")
    )
    require(len(tree["threshold"].split()) == inner, _TREE, "has thresholds of other splits")
    require(_within(split, 0, features), _TREE, f"looks past {features} features")
    require(_within(kinds, 0, 128), _TREE, "has a split of an unknown kind")
    children = np.concatenate([left, right])
    require(_within(children, -leaves, inner), _TREE, f"has a child outside its {leaves} leaves")
    parents = np.bincount(children + leaves, minlength=1)
    require(parents.max() <= 1, _TREE, "has a node with two parents")
    require(not (children == 0).any(), _TREE, "has a circle")
    _check_depth(left, right)
    of_sets = np.flatnonzero(kinds & 1)
    thresholds = [float(tree["threshold"].split()[node]) for node in of_sets]
    require(all(0 <= value < sets for value in thresholds), _TREE, "lacks categories")
    if sets:
        ends = _whole(tree, "cat_boundaries", sets + 1)
        words = _whole(tree, "cat_threshold")
        inside = _within(ends, 0, len(words) + 1) and bool((np.diff(ends) >= 0).all())
        require(inside, _TREE, "has categories outside its sets")


def _check_linear(tree: dict[str, str], leaves: int, features: int) -> None:
    """Check the linear models in a tree's leaves."""
    counts = _whole(tree, "num_features", leaves)
    require(_within(counts, 0, features + 1), _TREE, "has a leaf of more features than there are")
    total = int(counts.sum())
    require(_within(_whole(tree, "leaf_features", total), 0, features), _TREE, "looks past them")
    require(len(tree["leaf_coeff"].split()) == total, _TREE, "has weights of other features")
    require(len(tree["leaf_const"].split()) == leaves, _TREE, "has leaves without a constant")


def _check_depth(left: npt.NDArray[np.int64], right: npt.NDArray[np.int64]) -> None:
    """Check that a tree is not so deep that following it exhausts the stack."""
    level, depth = np.zeros(1, dtype=np.int64), 0
    while len(level):
        depth += 1
        require(depth <= _DEEPEST, _TREE, f"is more than {_DEEPEST} nodes deep")
        level = np.concatenate([left[level], right[level]])
        level = level[level >= 0]


def _number(keys: dict[str, str], name: str) -> int:
    return int(_whole(keys, name, 1)[0])


def _whole(keys: dict[str, str], name: str, count: int | None = None) -> npt.NDArray[np.int64]:
    """The whole numbers of a line; raises unless they are ``count``."""
    text = keys[name]
    require(_WHOLE.fullmatch(text), _WHAT, f"has {name} = {text!r:.60}, not whole numbers")
    found = np.array(text.split(), dtype=np.int64)
    require(count in {None, len(found)}, _WHAT, f"has {len(found)} of {name}, not {count}")
    return found


def _within(values: npt.NDArray[Any], low: int, high: int) -> bool:
    return len(values) == 0 or bool(values.min() >= low and values.max() < high)
