"""Parameters of a prediction."""

from __future__ import annotations

import datetime as dt
import logging
from typing import Any

import numpy as np
import pytest

from chiplog.core.errors import InvalidValue
from chiplog.core.models.enforcement import SchemaViolation, enforce_params
from chiplog.core.models.schema import Object, ParamSchema, ParamSpec, Property

SCHEMA = ParamSchema(
    [
        ParamSpec("i", "long", 1),
        ParamSpec("d", "double", 0.5),
        ParamSpec("s", "string", "x"),
        ParamSpec("l", "double", [1.0, 2.0], (-1,)),
        ParamSpec("b", "boolean", True),
        ParamSpec("t", "datetime", "2020-01-01"),
        ParamSpec("o", Object([Property("x", "long"), Property("y", "string", False)]), {"x": 1}),
    ]
)
DEFAULTS = {
    "i": 1,
    "d": 0.5,
    "s": "x",
    "l": [1.0, 2.0],
    "b": True,
    "t": dt.date(2020, 1, 1),
    "o": {"x": 1},
}


def test_parameters_that_are_not_given_have_their_defaults() -> None:
    assert enforce_params(None, SCHEMA) == DEFAULTS
    assert enforce_params({"i": 2}, SCHEMA) == {**DEFAULTS, "i": 2}


@pytest.mark.parametrize(
    ("name", "given", "made"),
    [
        ("i", np.int32(3), 3),
        ("i", None, None),
        ("d", 1, 1.0),
        ("d", np.float32(1.5), 1.5),
        ("l", [1, 2], [1.0, 2.0]),
        ("l", np.ones(2), [1.0, 1.0]),
        ("l", [], []),
        ("t", "2021-01-01", dt.date(2021, 1, 1)),
        ("t", "2021-01-01T05:00:00", dt.datetime(2021, 1, 1, 5)),  # noqa: DTZ001
        ("t", dt.datetime(2021, 1, 1), dt.datetime(2021, 1, 1)),  # noqa: DTZ001
        ("o", {"x": 2, "y": None}, {"x": 2, "y": None}),
    ],
)
def test_a_value_that_fits_or_widens_is_taken(name: str, given: Any, made: Any) -> None:
    found = enforce_params({name: given}, SCHEMA)[name]
    assert found == made
    assert type(found) is type(made)


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("i", 2.0, "2.0 (float)"),
        ("i", "2", "'2' (str)"),
        ("i", True, "True (bool)"),
        ("i", [1], "[1] (list)"),
        ("i", np.array(5), "array(5) (ndarray)"),
        ("d", "1", "'1' (str)"),
        ("d", True, "True (bool)"),
        ("s", 1, "1 (int)"),
        ("l", 1.5, "1.5 (float), not a list"),
        ("l", (1.0,), "(1.0,) (tuple), not a list"),
        ("l", [[1.0]], "[0]: [1.0] (list)"),
        ("l", ["x"], "[0]: 'x' (str)"),
        ("b", 1, "1 (int)"),
        ("t", "x", "'x', which is no ISO 8601 time"),
        ("o", {}, "without the property 'x'"),
        ("o", {"x": 1, "z": 1}, "the unknown property 'z'"),
        ("o", {"x": "q"}, "x: 'q' (str)"),
    ],
)
def test_a_value_of_another_type_or_shape_is_refused(name: str, given: Any, said: str) -> None:
    with pytest.raises(SchemaViolation, match=r"^Invalid parameters found") as caught:
        enforce_params({name: given}, SCHEMA)
    assert [(v.column, v.got) for v in caught.value.violations] == [(name, said)]


def test_every_parameter_that_does_not_fit_is_named() -> None:
    with pytest.raises(SchemaViolation) as caught:
        enforce_params({"l": 1, "i": "x"}, SCHEMA)
    found = [(v.column, v.expected) for v in caught.value.violations]
    assert found == [("i", "long"), ("l", "list of double")]


def test_unknown_parameters_are_left_out_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert enforce_params({"z": 1, 1: 2}, SCHEMA) == DEFAULTS  # type: ignore[dict-item] # bad
    (record,) = caplog.records
    assert "left out: 'z', '1'. It has: 'i', 'd'" in record.getMessage()


def test_parameters_without_a_schema_are_left_out_with_a_warning(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING):
        assert enforce_params({"a": 1}, None) == {}
        assert enforce_params(None, None) == {}
    assert len(caplog.records) == 1


def test_what_is_no_dict_is_refused() -> None:
    with pytest.raises(InvalidValue, match="it was given 5"):
        enforce_params(5, SCHEMA)  # type: ignore[arg-type] # the error looked for
