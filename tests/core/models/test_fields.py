"""What stands in an MLmodel file is of the kind that its format says, or is refused."""

from __future__ import annotations

from typing import Any

import pytest

from chiplog.core.errors import DamagedModel
from chiplog.core.models.fields import check


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"flavors": {"a": {"data": ["x"]}}}, r"flavors.a.data = \['x'\], where text belongs"),
        ({"flavors": {"a": {"code": 3}}}, "flavors.a.code = 3, where text"),
        ({"flavors": {"a": {"config": "x"}}}, "where a mapping belongs"),
        ({"flavors": {"a": {"artifacts": {"w": "x"}}}}, "flavors.a.artifacts.w = 'x'"),
        ({"flavors": {"a": {"artifacts": {"w": {"path": 1}}}}}, "artifacts.w.path = 1"),
        ({"flavors": {3: {}}}, "a flavor named 3"),
        ({"run_id": 3}, "run_id = 3, where text"),
        ({"model_id": ["m-1"]}, "model_id"),
        ({"signature": "x"}, "signature = 'x', where a mapping"),
        ({"prompts": "x"}, "prompts = 'x', where a list"),
        ({"mlflow_version": 3.1}, "mlflow_version = 3.1, where text"),
        ({"mlflow_version": "4.0.0"}, "saved by MLflow 4.0.0.*up to 3.x"),
        ({"mlflow_version": "12.0"}, "saved by MLflow 12.0"),
    ],
)
def test_another_kind_is_refused(body: dict[str, Any], says: str) -> None:
    with pytest.raises(DamagedModel, match=says):
        check(body)


@pytest.mark.parametrize("version", ["3.99.1", "3.18.0.dev0", "2.1", "1.0", "", None, "unknown"])
def test_versions_that_only_add_are_read(version: str | None) -> None:
    check({"mlflow_version": version, "flavors": {"a": {"of_tomorrow": [1]}}, "of_tomorrow": 3})
