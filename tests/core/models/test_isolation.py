"""An environment of a model's own: what goes into it, how it is made, and asking a model in it."""

from __future__ import annotations

import json
import os
import platform
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from chiplog.core.errors import InvalidValue, MissingFile, UntrustedModel
from chiplog.core.models import isolation
from chiplog.core.models.environment import write_environment
from chiplog.core.models.installing import InstallationFailed, Installer, alone
from chiplog.core.models.isolation import environment_for, environments_folder, recipe_of
from chiplog.core.models.model import Model
from chiplog.core.models.prediction import PredictionFailed, predict
from chiplog.core.models.signature import infer_signature

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = ".".join(platform.python_version_tuple()[:2])

SCRIPT = """
import os, sys
import numpy as np
from chiplog.models import set_model
from chiplog.pyfunc import PythonModel

class Sums(PythonModel):
    def predict(self, context, model_input, params=None):
        if "FAIL" in os.environ:
            raise RuntimeError("no sums today")
        return {
            "sums": model_input.sum(axis=1),
            "prefix": sys.prefix,
            "path": os.environ.get("PYTHONPATH"),
            "mlflow": "mlflow" in sys.modules,
        }

set_model(Sums())
"""


@pytest.fixture(autouse=True)
def _own_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHIPLOG_ENV_ROOT", str(tmp_path / "environments"))


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A model's directory with its environment files, and no model in it."""
    folder = tmp_path / "model"
    folder.mkdir()
    Model(signature=infer_signature(np.ones((1, 2)))).save(folder / "MLmodel")
    write_environment(folder, (), pip_requirements=["mlflow==3.1", "a==1", "b>=2"])
    return folder


def _installs(monkeypatch: pytest.MonkeyPatch, pause: float = 0) -> list[Path]:
    """Leave the installing out, which takes long; the requirements files it was given."""
    calls: list[Path] = []

    def install(self: Installer, python: Path, listed: Path, wheel: Path, lock: int) -> None:
        calls.append(listed)
        time.sleep(pause)

    monkeypatch.setattr(Installer, "install", install)
    return calls


def test_chiplog_takes_the_place_of_mlflow(directory: Path) -> None:
    assert recipe_of(directory).requirements == ("a==1", "b>=2")
    both = recipe_of(directory, install_mlflow=True)
    assert both.requirements == ("mlflow==3.1", "a==1", "b>=2")


def test_requirements_that_are_given_win_by_name(directory: Path) -> None:
    found = recipe_of(directory, pip_requirements_override=["A==7", "c"])
    assert found.requirements == ("b>=2", "A==7", "c")


def test_given_lines_without_a_name_take_the_place_of_none(directory: Path) -> None:
    write_environment(
        directory, (), pip_requirements=["--prefer-binary", "git+https://host.test/a.git", "b>=2"]
    )
    limits = directory.parent / "limits.txt"
    limits.write_text("c<2")
    given = ["git+https://host.test/d.git", f"-c {limits}"]
    found = recipe_of(directory, pip_requirements_override=given)
    assert found.requirements == (
        *("--prefer-binary", "git+https://host.test/a.git", "b>=2"),
        "git+https://host.test/d.git",
    )
    assert found.constraints == ("c<2",)


def test_packages_of_conda_whose_names_begin_like_python_stay(directory: Path) -> None:
    packages = ["python=3.11", "pip<24", "pip", "python-graphviz=0.20", "pip-tools"]
    write_environment(directory, (), conda_env={"dependencies": [*packages, {"pip": ["a==1"]}]})
    assert recipe_of(directory, conda=True).conda == ("python-graphviz=0.20", "pip-tools")


def test_a_model_that_may_be_asked_with_tables_gets_pandas(directory: Path) -> None:
    Model().save(directory / "MLmodel")
    assert recipe_of(directory).requirements[-1] == "pandas"
    write_environment(directory, (), pip_requirements=["Pandas==2.1"])
    assert recipe_of(directory).requirements == ("Pandas==2.1",)


def test_what_reads_a_pickled_model_is_there_without_mlflow(directory: Path) -> None:
    signature = infer_signature(np.ones((1, 2)))
    settings = {"python_model": "python_model.pkl", "cloudpickle_version": "3.1.1"}
    Model({"python_function": settings}, signature=signature).save(directory / "MLmodel")
    assert recipe_of(directory).requirements == ("a==1", "b>=2", "cloudpickle==3.1.1")
    write_environment(directory, (), pip_requirements=["CloudPickle"])
    assert recipe_of(directory).requirements == ("CloudPickle",)


def test_constraints_and_the_version_of_python_are_the_models(
    directory: Path, tmp_path: Path
) -> None:
    (tmp_path / "c.txt").write_text("a<2\n")
    write_environment(directory, (), pip_requirements=["a", f"-c {tmp_path / 'c.txt'}"])
    found = recipe_of(directory)
    assert (found.python, found.requirements, found.constraints) == (HERE, ("a",), ("a<2",))


def test_a_plugin_that_provides_the_flavor_is_needed(
    directory: Path, site: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    site("chiplog-odd", "0.2", {"chiplog_odd/__init__.py": ""})

    class Odd:
        name = "odd"
        module = "chiplog_odd.api"

    monkeypatch.setattr(isolation, "flavors", lambda: {"odd": Odd})
    signature = infer_signature(np.ones((1, 2)))
    Model({"odd": {}, "python_function": {}}, signature=signature).save(directory / "MLmodel")
    assert recipe_of(directory).requirements == ("a==1", "b>=2", "chiplog-odd==0.2")


def test_conda_brings_what_its_file_says_beside_python_and_pip(directory: Path) -> None:
    given = {"channels": ["mine"], "dependencies": [f"python={HERE}", "pip<=30", "gcc=9"]}
    write_environment(directory, (), conda_env=given)
    found = recipe_of(directory, conda=True)
    assert (found.conda, found.channels) == (("gcc=9",), ("mine",))


def test_a_python_that_chiplog_does_not_run_on_is_refused(directory: Path) -> None:
    (directory / "python_env.yaml").write_text("python: 3.7.2\n")
    with pytest.raises(InvalidValue, match=r"asks for Python 3\.7\.2, and chiplog needs"):
        recipe_of(directory)


def test_a_python_that_is_not_there_is_named(
    directory: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    (directory / "python_env.yaml").write_text("python: 3.99.1\n")
    with pytest.raises(InvalidValue, match=r"Python 3\.99; this is .*'python3\.99' on the PATH"):
        environment_for(directory)


def test_each_change_of_what_goes_in_is_another_environment(directory: Path) -> None:
    plain = recipe_of(directory)
    others = [
        recipe_of(directory, install_mlflow=True),
        recipe_of(directory, pip_requirements_override=["c"]),
    ]
    digests = {recipe.digest("venv") for recipe in [plain, *others]} | {plain.digest("uv")}
    assert len(digests) == 4
    assert recipe_of(directory).digest("venv") in digests


def test_the_local_environment_is_the_one_that_runs(directory: Path) -> None:
    assert environment_for(directory, "local") == Path(sys.executable)
    with pytest.raises(InvalidValue, match="env_manager='poetry' is unknown; it is one of local"):
        environment_for(directory, "poetry")


@pytest.mark.parametrize(("manager", "program"), [("uv", "uv"), ("conda", "conda")])
def test_a_manager_that_is_not_installed_is_named(
    manager: str, program: str, directory: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(InvalidValue, match=f"env_manager='{manager}' needs {program}"):
        environment_for(directory, manager)


def test_environments_lie_in_the_users_cache(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert environments_folder() == tmp_path / "environments"
    monkeypatch.delenv("CHIPLOG_ENV_ROOT")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    if sys.platform != "win32":
        assert environments_folder() == tmp_path / "cache" / "chiplog" / "environments"


def test_an_environment_is_made_once_by_whoever_is_first(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = _installs(monkeypatch, pause=0.3)
    found: list[Path] = []
    threads = [
        threading.Thread(target=lambda: found.append(environment_for(directory))) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(calls) == 1
    assert len(set(found)) == 1
    assert len(found) == 3
    assert found[0].exists()
    assert calls[0].read_text().splitlines() == ["a==1", "b>=2"]
    assert environment_for(directory) == found[0]
    assert len(calls) == 1


def test_an_environment_that_was_left_half_made_is_made_anew(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = _installs(monkeypatch)
    folder = environment_for(directory).parent.parent
    (folder / "complete").unlink()
    (folder / "leftover").write_text("of one that was killed")
    environment_for(directory)
    assert len(calls) == 2
    assert not (folder / "leftover").exists()


def test_an_interrupted_making_leaves_nothing(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def install(*_args: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Installer, "install", install)
    with pytest.raises(KeyboardInterrupt):
        environment_for(directory)
    assert [path.suffix for path in environments_folder().iterdir()] == [".lock"]


def test_a_failure_has_the_installers_last_words_and_leaves_nothing(
    directory: Path, tmp_path: Path
) -> None:
    missing = tmp_path / "no_such-1-py3-none-any.whl"
    with pytest.raises(InstallationFailed) as caught:
        environment_for(directory, pip_requirements_override=[str(missing)])
    said = str(caught.value)
    assert said.startswith("Installing what the model needs failed:")
    assert missing.name in said
    assert "update-pip-requirements" in said.splitlines()[-1]
    assert [path.suffix for path in environments_folder().iterdir()] == [".lock"]


@pytest.mark.skipif(sys.platform == "win32", reason="locks are not inherited on Windows")
def test_the_lock_of_a_killed_process_is_its_installers_until_they_end(tmp_path: Path) -> None:
    file = tmp_path / "a.lock"
    holder = (
        "import subprocess, sys\nfrom pathlib import Path\n"
        "from chiplog.core.models.installing import alone\n"
        f"with alone(Path({str(file)!r}), 'it') as lock:\n"
        "    child = subprocess.Popen(['sleep', '60'], pass_fds=(lock,))\n"
        "    print(child.pid, flush=True)\n    child.wait()\n"
    )
    process = subprocess.Popen([sys.executable, "-c", holder], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    child = int(process.stdout.readline())
    process.kill()
    process.wait()
    process.stdout.close()
    taken: list[float] = []

    def take() -> None:
        with alone(file, "it"):
            taken.append(time.monotonic())

    thread = threading.Thread(target=take)
    thread.start()
    thread.join(0.2)
    still_held = not taken
    os.kill(child, signal.SIGKILL)
    thread.join(10)
    assert still_held
    assert taken


# Asking a model


@pytest.fixture(scope="module")
def sums(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model from code that needs numpy alone, and tells where it runs."""
    from chiplog.pyfunc import save_model

    folder = tmp_path_factory.mktemp("sums")
    (folder / "sums.py").write_text(SCRIPT)
    save_model(
        folder / "model",
        python_model=str(folder / "sums.py"),
        signature=infer_signature(np.ones((1, 2))),
    )
    return folder / "model"


def test_a_model_is_asked_here_and_answers_on_standard_output(
    sums: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    predict(sums, np.array([[1.0, 2.0]]), env_manager="local", allow_pickle=True)
    answer = json.loads(capsys.readouterr().out)["predictions"]
    assert answer["sums"] == [3.0]
    assert answer["prefix"] == sys.prefix


def test_a_model_is_asked_with_a_file_and_answers_into_one(sums: Path, tmp_path: Path) -> None:
    (tmp_path / "in.json").write_text('{"inputs": [[1, 2], [3, 4]]}')
    out = tmp_path / "out.json"
    predict(
        sums,
        input_path=tmp_path / "in.json",
        output_path=out,
        env_manager="local",
        allow_pickle=True,
    )
    assert json.loads(out.read_text())["predictions"]["sums"] == [3.0, 7.0]


def test_what_a_model_brings_is_not_run_without_a_word(sums: Path) -> None:
    with pytest.raises(UntrustedModel):
        predict(sums, np.ones((1, 2)), env_manager="local")


def test_arguments_that_make_no_sense_are_refused_before_anything_is_made(sums: Path) -> None:
    with pytest.raises(InvalidValue, match="either input_data or input_path"):
        predict(sums)
    with pytest.raises(InvalidValue, match="content_type='xml' is unknown"):
        predict(sums, "x", content_type="xml")
    with pytest.raises(InvalidValue, match="needs an environment to install into"):
        predict(sums, "x", env_manager="local", pip_requirements_override=["x"])
    with pytest.raises(InvalidValue, match="takes a text or a table, not a list"):
        predict(sums, [1], content_type="csv")
    with pytest.raises(MissingFile, match=r"'none\.json' cannot be read"):
        predict(sums, input_path="none.json")
    assert not environments_folder().exists()


def test_variables_for_the_model_are_seen_by_it_alone(
    sums: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(PredictionFailed, match="status 1") as caught:
        predict(
            sums,
            np.ones((1, 2)),
            env_manager="local",
            extra_envs={"FAIL": "1"},
            allow_pickle=True,
        )
    assert "no sums today" in str(caught.value)
    assert "Traceback" not in str(caught.value)
    assert "FAIL" not in os.environ
    assert capsys.readouterr().out == ""


@pytest.fixture
def _index(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "pluggy"]
    done = subprocess.run([*command, "-d", str(tmp_path)], capture_output=True, check=False)
    if done.returncode:
        pytest.skip("no package index can be reached, and an environment needs one")


@pytest.mark.slow
@pytest.mark.usefixtures("_index")
def test_a_model_answers_in_an_environment_that_was_made_for_it(
    sums: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit('of the working directory')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    predict(sums, np.array([[1.0, 2.0]]), allow_pickle=True)
    answer = json.loads(capsys.readouterr().out)["predictions"]
    assert answer["sums"] == [3.0]
    assert Path(answer["prefix"]).parent == environments_folder()
    assert (answer["path"], answer["mlflow"]) == (None, False)
    with pytest.raises(PredictionFailed, match="no sums today"):
        predict(sums, np.ones((1, 2)), allow_pickle=True, extra_envs={"FAIL": "1"})
