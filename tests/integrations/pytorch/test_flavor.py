"""Modules are saved and loaded, safely unless the user says otherwise."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import chiplog
from chiplog.core.errors import CannotSave, DamagedModel, InvalidValue, NotFound, UntrustedModel
from chiplog.core.models.model import Model
from chiplog.integrations.pytorch import exporting

if TYPE_CHECKING:
    from pathlib import Path

    from chiplog.testing.project import Project

pytestmark = pytest.mark.framework

torch = pytest.importorskip("torch")


def network() -> Any:
    torch.manual_seed(0)
    return torch.nn.Sequential(
        torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4), torch.nn.Linear(4, 2)
    )


@pytest.fixture
def unverified(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a file that was changed reach the flavor, whose own checks are tried."""
    monkeypatch.setenv("CHIPLOG_VERIFY_MODEL_FILES", "false")


class Tied(torch.nn.Module):  # type: ignore[misc,name-defined,unused-ignore]  # imported late
    def __init__(self) -> None:
        super().__init__()
        self.first = torch.nn.Linear(3, 3, bias=False)
        self.second = torch.nn.Linear(3, 3, bias=False)
        self.second.weight = self.first.weight

    def forward(self, x: Any) -> Any:
        return self.second(self.first(x))


class Dangerous:
    def __reduce__(self) -> Any:
        return os.mkdir, ("ran",)


def test_without_an_input_the_state_is_saved_and_goes_into_a_module(project: Project) -> None:
    model = network()
    with chiplog.start_run() as run:
        info = chiplog.pytorch.log_model(model, name="net")
    other = network()
    torch.nn.init.zeros_(other[0].weight)
    assert chiplog.pytorch.load_model(info.model_uri, model=other) is other
    for name, tensor in model.state_dict().items():
        assert torch.equal(other.state_dict()[name], tensor)
    assert chiplog.pytorch.load_state_dict(f"runs:/{run.info.run_id}/net").keys() == (
        model.state_dict().keys()
    )
    with pytest.raises(UntrustedModel, match="load_state_dict"):
        chiplog.pytorch.load_model(info.model_uri)


def test_a_class_that_is_trusted_is_made_and_filled(tmp_path: Path) -> None:
    model = Tied()
    chiplog.pytorch.save_model(model, tmp_path / "m")
    kind = f"{Tied.__module__}.{Tied.__qualname__}"
    loaded = chiplog.pytorch.load_model(tmp_path / "m", trusted_types=[kind])
    x = torch.randn(2, 3)
    assert torch.equal(loaded(x), model(x))
    assert loaded.second.weight is loaded.first.weight, "what is shared stays shared"


def test_with_an_input_what_it_computes_is_saved(tmp_path: Path) -> None:
    model = network()
    model.train()
    x = torch.randn(1, 3)
    chiplog.pytorch.save_model(model, tmp_path / "m", input_example=x)
    assert model.training
    assert model[1].training
    mlmodel = Model.load(tmp_path / "m")
    assert mlmodel.flavors["pytorch"]["serialization_format"] == "pt2"
    assert mlmodel.flavors["python_function"]["loader_module"] == "mlflow.pytorch"
    assert mlmodel.signature is not None
    loaded = chiplog.pytorch.load_model(tmp_path / "m")
    model.eval()
    more = torch.randn(5, 3)
    assert torch.allclose(loaded(more), model(more))


def test_an_array_is_an_input_too(tmp_path: Path) -> None:
    model = network()
    chiplog.pytorch.save_model(model, tmp_path / "m", input_example=np.zeros((2, 3)))
    assert (tmp_path / "m" / "input_example.json").exists()
    assert (tmp_path / "m" / "data" / "model.pt2").exists()


def test_an_array_that_cannot_be_written_is_taken_without_a_warning() -> None:
    frozen = np.ones((2, 3), dtype=np.float32)
    frozen.flags.writeable = False
    assert exporting.as_tensors(frozen).tolist() == frozen.tolist()


def test_a_state_that_was_changed_is_told_before_it_is_read(tmp_path: Path) -> None:
    model = network()
    chiplog.pytorch.save_model(model, tmp_path / "m")
    with (tmp_path / "m" / "data" / "model.safetensors").open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(b"\x7f")
    with pytest.raises(DamagedModel, match=r"model\.safetensors was changed"):
        chiplog.pytorch.load_state_dict(tmp_path / "m")
    with pytest.raises(DamagedModel, match=r"model\.safetensors was changed"):
        chiplog.pytorch.load_model(tmp_path / "m", model=model)


def test_a_pickle_is_saved_and_loaded_only_when_asked_for(tmp_path: Path) -> None:
    model = network()
    chiplog.pytorch.save_model(model, tmp_path / "m", serialization_format="pickle")
    assert (tmp_path / "m" / "data" / "pickle_module_info.txt").read_text() == "pickle"
    with pytest.raises(UntrustedModel, match=r"torch\.nn"):
        chiplog.pytorch.load_model(tmp_path / "m")
    loaded = chiplog.pytorch.load_model(tmp_path / "m", allow_pickle=True)
    assert torch.equal(loaded[0].weight, model[0].weight)


def test_a_state_dict_by_itself(project: Project) -> None:
    model = network()
    optimizer = torch.optim.Adam(model.parameters())
    with chiplog.start_run() as run:
        chiplog.pytorch.log_state_dict(optimizer.state_dict(), "checkpoint")
    loaded = chiplog.pytorch.load_state_dict(f"runs:/{run.info.run_id}/checkpoint")
    optimizer.load_state_dict(loaded)
    with pytest.raises(InvalidValue, match="no state dict"):
        chiplog.pytorch.save_state_dict(model, "somewhere")


def test_a_state_dict_that_would_run_code_is_refused_and_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"weight": torch.ones(1), "x": Dangerous()}, tmp_path / "state_dict.pth")
    with pytest.raises(UntrustedModel, match="mkdir"):
        chiplog.pytorch.load_state_dict(tmp_path)
    assert not (tmp_path / "ran").exists()


@pytest.mark.usefixtures("unverified")
def test_an_exported_program_with_a_pickle_in_it_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import zipfile

    monkeypatch.chdir(tmp_path)
    chiplog.pytorch.save_model(network(), tmp_path / "m", input_example=torch.zeros(2, 3))
    file = tmp_path / "m" / "data" / "model.pt2"
    with zipfile.ZipFile(file) as old:
        entries = {name: old.read(name) for name in old.namelist()}
    with zipfile.ZipFile(file, "w") as new:
        for name, data in entries.items():
            changed = data.replace(b'"use_pickle": false', b'"use_pickle": true')
            new.writestr(name, changed if name.endswith("weights_config.json") else data)
    with pytest.raises(UntrustedModel, match="pickled"):
        chiplog.pytorch.load_model(tmp_path / "m")


@pytest.mark.usefixtures("unverified")
def test_an_exported_program_with_an_expression_that_runs_is_refused(tmp_path: Path) -> None:
    import zipfile

    chiplog.pytorch.save_model(network(), tmp_path / "m", input_example=torch.zeros(2, 3))
    file = tmp_path / "m" / "data" / "model.pt2"
    with zipfile.ZipFile(file) as old:
        entries = {name: old.read(name) for name in old.namelist()}
    with zipfile.ZipFile(file, "w") as new:
        for name, data in entries.items():
            changed = data.replace(b"Symbol('", b"exit() or Symbol('")
            new.writestr(name, changed)
    with pytest.raises(UntrustedModel, match="exit"):
        chiplog.pytorch.load_model(tmp_path / "m")


def test_what_a_format_cannot_hold_is_said(tmp_path: Path) -> None:
    with pytest.raises(InvalidValue, match="needs an input"):
        chiplog.pytorch.save_model(network(), tmp_path / "a", serialization_format="pt2")
    with pytest.raises(InvalidValue, match="unknown"):
        chiplog.pytorch.save_model(network(), tmp_path / "b", serialization_format="onnx")
    with torch.device("meta"):
        empty = torch.nn.Linear(2, 2)
    with pytest.raises(CannotSave, match="meta"):
        chiplog.pytorch.save_model(empty, tmp_path / "c")
    with pytest.raises(NotFound):
        chiplog.pytorch.load_state_dict(tmp_path)


@pytest.mark.parametrize("chosen", ["pt2", "pickle"])
def test_a_saved_module_is_used_as_a_function(tmp_path: Path, chosen: str) -> None:
    model, rows = network(), torch.ones(2, 3)
    chiplog.pytorch.save_model(
        model, tmp_path / "m", input_example=rows, serialization_format=chosen
    )
    loaded = chiplog.pyfunc.load_model(tmp_path / "m", allow_pickle=True)
    model.eval()
    expected = model(rows).detach().numpy()
    assert loaded.predict(rows.numpy()) == pytest.approx(expected)
    assert loaded.predict(rows.numpy()) == pytest.approx(expected)  # used once is as it was
