"""What docs/models.md shows runs, from top to bottom."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("sklearn")
pytest.importorskip("cloudpickle")

pytestmark = pytest.mark.framework

PAGE = (Path(__file__).parents[2] / "docs" / "models.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_its_blocks_run_one_after_the_other(project: Path) -> None:
    names: dict[str, Any] = {"__name__": "page"}
    for number, block in enumerate(BLOCKS):
        file = re.match(r"# (\S+\.py)\n", block)
        if file:
            (project / file[1]).write_text(block, encoding="utf-8")
        else:
            exec(compile(block, f"docs/models.md, block {number}", "exec"), names)
    import chiplog

    (project / "words.txt").write_text("zero one two", encoding="utf-8")
    chiplog.pyfunc.save_model(
        "lookup", python_model=names["Lookup"](), artifacts={"words": "words.txt"}
    )
    found = chiplog.pyfunc.load_model("lookup", allow_pickle=True)
    assert found.predict([2, 0]) == ["two", "zero"]
