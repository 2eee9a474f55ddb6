"""Loading as one function: by loader module, by flavor, and what is refused on the way."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

import chiplog
from chiplog.core.errors import DamagedModel, InvalidValue, NotFound, UntrustedModel

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.usefixtures("project")

LOADER = """
import sys
sys.modules.setdefault("times_the_loader_ran", []).append(1)

class Reader:
    def __init__(self, path, config):
        self.path, self.config = path, config

    def predict(self, data):
        with open(self.path) as file:
            return [file.read(), self.config, data]

def _load_pyfunc(path, config=None):
    return Reader(path, config)
"""


@pytest.fixture
def loader() -> Iterator[str]:
    """A model saved with a loader module of its own, and where; it notes when it runs."""
    Path("own_loader.py").write_text(LOADER, encoding="utf-8")
    Path("data.txt").write_text("data", encoding="utf-8")
    chiplog.pyfunc.save_model(
        "there",
        loader_module="own_loader",
        data_path="data.txt",
        code_paths=["own_loader.py"],
        model_config={"a": 1},
    )
    Path("own_loader.py").unlink()
    importlib.invalidate_caches()
    yield "there"
    for name in ("own_loader", "times_the_loader_ran"):
        sys.modules.pop(name, None)


def edit(directory: str, **changes: Any) -> None:
    """Change settings of a saved model's function."""
    file = Path(directory, "MLmodel")
    body = yaml.safe_load(file.read_text(encoding="utf-8"))
    body["flavors"]["python_function"].update(changes)
    file.write_text(yaml.safe_dump(body), encoding="utf-8")


def test_a_loader_module_runs_only_when_it_is_trusted_by_its_name(loader: str) -> None:
    with pytest.raises(UntrustedModel, match=r"trusted_types=\['own_loader'\] or allow_pickle"):
        chiplog.pyfunc.load_model(loader)
    with pytest.raises(UntrustedModel):
        chiplog.pyfunc.load_model(loader, trusted_types=["another"])
    assert "times_the_loader_ran" not in sys.modules
    model = chiplog.pyfunc.load_model(loader, trusted_types=["own_loader"])
    assert model.predict(3) == ["data", {"a": 1}, 3]
    assert model.get_raw_model().config == {"a": 1}
    with pytest.raises(InvalidValue, match="is no PythonModel"):
        model.unwrap_python_model()


def test_a_loader_module_that_is_not_there_is_named(loader: str) -> None:
    edit(loader, loader_module="no_such_loader")
    with pytest.raises(NotFound, match="'no_such_loader', which cannot be imported"):
        chiplog.pyfunc.load_model(loader, allow_pickle=True)


@pytest.mark.parametrize(
    ("changes", "error", "text"),
    [
        ({"data": "../../secret"}, DamagedModel, "names data outside it"),
        ({"config": ["a"]}, DamagedModel, "config = .* where a mapping belongs"),
        ({"code": "../elsewhere"}, DamagedModel, "names code outside it"),
        ({"loader_module": None}, DamagedModel, "does not say how it is loaded"),
        ({"loader_module": "mlflow.unheard_of"}, NotFound, "the model flavor 'unheard_of'"),
        (
            {"loader_module": "mlflow.pyfunc.loaders.code_model", "model_code_path": "gone.py"},
            NotFound,
            "lacks its file 'gone.py'",
        ),
    ],
)
def test_a_model_that_says_something_impossible_is_refused(
    loader: str, changes: dict[str, Any], error: type[Exception], text: str
) -> None:
    edit(loader, **changes)
    with pytest.raises(error, match=text):
        chiplog.pyfunc.load_model(loader, allow_pickle=True)


def test_an_artifact_outside_the_model_is_refused() -> None:
    Path("mine.txt").write_text("x", encoding="utf-8")
    chiplog.pyfunc.save_model("there", python_model=len, artifacts={"a": "mine.txt"})
    for entry, text in (
        ({"path": "../mine.txt", "uri": "mine.txt"}, "artifact outside it"),
        ({"uri": "mine.txt"}, r"artifacts\.a\.path = None"),
        ("../mine.txt", r"artifacts\.a = '../mine\.txt'"),
    ):
        edit("there", artifacts={"a": entry})
        with pytest.raises(DamagedModel, match=text):
            chiplog.pyfunc.load_model("there", allow_pickle=True)
    edit("there", artifacts={"a": {"path": "artifacts/other.txt", "uri": "mine.txt"}})
    with pytest.raises(NotFound, match="lacks its artifact 'a'"):
        chiplog.pyfunc.load_model("there", allow_pickle=True)


def test_a_pickle_of_something_else_is_no_model() -> None:
    import pickle

    chiplog.pyfunc.save_model("there", python_model=len)
    Path("there", "python_model.pkl").write_bytes(pickle.dumps([1]))
    with pytest.raises(DamagedModel):
        chiplog.pyfunc.load_model("there", allow_pickle=True)


def test_an_external_model_says_that_its_files_lie_elsewhere() -> None:
    model = chiplog.create_external_model("elsewhere")
    with pytest.raises(NotFound, match="lie elsewhere"):
        chiplog.pyfunc.load_model(f"models:/{model.model_id}")
    info = chiplog.models.get_model_info(f"models:/{model.model_id}")
    assert (info.name, info.flavors) == ("elsewhere", {})


def test_a_model_says_what_it_is() -> None:
    info = chiplog.pyfunc.log_model(name="length", python_model=len)
    model = chiplog.pyfunc.load_model(info.model_uri, allow_pickle=True)
    assert str(info.model_id) in repr(model)
    assert "mlflow.pyfunc.model" in repr(model)
    assert model.input_example is None
    with pytest.raises(NotImplementedError, match="predict_stream"):
        list(model.predict_stream([1]))
