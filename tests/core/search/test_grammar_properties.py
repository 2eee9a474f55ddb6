"""Whatever tree: its text parses back to it. Whatever text: a tree or an InvalidValue."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from chiplog.core.errors import InvalidValue
from chiplog.core.search import (
    EXPERIMENTS,
    LOGGED_MODELS,
    RUNS,
    And,
    Comparison,
    Key,
    Kind,
    Not,
    Or,
    parse_filter,
    parse_order_by,
    to_text,
)
from chiplog.core.search.subjects import operators

if TYPE_CHECKING:
    from chiplog.core.search import Tree

_texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
_names = _texts.filter(bool)
_numbers = st.integers() | st.floats(allow_nan=False)

_keys = st.one_of(
    st.builds(lambda name: Key(Kind.METRIC, name, numeric=True), _names),
    st.builds(Key, st.sampled_from([Kind.PARAM, Kind.TAG]), _names),
    st.sampled_from([Key(Kind.DATASET, name) for name in ("name", "digest", "context")]),
    st.sampled_from([Key(Kind.ATTRIBUTE, name) for name in RUNS.texts]),
    st.sampled_from([Key(Kind.ATTRIBUTE, name, numeric=True) for name in RUNS.numbers]),
)


@st.composite
def _comparisons(draw: st.DrawFn) -> Comparison:
    key = draw(_keys)
    operator = draw(st.sampled_from(operators(key)))
    if operator.startswith("IS "):
        return Comparison(key, operator)
    if operator.endswith("IN"):
        return Comparison(key, operator, tuple(draw(st.lists(_texts, min_size=1, max_size=4))))
    return Comparison(key, operator, draw(_numbers if key.numeric else _texts))


def _parts(trees: st.SearchStrategy[Tree]) -> st.SearchStrategy[tuple[Tree, ...]]:
    return st.lists(trees, min_size=2, max_size=4).map(tuple)


_trees: st.SearchStrategy[Tree] = st.recursive(
    _comparisons(),
    lambda trees: (
        st.builds(And, _parts(trees)) | st.builds(Or, _parts(trees)) | st.builds(Not, trees)
    ),
    max_leaves=12,
)


@given(_trees)
def test_a_tree_comes_back_from_its_text(tree: Tree) -> None:
    assert parse_filter(to_text(tree), RUNS) == tree


_pieces = st.sampled_from(
    [
        *"()=<>!,.'\"`- ",
        *("metrics.", "params.a", "tags", "status", "AND", "or", "Not", "IN", "LIKE", "IS", "NULL"),
        *("1", "-2.5e3", "'x'", '"y z"', "inf", "nan", "\ud800", "\x00", "é"),
    ]
)


@given(st.text() | st.lists(_pieces, max_size=20).map("".join))
def test_any_text_is_a_tree_or_an_invalid_value(text: str) -> None:
    for subject in (RUNS, EXPERIMENTS, LOGGED_MODELS):
        with contextlib.suppress(InvalidValue):
            tree = parse_filter(text, subject)
            assert tree is not None or not text.strip()
        with contextlib.suppress(InvalidValue):
            assert len(parse_order_by([text], subject)) == 1
