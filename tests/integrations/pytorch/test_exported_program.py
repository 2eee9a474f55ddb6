"""Exported programs are read only if nothing in them can run code."""

from __future__ import annotations

import importlib
import io
import json
import os
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from chiplog.core.errors import DamagedModel, UntrustedModel
from chiplog.core.models.safety import Trust, read_exported

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.framework

torch = pytest.importorskip("torch")


class Dangerous:
    def __reduce__(self) -> Any:
        return os.mkdir, ("ran",)


class Halving(torch.nn.Module):  # type: ignore[misc,name-defined,unused-ignore]  # imported late
    """Has guards, a text for an argument, containers with odd keys, and control flow."""

    def forward(self, x: Any, more: dict[str, Any], mode: str = "ij,kj->ik") -> dict[str, Any]:
        half = x[: x.shape[0] // 2] + more["a b"]
        chosen = torch.cond(half.sum() > 0, lambda t: t + 1, lambda t: t - 1, (half,))
        return {"a-b": torch.einsum(mode, chosen, half), "list": [chosen]}


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("exported") / "model.pt2"
    free = torch.export.Dim.DYNAMIC
    arguments = (torch.ones(8, 3), {"a b": torch.ones(3)}, "ij,kj->ik")
    shapes = ({0: free}, {"a b": None}, None)
    torch.export.save(
        torch.export.export(Halving(), arguments, dynamic_shapes=shapes, strict=False), file
    )
    return file


def tampered(program: Path, file: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    """The program with another description."""
    with zipfile.ZipFile(program) as old, zipfile.ZipFile(file, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if name.endswith("models/model.json"):
                description = json.loads(data)
                change(description)
                data = json.dumps(description).encode()
            new.writestr(name, data)
    return file


def test_what_torch_writes_is_read(program: Path) -> None:
    found = read_exported(program, Trust()).module()
    given = found(torch.ones(4, 3), {"a b": torch.ones(3)}, "ij,kj->ik")
    assert given["a-b"].shape == (2, 2)


def set_guard(code: str) -> Callable[[dict[str, Any]], None]:
    return lambda description: description["guards_code"].append(code)


def set_container(kind: str, context: Any) -> Callable[[dict[str, Any]], None]:
    def change(description: dict[str, Any]) -> None:
        leaf: dict[str, Any] = {"type": None, "context": None, "children_spec": []}
        signature = description["graph_module"]["module_call_graph"][0]["signature"]
        spec = {"type": kind, "context": context, "children_spec": [leaf]}
        signature["out_spec"] = json.dumps([1, spec])

    return change


def set_node(key: str, value: str) -> Callable[[dict[str, Any]], None]:
    def change(description: dict[str, Any]) -> None:
        description["graph_module"]["graph"]["nodes"][0][key] = value

    return change


def set_text(value: str) -> Callable[[dict[str, Any]], None]:
    def change(description: dict[str, Any]) -> None:
        specs = description["graph_module"]["signature"]["input_specs"]
        specs[-1]["constant_input"]["value"]["as_string"] = value

    return change


FACTORY = {"default_factory_module": "this", "default_factory_name": "s", "dict_context": ["a"]}
ENUM = json.dumps([{"__enum__": True, "fqn": "this:s", "name": "x"}])


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (set_guard("__import__('os').mkdir('ran') is None"), "mkdir"),
        (set_guard("L['x'].size.__globals__ == 1"), "__globals__"),
        (set_guard("L['\"+exit()+\"'] == 1"), "exit"),
        (set_guard("exit() == 1"), "exit"),
        (set_container("collections.defaultdict", FACTORY), "this"),
        (set_container("builtins.dict", ENUM), "this"),
        (set_node("target", "torch.ops.load_library"), "load_library"),
        (set_node("target", "torch.ops.aten.from_file.default"), "from_file"),
        (set_node("target", "torch.ops.aten.add.__class__"), "__class__"),
        (set_node("target", "_operator.methodcaller"), "methodcaller"),
        (set_node("target", "torch.ops.higher_order.run_and_save_rng_state"), "run_and_save"),
        (set_node("name", "x = exit()\n    y"), "exit"),
        (set_text("' + exit() + '"), "exit"),
    ],
)
def test_a_description_that_could_run_code_is_refused(
    program: Path, tmp_path: Path, change: Callable[[dict[str, Any]], None], named: str
) -> None:
    file = tampered(program, tmp_path / "model.pt2", change)
    with pytest.raises(UntrustedModel, match=named):
        read_exported(file, Trust())


def test_a_file_of_the_old_format_is_not_unpickled(
    program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    pickled = io.BytesIO()
    torch.save({"x": Dangerous()}, pickled)
    schema: Any = importlib.import_module("torch._export.serde.schema")
    parts = {
        "version": ".".join(map(str, schema.SCHEMA_VERSION)).encode(),
        "serialized_state_dict.pt": pickled.getvalue(),
        "serialized_constants.pt": pickled.getvalue(),
        "serialized_example_inputs.pt": pickled.getvalue(),
    }
    with zipfile.ZipFile(program) as old:
        entries = {name: old.read(name) for name in old.namelist()}
    graph = next(data for name, data in entries.items() if name.endswith("models/model.json"))
    parts["serialized_exported_program.json"] = graph
    for first in ({}, entries):  # the old format, and one file that is both
        with zipfile.ZipFile(tmp_path / "old.pt2", "w") as new:
            for name, data in {**first, **parts}.items():
                new.writestr(name, data)
        with pytest.raises((UntrustedModel, DamagedModel)):
            read_exported(tmp_path / "old.pt2", Trust())
    assert not (tmp_path / "ran").exists()


def test_a_file_of_the_old_format_is_read_if_it_holds_tensors_only(
    program: Path, tmp_path: Path
) -> None:
    serde: Any = importlib.import_module("torch._export.serde.serialize")
    parts = serde.serialize(torch.export.load(program))
    with zipfile.ZipFile(tmp_path / "old.pt2", "w") as new:
        new.writestr("version", ".".join(map(str, serde.SCHEMA_VERSION)))
        new.writestr("serialized_exported_program.json", parts.exported_program)
        for name in ("state_dict", "constants", "example_inputs"):
            new.writestr(f"serialized_{name}.pt", getattr(parts, name))
    found = read_exported(tmp_path / "old.pt2", Trust()).module()
    given = found(torch.ones(4, 3), {"a b": torch.ones(3)}, "ij,kj->ik")
    assert given["a-b"].shape == (2, 2)


def test_a_file_that_readers_see_differently_is_refused(program: Path, tmp_path: Path) -> None:
    other = tampered(program, tmp_path / "other.pt2", set_guard("exit() == 1"))
    with zipfile.ZipFile(program) as old, zipfile.ZipFile(other, "a") as new:
        for name in old.namelist():
            if name.endswith("models/model.json"):
                with pytest.warns(UserWarning, match="Duplicate"):
                    new.writestr(name, old.read(name))
    with pytest.raises((UntrustedModel, DamagedModel)):
        read_exported(other, Trust())
