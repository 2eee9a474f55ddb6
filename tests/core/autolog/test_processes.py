"""One process tree is one run, and what was not recorded is told when a program ends."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from chiplog.testing.project import Project

MADE_UP = Path(__file__).parents[2] / "made_up"


def _run(project: Project, source: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    script = project.path / "program.py"
    script.write_text(textwrap.dedent(source))
    environment = {**os.environ, "PYTHONPATH": str(MADE_UP)}
    done = subprocess.run(
        [sys.executable, str(script), *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    return done


def test_a_program_started_inside_a_run_records_children_of_it(project: Project) -> None:
    _run(
        project,
        """
        import subprocess, sys
        import chiplog, tinyframe
        chiplog.autolog()
        if len(sys.argv) > 1:
            tinyframe.Trainer(rate=0.2).fit([1.0])
            tinyframe.Trainer(rate=0.3).fit([1.0])
        else:
            with chiplog.start_run():
                tinyframe.Trainer(rate=0.1).fit([1.0])
                subprocess.run([sys.executable, __file__, "child"], check=True)
        """,
    )
    (mine,) = project.top_runs()
    assert mine.data.params["rate"] == "0.1"
    assert mine.info.status == "FINISHED"
    children = project.children(mine.info.run_id)
    assert sorted(run.data.params["rate"] for run in children) == ["0.2", "0.3"]
    assert {run.info.status for run in children} == {"FINISHED"}


def test_a_program_started_inside_a_training_records_nothing(project: Project) -> None:
    done = _run(
        project,
        """
        import subprocess, sys
        import chiplog, tinyframe
        chiplog.autolog()
        def start(step, loss):
            subprocess.run([sys.executable, __file__, "rank"], check=True)
        callbacks = [start] if len(sys.argv) == 1 else []
        tinyframe.train({"decay": 0.5}, [], steps=1, callbacks=callbacks)
        """,
    )
    assert len(project.runs()) == 1
    assert "nothing was recorded" not in done.stderr


@pytest.mark.parametrize("method", ["spawn", "fork", "forkserver"])
def test_processes_of_multiprocessing_record_children_of_the_run(
    project: Project, method: str
) -> None:
    import multiprocessing

    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"there is no {method} here")
    _run(
        project,
        f"""
        import multiprocessing
        import chiplog, tinyframe
        chiplog.autolog()

        def train(rate):
            return tinyframe.Trainer(rate=rate).fit([1.0]).rate

        if __name__ == "__main__":
            with chiplog.start_run():
                context = multiprocessing.get_context({method!r})
                with context.Pool(2) as pool:
                    assert pool.map(train, [0.1, 0.2]) == [0.1, 0.2]
                    pool.close()
                    pool.join()
        """,
    )
    (mine,) = project.top_runs()
    children = project.children(mine.info.run_id)
    assert sorted(run.data.params["rate"] for run in children) == ["0.1", "0.2"]
    assert {run.info.status for run in children} == {"FINISHED"}


def test_a_training_that_was_not_recorded_is_told_in_one_line_at_exit(project: Project) -> None:
    done = _run(
        project,
        """
        import chiplog
        chiplog.autolog(disable_for_unsupported_versions=True)
        import chiplog_tinyframe
        chiplog_tinyframe.TinyIntegration.versions = ">=99"
        import tinyframe
        tinyframe.Trainer().fit([1.0])
        """,
    )
    lines = [line for line in done.stderr.splitlines() if "nothing was recorded" in line]
    assert len(lines) == 1
    assert "tinyframe 1.2.0 is not among the versions chiplog knows (>=99)" in lines[0]


def test_a_program_that_trains_nothing_ends_without_a_word(project: Project) -> None:
    done = _run(project, "import chiplog\nchiplog.autolog()\nimport tinyframe")
    assert done.stderr == ""
    assert done.stdout == ""


def test_plots_and_files_of_a_program_that_ends_at_once_are_kept(project: Project) -> None:
    from chiplog.core.artifacts.loading import load_text

    _run(
        project,
        "import chiplog\nchiplog.autolog()\nimport tinyframe\ntinyframe.Trainer().fit([1.0])",
    )
    (run,) = project.runs()
    assert load_text(f"runs:/{run.info.run_id}/summary.txt") == "a summary"
