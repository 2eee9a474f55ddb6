"""Behaviour of searches over runs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest

from chiplog.core.entities import Dataset, DatasetInput, InputTag, ViewType
from chiplog.core.errors import InvalidValue
from chiplog.core.records import InputsLogged
from chiplog.testing.store_kit.pen import START, Behaviour, ids

if TYPE_CHECKING:
    from chiplog.core.entities import Page, Run
    from chiplog.core.stores import TrackingStore
    from chiplog.testing.store_kit.pen import Pen


def search(
    store: TrackingStore,
    text: str = "",
    order_by: list[str] | None = None,
    experiments: tuple[str, ...] = ("0",),
    **rest: Any,
) -> Page[Run]:
    """A page of runs."""
    asked = {"view_type": ViewType.ACTIVE_ONLY, "max_results": 100, "page_token": None, **rest}
    return store.search_runs(
        experiment_ids=experiments, filter_string=text, order_by=order_by, **asked
    )


class SearchBehaviour(Behaviour):
    """Filters, orders and pages."""

    def test_filters_find_what_they_say(self, store: TrackingStore, pen: Pen) -> None:
        """MLflow's comparisons, and OR, NOT and parentheses."""
        a = pen.run(
            name="Alpha", params={"lr": "0.1", "opt": "adam"}, metrics={"acc": 0.5, "my m/x": 1.0}
        )
        b = pen.run(name="beta", params={"lr": "0.2"}, metrics={"acc": 0.9}, tags={"t": "100%"})
        c = pen.run(name="gamma", status=None, metrics={"acc": -0.0, "loss": math.nan})
        for text, expected in {
            "": {a, b, c},
            "metrics.acc > 0.5": {b},
            "metrics.acc >= 0.5": {a, b},
            "metrics.acc < 5e-1": {c},
            "metrics.acc = 0": {c},
            "metrics.acc != 0.9": {a, c},
            "metrics.`my m/x` = 1": {a},
            "metrics.loss > -1e400": set(),
            "metrics.loss != 1": {c},
            "metrics.nothing < 1": set(),
            "params.lr = '0.1'": {a},
            "params.lr != '0.1'": {b},
            "params.lr LIKE '0._'": {a, b},
            "params.lr IN ('0.2', '0.3')": {b},
            "params.opt IS NULL": {b, c},
            "params.opt IS NOT NULL": {a},
            "params.none IS NULL": {a, b, c},
            "tags.t LIKE '100%'": {b},
            "tags.t LIKE '100[%]'": set(),
            "run_name LIKE 'a%'": set(),
            "run_name ILIKE 'a%'": {a},
            "attributes.`Run name` = 'beta'": {b},
            "status = 'RUNNING'": {c},
            "status != 'RUNNING' AND metrics.acc < 1": {a, b},
            f"run_id IN ('{a}', '{c}', 'x')": {a, c},
            f"run_id NOT IN ('{a}', '{c}')": {b},
            f"start_time >= {START + 2000}": {b, c},
            "end_time > 0": {a, b},
            "NOT end_time > 0": {c},
            "params.lr = '0.1' OR metrics.loss = nan": {a, c},
            "NOT params.lr = '0.1'": {b, c},
            "NOT (params.lr = '0.1' OR tags.t = '100%')": {c},
            "params.lr = '0.1' AND params.opt = 'adam' AND metrics.acc > 0": {a},
            "user_id = 'ada' and (run_name = 'beta' or run_name = 'gamma')": {b, c},
            f"artifact_uri LIKE '%/{b}/artifacts'": {b},
            "start_time > 99999999999999999999999999": set(),
        }.items():
            assert set(ids(search(store, text))) == expected, text

    def test_long_texts_are_compared_whole(self, store: TrackingStore, pen: Pen) -> None:
        """Not by the part that an index may hold."""
        long = "x" * 500
        one, two = pen.run(params={"p": long + "1"}), pen.run(params={"p": long + "2"})
        for text, expected in {
            f"params.p = '{long}1'": [one],
            f"params.p != '{long}1'": [two],
            f"params.p = '{long}'": [],
            f"params.p IN ('{long}2', 'y')": [two],
            "params.p LIKE '%x2'": [two],
        }.items():
            assert ids(search(store, text)) == expected, text
        assert ids(search(store, order_by=["params.p DESC"])) == [two, one]

    def test_data_sets_are_searched(self, store: TrackingStore, pen: Pen) -> None:
        """By name, digest and context."""
        plain, run_id = pen.run(), pen.run()
        data = DatasetInput(
            Dataset("iris", "d1", "code", "{}"), [InputTag("mlflow.data.context", "train")]
        )
        pen.write(InputsLogged(run_id, datasets=[data]))
        assert ids(search(store, "datasets.name = 'iris' AND dataset.digest LIKE 'd%'")) == [run_id]
        assert ids(search(store, "datasets.context IN ('train')")) == [run_id]
        assert ids(search(store, "NOT datasets.name = 'iris'")) == [plain]

    def test_the_latest_start_comes_first(self, store: TrackingStore, pen: Pen) -> None:
        """If no order is asked for."""
        runs = [pen.run() for _ in range(4)]
        assert ids(search(store)) == runs[::-1]

    def test_missing_values_come_last_in_both_directions(
        self, store: TrackingStore, pen: Pen
    ) -> None:
        """For metrics: numbers with infinities, then NaN, then missing."""
        values = {"low": -math.inf, "mid": 0.5, "high": math.inf, "nan": math.nan}
        runs = {name: pen.run(metrics={"m": value}) for name, value in values.items()}
        runs["none"] = pen.run()
        names = {run_id: name for name, run_id in runs.items()}
        for order, expected in {
            "metrics.m": ["low", "mid", "high", "nan", "none"],
            "metrics.m DESC": ["high", "mid", "low", "nan", "none"],
        }.items():
            assert [names[run_id] for run_id in ids(search(store, order_by=[order]))] == expected

    def test_several_keys_sort_one_after_the_other(self, store: TrackingStore, pen: Pen) -> None:
        """Metrics, params, tags and attributes, each in its direction."""
        a = pen.run(params={"p": "x"}, metrics={"m": 1.0}, name="c")
        b = pen.run(params={"p": "x"}, metrics={"m": 2.0}, name="b")
        c = pen.run(params={"p": "w"}, tags={"t": "1"}, name="b")
        d = pen.run(name="a", status=None)
        for order, expected in [
            (["params.p", "metrics.m DESC"], [c, b, a, d]),
            (["tags.t", "params.p DESC", "start_time"], [c, a, b, d]),
            (["run_name", "run_id DESC"], [d, c, b, a]),
            (["end_time DESC"], [c, b, a, d]),
            (["created ASC"], [a, b, c, d]),
            (["status DESC", "metrics.m"], [d, a, b, c]),
        ]:
            assert ids(search(store, order_by=order)) == expected, order

    @pytest.mark.parametrize(
        ("text", "order"),
        [
            ("", []),
            ("", ["metrics.m DESC"]),
            ("", ["metrics.m", "params.p"]),
            ("", ["params.p DESC", "metrics.m"]),
            ("", ["end_time", "run_name DESC"]),
            ("metrics.m >= 0", ["params.p"]),
            ("params.p = 'b'", ["metrics.m DESC"]),
            ("NOT params.p = 'b'", ["start_time"]),
        ],
    )
    def test_pages_hold_every_run_once_in_order(
        self, store: TrackingStore, pen: Pen, text: str, order: list[str]
    ) -> None:
        """Over two experiments, with equal, missing and NaN values."""
        other = store.create_experiment("other", None, {})
        for number in range(24):
            metrics = {"m": [0.0, 1.0, math.nan, -1.0][number % 4]} if number % 3 else {}
            pen.run(
                experiment_id=("0", other)[number % 2],
                name=f"n{number % 5}",
                params={"p": "ab"[number % 2]} if number % 5 else {},
                metrics=metrics,
                status="FINISHED" if number % 7 else None,
            )
        both = ("0", other)
        whole = ids(search(store, text, order, both))
        assert len(whole) > 4
        paged: list[str] = []
        token = None
        while True:
            page = search(store, text, order, both, max_results=5, page_token=token)
            paged += ids(page)
            token = page.token
            if token is None:
                break
            assert len(page) == 5
        assert paged == whole

    def test_view_types_choose_the_lifecycle(self, store: TrackingStore, pen: Pen) -> None:
        """Active, deleted, all."""
        kept, gone = pen.run(), pen.run()
        store.delete_run(gone)
        for view, expected in [
            (ViewType.ACTIVE_ONLY, [kept]),
            (ViewType.DELETED_ONLY, [gone]),
            (ViewType.ALL, [gone, kept]),
        ]:
            assert ids(search(store, view_type=view)) == expected

    def test_only_the_experiments_asked_for_are_searched(
        self, store: TrackingStore, pen: Pen
    ) -> None:
        """None of them, none found; an unknown one holds nothing."""
        other = store.create_experiment("other", None, {})
        here, there = pen.run(), pen.run(experiment_id=other)
        assert ids(search(store, experiments=(other,))) == [there]
        assert ids(search(store, experiments=(other, "0", "999"))) == [there, here]
        assert ids(search(store, experiments=())) == []

    def test_a_token_fits_only_its_own_search(self, store: TrackingStore, pen: Pen) -> None:
        """Another filter, order or a made-up token is an invalid value."""
        for _ in range(3):
            pen.run(metrics={"m": 1.0})
        token = search(store, max_results=1).token
        for ask in (
            {"text": "metrics.m > 0"},
            {"order_by": ["metrics.m"]},
            {"view_type": ViewType.ALL},
        ):
            with pytest.raises(InvalidValue, match="token"):
                search(store, page_token=token, **ask)
        for made_up in ("nonsense", "AAAA", "eyJvZmZzZXQiOiAyfQ==", "ü"):
            with pytest.raises(InvalidValue, match="token"):
                search(store, page_token=made_up)

    def test_bad_questions_are_invalid_values(self, store: TrackingStore) -> None:
        """A malformed filter says where; page sizes have limits."""
        with pytest.raises(InvalidValue, match="position 14"):
            search(store, "metrics.m > 1 banana")
        with pytest.raises(InvalidValue, match="colour"):
            search(store, order_by=["colour"])
        for size in (0, -1, 50_001):
            with pytest.raises(InvalidValue, match="max_results"):
                search(store, max_results=size)
