"""The error that says what does not fit: complete, and readable in a terminal."""

from __future__ import annotations

import pickle

import pytest

from chiplog.core.errors import InvalidValue
from chiplog.core.models.enforcement import SchemaViolation, Violation, enforce_schema
from chiplog.core.models.enforcement.violations import LISTED, WIDTH
from chiplog.core.models.schema import Array, ColSpec, Object, Property, Schema

pd = pytest.importorskip("pandas")
pytestmark = pytest.mark.framework


def test_every_violation_is_one_error_in_the_signatures_order() -> None:
    schema = Schema(
        [
            ColSpec("long", "age"),
            ColSpec("string", "city"),
            ColSpec("double", "price"),
            ColSpec("double", "fits"),
            ColSpec(Array("double"), "sizes"),
        ]
    )
    frame = pd.DataFrame(
        {"price": [10], "age": [float("nan")], "sizes": [["x"]], "fits": [1.5]},
    )
    with pytest.raises(SchemaViolation) as caught:
        enforce_schema(frame, schema)
    assert isinstance(caught.value, InvalidValue)
    assert caught.value.error_code == "INVALID_PARAMETER_VALUE"
    assert [(v.column, v.expected, v.got) for v in caught.value.violations] == [
        ("age", "long", "float64, 1 value missing, first in row 0"),
        ("city", "string", "missing"),
        ("price", "double", "int64"),
        ("sizes", "Array(double)", "row 0: [0]: 'x' (str)"),
    ]
    assert str(caught.value).splitlines()[:6] == [
        "Failed to enforce schema of data: 4 of 5 columns do not fit the signature.",
        "  column  expected       got",
        "  age     long           float64, 1 value missing, first in row 0",
        "  city    string         missing",
        "  price   double         int64",
        "  sizes   Array(double)  row 0: [0]: 'x' (str)",
    ]


def test_the_error_passes_from_process_to_process() -> None:
    error = SchemaViolation("No.", [Violation("a", "long", "text", "Do.")])
    copy = pickle.loads(pickle.dumps(error))
    assert (str(copy), copy.violations) == (str(error), error.violations)


def test_many_violations_are_counted_behind_the_first() -> None:
    violations = [Violation(f"c{i}", "long", "text") for i in range(LISTED + 13)]
    text = str(SchemaViolation("No.", violations))
    assert text.splitlines()[-2:] == ["  c19     long      text", "  … and 13 more"]


def test_the_table_keeps_to_the_width_of_a_terminal() -> None:
    wide = Object([Property(f"property_{i}", "double") for i in range(9)])
    violations = [
        Violation(
            "a_column_with_a_name_that_does_not_end " * 3, repr(wide), "word " * 40, "Do. " * 30
        )
    ]
    text = str(SchemaViolation("No.", violations))
    assert max(map(len, text.splitlines())) <= WIDTH
    assert text.count("word") == 40
    head, first = text.splitlines()[1:3]
    assert head.index("got") == first.index("word")
