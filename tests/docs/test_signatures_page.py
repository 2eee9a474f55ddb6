"""What docs/signatures.md shows is so."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.framework

PAGE = (Path(__file__).parents[2] / "docs" / "signatures.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(python|text)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_its_blocks_run_and_say_what_it_says(project: Path) -> None:
    pd = pytest.importorskip("pandas")
    pydantic = pytest.importorskip("pydantic")
    pytest.importorskip("cloudpickle")
    import chiplog
    import chiplog.pyfunc

    (_, wrong), (_, said), (_, policies), (_, hints) = BLOCKS
    names: dict[str, Any] = {"__name__": "page", "pd": pd, "chiplog": chiplog, "pydantic": pydantic}
    with pytest.raises(chiplog.models.SchemaViolation) as caught:
        exec(wrong, names)
    assert str(caught.value).startswith(said)

    save = chiplog.pyfunc.save_model
    save("price", python_model=_prices, signature=names["signature"], pip_requirements=[])
    exec(policies.replace('"price", ', '"price", allow_pickle=True, '), names)

    exec(hints, names)
    save("hinted", python_model=names["Price"](), pip_requirements=[])
    found = chiplog.pyfunc.load_model("hinted", allow_pickle=True).predict([{"rooms": 2}])
    assert found == [2000.0]


def _prices(model_input: Any) -> Any:
    return model_input["price"]
