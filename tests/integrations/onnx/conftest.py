"""Small ONNX models, written out node by node."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from chiplog.testing.project import own_project

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from chiplog.testing.project import Project


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """A project of the test's own."""
    with own_project(tmp_path) as project:
        yield project


@pytest.fixture(scope="session")
def linear() -> Callable[..., Any]:
    """Makes ``y = x @ w + b``, for three features and so many outputs, an operator of a domain."""
    return _linear


def _linear(width: int = 2, domain: str = "") -> Any:
    from onnx import TensorProto, helper, numpy_helper

    random = np.random.RandomState(0)
    weights = [
        numpy_helper.from_array(random.normal(size=(3, width)).astype("float32"), "w"),
        numpy_helper.from_array(random.normal(size=width).astype("float32"), "b"),
    ]
    node = helper.make_node("Gemm", ["x", "w", "b"], ["y"], domain=domain)
    graph = helper.make_graph(
        [node],
        "linear",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", width])],
        weights,
    )
    opsets = [helper.make_opsetid(name, 17) for name in {"", domain}]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)
