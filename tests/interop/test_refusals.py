"""Where one library refuses what the other reads: why, and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import chiplog
from chiplog.core.errors import UntrustedModel
from chiplog.core.models.model import Model

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.slow, pytest.mark.framework, pytest.mark.usefixtures("project")]


def test_mlflow_wants_trees_to_be_trusted_and_is_told_so_by_what_is_saved_here(
    peer: Any, zoo: Any, tmp_path: Path
) -> None:
    pytest.importorskip("sklearn")
    ours, theirs = str(tmp_path / "ours"), str(tmp_path / "theirs")
    with pytest.raises(AssertionError, match="'skops_trusted_types' parameter"):
        peer.ask("save", name="sklearn forest", path=theirs, options={})
    chiplog.sklearn.save_model(zoo.ZOO["sklearn forest"].make(), ours)
    trusted = Model.load(ours).flavors["sklearn"]["skops_trusted_types"]
    assert trusted == ["sklearn.tree._tree.Tree"]
    assert "given" in peer.ask("load", name="sklearn forest", path=ours)["native"]


def test_a_state_alone_is_a_model_for_chiplog_only(peer: Any, zoo: Any, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    model, path = zoo.ZOO["pytorch"].make(), str(tmp_path / "m")
    chiplog.pytorch.save_model(model, path)  # without an example there is nothing to export
    given = peer.ask("load", name="pytorch", path=path)
    assert "python_function" in given["pyfunc"]["error"]
    assert "error" in given["native"]
    loaded = chiplog.pytorch.load_model(path, model=zoo.ZOO["pytorch"].make())
    assert loaded.state_dict().keys() == model.state_dict().keys()


def test_pickles_of_mlflows_are_read_here_once_they_are_trusted(
    peer: Any, zoo: Any, tmp_path: Path
) -> None:
    pytest.importorskip("sklearn")
    path = str(tmp_path / "m")
    options = {"serialization_format": "pickle"}
    peer.ask("save", name="sklearn linear", path=path, options=options)
    for load_model in (chiplog.sklearn.load_model, chiplog.pyfunc.load_model):
        with pytest.raises(UntrustedModel, match=r"LogisticRegression[\s\S]*allow_pickle=True"):
            load_model(path)
        assert load_model(path, allow_pickle=True).predict(zoo.numbers()).shape == (60,)
