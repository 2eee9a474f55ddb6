"""Lists, objects and maps in columns."""

from __future__ import annotations

import datetime as dt
import decimal
from typing import Any

import numpy as np
import pytest

from chiplog.core.models.enforcement import SchemaViolation, enforce_schema
from chiplog.core.models.schema import AnyType, Array, ColSpec, Map, Object, Property, Schema

pd = pytest.importorskip("pandas")
pytestmark = pytest.mark.framework

POINT = Object([Property("x", "long"), Property("y", "string", required=False)])
NAN = float("nan")


def enforced(kind: Any, *cells: Any, required: bool = True) -> list[Any]:
    frame = pd.DataFrame({"a": pd.Series(list(cells), dtype=object)})
    made: list[Any] = enforce_schema(frame, Schema([ColSpec(kind, "a", required)]))["a"].tolist()
    return made


def refused(kind: Any, *cells: Any) -> str:
    with pytest.raises(SchemaViolation) as caught:
        enforced(kind, *cells)
    return caught.value.violations[0].got


@pytest.mark.parametrize(
    ("item", "given", "made"),
    [
        ("double", [1.5, 2.5], [1.5, 2.5]),
        ("double", [1, 2.5], [1.0, 2.5]),
        ("double", [0, 1], [0.0, 1.0]),
        ("double", [decimal.Decimal("1.5")], [1.5]),
        ("double", [], []),
        ("long", [1, np.int32(2)], [1, 2]),
        ("integer", [1], [1]),
        ("boolean", [True], [True]),
        ("string", ["x", None], ["x", None]),
        ("binary", ["x", b"y"], [b"x", b"y"]),
        ("datetime", [dt.date(2020, 1, 1)], [dt.date(2020, 1, 1)]),
        (AnyType(), [1, "x"], [1, "x"]),
        (Array("long"), [[1], [], [2, 3]], [[1], [], [2, 3]]),
        (POINT, [{"x": 1}], [{"x": 1}]),
    ],
)
def test_a_list_of_the_items_type_fits(item: Any, given: list[Any], made: list[Any]) -> None:
    assert enforced(Array(item), given) == [made]


@pytest.mark.parametrize(
    ("item", "given", "said"),
    [
        ("double", [1, 2], "row 0: integers"),
        ("double", ["x"], "row 0: [0]: 'x' (str)"),
        ("double", [1.5, True], "row 0: [1]: True (bool)"),
        ("long", [1, 1.0], "row 0: [1]: 1.0 (float)"),
        ("long", [1, None], "row 0: [1]: None (NoneType)"),
        ("integer", [2**31], "row 0: [0]: 2147483648 (int)"),
        ("string", ["x", 1], "row 0: [1]: 1 (int)"),
        ("double", 1.5, "row 0: 1.5 (float), not a list"),
        ("double", (1.5,), "row 0: (1.5,) (tuple), not a list"),
        (Array("long"), [[1], ["x"]], "row 0: [1][0]: 'x' (str)"),
        (POINT, [{"x": 1}, {"x": "q"}], "row 0: [1].x: 'q' (str)"),
    ],
)
def test_an_item_of_another_type_is_located(item: Any, given: Any, said: str) -> None:
    assert refused(Array(item), given) == said


def test_a_missing_double_in_a_list_is_nan() -> None:
    ((first, second),) = enforced(Array("double"), [1.5, None])
    assert first == 1.5
    assert np.isnan(second)


def test_ragged_lists_keep_their_lengths() -> None:
    ragged = [[1.5], [], [2.5, 3.5]]
    assert enforced(Array("double"), *ragged) == ragged


@pytest.mark.parametrize(
    ("item", "given", "dtype"),
    [
        ("double", np.ones(2, "float32"), "float64"),
        ("double", np.ones(2, "int64"), "float64"),
        ("long", np.ones(2, "int32"), "int64"),
        ("string", np.array(["x"]), "<U1"),
        (Array("double"), np.ones((2, 2), "float32"), "float64"),
    ],
)
def test_an_array_widens_as_a_whole(item: Any, given: Any, dtype: str) -> None:
    (made,) = enforced(Array(item), given)
    assert made.dtype == dtype
    assert np.array_equal(made, given)


@pytest.mark.parametrize(
    ("item", "given"),
    [
        ("float", np.ones(2)),
        ("long", np.ones(2)),
        ("double", np.array(["x"])),
        ("string", np.array([1])),
        ("double", np.array([True])),
        ("double", np.ones((2, 2))),
    ],
)
def test_an_array_of_another_type_or_rank_is_refused(item: Any, given: Any) -> None:
    assert refused(Array(item), given).startswith("row 0: an array of")


def test_an_object_has_its_properties_and_no_others() -> None:
    assert enforced(POINT, {"x": 1, "y": None}, {"x": np.int32(2)}) == [
        {"x": 1, "y": None},
        {"x": 2},
    ]
    assert refused(POINT, {"y": "q"}) == "row 0: without the property 'x'"
    assert refused(POINT, {"x": 1, "z": 2}) == "row 0: the unknown property 'z'"
    assert refused(POINT, {"x": "q"}) == "row 0: x: 'q' (str)"
    assert refused(POINT, {"x": None}) == "row 0: x: None (NoneType)"
    assert refused(POINT, 5) == "row 0: 5 (int), not a dict"
    inner = Object([Property("p", POINT)])
    assert refused(inner, {"p": {"x": 1.5}}) == "row 0: p.x: 1.5 (float)"


def test_an_integer_in_an_object_may_be_a_double() -> None:
    ((made),) = enforced(Object([Property("x", "double")]), {"x": 1})
    assert type(made["x"]) is float


def test_a_map_has_text_for_keys_and_values_of_one_type() -> None:
    assert enforced(Map("double"), {"k": 1}, {}) == [{"k": 1.0}, {}]
    assert refused(Map("long"), {1: 1}) == "row 0: the key 1 (int), not text"
    assert refused(Map("long"), {"k": "x"}) == "row 0: k: 'x' (str)"
    assert refused(Map("long"), {"k": None}) == "row 0: k: None (NoneType)"
    assert refused(Map(Array("long")), {"k": [1, "x"]}) == "row 0: k[1]: 'x' (str)"


def test_the_first_row_that_fails_is_shown_and_the_others_are_counted() -> None:
    assert refused(POINT, {"x": 1}, {}, {}, 5) == "row 1: without the property 'x', and 2 more rows"


@pytest.mark.parametrize("kind", [Array("long"), POINT, Map("long")])
def test_a_missing_cell_fits_an_optional_column_alone(kind: Any) -> None:
    assert enforced(kind, None, required=False) == [None]
    assert refused(kind, None) == "row 0: missing"


def test_a_column_whose_values_all_fit_is_not_copied() -> None:
    for kind, cells in (
        (Array("long"), [[1, 2], [3]]),
        (Array(Array("long")), [[[1, 2]], []]),
        (POINT, [{"x": 1}, {"x": 2, "y": "q"}]),
        (Map(POINT), [{"k": {"x": 1}}, {}]),
    ):
        frame = pd.DataFrame({"a": pd.Series(cells, dtype=object)})
        assert enforce_schema(frame, Schema([ColSpec(kind, "a")])) is frame
