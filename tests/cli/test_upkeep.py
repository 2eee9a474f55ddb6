"""``chiplog gc``, ``sync``, ``db``, ``doctor``: looking after a project."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from importlib import metadata
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result

UNFINISHED = """
import os, signal, sys
import chiplog
with chiplog.start_run(run_name="unfinished") as run:
    for step in range(100):
        chiplog.log_metric("depth", step, step=step)
    print(run.info.run_id, flush=True)
    if sys.argv[1] == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    sys.stdin.read()
"""


@pytest.fixture
def killed(project: Path) -> str:
    """A project with a run whose process was killed; the run's id."""
    answer = subprocess.run(
        [sys.executable, "-c", UNFINISHED, "kill"], capture_output=True, text=True, check=False
    )
    assert answer.returncode == -signal.SIGKILL, answer.stderr
    return answer.stdout.strip()


# gc


def test_gc_frees_what_is_deleted_and_says_how_much(
    chiplog: Callable[..., Result], chiplog_json: Callable[..., Any], voyages: dict[str, str]
) -> None:
    assert "nothing to free" in chiplog("gc", "--dry-run").stdout
    chiplog("runs", "delete", "first")
    would = chiplog("gc", "--dry-run").stdout
    assert would.startswith("Would free 0 experiments, 1 run, ")
    assert "2 files" in would
    assert chiplog("runs", "show", "first").exit_code == 0
    report = chiplog_json("gc")
    assert report["runs"] == 1
    assert report["points"] == 21
    assert report["artifact_files"] == 2
    assert report["dry_run"] is False
    chiplog("runs", "show", voyages["first"], code=1)
    chiplog("runs", "show", "second")


def test_gc_of_what_was_just_deleted_waits_for_its_age(
    chiplog: Callable[..., Result], chiplog_json: Callable[..., Any], voyages: dict[str, str]
) -> None:
    chiplog("runs", "delete", "first")
    assert chiplog_json("gc", "--older-than", "7d")["runs"] == 0
    assert "is no age" in chiplog("gc", "--older-than", "week", code=1).stderr
    assert chiplog_json("gc", "--run-ids", voyages["first"][:9])["runs"] == 1


def test_gc_of_a_live_run_is_refused(
    chiplog: Callable[..., Result], voyages: dict[str, str]
) -> None:
    result = chiplog("gc", "--run-ids", voyages["first"], code=1)
    assert voyages["first"] in result.stderr
    chiplog("runs", "show", "first")


def test_gc_takes_a_store_to_look_at(
    chiplog_json: Callable[..., Any],
    chiplog: Callable[..., Result],
    voyages: dict[str, str],
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CHIPLOG_TRACKING_URI", "")  # put back when the test ends
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "")
    chiplog("runs", "delete", "first")
    uri = f"sqlite:///{project}/.chiplog/chiplog.db"
    assert chiplog_json("gc", "--tracking-uri", uri)["runs"] == 1


# sync, and what dead processes leave behind


def test_the_run_of_a_killed_process_is_told_of_and_complete(
    chiplog: Callable[..., Result], chiplog_json: Callable[..., Any], killed: str
) -> None:
    result = chiplog("runs", "list")
    assert "had died with its process and is KILLED now" in result.stderr
    assert killed[:8] in result.stderr
    found = chiplog_json("runs", "show", killed)
    assert found["info"]["status"] == "KILLED"
    assert found["metric_summaries"][0]["count"] == 100


def test_sync_delivers_and_reports(
    chiplog_json: Callable[..., Any], chiplog: Callable[..., Result], killed: str
) -> None:
    report = chiplog_json("sync")
    assert report["journals"] == 1
    assert report["runs"] == [killed]
    assert report["problems"] == []
    assert "nothing to deliver" in chiplog("sync").stdout


def test_sync_of_a_copied_folder_goes_to_the_store_that_is_named(
    chiplog: Callable[..., Result],
    chiplog_json: Callable[..., Any],
    killed: str,
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    copy = project / "from-the-cluster"
    shutil.copytree(project / ".chiplog" / "journals", copy)
    shutil.rmtree(project / ".chiplog")
    (project / "home").mkdir()
    monkeypatch.chdir(project / "home")
    text = chiplog("sync", str(copy), "--store", "sqlite:///home.db", "--final").stdout
    assert "Delivered 1 journal" in text
    assert killed in text
    monkeypatch.setenv("CHIPLOG_TRACKING_URI", "sqlite:///home.db")
    assert chiplog_json("runs", "show", killed)["info"]["run_name"] == "unfinished"


def test_sync_of_a_folder_that_is_not_there_is_a_usage_error(
    chiplog: Callable[..., Result],
) -> None:
    assert "does not exist" in chiplog("sync", "nowhere", code=2).stderr


# doctor


def test_doctor_finds_a_good_project_well(
    chiplog: Callable[..., Result], chiplog_json: Callable[..., Any], voyages: dict[str, str]
) -> None:
    text = chiplog("doctor").stdout
    assert "All is well." in text or "to look at" in text
    checks = {check["what"]: check for check in chiplog_json("doctor")}
    assert checks["Database"]["good"] is True
    assert checks["Writable"]["good"] is True
    assert "sqlalchemy" in checks["Dependencies"]["found"]
    assert checks["CHIPLOG_STRICT"]["found"] == "1"


@pytest.mark.parametrize("module", ["sklearn", "torch", "tensorflow", "xgboost", "lightgbm"])
def test_doctor_names_a_framework_whatever_its_distribution_is_called(
    chiplog_json: Callable[..., Any], project: Path, module: str
) -> None:
    found = metadata.packages_distributions().get(module, [])
    names = [name.replace("_", "-") for name in found]
    if not names:
        pytest.skip(f"{module} is not installed")
    checks = {check["what"]: check for check in chiplog_json("doctor")}
    versions = checks["Frameworks"]["found"].split(", ")
    assert any(f"{name} {metadata.version(name)}" in versions for name in names)


def test_doctor_makes_no_project(chiplog: Callable[..., Result], project: Path) -> None:
    assert "not made yet" in chiplog("doctor").stdout
    assert list(project.iterdir()) == []


def test_doctor_masks_every_variable_on_request(
    chiplog: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "very-secret-plan")
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "hunter2")
    assert "hunter2" not in chiplog("doctor").stdout
    assert "very-secret-plan" in chiplog("doctor").stdout
    assert "very-secret-plan" not in chiplog("doctor", "--mask-envs").stdout


def test_doctor_says_that_a_corrupt_database_is_broken(
    chiplog: Callable[..., Result], project: Path
) -> None:
    (project / ".chiplog").mkdir()
    (project / ".chiplog" / "chiplog.db").write_bytes(b"this is no database" * 100)
    result = chiplog("doctor", code=1)
    assert "✗ Database" in result.stdout
    assert "broken" in result.stdout


def test_doctor_shows_journals_of_processes_it_cannot_judge(
    chiplog_json: Callable[..., Any], killed: str, project: Path
) -> None:
    (owner,) = (project / ".chiplog" / "journals").glob("*.owner")
    text = owner.read_text()
    import json

    facts = json.loads(text)
    facts.update(host="elsewhere", boot_id="another", locked=False)
    owner.write_text(json.dumps(facts))
    (left,) = [c for c in chiplog_json("doctor") if c["what"] == "Journal left behind"]
    assert left["good"] is None
    assert "elsewhere" in left["found"]
    assert "chiplog sync" in left["advice"]


def test_where_counts_journals_in_use(chiplog_json: Callable[..., Any], project: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", UNFINISHED, "wait"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline()
        journals = chiplog_json("where")["journals"]
        assert (journals["in_use"], journals["waiting"]) == (1, 0)
    finally:
        process.communicate("")


# databases that are not right


@pytest.mark.parametrize(
    "arguments",
    [("runs", "list"), ("runs", "show"), ("experiments", "list"), ("gc",), ("explain",)],
)
def test_a_corrupt_database_is_one_clear_error(
    arguments: tuple[str, ...], chiplog: Callable[..., Result], project: Path
) -> None:
    (project / ".chiplog").mkdir()
    place = project / ".chiplog" / "chiplog.db"
    place.write_bytes(b"this is no database" * 100)
    result = chiplog(*arguments, code=1)
    assert str(place) in result.stderr
    assert "Traceback" not in result.stderr
    assert place.read_bytes() == b"this is no database" * 100


def test_a_foreign_database_is_left_alone(chiplog: Callable[..., Result], project: Path) -> None:
    place = project / "other.db"
    with sqlite3.connect(place) as connection:
        connection.execute("CREATE TABLE songs (title TEXT)")
    connection.close()
    result = chiplog("--tracking-uri", str(place), "runs", "list", code=1)
    os.environ.pop("CHIPLOG_TRACKING_URI", None)
    os.environ.pop("MLFLOW_TRACKING_URI", None)
    assert str(place) in result.stderr


def test_an_unknown_scheme_lists_the_known_ones(
    chiplog: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHIPLOG_TRACKING_URI", "gopher://runs")
    result = chiplog("runs", "list", code=1)
    assert "'gopher://runs'" in result.stderr
    assert "sqlite" in result.stderr


def test_db_upgrade_opens_a_database_and_says_so(
    chiplog: Callable[..., Result], voyages: dict[str, str], project: Path
) -> None:
    assert "this version's schema" in chiplog("db", "upgrade").stdout
    url = f"sqlite:///{project}/.chiplog/chiplog.db"
    assert url in chiplog("db", "upgrade", url).stdout
    assert "no database" in chiplog("db", "upgrade", "sqlite:///nowhere.db", code=1).stderr
