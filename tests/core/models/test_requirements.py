"""Modules as the pinned distributions they came from."""

from __future__ import annotations

import importlib
from importlib import metadata
from typing import TYPE_CHECKING

import pytest

from chiplog.core.errors import InvalidValue
from chiplog.core.models.distributions import builds_of, distribution_of
from chiplog.core.models.requirements import (
    given_requirements,
    name_of,
    names_mlflow,
    needs_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def test_requirements_are_the_installed_versions_of_the_modules_distributions() -> None:
    found = needs_of({"numpy.linalg", "json", "no_such_module_here", "builtins", "yaml"})
    assert found.requirements == [
        f"numpy=={metadata.version('numpy')}",
        f"PyYAML=={metadata.version('PyYAML')}",
    ]
    assert found.unknown == ["no_such_module_here"]


def test_a_module_of_another_name_is_found_by_what_its_distribution_installed(
    site: Callable[..., Path],
) -> None:
    site("odd-name", "1.2", {"oddly/__init__.py": "", "single_file.py": ""})
    assert needs_of({"oddly.inner", "single_file"}).requirements == ["odd-name==1.2"]


def test_the_build_of_a_version_is_left_out(site: Callable[..., Path]) -> None:
    site("heavy", "2.13.0+cu128", {"heavy/__init__.py": ""})
    assert needs_of({"heavy"}).requirements == ["heavy==2.13.0"]


def test_what_came_from_version_control_is_asked_for_by_commit_and_without_secrets(
    site: Callable[..., Path],
) -> None:
    origin = {
        "url": "https://me:secret@host.example/team/tools.git",
        "vcs_info": {"vcs": "git", "commit_id": "abc123", "requested_revision": "main"},
    }
    site("tools", "0.3", {"tools_x/__init__.py": ""}, origin)
    site("archived", "1", {"archived/__init__.py": ""}, {"url": "https://host/a.whl"})
    assert needs_of({"tools_x", "archived"}).requirements == [
        "archived @ https://host/a.whl",
        "tools @ git+https://host.example/team/tools.git@abc123",
    ]


def test_what_came_from_a_folder_is_asked_for_by_version_and_told(
    site: Callable[..., Path], tmp_path: Path
) -> None:
    folder = tmp_path / "my project"
    origin = {"url": folder.as_uri(), "dir_info": {}}
    site("local-one", "3", {"local_one/__init__.py": ""}, origin)
    found = needs_of({"local_one"})
    assert found.requirements == ["local-one==3"]
    assert [one.folder for one in found.folders] == [folder]


def test_a_module_of_an_editable_distribution_is_that_distributions(
    site: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "worked-on"
    (folder / "src" / "worked_on").mkdir(parents=True)
    (folder / "src" / "worked_on" / "__init__.py").write_text("")
    (folder / "src" / "beside_it.py").write_text("")
    monkeypatch.syspath_prepend(folder / "src")
    site("worked-on", "4", {}, {"url": folder.as_uri(), "dir_info": {"editable": True}})
    found = needs_of({"worked_on", "beside_it"})
    assert found.requirements == ["worked-on==4"]
    assert found.unknown == ["beside_it"]


def test_a_package_that_distributions_share_is_told_apart_by_the_full_name(
    site: Callable[..., Path],
) -> None:
    site("shared-one", "1", {"sharedspace/one/__init__.py": ""})
    site("shared-two", "2", {"sharedspace/two/__init__.py": ""})
    importlib.import_module("sharedspace.two")
    assert needs_of({"sharedspace.one.x"}).requirements == ["shared-one==1"]
    # With no more than the shared name, it is those of its parts that are loaded.
    assert needs_of({"sharedspace"}).requirements == ["shared-two==2"]


def test_what_the_users_own_module_imports_is_needed_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own_features.py").write_text("import yaml, own_base_x\n")
    (tmp_path / "own_base_x.py").write_text("import click, own_features, json\n")
    monkeypatch.syspath_prepend(tmp_path)
    found = needs_of({"own_features.Scaler"})
    assert [line.partition("==")[0] for line in found.requirements] == ["click", "PyYAML"]
    assert found.unknown == ["own_base_x", "own_features"]


def test_a_module_of_the_users_that_is_named_as_a_distribution_is_still_the_users(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, site: Callable[..., Path]
) -> None:
    site("namesake-x", "1", {"other_module/__init__.py": ""})
    (tmp_path / "namesake_x.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    assert distribution_of("namesake_x") is None


def test_the_script_is_unknown_by_what_is_referenced_of_it() -> None:
    assert needs_of({"__main__", "__main__.Net"}).unknown == ["__main__", "__main__.Net"]


def test_another_build_of_a_package_is_known_by_its_names() -> None:
    assert "xgboost-cpu" in builds_of("XGBoost")
    assert "xgboost" in builds_of("xgboost_cpu")
    assert builds_of("numpy") == ()


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("Scikit_Learn[x]>=1", "scikit-learn"),
        ("a.b @ git+https://x", "a-b"),
        ("pandas; python_version<'4'", "pandas"),
        ("-c constraints.txt", None),
        ("--index-url https://x", None),
        ("./folder", None),
    ],
)
def test_a_requirements_name_is_normalised(line: str, name: str | None) -> None:
    assert name_of(line) == name


def test_mlflow_is_told_from_what_is_merely_built_on_it() -> None:
    assert names_mlflow(["numpy", "MLflow-skinny>=3"])
    assert not names_mlflow(["mlflow-export", "numpy"])


def test_files_that_files_name_are_read_from_where_they_lie(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "all.txt").write_text("# mine\na==1  # pinned\n-r sub/more.txt\nb>=2,\\\n<3\n")
    (tmp_path / "sub" / "more.txt").write_text("c\n--constraint=c.txt\n")
    (tmp_path / "sub" / "c.txt").write_text("d<9\n\n")
    found, constraints = given_requirements(tmp_path / "all.txt")
    assert found == ["a==1", "c", "b>=2,<3"]
    assert constraints == ["d<9"]
    assert given_requirements(["x", f"-r {tmp_path / 'all.txt'}"])[0] == ["x", *found]


def test_a_requirements_file_that_is_not_there_is_named() -> None:
    with pytest.raises(InvalidValue, match=r"'none\.txt' cannot be read: No such file"):
        given_requirements("none.txt")
