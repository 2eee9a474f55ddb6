"""The types of signatures: made as MLflow's are, read and shown."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import numpy as np
import pytest

from chiplog.core.errors import InvalidValue
from chiplog.core.models.schema import (
    AnyType,
    Array,
    ColSpec,
    DataType,
    Map,
    Object,
    ParamSchema,
    ParamSpec,
    Property,
    Schema,
    TensorSpec,
)

COLUMNS = Schema(
    [
        ColSpec("double", "x"),
        ColSpec(Array("string"), "y", required=False),
        ColSpec(type=DataType.datetime, name="z", required=True),
        ColSpec(Map("long"), "m"),
        ColSpec(Object([Property("b", "string"), Property("a", "long", required=False)]), "o"),
        ColSpec(AnyType(), "any"),
    ]
)
SCALARS = Schema([ColSpec("double", "x"), ColSpec("string", "s"), ColSpec("binary", "b")])
TENSORS = Schema([TensorSpec(np.dtype("float32"), (-1, 3), "t")])


def test_a_scalar_type_may_be_given_by_its_name() -> None:
    assert ColSpec("double", "x") == ColSpec(DataType.double, "x")
    assert Array("string") == Array(DataType.string)
    assert Map("long") == Map(DataType.long)
    assert Property("a", "string") == Property("a", DataType.string)


def test_specs_show_as_mlflows_do() -> None:
    assert repr(COLUMNS) == (
        "['x': double (required), 'y': Array(string) (optional), 'z': datetime (required), "
        "'m': Map(str -> long) (required), "
        "'o': {a: long (optional), b: string (required)} (required), 'any': Any (required)]"
    )
    assert repr(TENSORS) == "['t': Tensor('float32', (-1, 3))]"
    assert repr(ParamSpec("a", "long", [1], (-1,))) == "'a': long (default: [1]) (shape: (-1,))"


def test_a_schema_answers_by_part() -> None:
    assert COLUMNS.input_names() == ["x", "y", "z", "m", "o", "any"]
    assert COLUMNS.required_input_names() == ["x", "z", "m", "o", "any"]
    assert COLUMNS.optional_input_names() == ["y"]
    assert COLUMNS.input_types()[:2] == [DataType.double, Array("string")]
    assert COLUMNS.input_dict()["y"] == ColSpec(Array("string"), "y", required=False)
    assert COLUMNS.input_types_dict()["z"] is DataType.datetime
    assert SCALARS.pandas_types() == [np.dtype("float64"), object, object]
    assert SCALARS.numpy_types() == [np.dtype("float64"), np.dtype("str"), np.dtype("bytes")]
    assert TENSORS.numpy_types() == TENSORS.input_types() == [np.dtype("float32")]
    assert not COLUMNS.is_tensor_spec()
    assert TENSORS.is_tensor_spec()


def test_what_a_schema_has_no_answer_to_is_an_error() -> None:
    with pytest.raises(InvalidValue, match=r"Array\(string\) is no type.*pandas"):
        COLUMNS.pandas_types()
    with pytest.raises(InvalidValue, match="no names"):
        Schema([ColSpec("double")]).input_dict()


@pytest.mark.parametrize("schema", [COLUMNS, SCALARS, TENSORS])
def test_a_schema_survives_its_json(schema: Schema) -> None:
    assert Schema.from_json(schema.to_json()) == schema
    assert json.loads(schema.to_json()) == schema.to_dict()


def test_parts_are_read_from_the_keys_of_their_json() -> None:
    for spec in COLUMNS:
        assert ColSpec.from_json_dict(**spec.to_dict()) == spec
    (tensor,) = TENSORS
    assert TensorSpec.from_json_dict(**tensor.to_dict()) == tensor
    assert Array.from_json_dict(type="array", items={"type": "long"}) == Array("long")
    assert Property.from_json_dict(a={"type": "long"}) == Property("a", "long")
    param = ParamSpec("a", "datetime", dt.datetime(2020, 1, 1, 5))  # noqa: DTZ001
    assert ParamSpec.from_json_dict(**param.to_dict()) == param


def test_columns_of_old_writers_say_whether_they_are_optional() -> None:
    schema = Schema.from_json('[{"type": "long", "name": "a", "optional": true}]')
    assert schema.optional_input_names() == ["a"]


def test_a_tensor_has_its_numpy_type_without_lengths_of_text() -> None:
    spec = TensorSpec(np.dtype("U5"), [-1])
    assert (spec.dtype, spec.type, spec.shape) == ("str", np.dtype("str"), (-1,))


def test_a_parameters_default_is_of_its_type() -> None:
    assert ParamSpec("a", "double", 1).default == 1.0
    assert type(ParamSpec("a", "double", 1).default) is float
    assert ParamSpec("a", "datetime", "2020-01-01").default == dt.date(2020, 1, 1)
    assert ParamSpec("a", DataType.float, np.float32(1)).to_dict()["default"] == 1.0
    assert ParamSpec("a", "long", None).default is None


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: ColSpec("nope", "x"), "given 'nope'"),
        (lambda: ColSpec("array"), "given 'array'"),
        (lambda: Array("nope"), "given 'nope'"),
        (lambda: Object([]), "at least one Property"),
        (lambda: Object([Property("a", "long")] * 2), r"given: \['a', 'a'\]"),
        (lambda: Schema([]), "at least one column"),
        (lambda: Schema("x"), "a list of specs; it was given 'x'"),  # type: ignore[arg-type] # bad
        (lambda: Schema([ColSpec("long", "a"), ColSpec("long")]), "all named or all unnamed"),
        (lambda: Schema([ColSpec("long", required=False)]), "needs a name"),
        (lambda: Schema([TensorSpec("float32", (-1,))] * 2), "2 tensors need names"),
        (lambda: ParamSpec("a", "long", 1.5), r"default that is no long: 1.5 \(float\)"),
        (lambda: ParamSpec("a", "long", 1, (-1,)), r"no list of long: 1 \(int\), not a list"),
        (lambda: ParamSpec("a", "long", [1]), r"no long: \[1\]"),
        (lambda: ParamSpec("a", "long", [1], (2,)), r"shape \(2,\)"),
        (lambda: ParamSpec("a", "binary", b"x"), "cannot be of type binary"),
        (lambda: ParamSpec("a", Map("long"), {}), "cannot be of type Map"),
        (lambda: ParamSchema([ParamSpec("a", "long", 1)] * 2), "same name: 'a'"),
    ],
)
def test_a_spec_that_makes_no_sense_is_refused(make: Any, said: str) -> None:
    with pytest.raises(InvalidValue, match=said):
        make()
