"""Models that their authors write go both ways: objects, functions, and scripts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chiplog
from chiplog.core.errors import UntrustedModel
from chiplog.core.models.signature import infer_signature

pytestmark = [pytest.mark.slow, pytest.mark.framework, pytest.mark.usefixtures("project")]

pytest.importorskip("pandas")

SCRIPT = str(Path(__file__).with_name("model_script.py"))
SHIFT = {"shift": 2.5}


@pytest.fixture
def factor(tmp_path: Path) -> str:
    """The artifact that the models need."""
    (tmp_path / "factor.txt").write_text("3.5")
    return str(tmp_path / "factor.txt")


def expected(zoo: Any, shift: float) -> Any:
    """What the models give."""
    return zoo.features().sum(axis=1) * 3.5 + shift


@pytest.mark.parametrize("script", [None, SCRIPT], ids=["object", "script"])
def test_what_mlflow_saved_runs_here_once_it_is_trusted(
    script: str | None, peer: Any, zoo: Any, factor: str, tmp_path: Path
) -> None:
    path = str(tmp_path / "m")
    peer.ask("save_python_model", path=path, artifact=factor, script=script)
    with pytest.raises(UntrustedModel, match="allow_pickle=True"):
        chiplog.pyfunc.load_model(path)
    loaded = chiplog.pyfunc.load_model(path, allow_pickle=True)
    assert loaded.predict(zoo.numbers()) == pytest.approx(expected(zoo, 0.0))
    assert loaded.predict(zoo.numbers(), params=SHIFT) == pytest.approx(expected(zoo, 2.5))


@pytest.mark.parametrize("script", [None, SCRIPT], ids=["object", "script"])
def test_what_was_saved_here_runs_in_mlflow(
    script: str | None, peer: Any, zoo: Any, decoded: Any, factor: str, tmp_path: Path
) -> None:
    path = str(tmp_path / "m")
    chiplog.pyfunc.save_model(
        path,
        python_model=script or zoo.python_model(chiplog.pyfunc.PythonModel),
        artifacts={"factor": factor},
        signature=infer_signature(zoo.numbers(), zoo.features()[:, 0], {"shift": 0.0}),
    )
    for params in ({}, SHIFT):
        given = decoded(peer.ask("load_python_model", path=path, params=params)["given"])
        assert given == pytest.approx(expected(zoo, params.get("shift", 0.0)))


def test_functions_go_both_ways(peer: Any, zoo: Any, tmp_path: Path) -> None:
    theirs, ours = str(tmp_path / "theirs"), str(tmp_path / "ours")
    peer.ask("save_function", path=theirs)
    loaded = chiplog.pyfunc.load_model(theirs, allow_pickle=True)
    assert list(loaded.predict(["a", "b"])) == ["A", "B"]
    chiplog.pyfunc.save_model(ours, python_model=zoo.shout)
    assert peer.ask("load_function", path=ours, data=["a", "b"])["given"] == ["A", "B"]
    assert np.array_equal(chiplog.pyfunc.load_model(ours, allow_pickle=True).predict(["c"]), ["C"])
