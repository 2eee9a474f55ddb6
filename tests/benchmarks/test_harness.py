"""What the benchmarks say about measurements is true of them."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest
from benchmarks.bench import Bench
from benchmarks.environment import quiet_environment
from benchmarks.interleaving import interleave, turns
from benchmarks.record import Record
from benchmarks.report import Entry, Report, quantity
from benchmarks.sample import Sample
from benchmarks.worker import Worker, WorkerDiedError, WorkerError
from benchmarks.workers.protocol import summary
from rich.console import Console


def test_one_bad_round_does_not_move_the_median() -> None:
    assert Sample((1.0, 1.1, 0.9, 50.0, 1.0)).median == 1.0


def test_the_spread_is_half_the_range_between_the_quartiles_as_a_part_of_the_median() -> None:
    assert Sample((8.0, 9.0, 10.0, 11.0, 12.0)).spread == pytest.approx(0.1)
    assert Sample((7.0,)).spread == 0.0


def test_a_ratio_says_how_many_times_the_reference_something_is() -> None:
    assert Sample((30.0, 10.0, 20.0)).times(Sample((4.0,))) == 5.0


def test_an_empty_sample_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Sample(())


def test_everybody_is_measured_once_a_round_and_each_round_another_begins() -> None:
    order = list(turns(["a", "b", "c"], 4))
    for number in range(4):
        assert {name for round_, name in order if round_ == number} == {"a", "b", "c"}
    assert [name for _, name in order] == list("abcbcacababc")


def test_measurements_of_contenders_are_interleaved_in_time() -> None:
    happened: list[str] = []

    def measure(name: str) -> int:
        happened.append(name)
        return len(happened)

    results, failed = interleave({"a": lambda: measure("a"), "b": lambda: measure("b")}, 3)
    assert happened == ["a", "b", "b", "a", "a", "b"]
    assert results == {"a": [1, 4, 5], "b": [2, 3, 6]}
    assert failed == {}


def test_a_contender_that_fails_drops_out_with_its_reason_and_the_others_go_on() -> None:
    def fail() -> int:
        raise WorkerError("database is locked\nand more")

    results, failed = interleave({"bad": fail, "good": lambda: 1}, 2)
    assert results == {"bad": [], "good": [1, 1]}
    assert failed == {"bad": "database is locked"}


def test_quantiles_of_single_calls_are_taken_from_the_ordered_calls() -> None:
    found = summary([*range(1000, 0, -1), 5_000_000])
    assert found["median"] == pytest.approx(501e-9)
    assert found["p99"] == pytest.approx(991e-9)
    assert found["max"] == pytest.approx(5e-3)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.00000068, "s", "0.68 µs"),
        (0.0123, "s", "12.3 ms"),
        (-0.0123, "s", "-12.3 ms"),
        (5.7, "s", "5.7 s"),
        (312_456, "/s", "312 000 /s"),
        (7.04, "bytes", "7.04 bytes"),
        (100, "%", "100 %"),
        (0, "s", "0 µs"),
    ],
)
def test_quantities_read_in_three_digits_and_a_fitting_unit(
    value: float, unit: str, text: str
) -> None:
    assert quantity(value, unit) == text


def test_a_report_shows_ratios_to_chiplog_and_keeps_every_measurement() -> None:
    report = Report(
        "Speed",
        "s",
        "fast",
        [Entry("chiplog", Sample((0.001, 0.002, 0.003))), Entry("peer", Sample((0.1,)))],
        failed={"other": "not installed"},
    )
    assert [line[:4] for line in report.lines()] == [
        ["chiplog", "2 ms", "25%", "1"],
        ["peer", "100 ms", "", "50"],
    ]
    assert "other failed: not installed" in report.markdown()
    read = Report.from_json(json.loads(json.dumps(report.to_json())))
    assert read.entries[0].sample.values == (0.001, 0.002, 0.003)
    assert read.markdown() == report.markdown()


def figures(*names: str) -> list[Report]:
    return [Report(name, "s", "fast", [Entry("chiplog", Sample((1.0,)))]) for name in names]


def test_a_figure_measured_again_replaces_itself_and_leaves_the_others(tmp_path: Path) -> None:
    order = ["import", "disk"]
    Record(tmp_path, {"chiplog": "1", "mlflow": "3"}, order, quick=False).add(
        "disk", figures("Old")
    )
    Record(tmp_path, {"chiplog": "1", "mlflow": "3"}, order, quick=False).add("disk", figures("D"))
    record = Record(tmp_path, {"chiplog": "1"}, order, quick=False)
    record.add("import", figures("I"))
    page = record.page.read_text()
    assert "Old" not in page
    assert page.index("### I") < page.index("### D")
    assert "mlflow 3" in page


def test_figures_of_another_version_are_not_mixed_in(tmp_path: Path) -> None:
    Record(tmp_path, {"chiplog": "1"}, ["disk"], quick=False).add("disk", figures("D"))
    record = Record(tmp_path, {"chiplog": "2"}, ["disk", "import"], quick=False)
    record.add("import", figures("I"))
    assert "### D" not in record.page.read_text()


def worker(folder: Path) -> Worker:
    return Worker("plain", Path(sys.executable), folder, quiet_environment(folder))


def test_a_worker_answers_and_its_errors_come_back_as_text(tmp_path: Path) -> None:
    with worker(tmp_path) as plain:
        assert "fit" in plain.call("verbs")
        with pytest.raises(WorkerError, match="PackageNotFoundError"):
            plain.call("version", distribution="no-such-distribution")
        assert plain.call("recorded") == 0


def test_a_worker_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    with worker(tmp_path) as plain:
        plain.patience = 0.05
        with pytest.raises(WorkerError, match="took more than"):
            plain.call("pause", seconds=60.0)
        plain.patience = 10.0
        with pytest.raises(WorkerDiedError):
            plain.receive()


def test_a_contest_leaves_out_who_is_not_installed_and_remembers_who_failed(
    tmp_path: Path,
) -> None:
    bench = Bench({}, tmp_path, Console(file=io.StringIO()), quick=True)
    with bench.contest("plain", "mlflow") as contest:
        assert contest.once(lambda c: contest.call(c, "recorded"), "count") == {"plain": 0}
        assert contest.once(lambda c: contest.call(c, "no_such_verb"), "fail") == {}
        assert json.dumps(contest.failed).count("no_such_verb") == 1
        assert contest.once(lambda c: contest.call(c, "recorded"), "count") == {}


def test_a_worker_inherits_no_settings_and_cannot_reach_the_network(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://somewhere")
    environment = quiet_environment(tmp_path)
    assert "MLFLOW_TRACKING_URI" not in environment
    assert environment["HTTPS_PROXY"].startswith("http://127.0.0.1")
    assert environment["DO_NOT_TRACK"] == "true"
