"""The files that say which environment a model needs."""

from __future__ import annotations

import platform
from importlib import metadata
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from chiplog.core.errors import InvalidValue
from chiplog.core.models.environment import write_environment

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NUMPY = f"numpy=={metadata.version('numpy')}"


def _lines(directory: Path) -> list[str]:
    return (directory / "requirements.txt").read_text().splitlines()


def test_the_three_environment_files_name_the_same_requirements(tmp_path: Path) -> None:
    notes = write_environment(tmp_path, {"numpy"}, extra_pip_requirements=["mypackage>=2"])
    assert notes == ()
    assert _lines(tmp_path) == ["mlflow>=3", NUMPY, "mypackage>=2"]
    conda = yaml.safe_load((tmp_path / "conda.yaml").read_text())
    assert conda["name"] == "mlflow-env"
    assert conda["dependencies"][0] == f"python={platform.python_version()}"
    assert conda["dependencies"][-1] == {"pip": _lines(tmp_path)}
    python = yaml.safe_load((tmp_path / "python_env.yaml").read_text())
    assert python["python"] == platform.python_version()
    assert python["dependencies"] == ["-r requirements.txt"]


def test_a_requirement_of_the_users_wins_over_the_inferred_one(tmp_path: Path) -> None:
    write_environment(tmp_path, {"numpy", "yaml"}, extra_pip_requirements=["NumPy>=1,<3"])
    yaml_line = f"PyYAML=={metadata.version('PyYAML')}"
    assert _lines(tmp_path) == ["mlflow>=3", yaml_line, "NumPy>=1,<3"]


def test_a_requirements_file_replaces_what_was_found_and_keeps_its_constraints(
    tmp_path: Path,
) -> None:
    (tmp_path / "c.txt").write_text("numpy<3\n")
    (tmp_path / "r.txt").write_text("# mine\nfoo==1  # pinned\n-c c.txt\n")
    out = tmp_path / "model"
    out.mkdir()
    write_environment(out, {"numpy"}, pip_requirements=str(tmp_path / "r.txt"))
    assert _lines(out) == ["mlflow>=3", "foo==1", "-c constraints.txt"]
    assert (out / "constraints.txt").read_text() == "numpy<3"


def test_an_mlflow_of_the_users_stays_as_it_is(tmp_path: Path) -> None:
    write_environment(tmp_path, (), pip_requirements=["x", "mlflow-skinny==3.1"])
    assert _lines(tmp_path) == ["x", "mlflow-skinny==3.1"]


def test_a_conda_environment_excludes_further_requirements(tmp_path: Path) -> None:
    env: dict[str, Any] = {"dependencies": []}
    with pytest.raises(InvalidValue, match="give either it"):
        write_environment(tmp_path, (), conda_env=env, pip_requirements=["x"])
    with pytest.raises(InvalidValue, match="give either it"):
        write_environment(tmp_path, (), conda_env=env, extra_pip_requirements=[])
    with pytest.raises(InvalidValue, match="not both"):
        write_environment(tmp_path, (), pip_requirements=[], extra_pip_requirements=[])


def test_a_conda_environment_is_kept_and_the_other_files_follow_it(tmp_path: Path) -> None:
    given = {"name": "mine", "dependencies": ["python=3.10", "gcc", {"pip": ["a==1", "b"]}]}
    write_environment(tmp_path, {"numpy"}, conda_env=given)
    assert yaml.safe_load((tmp_path / "conda.yaml").read_text()) == given
    assert _lines(tmp_path) == ["a==1", "b"]
    assert yaml.safe_load((tmp_path / "python_env.yaml").read_text())["python"] == "3.10"


def test_a_conda_environment_may_be_a_file_without_a_part_for_pip(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("dependencies:\n- python\n- gcc\n")
    write_environment(tmp_path, {"numpy"}, conda_env=tmp_path / "mine.yaml")
    assert _lines(tmp_path) == []


def test_code_that_is_saved_along_brings_its_requirements_and_is_no_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own_steps_x.py").write_text("import yaml\nimport own_other_x\n")
    (tmp_path / "own_other_x.py").write_text("import click\n")
    monkeypatch.syspath_prepend(tmp_path)
    out = tmp_path / "model"
    out.mkdir()
    file = tmp_path / "own_steps_x.py"
    (note,) = write_environment(out, {"own_steps_x.Step"}, code_paths=[file])
    names = [line.partition("==")[0] for line in _lines(out)]
    assert names == ["mlflow>=3", "click", "PyYAML"]
    other = str(tmp_path / "own_other_x.py")
    assert note == (
        "it needs 'own_other_x', which no installed distribution holds: "
        f"code_paths=[{other!r}] saves it along"
    )


def test_the_script_and_what_cannot_be_found_are_told_of(tmp_path: Path) -> None:
    notes = write_environment(tmp_path, {"__main__", "no_such_module_x"})
    assert "what the script itself defines" in notes[0]
    assert notes[1:] == ("it needs 'no_such_module_x', which no installed distribution holds",)


def test_a_class_of_the_script_is_left_to_the_flavor_to_tell_of(tmp_path: Path) -> None:
    assert write_environment(tmp_path, {"__main__.Step"}) == ()


def test_what_is_installed_from_a_folder_is_told_of(
    tmp_path: Path, site: Callable[..., Path]
) -> None:
    folder = tmp_path / "mine"
    site("mine-x", "3", {"mine_x/__init__.py": ""}, {"url": folder.as_uri(), "dir_info": {}})
    out = tmp_path / "model"
    out.mkdir()
    (note,) = write_environment(out, {"mine_x"})
    assert _lines(out) == ["mlflow>=3", "mine-x==3"]
    assert note == (
        f"mine-x 3, which it needs, is installed here from {str(folder)!r}: others will look for "
        "mine-x==3 in an index"
    )
