"""Models of every flavor that MLflow has too go both ways, and predict the same."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import chiplog
from chiplog.core.models.model import Model
from chiplog.hooks.manager import plugins

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [
    pytest.mark.framework,
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore"),  # the frameworks' own
    pytest.mark.usefixtures("project", "_catboost"),
]

EXAMPLE = Path(__file__).parents[2] / "examples" / "plugins" / "chiplog-catboost" / "src"


@dataclass(frozen=True)
class Cell:
    """A kind of model, and how it is saved and loaded.

    Attributes:
        name: what the zoo calls it.
        mlflow: what MLflow's ``save_model`` is told.
        chiplog: what chiplog's is told.
        trust: what chiplog must be told to load it.
    """

    name: str
    mlflow: dict[str, Any] = field(default_factory=dict)
    chiplog: dict[str, Any] = field(default_factory=dict)
    trust: dict[str, Any] = field(default_factory=dict)


PICKLE = {"allow_pickle": True}

CELLS = [
    Cell("sklearn linear"),
    Cell(
        "sklearn linear",
        {"pyfunc_predict_fn": "predict_proba"},
        {"pyfunc_predict_fn": "predict_proba"},
    ),
    Cell(
        "sklearn linear",
        {"serialization_format": "cloudpickle"},
        {"serialization_format": "cloudpickle"},
        PICKLE,
    ),
    Cell("sklearn forest", {"skops_trusted_types": ["sklearn.tree._tree.Tree"]}),
    Cell("sklearn pipeline"),
    Cell("xgboost booster"),
    Cell("xgboost booster", {"model_format": "json"}, {"model_format": "json"}),
    Cell("xgboost estimator"),
    Cell("lightgbm booster"),
    Cell("lightgbm estimator"),
    Cell("pytorch"),
    Cell("pytorch", {"serialization_format": "pickle"}, {"serialization_format": "pickle"}, PICKLE),
    # MLflow exports nothing by a frame.
    Cell("pytorch frame", {"serialization_format": "pickle"}, {}, PICKLE),
    Cell("keras"),
    Cell("keras frame"),
    Cell("keras two inputs"),
    Cell("tensorflow"),
    Cell("onnx"),
    Cell("onnx two inputs"),
    Cell("onnx with large tensors"),
    Cell("onnx with large tensors", *[{"save_as_external_data": False}] * 2),
    Cell("statsmodels array", {}, {"serialization_format": "pickle"}, PICKLE),
    Cell("statsmodels formula", {}, {"serialization_format": "pickle"}, PICKLE),
    Cell("statsmodels series", {}, {"serialization_format": "pickle"}, PICKLE),
    Cell("catboost classifier"),
    Cell("catboost regressor"),
]


def cells() -> list[Any]:
    """The cells, each with a name that tells it from the others."""
    return [
        pytest.param(cell, id=" ".join([cell.name, *map(str, cell.chiplog.values())]))
        for cell in CELLS
    ]


@pytest.fixture(scope="module")
def _catboost() -> Iterator[None]:
    """The example of a third party's plugin, as if it was installed."""
    sys.path.insert(0, str(EXAMPLE))
    manager = plugins()
    manager.add(import_module("chiplog_catboost"), "catboost")
    yield
    manager.remove("catboost")
    sys.path.remove(str(EXAMPLE))


def public(flavor: str) -> Any:
    """``chiplog.<flavor>``."""
    return getattr(chiplog, flavor)


@pytest.mark.parametrize("cell", cells())
def test_what_mlflow_saved_predicts_the_same_here(
    cell: Cell, peer: Any, zoo: Any, decoded: Any, tmp_path: Path
) -> None:
    entry, path = zoo.ZOO[cell.name], str(tmp_path / "m")
    expected = peer.ask("save", name=cell.name, path=path, options=cell.mlflow)["native"]
    theirs = peer.ask("load", name=cell.name, path=path)["pyfunc"]
    native = public(entry.flavor).load_model(path, **cell.trust)
    same(zoo.plain(entry.predict(native, entry.data())), expected, decoded)
    loaded = chiplog.pyfunc.load_model(path, **cell.trust)
    same(zoo.plain(loaded.predict(entry.data())), theirs["given"], decoded)


@pytest.mark.parametrize("cell", cells())
def test_what_was_saved_here_predicts_the_same_in_mlflow(
    cell: Cell, peer: Any, zoo: Any, decoded: Any, tmp_path: Path
) -> None:
    entry, path = zoo.ZOO[cell.name], str(tmp_path / "m")
    model, data = entry.make(), entry.data()
    public(entry.flavor).save_model(model, path, input_example=zoo.head(data), **cell.chiplog)
    assert Model.load(path).signature is not None
    given = peer.ask("load", name=cell.name, path=path)
    same(zoo.plain(entry.predict(model, data)), given["native"].get("given"), decoded)
    ours = chiplog.pyfunc.load_model(path, **cell.trust).predict(data)
    same(zoo.plain(ours), given["pyfunc"].get("given"), decoded)


def same(ours: Any, theirs: Any, decoded: Any) -> None:
    """Predictions are equal to the bit, in shape and type."""
    assert theirs is not None
    one, other = decoded(ours), decoded(theirs)
    pairs = [(one, other)]
    if isinstance(one, dict):
        assert one.keys() == other.keys()
        pairs = [(one[name], other[name]) for name in one]
    for mine, his in pairs:
        assert (mine.dtype, mine.shape) == (his.dtype, his.shape)
        assert np.array_equal(mine, his)
        assert len(np.unique(mine)) > 1  # a model that predicts a constant would prove nothing
