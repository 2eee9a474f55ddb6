"""Files in the frameworks' own formats that hold code, or name it: none of it runs."""

from __future__ import annotations

import io
import json
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import chiplog
from chiplog.core.errors import DamagedModel, UntrustedModel

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

pytestmark = [pytest.mark.framework, pytest.mark.usefixtures("watch")]

DOORS = ("flavor", "models", "pyfunc")


def refused(flavor: str, door: str, error: type[Exception], says: str) -> None:
    """Load the model and expect the refusal."""
    module = getattr(chiplog, flavor if door == "flavor" else door)
    with pytest.raises(error, match=says):
        module.load_model("model")


def archive(parts: Mapping[str, str | bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        for name, content in parts.items():
            made.writestr(name, content)
    return file.getvalue()


def record(module: str, name: str, loader: str, **more: Any) -> dict[str, Any]:
    """A part of a skops file."""
    return {"__module__": module, "__class__": name, "__loader__": loader, "__id__": 1, **more}


def skops(root: dict[str, Any], **parts: bytes) -> bytes:
    schema = json.dumps({**root, "protocol": 2, "_skops_version": "0.16"})
    return archive({"schema.json": schema, **parts})


@pytest.fixture
def of_skops(hostile: Callable[[str], Any]) -> Callable[[bytes], None]:
    """Writes a model of scikit-learn's with this skops file."""

    def write(data: bytes) -> None:
        model = hostile("sklearn")
        model.settings["serialization_format"] = "skops"
        model.files[model.file] = data
        model.write()

    return write


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(
    ("module", "name", "loader"),
    [
        ("builtins", "exec", "FunctionNode"),
        ("os", "system", "FunctionNode"),
        ("canary_module", "Canary", "ObjectNode"),
        ("canary_module", "Canary", "TypeNode"),
    ],
)
def test_a_skops_file_with_a_strangers_type_is_refused(
    of_skops: Callable[[bytes], None], door: str, module: str, name: str, loader: str
) -> None:
    content = {"module_path": module, "function": name} if loader == "FunctionNode" else None
    of_skops(skops(record(module, name, loader, content=content)))
    refused("sklearn", door, UntrustedModel, rf"'{module}.{name}'.*trusted_types=\['{module}")


def test_a_skops_file_that_calls_a_function_it_may_name_is_refused(
    of_skops: Callable[[bytes], None],
) -> None:
    of_skops(skops(record("numpy", "zeros", "ObjectNode", content=None)))
    refused("sklearn", "flavor", DamagedModel, "stands in it as a ObjectNode")


def test_a_skops_file_with_an_archive_of_blanks_inside_is_refused(
    of_skops: Callable[[bytes], None],
) -> None:
    inside = io.BytesIO()
    np.savez_compressed(inside, data=np.zeros(10 << 20))
    matrix = record(
        "scipy.sparse._csr", "csr_matrix", "SparseMatrixNode", type="scipy", file="a.npz"
    )
    of_skops(skops(matrix, **{"a.npz": inside.getvalue()}))
    refused("sklearn", "flavor", DamagedModel, "unfold to 83886")


def test_a_skops_file_that_holds_one_array_many_times_is_refused(
    of_skops: Callable[[bytes], None],
) -> None:
    array = io.BytesIO()
    np.save(array, np.zeros(3))
    arrays = [
        {**record("numpy", "ndarray", "NdArrayNode", type="numpy", file="a.npy"), "__id__": n}
        for n in range(2, 9)
    ]
    root = record("builtins", "list", "ListNode", content=arrays)
    of_skops(skops(root, **{"a.npy": array.getvalue()}))
    refused("sklearn", "flavor", DamagedModel, "share 'a.npy'")


def test_a_skops_file_with_an_array_larger_than_memory_is_refused(
    of_skops: Callable[[bytes], None],
) -> None:
    array = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        array, {"descr": "<f8", "fortran_order": False, "shape": (1 << 50,)}
    )
    root = record("numpy", "ndarray", "NdArrayNode", type="numpy", file="a.npy")
    of_skops(skops(root, **{"a.npy": array.getvalue()}))
    refused("sklearn", "flavor", DamagedModel, "cannot be put together")


LAMBDA = {"class_name": "__lambda__", "config": {"value": "4wEAAAA="}}
NAMED = {"class_name": "function", "module": "canary_module", "config": "run"}
FETCH = {"class_name": "function", "module": "keras.utils", "config": "get_file"}
CLASS = {"class_name": "Canary", "module": "canary_module", "registered_name": "Canary"}


@pytest.mark.parametrize("flavor", ["keras", "tensorflow"])
@pytest.mark.parametrize(
    ("layer", "says"),
    [
        (LAMBDA, "allow_pickle=True"),
        (NAMED, r"'canary_module.run'.*trusted_types"),
        (FETCH, r"'keras.utils.get_file'.*trusted_types"),
        (CLASS, r"'canary_module.Canary'.*trusted_types"),
        ({"class_name": "TorchModuleWrapper", "module": "keras.layers"}, "trusted_types"),
    ],
)
def test_a_keras_file_with_code_is_refused(
    hostile: Callable[[str], Any], flavor: str, layer: dict[str, Any], says: str
) -> None:
    pytest.importorskip("keras")
    model = hostile(flavor)
    config = {"module": "keras", "class_name": "Sequential", "config": {"layers": [layer]}}
    model.files["code/canary_module.py"] = b"open('canary_that_sang', 'w')"
    model.files[model.file] = archive({"config.json": json.dumps(config), "metadata.json": "{}"})
    model.settings["code"] = "code"
    model.write()
    for door in DOORS:
        refused(flavor, door, UntrustedModel, says)


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("kind", ["new", "old"])
def test_an_exported_program_with_a_pickle_is_refused(
    hostile: Callable[[str], Any], door: str, kind: str
) -> None:
    pytest.importorskip("torch")
    model = hostile("pytorch")
    pickled = model.files.pop(model.file)
    if kind == "old":
        parts = {"version": "5.1", "serialized_state_dict.pt": pickled}
    else:
        parts = {"m/archive_format": "pt2", "m/extra/canary.py": pickled, "m/version": "3"}
    model.files["data/model.pt2"] = archive(parts)
    model.settings["serialization_format"] = "pt2"
    model.write()
    refused("pytorch", door, UntrustedModel, r"(?s)can run code.*allow_pickle=True")


@pytest.mark.parametrize("door", DOORS)
def test_a_torch_file_with_a_pickle_in_it_is_refused_with_its_names(
    hostile: Callable[[str], Any], door: str
) -> None:
    pytest.importorskip("torch")
    model = hostile("pytorch")
    parts = {"m/data.pkl": model.files[model.file], "m/version": "3", "m/byteorder": "little"}
    model.files[model.file] = archive(parts)
    model.write()
    refused("pytorch", door, UntrustedModel, r"(?s)builtins.exec.*allow_pickle=True")


@pytest.mark.parametrize("name", ["../model.onnx", "a\0b", "a" * 5000, "data/../../x"])
def test_a_name_that_is_none_of_the_models_files_is_refused(
    hostile: Callable[[str], Any], name: str
) -> None:
    model = hostile("onnx")
    model.settings["data"] = model.function["data"] = name
    model.write()
    for door in DOORS:
        refused("onnx", door, DamagedModel, "outside it|can be none")
