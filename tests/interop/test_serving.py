"""Environment files and requests mean the same to both."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

import chiplog
from chiplog.core.models.schema import ColSpec, DataType, Schema, TensorSpec
from chiplog.core.models.signature import ModelSignature
from chiplog.core.models.upkeep import get_model_dependencies, update_model_requirements

pytestmark = [pytest.mark.slow, pytest.mark.framework, pytest.mark.usefixtures("project")]

pytest.importorskip("pandas")

ADDED, REMOVED = ["numpy>=1.20", "new-one==2"], ["scipy", "not-there"]


SCRIPT = str(Path(__file__).with_name("describing_script.py"))

COLUMNS = Schema(
    [
        ColSpec(DataType.double, "a"),
        ColSpec(DataType.long, "b"),
        ColSpec(DataType.string, "s", required=False),
        ColSpec(DataType.binary, "r", required=False),
    ]
)
KINDS = Schema(
    [
        ColSpec(DataType.integer, "i"),
        ColSpec(DataType.float, "f"),
        ColSpec(DataType.boolean, "z"),
    ]
)
TENSOR = Schema([TensorSpec("float32", (-1, 2))])
NAMED = Schema([TensorSpec("float32", (-1,), "x"), TensorSpec("int64", (-1, 2), "y")])

REQUESTS: dict[str, tuple[Schema | None, list[Any]]] = {
    "columns": (
        COLUMNS,
        [
            {"dataframe_split": {"columns": ["a", "b"], "data": [[1, 2], [3.5, 4]]}},
            {"dataframe_split": {"columns": ["b", "a"], "index": [5], "data": [[1, 2]]}},
            {"dataframe_split": {"data": [[1, 2]]}},
            {"dataframe_records": [{"a": 1, "b": 2, "s": "x", "r": "YWJj"}]},
            {"dataframe_records": {"a": [1], "b": [2]}},
            {"instances": [{"a": 1, "b": 2}]},
            {"instances": [[1, 2]]},
            {"inputs": {"a": [1.5, None], "b": [2, 3]}},
            {"inputs": {"a": 1, "b": 2}},
            {"inputs": [{"a": 1, "b": 2}]},
            {"inputs": {"a": [1], "b": [2.0]}},
            {"inputs": {"a": ["1"], "b": [2]}},
            {"inputs": {"a": [1], "b": [2], "s": [3]}},
            {"inputs": {"a": ["x"], "b": [2]}},
            {"inputs": {"a": [1], "b": [2], "more": [3]}},
            {"inputs": {"b": [2]}},
            {"data": [[1, 2]]},
            {"inputs": [], "instances": []},
            [1],
        ],
    ),
    "kinds": (
        KINDS,
        [
            {"inputs": {"i": [1], "f": [1.5], "z": [True]}},
            {"inputs": {"i": ["5"], "f": ["1.5"], "z": [1]}},
            {"inputs": {"i": [2**40], "f": [1], "z": [True]}},
            {"inputs": {"i": ["x"], "f": [1], "z": [True]}},
        ],
    ),
    "unnamed": (
        Schema([ColSpec(DataType.double), ColSpec(DataType.double)]),
        [{"inputs": [[1, 2], [3, 4]]}, {"instances": [[1, 2]]}],
    ),
    "tensor": (
        TENSOR,
        [
            {"inputs": [[1, 2], [3, 4]]},
            {"instances": [[1, 2]]},
            {"inputs": [["a", "b"]]},
            {"inputs": [[1, 2, 3]]},
            {"dataframe_split": {"columns": ["q", "w"], "data": [[1, 2]]}},
        ],
    ),
    "named tensors": (
        NAMED,
        [
            {"inputs": {"x": [1, 2], "y": [[1, 2], [3, 4]]}},
            {"instances": [{"x": 1, "y": [1, 2]}, {"x": 2, "y": [3, 4]}]},
            {"inputs": {"x": [1, 2]}},
        ],
    ),
    "no signature": (
        None,
        [
            {"inputs": [1, 2]},
            {"inputs": {"a": [1, 2], "b": [3, 4]}},
            {"instances": [{"a": 1, "b": 2}, {"a": 3, "b": 4}]},
            {"inputs": ["a", "b"]},
            {"dataframe_split": {"columns": ["a"], "data": [[1], [2]]}},
        ],
    ),
}


@pytest.mark.parametrize("kind", REQUESTS)
def test_a_request_gives_the_model_the_same_data(kind: str, peer: Any, tmp_path: Path) -> None:
    schema, requests = REQUESTS[kind]
    path = str(tmp_path / "m")
    chiplog.pyfunc.save_model(
        path,
        python_model=SCRIPT,
        signature=ModelSignature(inputs=schema) if schema is not None else None,
        pip_requirements=["numpy"],
    )
    bodies = [json.dumps(request) for request in requests]
    theirs = peer.ask("serve", path=path, bodies=bodies)["answers"]
    for body, expected in zip(bodies, theirs, strict=True):
        assert (body, _answer(path, body)) == (body, expected)


def _answer(path: str, body: str) -> Any:
    try:
        return chiplog.models.validate_serving_input(path, body, allow_pickle=True)
    except chiplog.MlflowException:
        return None


def test_requirements_are_changed_in_the_same_way(peer: Any, tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    lines = ["numpy==2.0.1", "scipy==1.5", "b"]
    chiplog.pyfunc.save_model(ours, python_model=SCRIPT, pip_requirements=lines)
    shutil.copytree(ours, theirs)
    given = peer.ask("environment", path=str(theirs), add=ADDED, remove=REMOVED)
    update_model_requirements(ours, "add", ADDED)
    update_model_requirements(ours, "remove", REMOVED)
    assert Path(get_model_dependencies(ours)).read_text().split() == given["pip"].split()
    conda = yaml.safe_load(Path(get_model_dependencies(ours, "conda")).read_text())
    assert conda == yaml.safe_load(given["conda"])
