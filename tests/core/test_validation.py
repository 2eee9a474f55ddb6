"""What keys, values, steps and ids may be: every rule, and what its error says."""

from __future__ import annotations

import logging
import math
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chiplog.core import validation
from chiplog.core.errors import ChiplogError, InvalidValue


@pytest.mark.parametrize(
    "key", ["a", "a/b", "été", "a b", "a:b", "x.y-z_1", "a" * 250, "..."[:1] + "a"]
)
def test_a_key_of_letters_digits_and_a_few_signs_is_allowed(key: str) -> None:
    assert validation.check_key(key, "metric") == key


@pytest.mark.parametrize("key", ["", ".", "..", "../a", "/a", "a//b", "a/", "a/./b", "a/../b"])
def test_a_key_that_is_not_its_own_normalised_path_is_refused(key: str) -> None:
    with pytest.raises(InvalidValue, match="file path"):
        validation.check_key(key, "metric")


@pytest.mark.parametrize("key", ["a\nb", "a\n", "a,b", "a@b", "a\x00", "a\\b"])
def test_a_key_with_a_foreign_sign_is_refused_and_the_sign_named(key: str) -> None:
    with pytest.raises(InvalidValue, match="Names may only hold") as caught:
        validation.check_key(key, "param")
    assert repr(key) in str(caught.value)


def test_a_key_of_more_than_250_characters_is_refused() -> None:
    with pytest.raises(InvalidValue, match="has 251 characters; at most 250"):
        validation.check_key("a" * 251, "tag")


@pytest.mark.parametrize("key", [None, 5, b"a", ["a"]])
def test_a_key_that_is_no_text_is_refused(key: object) -> None:
    with pytest.raises(InvalidValue, match="must be a string"):
        validation.check_key(key, "metric")


def test_a_refused_key_is_refused_again() -> None:
    for _ in range(2):
        with pytest.raises(InvalidValue):
            validation.check_key("a//b", "metric")


@given(st.text(max_size=30))
def test_an_allowed_key_always_fits_into_a_path_and_back(key: str) -> None:
    try:
        validation.check_key(key, "metric")
    except InvalidValue:
        return
    assert key
    assert not key.startswith("/")
    assert all(part not in {"", ".", ".."} for part in key.split("/"))


@pytest.mark.parametrize(
    ("given", "value"),
    [
        (1, 1.0),
        (True, 1.0),
        ("1.5", 1.5),
        (np.float32(0.5), 0.5),
        (np.array(2.0), 2.0),
        (np.array([3]), 3.0),
        (np.array([[4.0]]), 4.0),
        (Decimal("1.25"), 1.25),
        (math.inf, math.inf),
        ("-inf", -math.inf),
    ],
)
def test_what_is_a_number_becomes_a_double(given: object, value: float) -> None:
    assert validation.metric_value("m", given) == value


def test_nan_and_the_sign_of_zero_are_kept() -> None:
    assert math.isnan(validation.metric_value("m", math.nan))
    assert math.copysign(1.0, validation.metric_value("m", -0.0)) == -1.0


@pytest.mark.parametrize(
    "given", [None, "abc", "", np.array([1.0, 2.0]), np.array([]), [1.0], {}, 1j, object(), 10**400]
)
def test_what_is_no_number_is_refused_by_name(given: object) -> None:
    with pytest.raises(InvalidValue, match="metric 'loss' is not a number"):
        validation.metric_value("loss", given)


def test_a_value_whose_repr_fails_is_refused_all_the_same() -> None:
    class Broken:
        def __repr__(self) -> str:
            raise RuntimeError("no")

    with pytest.raises(InvalidValue, match="Broken, whose repr"):
        validation.metric_value("m", Broken())


@pytest.mark.parametrize(
    ("given", "step"),
    [(0, 0), (-3, -3), (1.7, 1), (True, 1), (np.int32(9), 9), (-(2**63), -(2**63))],
)
def test_a_step_is_an_integer_of_any_sign(given: object, step: int) -> None:
    assert validation.metric_step("m", given) == step


@pytest.mark.parametrize("given", ["3", b"3", math.nan, math.inf, 2**63, [1], 1j])
def test_a_step_that_is_no_64_bit_integer_is_refused(given: object) -> None:
    with pytest.raises(InvalidValue, match="metric 'm'"):
        validation.metric_step("m", given)


@pytest.mark.parametrize("given", [-1, "now", math.nan, 2**63])
def test_a_timestamp_that_is_no_time_is_refused(given: object) -> None:
    with pytest.raises(InvalidValue, match="milliseconds"):
        validation.metric_timestamp("m", given)


def test_a_long_value_is_cut_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "chiplog"):
        assert len(validation.param_value("p", "x" * 6001)) == 6000
        assert len(validation.tag_value("t", "x" * 8001)) == 8000
    assert "param 'p' has 6001 characters and is cut to 6000" in caplog.text
    assert "tag 't'" in caplog.text


def test_a_long_value_is_an_error_where_cutting_is_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRUNCATE_LONG_VALUES", "false")
    with pytest.raises(InvalidValue, match="6001 characters; at most 6000"):
        validation.param_value("p", "x" * 6001)


def test_text_that_is_no_unicode_is_refused() -> None:
    with pytest.raises(InvalidValue, match="not valid Unicode"):
        validation.tag_value("t", "\ud800")


def test_values_become_text_as_str_gives_it() -> None:
    assert validation.check_params({"a": 1, "b": None, "c": 0.1, "d": [1]}) == {
        "a": "1",
        "b": "None",
        "c": "0.1",
        "d": "[1]",
    }


@pytest.mark.parametrize("params", [None, [("a", 1)], "a"])
def test_params_that_are_no_dict_are_refused(params: object) -> None:
    with pytest.raises(InvalidValue, match="must be a dict"):
        validation.check_params(params)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["", "  ", 5, None, "x" * 501])
def test_an_experiment_name_that_is_not_allowed_is_refused(name: object) -> None:
    with pytest.raises(InvalidValue):
        validation.check_experiment_name(name)


def test_an_experiment_tag_that_is_too_long_is_never_cut() -> None:
    assert validation.check_experiment_tag("k", "x" * 20_000)[1] == "x" * 20_000
    with pytest.raises(InvalidValue, match="20001 characters"):
        validation.check_experiment_tag("k", "x" * 20_001)


@pytest.mark.parametrize("run_id", ["a", "0" * 32, "A_b-c", "a" * 256])
def test_a_well_formed_run_id_is_allowed(run_id: str) -> None:
    assert validation.check_run_id(run_id) == run_id


@pytest.mark.parametrize("run_id", ["", "-a", "_a", "a/b", "a b", "a\n", "a" * 257, None, 5])
def test_a_malformed_run_id_is_refused(run_id: object) -> None:
    with pytest.raises(InvalidValue, match="Invalid run id") as caught:
        validation.check_run_id(run_id)
    assert caught.value.error_code == "INVALID_PARAMETER_VALUE"


@pytest.mark.parametrize("name", ["", "a/b", "a:b", "a.b", "a%b", 'a"b', "a'b", None])
def test_a_model_name_with_a_reserved_sign_is_refused(name: object) -> None:
    with pytest.raises(InvalidValue, match="Invalid model name"):
        validation.check_model_name(name)


def test_an_unknown_status_raises_a_plain_exception() -> None:
    with pytest.raises(Exception, match="FOO") as caught:
        validation.check_status("FOO")
    assert not isinstance(caught.value, ChiplogError)


def test_a_status_may_be_given_by_name_or_number() -> None:
    assert validation.check_status("KILLED") == "KILLED"
    assert validation.check_status(4) == "FAILED"
