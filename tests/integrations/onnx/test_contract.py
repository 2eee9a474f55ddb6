"""ONNX's flavor passes the kit that every flavor passes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from chiplog.testing import FlavorKit

pytestmark = pytest.mark.framework

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")


class TestOnnxFlavor(FlavorKit):
    """A product and a sum."""

    flavor = "onnx"
    framework = "onnx"

    def make_model(self) -> Any:
        """``y = x * 2 + x``, with a tensor that is large enough for a file of its own."""
        from onnx import TensorProto, helper, numpy_helper

        two = numpy_helper.from_array(np.full(300, 2.0, dtype="float32"), "two")
        nodes = [
            helper.make_node("Mul", ["x", "two"], ["h"]),
            helper.make_node("Add", ["h", "x"], ["y"]),
        ]
        graph = helper.make_graph(
            nodes,
            "thrice",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 300])],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 300])],
            [two],
        )
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)

    def make_input(self) -> Any:
        """Four rows."""
        return np.random.RandomState(0).normal(size=(4, 300)).astype("float32")
