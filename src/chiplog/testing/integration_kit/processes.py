"""Tests in fresh processes: the order of import and autolog, and forked children."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from chiplog.testing.integration_kit.form import IntegrationForm
from chiplog.testing.integration_kit.fresh import run_fresh

if TYPE_CHECKING:
    from chiplog.testing.project import Project


class ProcessTests(IntegrationForm):
    """Whatever the order of imports, and across a fork."""

    def test_autolog_before_the_import(self, project: Project) -> None:
        self._run_fresh(
            f"""
            import chiplog; chiplog.autolog()
            from chiplog.core.autolog.engine import integrations
            awaited = integrations()[{self.integration!r}].modules
            imported = sorted(set(awaited) & set(sys.modules))
            assert not imported, f"autolog() imported {{imported}} by itself"
            load().train()
            """
        )
        assert len(project.top_runs()) == 1

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
    def test_a_forked_child_records_into_the_run_it_was_forked_in(self, project: Project) -> None:
        """Imports the framework before autolog(), and forks before anything was trained.

        Some frameworks' threads do not survive a fork.
        """
        self._run_fresh(
            f"""
            import importlib, os, chiplog
            from chiplog.core.autolog.engine import integrations
            importlib.import_module(integrations()[{self.integration!r}].modules[0])
            kit = load()
            chiplog.autolog()
            with chiplog.start_run():
                child = os.fork()
                if child == 0:
                    try:
                        kit.train()
                        from chiplog.core.journal import flush_all
                        flush_all(30)
                    finally:
                        os._exit(0)
                os.waitpid(child, 0)
                kit.train()
            """
        )
        (mine,) = project.top_runs()
        assert mine.info.status == "FINISHED"
        assert project.receipt(mine.info.run_id).integration == self.integration
        children = project.children(mine.info.run_id)
        own = [run for run in children if project.document(run.info.run_id, "receipt")]
        assert [run.info.status for run in own] == ["FINISHED"]

    def _run_fresh(self, script: str) -> None:
        """Run a script in a fresh interpreter, in this project."""
        done = run_fresh(type(self), script)
        assert done.returncode == 0, done.stderr
        assert "nothing was recorded" not in done.stderr, done.stderr
