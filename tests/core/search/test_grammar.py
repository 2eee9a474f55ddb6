"""The grammar by example: what parses to what, and what errors say."""

from __future__ import annotations

import math
from typing import Any

import pytest

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
    OrderBy,
    Subject,
    comparisons,
    parse_filter,
    parse_order_by,
)

A, B, C = (Comparison(Key(Kind.TAG, name), "=", "1") for name in "abc")


def metric(name: str) -> Key:
    return Key(Kind.METRIC, name, numeric=True)


@pytest.mark.parametrize("text", ["", " ", "\n\t", None])
def test_an_empty_filter_has_no_tree(text: str | None) -> None:
    assert parse_filter(text, RUNS) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("metrics.acc > 0.5", Comparison(metric("acc"), ">", 0.5)),
        ("metric.acc>=-1E-3", Comparison(metric("acc"), ">=", -0.001)),
        ("metrics.a = 3", Comparison(metric("a"), "=", 3)),
        ("metrics.a < .5", Comparison(metric("a"), "<", 0.5)),
        ("metrics.a < -inf", Comparison(metric("a"), "<", -math.inf)),
        ("metrics.`my metric/x` = 1", Comparison(metric("my metric/x"), "=", 1)),
        ('metrics."my metric/x" = 1', Comparison(metric("my metric/x"), "=", 1)),
        ("metrics.val/loss-2.x = 1", Comparison(metric("val/loss-2.x"), "=", 1)),
        ("metrics.`a``b` = 1", Comparison(metric("a`b"), "=", 1)),
        ("params.lr = '0.1'", Comparison(Key(Kind.PARAM, "lr"), "=", "0.1")),
        ('parameters.lr != "0.1"', Comparison(Key(Kind.PARAM, "lr"), "!=", "0.1")),
        ("params.a = 'it''s'", Comparison(Key(Kind.PARAM, "a"), "=", "it's")),
        ("tags.mlflow.user like 'a%'", Comparison(Key(Kind.TAG, "mlflow.user"), "LIKE", "a%")),
        ("tag.x ILIKE ''", Comparison(Key(Kind.TAG, "x"), "ILIKE", "")),
        ("tags.x is null", Comparison(Key(Kind.TAG, "x"), "IS NULL")),
        ("params.x Is Not Null", Comparison(Key(Kind.PARAM, "x"), "IS NOT NULL")),
        ("status = 'RUNNING'", Comparison(Key(Kind.ATTRIBUTE, "status"), "=", "RUNNING")),
        ("attr.`Run name` = 'x'", Comparison(Key(Kind.ATTRIBUTE, "run_name"), "=", "x")),
        ('"run name" = "x"', Comparison(Key(Kind.ATTRIBUTE, "run_name"), "=", "x")),
        (
            "run.Created > 5",
            Comparison(Key(Kind.ATTRIBUTE, "start_time", numeric=True), ">", 5),
        ),
        ("run_id in ('a')", Comparison(Key(Kind.ATTRIBUTE, "run_id"), "IN", ("a",))),
        (
            "run_id NOT  IN ('a', \"b\")",
            Comparison(Key(Kind.ATTRIBUTE, "run_id"), "NOT IN", ("a", "b")),
        ),
        ("dataset.context = 'train'", Comparison(Key(Kind.DATASET, "context"), "=", "train")),
    ],
)
def test_comparisons_are_read_as_mlflow_reads_them(text: str, expected: Comparison) -> None:
    assert parse_filter(text, RUNS) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("tags.a='1' AND tags.b='1' or tags.c='1'", Or((And((A, B)), C))),
        ("tags.a='1' or tags.b='1' and tags.c='1'", Or((A, And((B, C))))),
        ("(tags.a='1' OR tags.b='1') AND tags.c='1'", And((Or((A, B)), C))),
        ("NOT tags.a='1' AND tags.b='1'", And((Not(A), B))),
        ("NOT (tags.a='1' AND tags.b='1')", Not(And((A, B)))),
        ("not not tags.a='1'", Not(Not(A))),
        ("((tags.a='1'))", A),
        ("tags.a='1' AND tags.b='1' AND tags.c='1'", And((A, B, C))),
    ],
)
def test_not_binds_before_and_before_or(text: str, expected: Any) -> None:
    assert parse_filter(text, RUNS) == expected


def test_nan_is_a_number_of_the_grammar() -> None:
    (node,) = comparisons(parse_filter("metrics.loss != NaN", RUNS))
    assert isinstance(node.value, float)
    assert math.isnan(node.value)


@pytest.mark.parametrize(
    ("text", "position", "found", "expected"),
    [
        ("metrics.acc == 1", 12, "'=='", "an operator for metrics.acc"),
        ("metrics.acc > '1'", 14, "'1'", "a number without quotes"),
        ("metrics.acc >", 13, "the end of the text", "a number"),
        ("params.lr = 0.1", 12, "'0.1'", "a text in quotes"),
        ("params.lr > '1'", 10, "'>'", "LIKE"),
        ("params.lr BETWEEN '1' AND '2'", 10, "'BETWEEN'", "an operator"),
        ("metrics.a IS NULL", 10, "'IS NULL'", "an operator"),
        ("acc > 1", 0, "'acc'", "metrics.acc"),
        ("foo.acc > 1", 0, "'foo.acc'", "metrics.x"),
        ("datasets.size = '1'", 0, "'datasets.size'", "name, digest, context"),
        ("lifecycle_stage = 'active'", 0, "'lifecycle_stage'", "one of run_id"),
        ("metrics. > 1", 9, "'>'", "a name"),
        ("metrics.`` > 1", 0, "'metrics.'", "a name that is not empty"),
        ("metrics.a > 1 metrics.b > 2", 14, "'metrics.b'", "AND, OR or the end"),
        ("metrics.a > 1 AND", 17, "the end of the text", "a key"),
        ("(metrics.a > 1", 14, "the end of the text", "the closing ')'"),
        ("metrics.a > 1)", 13, "')'", "AND, OR or the end"),
        ("run_id IN 'a'", 10, "'a'", "a list of texts"),
        ("run_id IN ()", 11, "')'", "a text in quotes"),
        ("run_id IN ('a' 'b')", 15, "'b'", "','"),
        ("status NOT 'a'", 11, "'a'", "IN behind NOT"),
        ("tags.a IS 'x'", 10, "'x'", "NULL or NOT NULL"),
        ("status = 'abc", 9, "never closed", "another '"),
        ("status = 'a' ; drop", 13, "';'", "a key"),
        ("status = '\ud800'", 10, "surrogate", "valid Unicode"),
    ],
)
def test_an_error_shows_where_what_and_what_instead(
    text: str, position: int, found: str, expected: str
) -> None:
    with pytest.raises(InvalidValue) as caught:
        parse_filter(text, RUNS)
    message, shown, caret = str(caught.value).split("\n")
    assert f"at position {position}:" in message
    assert found in message.partition(" expected ")[0]
    assert expected in message.partition(" expected ")[2]
    assert len(caret) - 1 - 2 == position
    assert shown.isprintable()


def test_a_long_text_is_shown_around_the_error() -> None:
    text = " AND ".join(["metrics.a > 1"] * 50 + ["oops"] + ["metrics.a > 1"] * 50)
    with pytest.raises(InvalidValue) as caught:
        parse_filter(text, RUNS)
    _, shown, caret = str(caught.value).split("\n")
    assert len(shown) < 72
    assert shown[len(caret) - 1 :].startswith("oops")


@pytest.mark.parametrize(
    "text",
    [
        "(" * 100_000,
        "NOT " * 5_000 + "tags.a = '1'",
        " OR ".join(["tags.a = '1'"] * 1_000),
        "run_id IN (" + ",".join(["'a'"] * 30_000) + ")",
        "x" * 2_000_000,
    ],
)
def test_what_no_database_could_take_is_refused(text: str) -> None:
    with pytest.raises(InvalidValue, match="at most"):
        parse_filter(text, RUNS)


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        (EXPERIMENTS, "name ILIKE 'a%' AND tags.x = '1' AND creation_time > 3"),
        (EXPERIMENTS, "attributes.experiment_id IN ('1', '2')"),
        (LOGGED_MODELS, "name = 'm' AND metrics.acc > 1 AND params.p = 'x'"),
        (LOGGED_MODELS, "source_run_id = 'r' OR status = 'READY'"),
    ],
)
def test_each_subject_has_keys_of_its_own(subject: Subject, text: str) -> None:
    assert parse_filter(text, subject) is not None
    with pytest.raises(InvalidValue, match=f"filter on {subject.name}"):
        parse_filter("user_id = 'x'", subject)


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ("metrics.acc", OrderBy(metric("acc"))),
        ("metrics.acc desc", OrderBy(metric("acc"), descending=True)),
        ("params.`a b` ASC", OrderBy(Key(Kind.PARAM, "a b"))),
        ("attributes.Created DESC", OrderBy(Key(Kind.ATTRIBUTE, "start_time", numeric=True), True)),
        ("`Run name`", OrderBy(Key(Kind.ATTRIBUTE, "run_name"))),
    ],
)
def test_order_items_are_a_key_and_a_direction(item: str, expected: OrderBy) -> None:
    assert parse_order_by([item], RUNS) == [expected]


@pytest.mark.parametrize(
    "items",
    [
        ["nonsense"],
        ["metrics.a DOWN"],
        ["metrics.a DESC, metrics.b"],
        ["datasets.name"],
        ["metrics.a", "metric.`a` DESC"],
        [""],
        [7],
    ],
)
def test_bad_order_items_are_invalid_values(items: list[Any]) -> None:
    with pytest.raises(InvalidValue):
        parse_order_by(items, RUNS)
