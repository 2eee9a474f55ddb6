"""The requirements of a model that is saved already."""

from __future__ import annotations

import collections
import pickle
from importlib import metadata
from pathlib import Path

import pytest
import yaml

from chiplog.core.errors import InvalidValue, NotFound
from chiplog.core.models import digests
from chiplog.core.models.environment import write_environment
from chiplog.core.models.loading import open_model
from chiplog.core.models.model import Model
from chiplog.core.models.upkeep import (
    get_model_dependencies,
    infer_pip_requirements,
    update_model_requirements,
)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model's directory with its environment files, and no model in it."""
    directory = tmp_path / "model"
    directory.mkdir()
    Model().save(directory / "MLmodel")
    write_environment(directory, (), pip_requirements=["mlflow==3.1", "Scikit_Learn==1", "b"])
    return directory


def _lines(directory: Path) -> list[str]:
    lines = (directory / "requirements.txt").read_text().splitlines()
    conda = yaml.safe_load((directory / "conda.yaml").read_text())
    assert conda["dependencies"][-1] == {"pip": lines}
    return lines


def test_what_is_added_takes_the_place_of_what_has_its_name(model: Path) -> None:
    update_model_requirements(model, "add", ["scikit-learn>=1.4", "new[x]"])
    assert _lines(model) == ["mlflow==3.1", "scikit-learn>=1.4", "b", "new[x]"]
    update_model_requirements(model, "add", ["new"])
    assert _lines(model) == ["mlflow==3.1", "scikit-learn>=1.4", "b", "new"]


def test_the_digests_of_what_is_changed_are_renewed(model: Path) -> None:
    mlmodel = Model.load(model)
    mlmodel.extra[digests.KEY] = digests.digests_of(model)
    mlmodel.save(model / "MLmodel")
    update_model_requirements(model, "add", ["new"])
    assert "new" in _lines(model)
    open_model(model)  # which would refuse it


def test_what_is_removed_goes_by_name_whatever_its_version(model: Path) -> None:
    update_model_requirements(str(model), "remove", ["scikit-learn==99", "not-there"])
    assert _lines(model) == ["mlflow==3.1", "b"]


def test_a_conda_environment_without_a_part_for_pip_gets_one(model: Path) -> None:
    (model / "conda.yaml").write_text("dependencies:\n- python=3.11\n")
    update_model_requirements(model, "add", ["new"])
    conda = yaml.safe_load((model / "conda.yaml").read_text())
    assert conda["dependencies"] == ["python=3.11", {"pip": ["new"]}]


def test_what_is_no_requirement_changes_nothing(model: Path) -> None:
    before = _lines(model)
    with pytest.raises(InvalidValue, match="'--index-url x' is no requirement"):
        update_model_requirements(model, "add", ["fine", "--index-url x"])
    with pytest.raises(InvalidValue, match="operation='replace' is unknown"):
        update_model_requirements(model, "replace", ["fine"])
    with pytest.raises(InvalidValue, match=r"Give a list of requirements: \['fine'\]"):
        update_model_requirements(model, "add", "fine")
    assert _lines(model) == before


def test_a_logged_models_requirements_are_changed_where_they_lie(
    project: Path, model: Path
) -> None:
    import chiplog

    with chiplog.start_run() as run:
        chiplog.log_artifacts(str(model), "m")
    uri = f"runs:/{run.info.run_id}/m"
    update_model_requirements(uri, "remove", ["b"])
    assert _lines(Path(get_model_dependencies(uri)).parent) == ["mlflow==3.1", "Scikit_Learn==1"]


def test_the_files_of_a_model_are_found_by_their_kind(model: Path) -> None:
    assert get_model_dependencies(str(model)) == str(model / "requirements.txt")
    assert get_model_dependencies(str(model), format="conda") == str(model / "conda.yaml")
    with pytest.raises(InvalidValue, match="format='poetry' is unknown"):
        get_model_dependencies(str(model), format="poetry")
    (model / "conda.yaml").unlink()
    with pytest.raises(NotFound, match=r"has no file 'conda\.yaml'"):
        get_model_dependencies(str(model), format="conda")


def test_requirements_are_inferred_from_a_models_files_and_not_from_what_it_says(
    model: Path,
) -> None:
    (model / "model.pkl").write_bytes(pickle.dumps(metadata.PackagePath("x")))
    (model / "code").mkdir()
    (model / "code" / "helper.py").write_text("import yaml, inner_one\n")
    (model / "code" / "inner_one.py").write_text("import click\n")
    found = infer_pip_requirements(model, "python_function")
    assert [line.partition("==")[0] for line in found] == ["click", "PyYAML"]
    assert f"numpy=={metadata.version('numpy')}" in infer_pip_requirements(str(model), "xgboost")


def test_a_file_that_cannot_be_read_gives_the_fallback_or_the_error(
    model: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (model / "model.pkl").write_bytes(pickle.dumps(collections.Counter())[:-4])
    assert infer_pip_requirements(model, "python_function", ["sklearn"]) == ["sklearn"]
    assert "could not be inferred" in caplog.text
    with pytest.raises(ValueError, match="pickle"):
        infer_pip_requirements(model, "python_function")


def test_a_torch_file_that_is_no_archive_gives_the_fallback(tmp_path: Path) -> None:
    (tmp_path / "model.pth").write_bytes(b"no archive")
    assert infer_pip_requirements(tmp_path, "pytorch", ["torch"]) == ["torch"]


def test_a_conda_file_that_is_no_mapping_is_told(model: Path) -> None:
    (model / "conda.yaml").write_text("- python")
    with pytest.raises(InvalidValue, match="mapping"):
        update_model_requirements(model, "add", ["a==1"])
