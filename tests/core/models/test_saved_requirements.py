"""What a saved model asks to have installed, seen from the calls that save and load it."""

from __future__ import annotations

import importlib
import sys
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from chiplog.core.models import mismatch

if TYPE_CHECKING:
    from collections.abc import Callable

OWN = """
from sklearn.base import BaseEstimator, TransformerMixin
import {helper}

class Double(BaseEstimator, TransformerMixin):
    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return {helper}.twice(X)
"""
SCRIPT = """
import yaml
from chiplog.models import set_model
set_model(lambda model_input: model_input)
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Any]:
    """Make and import a module of the user's own, and one that it imports."""

    def make(name: str) -> Any:
        folder = tmp_path / "own"
        folder.mkdir()
        (folder / f"{name}.py").write_text(OWN.format(helper=f"{name}_helper"))
        (folder / f"{name}_helper.py").write_text("import yaml\ndef twice(x):\n    return 2 * x\n")
        monkeypatch.syspath_prepend(folder)
        for module in (f"{name}_helper", name):
            monkeypatch.setitem(sys.modules, module, importlib.import_module(module))
        return sys.modules[name]

    return make


def _names(directory: Path | str) -> list[str]:
    lines = Path(directory, "requirements.txt").read_text().splitlines()
    return [line.partition("==")[0] for line in lines]


@pytest.mark.framework
@pytest.mark.parametrize("serialization_format", ["skops", "pickle", "cloudpickle"])
def test_the_users_own_classes_are_told_of_until_their_code_is_saved_along(
    serialization_format: str, own: Callable[[str], Any], project: Path
) -> None:
    pytest.importorskip("sklearn")
    import chiplog

    name = f"own_steps_{serialization_format}"
    module = own(name)
    model = module.Double()
    options = {"pyfunc_predict_fn": "transform", "serialization_format": serialization_format}
    info = chiplog.sklearn.log_model(model, name="m", **options)
    (note,) = [note for note in info.notes if "no installed distribution" in note]
    files = [str(Path(module.__file__).with_name(f"{name}{end}.py")) for end in ("", "_helper")]
    assert f"it needs '{name}', '{name}_helper'" in note
    assert f"code_paths=[{files[0]!r}, {files[1]!r}] saves it along" in note
    again = chiplog.sklearn.log_model(model, name="m", code_paths=files, **options)
    assert not [note for note in again.notes if "no installed distribution" in note]
    expected = {"mlflow>=3", "numpy", "PyYAML", "scikit-learn", "scipy"}
    packages = {"skops": {"skops"}, "pickle": set(), "cloudpickle": {"cloudpickle"}}
    for one in (info, again):
        found = _names(Path(chiplog.pyfunc.get_model_dependencies(one.model_uri)).parent)
        assert set(found) == expected | packages[serialization_format]


def test_a_model_from_code_asks_for_what_its_script_imports(project: Path) -> None:
    from chiplog.pyfunc import save_model

    Path("script.py").write_text(SCRIPT)
    save_model("m", python_model="script.py")
    assert "PyYAML" in _names("m")
    assert "chiplog" not in _names("m")


def test_loading_tells_of_versions_that_differ_unless_it_is_to_be_quiet(
    project: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chiplog.pyfunc import load_model, save_model

    monkeypatch.setattr(mismatch, "_seen", set())
    Path("script.py").write_text(SCRIPT)
    save_model("m", python_model="script.py", pip_requirements=["click==1.0"])
    caplog.clear()
    load_model("m", suppress_warnings=True, allow_pickle=True)
    assert "click" not in caplog.text
    load_model("m", allow_pickle=True)
    assert f"click  saved with 1.0, installed {metadata.version('click')}" in caplog.text
    caplog.clear()
    load_model("m", allow_pickle=True)
    assert caplog.text == ""


@pytest.mark.framework
def test_loading_in_the_frameworks_own_form_tells_of_versions_too(
    project: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    linear_model = pytest.importorskip("sklearn.linear_model")
    import chiplog

    monkeypatch.setattr(mismatch, "_seen", set())
    model = linear_model.LinearRegression().fit([[0.0], [1.0]], [0.0, 1.0])
    chiplog.sklearn.save_model(model, "m", pip_requirements=["click==1.0"])
    chiplog.sklearn.save_model(model, "n", pip_requirements=["click==1.1"])
    chiplog.sklearn.load_model("m")
    assert "click  saved with 1.0" in caplog.text
    chiplog.models.load_model("n")
    assert "click  saved with 1.1" in caplog.text
