"""``import mlflow`` as chiplog: in a program that asks for it, and under ``chiplog exec``."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

pytestmark = pytest.mark.usefixtures("project")


def python(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        check=False,
    )


def script(text: str, *arguments: str, module: bool = False) -> subprocess.CompletedProcess[str]:
    """Run a script (or a module) of that text as ``chiplog exec`` does."""
    Path("script.py").write_text(textwrap.dedent(text), encoding="utf-8")
    call = "exec_module('script'" if module else "exec_script('script.py'"
    return python(f"from chiplog.core.exec import *\n{call}, {list(arguments)!r})")


def test_mlflow_and_its_public_submodules_are_chiplogs() -> None:
    done = python(
        """
        import chiplog
        chiplog.install_mlflow_alias()
        chiplog.install_mlflow_alias()
        import mlflow, mlflow.tracking, mlflow.entities
        from mlflow.exceptions import MlflowException
        from mlflow import MlflowClient
        import chiplog.tracking
        assert mlflow is chiplog
        assert mlflow.tracking is chiplog.tracking
        assert MlflowException is chiplog.ChiplogError
        assert chiplog.__spec__.name == chiplog.__name__ == "chiplog"
        assert chiplog.tracking.__spec__.name == chiplog.tracking.__name__ == "chiplog.tracking"
        with mlflow.start_run():
            mlflow.log_metric("m", 1)
        assert mlflow.last_active_run().data.metrics == {"m": 1.0}
        """
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", ["core", "store", "hooks", "integrations", "nothing"])
def test_what_is_not_public_is_not_mlflows(name: str) -> None:
    done = python(
        f"""
        import chiplog
        chiplog.install_mlflow_alias()
        try:
            import mlflow.{name}
        except ModuleNotFoundError as error:
            assert error.name == "mlflow.{name}"
            assert "no public module 'chiplog.{name}'" in str(error), error
        else:
            raise AssertionError("imported")
        """
    )
    assert done.returncode == 0, done.stderr


def test_an_mlflow_that_is_loaded_already_is_not_hidden(tmp_path: Path) -> None:
    (tmp_path / "mlflow.py").write_text("name = 'the real one'")
    done = python(
        """
        import mlflow, chiplog
        try:
            chiplog.install_mlflow_alias()
        except chiplog.ChiplogError as error:
            assert "imported in this process already" in str(error)
        else:
            raise AssertionError("hidden")
        """
    )
    assert done.returncode == 0, done.stderr


def test_a_script_runs_as_python_would_run_it() -> None:
    done = script(
        """
        import os, pickle, sys
        import mlflow

        class Thing:
            pass

        assert __name__ == "__main__"
        assert isinstance(pickle.loads(pickle.dumps(Thing())), Thing)
        print(sys.argv, __file__ == os.path.abspath("script.py"), __annotations__)
        with mlflow.start_run():
            mlflow.log_metric("m", 1)
        """,
        "--x",
        "1",
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "['script.py', '--x', '1'] True {}\n"


@pytest.mark.parametrize("module", [False, True])
def test_exit_codes_and_tracebacks_are_those_of_python(*, module: bool) -> None:
    assert script("import sys; sys.exit(7)", module=module).returncode == 7
    text = "def f():\n    raise ValueError('bad')\n\nf()\n"
    failed = script(text, module=module)
    command = [sys.executable, *(["-m", "script"] if module else ["script.py"])]
    expected = subprocess.run(command, capture_output=True, text=True, check=False)
    assert failed.returncode == expected.returncode == 1
    if not module:
        assert failed.stderr == expected.stderr
    assert failed.stderr.endswith("ValueError: bad\n")
    assert "exec.py" not in failed.stderr


def test_a_script_with_a_syntax_error_shows_the_line() -> None:
    failed = script("x = = 1\n")
    assert failed.returncode == 1
    assert 'script.py", line 1' in failed.stderr
    assert failed.stderr.startswith("  File")


def test_an_exception_of_a_script_fails_its_open_run() -> None:
    assert script("import mlflow\nmlflow.start_run()\nraise ValueError\n").returncode == 1
    done = python(
        "import chiplog; (run,) = chiplog.search_runs(output_format='list'); "
        "print(run.info.status, run.data.tags['chiplog.exit.reason'])"
    )
    assert done.stdout == "FAILED ValueError\n", done.stderr


def test_child_processes_of_a_script_see_the_alias_too() -> None:
    done = script(
        """
        import subprocess, sys
        child = "import mlflow, chiplog; print(mlflow is chiplog, mlflow.__name__)"
        print(subprocess.run([sys.executable, "-c", child], capture_output=True, text=True).stdout)
        """
    )
    assert done.stdout.strip() == "True chiplog", done.stderr


def test_a_missing_script_is_named() -> None:
    done = python("from chiplog.core.exec import *\nexec_script('nope.py')")
    assert "no script 'nope.py'" in done.stderr
    assert not Path("nope.py").exists()


@pytest.mark.parametrize(
    "line",
    [
        "from mlflow.models.signature import infer_signature",
        "from mlflow.tracking.client import MlflowClient",
        "from mlflow.tracking.fluent import log_metric",
        "from mlflow.types.schema import ColSpec, Schema",
        "from mlflow.types import Schema",
        "from mlflow.data.pandas_dataset import PandasDataset",
        "from mlflow.entities.param import Param",
    ],
)
def test_what_lies_deeper_in_mlflow_is_found_where_chiplog_has_it(line: str) -> None:
    program = f"import chiplog; chiplog.install_mlflow_alias(); {line}; import mlflow.sklearn"
    subprocess.run([sys.executable, "-c", program], check=True)


def test_mlflow_itself_is_there_again_after_code_that_was_given_chiplog(project: Path) -> None:
    (project / "mlflow").mkdir()
    (project / "mlflow" / "__init__.py").write_text("real = True\n")
    (project / "mlflow" / "deeper.py").write_text("")
    program = """
        import mlflow.deeper, sys
        from chiplog.core.alias import mlflow_as_chiplog
        import chiplog
        before = [mlflow, mlflow.deeper]
        for _ in range(2):
            with mlflow_as_chiplog():
                import mlflow, mlflow.pyfunc
                assert mlflow is chiplog and mlflow.pyfunc is chiplog.pyfunc
                with mlflow_as_chiplog():
                    import mlflow
                    assert mlflow is chiplog
                import mlflow
                assert mlflow is chiplog
            import mlflow.deeper
            assert [mlflow, mlflow.deeper] == before and mlflow.real
    """
    environment = {**os.environ, "PYTHONPATH": str(project)}
    command = [sys.executable, "-c", textwrap.dedent(program)]
    subprocess.run(command, check=True, env=environment)


def test_workers_that_are_spawned_see_the_alias_too(project: Path) -> None:
    script = project / "spawning.py"
    script.write_text(
        "import multiprocessing\n"
        "def name(_):\n"
        "    import mlflow\n"
        "    return mlflow.__name__\n"
        "if __name__ == '__main__':\n"
        "    with multiprocessing.get_context('spawn').Pool(1) as pool:\n"
        "        print(pool.map_async(name, [1]).get(60))\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "chiplog", "exec", str(script)],
        capture_output=True,
        text=True,
        timeout=90,
        check=True,
    )
    assert done.stdout.strip() == "['chiplog']"
