"""Signatures from type hints, and data as the hints have it."""
# ruff: noqa: UP006, UP007, UP035, UP045 - hints as people write them

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any, Dict, List, Optional, Union

import numpy as np
import pytest

from chiplog import pyfunc
from chiplog.core.errors import InvalidValue
from chiplog.core.models.enforcement import SchemaViolation
from chiplog.core.models.typehints import convert_by_hint, input_hint, signature_from_hints
from chiplog.types.type_hints import TypeFromExample  # noqa: TC001 - a hint that is read

pytest.importorskip("pydantic")
pd = pytest.importorskip("pandas")

from pydantic import BaseModel  # noqa: E402 - skipped where it is not installed

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.framework


class Point(BaseModel):
    x: int
    y: str = "q"
    z: Optional[float] = None


class Track(BaseModel):
    points: list[Point]
    tags: dict[str, str] = {}
    other: Any = None
    either: Union[int, str] = 1


class Holey(BaseModel):
    hole: Optional[int]


POINT = {
    "type": "object",
    "properties": {
        "x": {"type": "long", "required": True},
        "y": {"type": "string", "required": True},
        "z": {"type": "double", "required": False},
    },
}


def predicts(hint: Any, returns: Any = None) -> Any:
    def predict(self: Any, context: Any, model_input: Any, params: Any = None) -> Any: ...

    predict.__annotations__ = {"model_input": hint}
    if returns is not None:
        predict.__annotations__["return"] = returns
    return predict


def array(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


LONG, STRING, ANY = {"type": "long"}, {"type": "string"}, {"type": "any"}


# What MLflow 3 writes for each hint.
@pytest.mark.parametrize(
    ("hint", "kind"),
    [
        (list[int], LONG),
        (List[str], STRING),
        (list[float], {"type": "double"}),
        (list[bool], {"type": "boolean"}),
        (list[bytes], {"type": "binary"}),
        (list[dt.datetime], {"type": "datetime"}),
        (list[list[int]], array(LONG)),
        (list[list[Optional[int]]], array(LONG)),
        (list[Dict[str, int]], {"type": "map", "values": LONG}),
        (list[dict[str, list[str]]], {"type": "map", "values": array(STRING)}),
        (list[dict[str, Any]], {"type": "map", "values": ANY}),
        (list[Any], ANY),
        (list[Union[int, str]], ANY),
        (list[int | str], ANY),
        (list[Point], POINT),
        (list[list[Point]], array(POINT)),
        (
            list[Track],
            {
                "type": "object",
                "properties": {
                    "either": {"type": "any", "required": True},
                    "other": {"type": "any", "required": True},
                    "points": {**array(POINT), "required": True},
                    "tags": {"type": "map", "values": STRING, "required": True},
                },
            },
        ),
    ],
)
def test_a_hint_of_a_list_is_one_unnamed_column(hint: Any, kind: dict[str, Any]) -> None:
    signature = signature_from_hints(predicts(hint))
    assert signature is not None
    assert signature.inputs is not None
    assert json.loads(signature.inputs.to_json()) == [{**kind, "required": True}]


@pytest.mark.parametrize(
    "hint",
    [
        None,
        Any,
        int,
        dict,
        dict[str, int],
        Point,
        Optional[list[int]],
        pd.DataFrame,
        np.ndarray,
        list[Exception],
        list[dt.date],
        list[complex],
        set[int],
        tuple[int],
        "NotDefinedAnywhere",
    ],
)
def test_other_hints_say_nothing_of_rows(hint: Any) -> None:
    assert signature_from_hints(predicts(hint)) is None


@pytest.mark.parametrize(
    ("hint", "said"),
    [
        (list, r"write list\[str\]"),
        (list[dict], r"write dict\[str, str\]"),  # type: ignore[type-arg] # the error looked for
        (list[Optional[int]], "lets rows be None"),
        (list[dict[int, str]], "keys of a dict are text"),
        (list[Holey], "field 'hole' of Holey may be None"),
    ],
)
def test_a_hint_that_no_signature_can_say_is_an_error(hint: Any, said: str) -> None:
    with pytest.raises(InvalidValue, match=said):
        signature_from_hints(predicts(hint))


@pytest.mark.parametrize(
    ("returns", "kind"),
    [
        (None, ANY),
        (int, LONG),
        (list[int], LONG),
        (list[Point], POINT),
        (dict[str, int], {"type": "map", "values": LONG}),
        (Optional[list[int]], ANY),
        (pd.DataFrame, ANY),
    ],
)
def test_what_is_returned_is_the_outputs(returns: Any, kind: dict[str, Any]) -> None:
    signature = signature_from_hints(predicts(list[str], returns))
    assert signature is not None
    assert signature.outputs is not None
    assert json.loads(signature.outputs.to_json()) == [{**kind, "required": True}]


def test_the_data_is_the_first_parameter_that_is_not_another() -> None:
    def plain(rows: list[int], params: Any = None) -> Any: ...
    def method(self: Any, context: str, model_input: list[str]) -> Any: ...
    def nothing() -> Any: ...

    assert input_hint(plain) == list[int]
    assert input_hint(method) == list[str]
    assert input_hint(nothing) is None


@pytest.mark.parametrize(
    ("hint", "given", "made"),
    [
        (list[str], ["a"], ["a"]),
        (list[str], [], []),
        (list[int], [1, np.int64(2)], [1, 2]),
        (list[float], [1, 1.5, np.float32(2)], [1.0, 1.5, 2.0]),
        (list[dt.datetime], ["2020-01-01T05:00"], [dt.datetime(2020, 1, 1, 5)]),  # noqa: DTZ001
        (list[list[int]], [[1], []], [[1], []]),
        (list[dict[str, Optional[int]]], [{"a": None, "b": 1}], [{"a": None, "b": 1}]),
        (list[Union[int, str]], [1, "a"], [1, "a"]),
        (list[Any], [1, None], [1, None]),
        (list[str], pd.DataFrame({"q": ["a", "b"]}), ["a", "b"]),
        (list[int], np.array([1, 2]), [1, 2]),
        (list[float], pd.Series([1.5]), [1.5]),
        (list[dict[str, int]], pd.DataFrame({"a": [1], "b": [2]}), [{"a": 1, "b": 2}]),
        (list[dict[str, int]], pd.DataFrame({"a": [1]}), [{"a": 1}]),
        (list[dict[str, int]], pd.DataFrame({"q": [{"a": 1}]}), [{"a": 1}]),
    ],
)
def test_data_of_the_hint_is_taken(hint: Any, given: Any, made: list[Any]) -> None:
    found = convert_by_hint(given, hint)
    assert found == made
    assert [type(row) for row in found] == [type(row) for row in made]


def test_pydantic_objects_are_made_from_dicts_and_from_rows_of_a_frame() -> None:
    first, second = convert_by_hint([{"x": 1}, Point(x=2)], list[Point])
    assert (first.x, first.y, second.x) == (1, "q", 2)
    frame = pd.DataFrame({"x": [1, 2], "z": [1.5, None]})
    assert [row.z for row in convert_by_hint(frame, list[Point])] == [1.5, None]
    (track,) = convert_by_hint([{"points": [{"x": 3}]}], list[Track])
    assert track.points[0].x == 3


@pytest.mark.parametrize(
    ("hint", "given", "named"),
    [
        (list[str], ["a", 1, None], [("row 1", "1 (int)"), ("row 2", "None (NoneType)")]),
        (list[int], [1.0], [("row 0", "1.0 (float)")]),
        (list[bool], [1], [("row 0", "1 (int)")]),
        (list[list[int]], [["x"]], [("row 0", "[0]: 'x' (str)")]),
        (list[dict[str, int]], [{"a": {}}, 5], [("row 0", "a: {} (dict)"), ("row 1", "5 (int)")]),
        (list[dict[str, int]], [{1: 1}], [("row 0", "the key 1 (int), not text")]),
        (list[Union[int, str]], [1.5], [("row 0", "1.5 (float)")]),
        (list[dt.datetime], ["x"], [("row 0", "'x' (str)")]),
        (list[str], "abc", [(None, "'abc' (str)")]),
        (list[str], None, [(None, "None (NoneType)")]),
    ],
)
def test_every_row_of_another_type_is_named(hint: Any, given: Any, named: Any) -> None:
    with pytest.raises(SchemaViolation, match=r"^Failed to validate data against") as caught:
        convert_by_hint(given, hint)
    assert [(v.column, v.got) for v in caught.value.violations] == named


def test_what_a_pydantic_model_says_is_said() -> None:
    with pytest.raises(SchemaViolation, match=r"hint list\[Point\]: 2 of 3 rows do not") as caught:
        convert_by_hint([{"x": 1}, {"x": "no", "z": "no"}, {}], list[Point])
    first, second = caught.value.violations
    assert first.column == "row 1"
    assert first.got.startswith("x: Input should be a valid integer")
    assert first.got.endswith("(and 1 more)")
    assert second.got == "x: Field required"


def passing(model_input: TypeFromExample) -> Any:
    return model_input


@pytest.mark.parametrize(
    ("example", "given", "made"),
    [
        (["a"], pd.DataFrame({"x": ["b", "c"]}), ["b", "c"]),
        ([{"a": 1}], pd.DataFrame({"a": [2]}), [{"a": 2}]),
        ([1.5], [2.5], [2.5]),
    ],
)
def test_data_comes_in_the_form_of_the_example_where_the_hint_says_so(
    example: Any, given: Any, made: Any, tmp_path: Path
) -> None:
    pyfunc.save_model(tmp_path / "m", python_model=passing, input_example=example)
    model = pyfunc.load_model(tmp_path / "m", allow_pickle=True)
    assert model.metadata.to_dict()["type_hint_from_example"] is True
    assert model.predict(given) == made


def test_a_frame_stays_one_where_the_example_is_one(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": [1]})
    pyfunc.save_model(tmp_path / "m", python_model=passing, input_example=frame)
    made = pyfunc.load_model(tmp_path / "m", allow_pickle=True).predict([{"a": 2}])
    pd.testing.assert_frame_equal(made, pd.DataFrame({"a": [2]}))
