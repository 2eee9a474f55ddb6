"""Tests in fresh processes: the order of import and autolog, and forked children."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING

import pytest

from chiplog.testing.integration_kit.form import IntegrationForm

if TYPE_CHECKING:
    from chiplog.testing.project import Project

_LOAD = """
import importlib.util, sys
sys.path[:0] = {path!r}
def load():
    spec = importlib.util.spec_from_file_location("the_tests", {file!r})
    module = importlib.util.module_from_spec(spec)
    sys.modules["the_tests"] = module
    spec.loader.exec_module(module)
    return getattr(module, {name!r})()
"""


class ProcessTests(IntegrationForm):
    """Whatever the order of imports, and across a fork."""

    def test_autolog_before_the_import(self, project: Project) -> None:
        self._run_fresh("import chiplog; chiplog.autolog()\nload().train()")
        assert len(project.top_runs()) == 1

    def test_the_import_before_autolog(self, project: Project) -> None:
        self._run_fresh("kit = load(); kit.train()\nimport chiplog; chiplog.autolog()\nkit.train()")
        assert len(project.top_runs()) == 1

    def test_autolog_imports_nothing_by_itself(self) -> None:
        self._run_fresh(
            f"""
            import chiplog; chiplog.autolog()
            from chiplog.core.autolog.engine import integrations
            awaited = integrations()[{self.integration!r}].modules
            assert not set(awaited) & set(sys.modules), sorted(set(awaited) & set(sys.modules))
            """
        )

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
    def test_a_forked_child_records_into_the_run_it_was_forked_in(self, project: Project) -> None:
        self._run_fresh(
            """
            import os, chiplog; chiplog.autolog()
            kit = load()
            with chiplog.start_run():
                kit.train()
                child = os.fork()
                if child == 0:
                    try:
                        kit.train()
                        from chiplog.core.journal import flush_all
                        flush_all(30)
                    finally:
                        os._exit(0)
                os.waitpid(child, 0)
            """
        )
        (mine,) = project.top_runs()
        assert mine.info.status == "FINISHED"
        children = project.children(mine.info.run_id)
        own = [run for run in children if project.document(run.info.run_id, "receipt")]
        assert [run.info.status for run in own] == ["FINISHED"]

    def _run_fresh(self, script: str) -> None:
        """Run a script in a fresh interpreter, in this project."""
        load = _LOAD.format(
            path=sys.path, file=inspect.getfile(type(self)), name=type(self).__name__
        )
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", load + textwrap.dedent(script)],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert "nothing was recorded" not in done.stderr, done.stderr
