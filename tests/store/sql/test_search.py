"""Searches that take another way to the same result."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from chiplog.core.entities import ViewType
from chiplog.core.records import RunStarted, RunUpdated, TagDeleted, TagsSet
from chiplog.core.tags import RUN_NAME
from chiplog.store.sql import runsearch

if TYPE_CHECKING:
    from chiplog.store.sql.store import SqlTrackingStore
    from chiplog.testing.store_kit import Pen


def pages(store: SqlTrackingStore, order: list[str], size: int, text: str = "") -> list[str]:
    """The ids of all runs found, page after page."""
    found: list[str] = []
    token: str | None = None
    while True:
        page = store.search_runs(["0"], text, ViewType.ALL, size, order, token)
        found += [run.info.run_id for run in page]
        token = page.token
        if not token:
            return found


@pytest.fixture
def alike(store: SqlTrackingStore, pen: Pen) -> None:
    """Runs of which many share a param, a tag and a name, and some were deleted."""
    for number in range(48):
        depth = {0: "1", 1: "1", 2: "2", 3: "2", 4: "2", 5: f"3-{number}"}[number % 6]
        params = {"depth": depth * 40 if number == 20 else depth} if number % 11 else {}
        run_id = pen.run(name=("", "train", "eval")[number % 3], params=params)
        if number % 13 == 0:
            store.delete_run(run_id)


@pytest.mark.usefixtures("alike")
@pytest.mark.parametrize("order", ["params.depth ASC", "params.depth DESC", "run_name DESC"])
def test_a_value_that_many_runs_share_comes_in_the_same_order(
    store: SqlTrackingStore, monkeypatch: pytest.MonkeyPatch, order: str
) -> None:
    expected = pages(store, [order], 100)
    assert len(set(expected)) == 48
    monkeypatch.setattr(runsearch, "MANY_ALIKE", 3)
    for enough in (10, 1000):
        monkeypatch.setattr(runsearch, "MOST_COUNTED", enough)
        for size in (2, 5, 12):
            assert pages(store, [order], size) == expected


def test_runs_without_a_name_or_an_end_come_last(store: SqlTrackingStore, pen: Pen) -> None:
    nameless, b, a = pen.run(name="c"), pen.run(name="b", status=None), pen.run(name="a")
    pen.write(TagDeleted(nameless, key=RUN_NAME))
    assert pages(store, ["run_name"], 2) == [a, b, nameless]
    assert pages(store, ["run_name DESC"], 2) == [b, a, nameless]
    assert pages(store, ["end_time"], 2)[2] == b
    assert pages(store, ["end_time DESC"], 2) == [a, nameless, b]
    assert pages(store, ["end_time", "run_name"], 2, "status IN ('FINISHED', 'RUNNING')")[2] == b


def test_a_run_is_found_by_its_name_of_today(store: SqlTrackingStore, pen: Pen) -> None:
    run_id = pen.run(name="first", status=None)
    pen.write(RunUpdated(run_id, name="second"))
    # The journal of the process that started it comes late, as that of a child may be first.
    tags = {RUN_NAME: "first"}
    pen.write(RunStarted(run_id, "0", user_id="ada", start_time=1, name="first", tags=tags))
    assert store.get_run(run_id).data.tags[RUN_NAME] == "second"
    assert pages(store, [], 9, "run_name = 'second'") == [run_id]
    pen.write(TagsSet(run_id, tags={RUN_NAME: "third"}))
    assert pages(store, [], 9, "run_name IN ('third', 'second')") == [run_id]
    assert pages(store, [], 9, "run_name = 'second'") == []


def test_a_run_whose_name_was_removed_has_none(store: SqlTrackingStore, pen: Pen) -> None:
    run_id = pen.run(name="named")
    pen.write(TagDeleted(run_id, key=RUN_NAME))
    assert not store.get_run(run_id).info.run_name
    assert pages(store, [], 9, "run_name = 'named'") == []
    assert pages(store, [], 9, "run_name = ''") == [run_id]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("run_name LIKE 'tr%'", {"train", "trial", "tr"}),
        ("run_name LIKE 'tr_in'", {"train"}),
        ("run_name LIKE '%n'", {"train"}),
        ("run_name LIKE 'é%'", {"été"}),
        ("run_name LIKE '\ud7ff%'", {"\ud7ffx"}),
        ("run_name LIKE '\U0010ffff%'", {"\U0010ffff"}),
        ("run_name LIKE 'long" + "g" * 80 + "%'", {"long" + "g" * 100}),
        ("params.p LIKE 'tr%'", {"train", "trial", "tr"}),
        ("params.p LIKE 'long" + "g" * 80 + "%'", {"long" + "g" * 100}),
        ("params.p ILIKE 'TR%'", {"train", "trial", "tr"}),
        ("params.p != 'tr' AND tags.rare IS NOT NULL", {"train"}),
        ("status = 'FAILED'", {"trial"}),
        ("status IN ('FAILED', 'FINISHED') AND run_name LIKE 'tr%'", {"train", "trial", "tr"}),
    ],
)
def test_every_index_finds_what_the_filter_says(
    store: SqlTrackingStore, pen: Pen, text: str, found: set[str]
) -> None:
    """Runs enough for an index on the value to be the better way."""
    names = ["train", "trial", "tr", "ts", "été", "\ud7ffx", "\U0010ffff", "long" + "g" * 100]
    for name in names:
        pen.run(
            name=name,
            params={"p": name},
            tags={"rare": "1"} if name == "train" else {},
            status="FAILED" if name == "trial" else "FINISHED",
        )
    for number in range(40):
        pen.run(name=f"x{number}")
    names_found = {
        run.info.run_name for run in store.search_runs(["0"], text, ViewType.ALL, 100, None, None)
    }
    assert names_found == found
