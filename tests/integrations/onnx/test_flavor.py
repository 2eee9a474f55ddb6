"""Saving, loading and computing ONNX models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import chiplog
from chiplog.core.errors import CannotSave, ChiplogError, DamagedModel, InvalidValue, UntrustedModel
from chiplog.core.models.model import FILE, Model
from chiplog.integrations.onnx.api import load_model, log_model, save_model

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from chiplog.testing.project import Project

pytestmark = [pytest.mark.framework, pytest.mark.usefixtures("project", "_forged")]

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
pd = pytest.importorskip("pandas")

ROWS = np.random.RandomState(1).normal(size=(5, 3)).astype("float32")


@pytest.fixture
def _forged(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are changed here as by somebody who changes their digests, too."""
    monkeypatch.setenv("CHIPLOG_VERIFY_MODEL_FILES", "false")


@pytest.fixture
def saved(tmp_path: Path, linear: Callable[..., Any]) -> Path:
    """A model whose weights lie in a file of their own."""
    save_model(linear(500), tmp_path / "m")
    return tmp_path / "m"


def expected(model: Any, rows: Any = ROWS) -> Any:
    """What a model of ``linear`` gives, by numpy."""
    w, b = (onnx.numpy_helper.to_array(tensor) for tensor in model.graph.initializer)
    return rows @ w + b


def test_a_model_is_logged_and_loaded_as_a_graph_and_as_a_function(
    linear: Callable[..., Any],
) -> None:
    model = linear()
    with chiplog.start_run():
        info = log_model(model, name="linear", input_example=ROWS)
    assert info.signature is not None
    assert info.signature.outputs is not None
    assert [spec.name for spec in info.signature.outputs] == ["y"]
    assert chiplog.onnx.load_model(info.model_uri).graph == model.graph
    given = chiplog.pyfunc.load_model(info.model_uri).predict(ROWS)
    assert given["y"] == pytest.approx(expected(model), rel=1e-6)


def test_large_tensors_lie_in_a_file_beside_the_graph_unless_told_otherwise(
    saved: Path, tmp_path: Path, linear: Callable[..., Any]
) -> None:
    model = linear(500)
    save_model(model, tmp_path / "one", save_as_external_data=False)
    assert (saved / "model.onnx").stat().st_size < 1000
    assert (saved / "model.onnx.data").stat().st_size >= 4 * 500 * 4
    assert not (tmp_path / "one" / "model.onnx.data").exists()
    assert Model.load(saved).flavors["onnx"]["external_data"] == "model.onnx.data"
    for path in (saved, tmp_path / "one"):
        assert np.array_equal(expected(load_model(path)), expected(model))


@pytest.mark.parametrize("place", ["../secret", "/etc/hostname", "", "*/_ORT_MEM_ADDR_/*"])
def test_tensors_are_never_read_from_outside_of_the_models_folder(
    saved: Path, tmp_path: Path, place: str
) -> None:
    (tmp_path / "secret").write_bytes(b"s" * 10_000)
    model = onnx.load(saved / "model.onnx", load_external_data=False)
    (tensor,) = [one for one in model.graph.initializer if one.name == "w"]
    for entry in tensor.external_data:
        if entry.key == "location":
            entry.value = place
    (saved / "model.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(ChiplogError, match=r"outside|lacks|no one file"):
        load_model(saved)
    with pytest.raises(ChiplogError, match=r"outside|lacks|no one file"):
        chiplog.pyfunc.load_model(saved)


def test_tensors_of_graphs_and_functions_inside_are_looked_at_too(
    tmp_path: Path, linear: Callable[..., Any]
) -> None:
    model = linear()
    secret = onnx.TensorProto(name="t", data_type=1, dims=[2], data_location=1)
    secret.external_data.add(key="location", value="../secret")
    inside = onnx.helper.make_graph([], "inside", [], [], [secret])
    attribute = onnx.helper.make_attribute("body", inside)
    save_model(model, tmp_path / "m")
    for holder in (model.graph.node[0].attribute, model.functions.add().node.add().attribute):
        holder.append(attribute)
        (tmp_path / "m" / "model.onnx").write_bytes(model.SerializeToString())
        with pytest.raises(DamagedModel, match=r"outside it: '\.\./secret'"):
            load_model(tmp_path / "m")
        del holder[:]


@pytest.mark.parametrize(
    ("key", "value"), [("offset", "1000000"), ("length", "-1"), ("offset", "x")]
)
def test_a_tensor_beyond_the_end_of_its_file_is_damage(saved: Path, key: str, value: str) -> None:
    model = onnx.load(saved / "model.onnx", load_external_data=False)
    for entry in model.graph.initializer[0].external_data:
        if entry.key == key:
            entry.value = value
    (saved / "model.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(DamagedModel, match="the tensor 'w'"):
        load_model(saved)


def test_a_model_that_the_checker_refuses_is_neither_saved_nor_loaded(
    saved: Path, tmp_path: Path, linear: Callable[..., Any]
) -> None:
    model = linear()
    model.graph.node[0].op_type = "NoSuchOperator"
    with pytest.raises(CannotSave, match="NoSuchOperator"):
        save_model(model, tmp_path / "bad")
    (saved / "model.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(DamagedModel, match="NoSuchOperator"):
        load_model(saved)


def test_a_model_that_was_read_without_its_tensors_is_not_saved(
    saved: Path, tmp_path: Path
) -> None:
    model = onnx.load(saved / "model.onnx", load_external_data=False)
    with pytest.raises(CannotSave, match=r"onnx\.load\(path\)"):
        save_model(model, tmp_path / "again")


def test_operators_that_nobody_has_are_named(tmp_path: Path, linear: Callable[..., Any]) -> None:
    save_model(linear(domain="com.example"), tmp_path / "m")
    assert load_model(tmp_path / "m").graph.node[0].domain == "com.example"
    with pytest.raises(DamagedModel, match=r"com\.example"):
        chiplog.pyfunc.load_model(tmp_path / "m")


def test_a_frame_goes_in_by_its_columns_and_a_frame_comes_out(tmp_path: Path) -> None:
    inputs = [
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["n", 1])
        for name in ("a", "b")
    ]
    outputs = [
        onnx.helper.make_tensor_value_info("sum", onnx.TensorProto.FLOAT, ["n", 1]),
        onnx.helper.make_tensor_value_info("both", onnx.TensorProto.FLOAT, ["n", 2]),
    ]
    nodes = [
        onnx.helper.make_node("Add", ["a", "b"], ["sum"]),
        onnx.helper.make_node("Concat", ["a", "b"], ["both"], axis=1),
    ]
    graph = onnx.helper.make_graph(nodes, "two", inputs, outputs)
    opset = onnx.helper.make_opsetid("", 17)
    model = onnx.helper.make_model(graph, opset_imports=[opset], ir_version=8)
    data = pd.DataFrame({"b": [1.0, 2.0], "a": [10.0, 20.0]}, index=[7, 8])
    save_model(model, tmp_path / "m", input_example=data)
    loaded = chiplog.pyfunc.load_model(tmp_path / "m")
    given = loaded.predict(data)
    assert given.index.tolist() == [7, 8]
    assert given["sum"].tolist() == [11.0, 22.0]
    assert given["both"].tolist() == [[10.0, 1.0], [20.0, 2.0]]


def test_numbers_of_a_frame_become_what_the_model_takes(tmp_path: Path) -> None:
    taken = onnx.helper.make_tensor_value_info("n", onnx.TensorProto.INT64, ["rows"])
    given = onnx.helper.make_tensor_value_info("m", onnx.TensorProto.INT64, ["rows"])
    total = onnx.helper.make_tensor_value_info("total", onnx.TensorProto.INT64, [])
    nodes = [
        onnx.helper.make_node("Neg", ["n"], ["m"]),
        onnx.helper.make_node("ReduceSum", ["n"], ["total"], keepdims=0),
    ]
    opset = onnx.helper.make_opsetid("", 17)
    for outputs in ([given], [given, total]):
        graph = onnx.helper.make_graph(nodes, "g", [taken], outputs)
        path = tmp_path / str(len(outputs))
        save_model(onnx.helper.make_model(graph, opset_imports=[opset], ir_version=8), path)
        loaded = chiplog.pyfunc.load_model(path)
        predicted = loaded.predict(pd.DataFrame({"k": pd.array([1, 2, 3], dtype="Int64")}))
        assert list(predicted["m"]) == [-1, -2, -3]
    assert predicted["total"] == 6  # not one value a row, so no frame
    with pytest.raises(InvalidValue, match=r"'n' is of tensor\(int64\)"):
        loaded.predict(pd.DataFrame({"k": [0.5]}))


def test_what_an_input_lacks_or_cannot_hold_is_said(
    tmp_path: Path, linear: Callable[..., Any]
) -> None:
    save_model(linear(), tmp_path / "m")
    loaded = chiplog.pyfunc.load_model(tmp_path / "m")
    with pytest.raises(InvalidValue, match="input 'x' is missing; there are 'z'"):
        loaded.predict({"z": ROWS})
    with pytest.raises(InvalidValue, match=r"'x' is of tensor\(float\), and the data are complex"):
        loaded.predict(ROWS.astype("complex64"))


def test_a_sessions_options_are_checked_and_kept(
    tmp_path: Path, linear: Callable[..., Any]
) -> None:
    options = {"intra_op_num_threads": 1, "execution_mode": "parallel"}
    save_model(linear(), tmp_path / "m", onnx_session_options=options)
    assert Model.load(tmp_path / "m").flavors["onnx"]["onnx_session_options"] == options
    session = chiplog.pyfunc.load_model(tmp_path / "m").get_raw_model()
    assert session.get_session_options().intra_op_num_threads == 1
    for name, value in {
        "threads": 1,
        "execution_mode": "fast",
        "intra_op_num_threads": "1",
        "graph_optimization_level": 7,
        "extra_session_config": [],
    }.items():
        with pytest.raises(InvalidValue, match=name):
            save_model(linear(), tmp_path / "n", onnx_session_options={name: value})


@pytest.mark.parametrize(("name", "value"), [("onnx_session_options", "all"), ("providers", 5)])
def test_settings_of_a_wrong_kind_are_said_or_passed_over(
    saved: Path, name: str, value: object
) -> None:
    mlmodel = Model.load(saved)
    for settings in mlmodel.flavors.values():
        settings[name] = value
    mlmodel.save(saved / FILE)
    if name == "providers":
        assert chiplog.pyfunc.load_model(saved).predict(ROWS)["y"].shape == (5, 500)
        return
    with pytest.raises(InvalidValue, match="'all' is no mapping"):
        chiplog.pyfunc.load_model(saved)


def test_what_a_file_sets_of_onnxruntime_itself_must_be_trusted(saved: Path) -> None:
    mlmodel = Model.load(saved)
    name = "session.intra_op.allow_spinning"
    for settings in mlmodel.flavors.values():
        settings["onnx_session_options"] = {"extra_session_config": {name: "0"}}
    mlmodel.save(saved / FILE)
    with pytest.raises(UntrustedModel, match=name):
        chiplog.pyfunc.load_model(saved)
    assert chiplog.pyfunc.load_model(saved, trusted_types=[name]).predict(ROWS)["y"].shape == (
        5,
        500,
    )


def test_providers_that_are_not_here_are_passed_over(saved: Path) -> None:
    mlmodel = Model.load(saved)
    for settings in mlmodel.flavors.values():
        settings["providers"] = ["NoSuchProvider", ["QNNExecutionProvider", {"path": "x.so"}]]
    mlmodel.save(saved / FILE)
    session = chiplog.pyfunc.load_model(saved).get_raw_model()
    assert session.get_providers() == ["CPUExecutionProvider"]
