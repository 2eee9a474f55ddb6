"""Tables of real runs in a real store."""

from __future__ import annotations

import json
import os
import threading
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import chiplog
from chiplog.core.artifacts import tables
from chiplog.core.errors import InvalidValue, NotFound

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("project")

TAG = "mlflow.loggedArtifacts"


def stored(run_id: str, path: str) -> Any:
    return chiplog.artifacts.load_dict(f"runs:/{run_id}/{path}")


def test_a_table_is_stored_appended_to_and_listed_in_a_tag_once() -> None:
    with chiplog.start_run() as run:
        chiplog.log_table({"a": [1, 2], "b": ["x", None]}, "t/one.json")
        chiplog.log_table({"a": 3, "c": "y"}, "t/one.json")
        chiplog.log_table({"z": [0]}, "two.json")
    run_id = run.info.run_id
    assert stored(run_id, "t/one.json") == {
        "columns": ["a", "b", "c"],
        "data": [[1, "x", None], [2, None, None], [3, None, "y"]],
    }
    assert json.loads(chiplog.get_run(run_id).data.tags[TAG]) == [
        {"path": "t/one.json", "type": "table"},
        {"path": "two.json", "type": "table"},
    ]


@pytest.mark.parametrize("name", ["t.csv", "t", "t.JSON"])
def test_other_endings_are_a_value_error_with_the_name(name: str) -> None:
    with chiplog.start_run(), pytest.raises(ValueError, match=repr(name)):
        chiplog.log_table({"a": [1]}, name)


def test_a_file_of_that_name_that_is_no_table_stays_as_it_is() -> None:
    with chiplog.start_run() as run:
        chiplog.log_text("[1, 2]", "t.json")
        with pytest.raises(ValueError, match=r"'t\.json' holds no table"):
            chiplog.log_table({"a": [1]}, "t.json")
    assert stored(run.info.run_id, "t.json") == [1, 2]


def test_threads_that_append_to_one_table_lose_no_row() -> None:
    with chiplog.start_run() as run:
        run_id = run.info.run_id

        def append(number: int) -> None:
            for turn in range(5):
                chiplog.log_table({"n": [10 * number + turn]}, "t.json", run_id=run_id)

        threads = [threading.Thread(target=append, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    rows = sorted(row[0] for row in stored(run_id, "t.json")["data"])
    assert rows == sorted(10 * number + turn for number in range(4) for turn in range(5))


def test_a_child_forked_while_a_table_is_written_can_write_its_own() -> None:
    with tables._appending:
        pid = os.fork()
        if pid == 0:
            os._exit(0 if tables._appending.acquire(blocking=False) else 1)
        _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0


@pytest.mark.framework
def test_images_in_cells_are_stored_beside_the_table() -> None:
    pytest.importorskip("PIL")
    image = chiplog.Image(np.zeros((2, 3), "uint8"))
    with chiplog.start_run() as run:
        chiplog.log_table({"im": [image, image.to_pil()], "n": [1, 2]}, "sub/t.json")
    run_id = run.info.run_id
    for (cell, _), number in zip(stored(run_id, "sub/t.json")["data"], (1, 2), strict=True):
        assert cell["type"] == "image"
        assert cell["filepath"].startswith("table_images/sub/t/")
        assert cell["compressed_filepath"].endswith(".webp")
        picture = chiplog.artifacts.load_image(f"runs:/{run_id}/{cell['filepath']}")
        assert (picture.size, number) == ((3, 2), number)
    assert len(chiplog.artifacts.list_artifacts(f"runs:/{run_id}/table_images/sub/t")) == 4


@pytest.mark.framework
class TestLoading:
    """Tables as pandas DataFrames."""

    @pytest.fixture(autouse=True)
    def _pandas(self) -> None:
        pytest.importorskip("pandas")

    def test_tables_of_all_runs_come_together_the_latest_run_first(self) -> None:
        for number in (1, 2):
            with chiplog.start_run():
                chiplog.log_table({"n": [number], f"only{number}": ["x"]}, "t.json")
        with chiplog.start_run():
            chiplog.log_table({"n": [3]}, "other.json")
        frame = chiplog.load_table("t.json")
        assert frame["n"].tolist() == [2, 1]
        assert frame["only1"].isna().tolist() == [True, False]

    def test_only_the_runs_named_are_looked_at(self) -> None:
        ids = []
        for number in range(3):
            with chiplog.start_run() as run:
                chiplog.log_table({"n": [number]}, "t.json")
            ids.append(run.info.run_id)
        assert chiplog.load_table("t.json", run_ids=[ids[2], ids[0]])["n"].tolist() == [2, 0]

    def test_extra_columns_are_those_of_search_runs(self) -> None:
        with chiplog.start_run() as run:
            chiplog.log_param("lr", 0.1)
            chiplog.log_metric("m", 2.5)
            chiplog.log_table({"run_id": [1, 2]}, "t.json")
        names = ["run_id", "params.lr", "metrics.m", "status", "start_time", "params.gone"]
        row = chiplog.load_table("t.json", extra_columns=names).iloc[1].to_dict()
        assert row["run_id"] == 2
        assert row["run_id_"] == run.info.run_id
        assert (row["params.lr"], row["metrics.m"], row["status"]) == ("0.1", 2.5, "FINISHED")
        assert row["start_time"].tzname() == "UTC"
        assert row["params.gone"] is None or row["params.gone"] != row["params.gone"]
        with pytest.raises(InvalidValue, match="'nope'"):
            chiplog.load_table("t.json", extra_columns=["nope"])

    def test_a_table_that_no_run_has_is_not_found(self) -> None:
        with chiplog.start_run():
            chiplog.log_text("{}", "t.json")
        for name in ("t.json", "it's 100% gone.json"):
            with pytest.raises(NotFound, match="No run has the table"):
                chiplog.load_table(name)

    def test_a_data_frame_goes_in_and_comes_out(self) -> None:
        import pandas as pd

        frame = pd.DataFrame(
            {
                "f": [0.1, float("nan")],
                "d": pd.to_datetime(["2020-01-01", None]),
                "i": pd.array([1, None], "Int64"),
                "s": ["x", None],
            }
        )
        with chiplog.start_run() as run:
            chiplog.log_table(frame, "t.json")
        assert stored(run.info.run_id, "t.json")["data"] == [
            [0.1, "2020-01-01T00:00:00.000", 1, "x"],
            [None, None, None, None],
        ]
        assert chiplog.load_table("t.json")["f"][0] == 0.1

    def test_a_parquet_table_keeps_its_types(self) -> None:
        pytest.importorskip("pyarrow")
        import pandas as pd

        frame = pd.DataFrame({"d": pd.to_datetime(["2020-01-01"]), "i": [1]})
        with chiplog.start_run():
            chiplog.log_table(frame, "t.parquet")
            chiplog.log_table({"i": [2]}, "t.parquet")
        loaded = chiplog.load_table("t.parquet")
        assert loaded["i"].tolist() == [1, 2]
        assert loaded["d"].dtype.kind == "M"
        assert loaded["d"].isna().tolist() == [False, True]


def test_a_library_that_is_missing_is_named_with_the_line_to_type(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    with chiplog.start_run() as run:
        for library in ("pandas", "PIL", "PIL.Image"):
            monkeypatch.setitem(sys.modules, library, None)
        chiplog.log_table({"a": [1]}, "t.json")  # needs nothing
        with pytest.raises(ImportError, match="pip install pandas"):
            chiplog.log_table({"a": [1]}, "t.parquet")
        with pytest.raises(ImportError, match="pip install pandas"):
            chiplog.load_table("t.json")
        with pytest.raises(ImportError, match="pip install pillow"):
            chiplog.log_image(np.zeros((2, 2)), "i.png")
    assert stored(run.info.run_id, "t.json")["data"] == [[1]]
