"""``chiplog runs``: finding, showing, comparing and changing runs of a real project."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result


def names(runs: list[dict[str, Any]]) -> list[str]:
    return [run["info"]["run_name"] for run in runs]


# Where there is no project


@pytest.mark.parametrize(
    "arguments",
    [
        ("runs", "list"),
        ("runs", "search", "metrics.loss < 1"),
        ("runs", "show", "latest"),
        ("experiments", "list"),
        ("artifacts", "list", "-r", "abc"),
        ("explain",),
        ("gc",),
        ("sync",),
        ("db", "upgrade"),
    ],
)
def test_where_there_is_no_project_that_is_said_and_none_is_made(
    arguments: tuple[str, ...], chiplog: Callable[..., Result], project: Path
) -> None:
    result = chiplog(*arguments, code=1)
    assert "There is no chiplog project here" in result.stderr
    assert str(project) in result.stderr
    assert "chiplog demo" in result.stderr
    assert list(project.iterdir()) == []


def test_a_database_that_a_variable_names_and_is_not_there_is_named(
    chiplog: Callable[..., Result], project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHIPLOG_TRACKING_URI", "sqlite:///nowhere.db")
    result = chiplog("runs", "list", code=1)
    assert f"{project}/nowhere.db" in result.stderr
    assert "CHIPLOG_TRACKING_URI" in result.stderr
    assert list(project.iterdir()) == []


# list


def test_list_shows_top_level_runs_latest_first(
    chiplog: Callable[..., Result], chiplog_json: Callable[..., Any], voyages: dict[str, str]
) -> None:
    assert names(chiplog_json("runs", "list")) == ["lost", "search", "second", "first"]
    text = chiplog("runs", "list").stdout
    assert voyages["first"] in text
    assert "search +3" in text
    assert "candidate-0" not in text
    assert "FAILED" in text
    assert "accuracy" in text.splitlines()[0]


def test_list_can_show_children_and_those_of_one_run(
    chiplog_json: Callable[..., Any], voyages: dict[str, str]
) -> None:
    assert len(chiplog_json("runs", "list", "--children")) == 7
    found = names(chiplog_json("runs", "list", "--parent", "search"))
    assert found == ["candidate-2", "candidate-1", "candidate-0"]


def test_what_was_varied_among_children_is_shown(
    chiplog: Callable[..., Result], project: Path
) -> None:
    import chiplog as log

    with log.start_run(run_name="search"):
        for rate in (0.1, 0.2, 0.3):
            with log.start_run(nested=True):
                log.log_params({"rate": rate, "layers": 3, "seed": rate > 0.1})
                log.log_metric("accuracy", rate)
    heads = chiplog("runs", "list", "--parent", "search").stdout.splitlines()[0].split()
    assert heads[-3:] == ["rate", "seed", "accuracy"]
    every = chiplog("runs", "list", "--children").stdout.splitlines()[0].split()
    assert "rate" not in every


def test_list_takes_mlflows_options(
    chiplog_json: Callable[..., Any], voyages: dict[str, str]
) -> None:
    assert len(chiplog_json("runs", "list", "--experiment-id", "1", "--view", "active_only")) == 4
    assert chiplog_json("runs", "list", "--experiment-id", "0") == []
    assert chiplog_json("runs", "list", "--experiment-id", "1", "-v", "deleted_only") == []


def test_list_limits_sorts_and_chooses_columns(
    chiplog: Callable[..., Result], chiplog_json: Callable[..., Any], voyages: dict[str, str]
) -> None:
    assert names(chiplog_json("runs", "list", "--limit", "1")) == ["lost"]
    by_accuracy = chiplog_json("runs", "list", "-o", "metrics.accuracy DESC", "-l", "2")
    assert names(by_accuracy) == ["second", "first"]
    text = chiplog("runs", "list", "--columns", "params.rate,tags.stage,metrics.loss").stdout
    header, _, *rows = text.splitlines()
    assert header.split()[-3:] == ["rate", "stage", "loss"]
    assert rows[-1].split()[-3:] == ["0.1", "test", "0.14957"]


def test_a_column_of_no_kind_is_refused(
    chiplog: Callable[..., Result], voyages: dict[str, str]
) -> None:
    assert "'loss' is no column" in chiplog("runs", "list", "-c", "loss", code=1).stderr


def test_an_unknown_experiment_is_told_with_those_there_are(
    chiplog: Callable[..., Result], voyages: dict[str, str]
) -> None:
    result = chiplog("runs", "list", "-n", "trips", code=1)
    assert "no experiment named 'trips'" in result.stderr
    assert "'voyages'" in result.stderr


def test_an_empty_project_says_how_to_begin(chiplog: Callable[..., Result], project: Path) -> None:
    (project / ".chiplog").mkdir()
    assert "chiplog demo" in chiplog("runs", "list").stdout


# search


def test_search_finds_runs_children_included(
    chiplog_json: Callable[..., Any], voyages: dict[str, str]
) -> None:
    found = names(
        chiplog_json("runs", "search", "metrics.accuracy > 0.15 AND NOT params.rate = '0.1'")
    )
    assert found == ["candidate-2"] or set(found) == {"candidate-2", "second"}
    assert names(chiplog_json("runs", "search", "status = 'FAILED'")) == ["lost"]


def test_a_malformed_filter_is_shown_with_a_caret_at_the_place(
    chiplog: Callable[..., Result], voyages: dict[str, str]
) -> None:
    result = chiplog("runs", "search", "metrics.loss << 1", code=1)
    _, shown, caret = result.stderr.splitlines()[-3:]
    assert "metrics.loss << 1" in shown
    assert shown[caret.index("^")] == "<"


def test_a_malformed_filter_is_told_by_its_place_in_what_was_typed(
    chiplog: Callable[..., Result], voyages: dict[str, str]
) -> None:
    for arguments in ((), ("--parent", voyages["first"])):
        result = chiplog("runs", "list", "-f", "metrics.loss >", *arguments, code=1)
        assert "at position 14" in result.stderr
        assert result.stderr.splitlines()[-2].strip() == "metrics.loss >"
    unbalanced = "metrics.loss > 1) OR (metrics.loss < 1"
    assert "found ')'" in chiplog("runs", "list", "-f", unbalanced, code=1).stderr


def test_nothing_found_is_said(chiplog: Callable[..., Result], voyages: dict[str, str]) -> None:
    assert "no runs" in chiplog("runs", "search", "metrics.loss > 1e9").stdout


# naming runs


def test_a_run_is_known_by_id_beginning_name_and_latest(
    chiplog_json: Callable[..., Any], voyages: dict[str, str]
) -> None:
    whole = voyages["first"]
    for text in (whole, whole[:10], "first"):
        assert chiplog_json("runs", "show", text)["info"]["run_id"] == whole
    assert chiplog_json("runs", "show", "latest")["info"]["run_name"] == "lost"
    assert chiplog_json("runs", "show")["info"]["run_name"] == "lost"


def test_latest_is_the_search_and_not_its_last_candidate(
    chiplog: Callable[..., Result], chiplog_json: Callable[..., Any], voyages: dict[str, str]
) -> None:
    chiplog("runs", "delete", "lost")
    assert chiplog_json("runs", "show", "latest")["info"]["run_name"] == "search"


def test_an_ambiguous_name_lists_the_candidates(
    chiplog: Callable[..., Result], voyages: dict[str, str]
) -> None:
    import chiplog as log

    with log.start_run(run_name="first") as again:
        pass
    result = chiplog("runs", "show", "first", code=1)
    assert "fits several runs" in result.stderr
    assert voyages["first"][:8] in result.stderr
    assert again.info.run_id[:8] in result.stderr


@pytest.mark.parametrize("text", ["nothing", "zzzz", "it's", "%", "../x", ""])
def test_an_unknown_run_is_quoted(
    text: str, chiplog: Callable[..., Result], voyages: dict[str, str]
) -> None:
    result = chiplog("runs", "show", text, code=1)
    assert f"There is no run {text!r}" in result.stderr


# show


def test_show_prints_everything_that_is_known(
    chiplog: Callable[..., Result], voyages: dict[str, str]
) -> None:
    text = chiplog("runs", "show", "first").stdout
    for expected in (
        voyages["first"],
        "FINISHED",
        "voyages (id 1)",
        "accuracy",
        "0.95",
        "loss  last 0.14957, 20 points, min at step 19, max at 0",
        "█",
        "rate",
        "a\\nb",
        "stage",
        "hello.txt",
        "5 bytes",
        "2 files",
    ):
        assert expected in text, expected


def test_show_tells_of_failure_and_of_what_is_no_number(
    chiplog: Callable[..., Result], chiplog_json: Callable[..., Any], voyages: dict[str, str]
) -> None:
    text = chiplog("runs", "show", "lost").stdout
    assert "FAILED" in text
    assert "ZeroDivisionError: division by zero" in text
    assert "×" in text  # noqa: RUF001 - the sign is meant
    document = chiplog_json("runs", "show", "lost")
    assert document["data"]["metrics"]["depth"] == "-Infinity"
    assert document["failure"]["type"] == "ZeroDivisionError"


def test_show_names_parent_and_children(
    chiplog: Callable[..., Result], voyages: dict[str, str]
) -> None:
    assert "3 runs: chiplog runs list --parent" in chiplog("runs", "show", "search").stdout
    assert voyages["search"] in chiplog("runs", "show", "candidate-1").stdout


def test_show_draws_the_metrics_that_are_named(
    chiplog: Callable[..., Result], voyages: dict[str, str]
) -> None:
    text = chiplog("runs", "show", "first", "--metric", "loss", "--height", "10").stdout
    assert text.count("│") == 10
    assert "Parameters" not in text
    result = chiplog("runs", "show", "first", "--metric", "speed", code=1)
    assert "no metric 'speed'" in result.stderr
    assert "'loss'" in result.stderr


# compare


def test_compare_sets_runs_side_by_side(
    chiplog: Callable[..., Result], voyages: dict[str, str]
) -> None:
    text = chiplog("runs", "compare", "first", "second").stdout
    rows = {line.split()[0]: line.split()[1:] for line in text.splitlines() if line.split()}
    assert rows["accuracy"] == ["0.95", "1", "+0.05"]
    assert rows["rate"] == ["0.1", "0.2"]
    assert "layers" not in rows
    assert "2 parameters the same" in text
    assert "1 to 0.1496" in text


def test_compare_shows_equal_parameters_on_request(
    chiplog: Callable[..., Result], voyages: dict[str, str]
) -> None:
    assert "layers" in chiplog("runs", "compare", "first", "second", "--all").stdout


def test_compare_of_many_runs_and_as_json(
    chiplog: Callable[..., Result], chiplog_json: Callable[..., Any], voyages: dict[str, str]
) -> None:
    everybody = list(voyages)
    text = chiplog("runs", "compare", *everybody).stdout
    assert all(voyages[name][:8] in text for name in everybody)
    document = chiplog_json("runs", "compare", "first", "second", "lost")
    assert document["metrics"]["accuracy"] == [0.95, 1.0, None]
    assert document["differing_params"]["rate"] == ["0.1", "0.2", None]


def test_compare_needs_two(chiplog: Callable[..., Result], voyages: dict[str, str]) -> None:
    assert "two runs or more" in chiplog("runs", "compare", "first", code=2).stderr


# delete, restore, create, describe


def test_delete_and_restore_move_a_run_in_and_out_of_the_bin(
    chiplog: Callable[..., Result], chiplog_json: Callable[..., Any], voyages: dict[str, str]
) -> None:
    answer = chiplog("runs", "delete", "--run-id", voyages["first"]).stdout
    assert answer == f"Run with ID {voyages['first']} has been deleted.\n"
    assert "first" not in names(chiplog_json("runs", "list"))
    assert names(chiplog_json("runs", "list", "-v", "deleted_only")) == ["first"]
    answer = chiplog("runs", "restore", "first").stdout
    assert answer == f"Run with id {voyages['first']} has been restored.\n"
    assert "first" in names(chiplog_json("runs", "list"))


def test_delete_takes_children_along_on_request(
    chiplog: Callable[..., Result], chiplog_json: Callable[..., Any], voyages: dict[str, str]
) -> None:
    chiplog("runs", "delete", "search", "--children")
    assert len(chiplog_json("runs", "list", "--children")) == 3
    chiplog("runs", "restore", "search", "--children")
    assert len(chiplog_json("runs", "list", "--children")) == 7


def test_the_runs_of_a_deleted_experiment_are_in_the_bin(
    chiplog: Callable[..., Result], chiplog_json: Callable[..., Any], voyages: dict[str, str]
) -> None:
    chiplog("experiments", "delete", "-x", "1")
    assert chiplog_json("runs", "list") == []
    assert len(chiplog_json("runs", "list", "-v", "deleted_only")) == 4


def test_a_typo_among_several_deletes_nothing(
    chiplog: Callable[..., Result], chiplog_json: Callable[..., Any], voyages: dict[str, str]
) -> None:
    chiplog("runs", "delete", "first", "frist", code=1)
    assert "first" in names(chiplog_json("runs", "list"))


def test_create_makes_a_finished_run_and_prints_what_mlflow_prints(
    chiplog: Callable[..., Result], chiplog_json: Callable[..., Any], project: Path
) -> None:
    made = json.loads(
        chiplog(
            "runs", "create", "--experiment-name", "new", "--run-name", "made", "-t", "a=b=c",
            "--description", "by hand", "--status", "KILLED",
        ).stdout
    )  # fmt: skip
    assert list(made) == ["run_id", "experiment_id", "status", "run_name"]
    assert made["status"] == "KILLED"
    described = json.loads(chiplog("runs", "describe", "--run-id", made["run_id"]).stdout)
    assert described["info"]["run_name"] == "made"
    assert described["data"]["tags"]["a"] == "b=c"
    assert described["data"]["tags"]["mlflow.note.content"] == "by hand"
    assert list(described) == ["info", "data", "inputs", "outputs"]
    assert sorted(described["data"]) == ["metrics", "params", "tags"]


def test_create_refuses_what_is_no_tag(chiplog: Callable[..., Result]) -> None:
    assert "no KEY=VALUE" in chiplog("runs", "create", "-t", "ab", code=2).stderr


# export


def test_export_writes_every_point_exactly(
    chiplog: Callable[..., Result], voyages: dict[str, str]
) -> None:
    (document,) = json.loads(chiplog("runs", "export", "lost").stdout)
    (depth,) = document["metrics"]
    assert depth["steps"] == [0, 1, 2, 3]
    assert depth["values"] == [1.0, "NaN", "Infinity", "-Infinity"]
    rows = list(csv.DictReader(io.StringIO(chiplog("runs", "export", "lost", "-f", "csv").stdout)))
    assert [row["value"] for row in rows] == ["1.0", "nan", "inf", "-inf"]
    assert {row["run_id"] for row in rows} == {voyages["lost"]}


def test_export_to_a_file_says_so(
    chiplog: Callable[..., Result], voyages: dict[str, str], project: Path
) -> None:
    result = chiplog("runs", "export", "search", "--children", "-o", "runs.json")
    assert "4 runs" in result.stderr
    assert len(json.loads((project / "runs.json").read_text())) == 4
