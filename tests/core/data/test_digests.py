from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from chiplog.core.data import describe_dataset
from chiplog.core.data.digests import Digest, sample_rows


def digest(data: Any, targets: Any = None) -> str:
    found = describe_dataset(data, targets)
    assert found is not None
    return found.digest


def test_equal_arrays_have_equal_digests_in_every_memory_layout() -> None:
    for shape in ((7, 5), (3000, 17)):
        array = np.random.default_rng(1).normal(size=shape)
        wide = np.zeros((shape[0], 2 * shape[1]))
        wide[:, ::2] = array
        assert (
            len({digest(a) for a in (array, array.copy("F"), wide[:, ::2], array[::-1][::-1])}) == 1
        )


def test_a_change_anywhere_in_small_data_changes_the_digest() -> None:
    array = np.zeros((50, 40))
    plain = digest(array)
    seen = {plain}
    for place in range(array.size):
        array.flat[place] = 1.0
        seen.add(digest(array))
        array.flat[place] = 0.0
    assert len(seen) == array.size + 1
    assert digest(array) == plain


def test_a_change_at_either_end_of_large_data_changes_the_digest() -> None:
    array = np.zeros((100_000, 3))
    plain = digest(array)
    for place in ((0, 0), (-1, -1)):
        array[place] = 1
        assert digest(array) != plain
        array[place] = 0
    array[50_000:60_000] = 1
    assert digest(array) != plain


def test_shape_type_names_and_targets_are_covered() -> None:
    array = np.zeros((4, 3))
    others = [
        digest(array),
        digest(array.reshape(3, 4)),
        digest(array.astype("float32")),
        digest({"a": array}),
        digest({"b": array}),
        digest(array, np.zeros(4)),
        digest(array, np.ones(4)),
    ]
    assert len(set(others)) == len(others)


def test_objects_are_covered_by_value_not_by_address() -> None:
    def made() -> Any:
        cells = ["a", 1, None, 2.5, [1, {"k": (2,)}], object(), np.float32(1), "long" * 1000]
        array = np.empty(len(cells), dtype=object)
        array[:] = cells
        return array

    assert digest(made()) == digest(made())
    changed = made()
    changed[4] = [1, {"k": (3,)}]
    assert digest(changed) != digest(made())


def test_a_digest_is_the_same_in_another_process() -> None:
    code = (
        "import numpy as np; from chiplog.core.data import describe_dataset as d\n"
        "print(d(np.array(['a', 'b', 1, None], dtype=object)).digest, d(np.arange(99999)).digest)"
    )
    printed = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(printed) == 1


def test_a_digest_is_eight_hexadecimal_digits() -> None:
    assert len(Digest().hexdigest()) == 8
    assert len(digest(np.zeros(3))) == 8


@pytest.mark.parametrize(("rows", "columns"), [(0, 1), (1, 1), (8, 10_000), (300, 1), (10**7, 50)])
def test_sampled_rows_are_few_ascending_and_hold_both_ends(rows: int, columns: int) -> None:
    chosen = sample_rows(rows, columns)
    assert chosen == sorted(set(chosen))
    assert len(chosen) <= min(rows, 256)
    if rows:
        assert (chosen[0], chosen[-1]) == (0, rows - 1)


def test_a_change_in_a_frame_changes_the_digest() -> None:
    pd = pytest.importorskip("pandas")
    frames = [
        pd.DataFrame({"a": [1, 2], "b": ["x", "y"]}),
        pd.DataFrame({"a": [1, 3], "b": ["x", "y"]}),
        pd.DataFrame({"a": [1, 2], "b": ["x", "z"]}),
        pd.DataFrame({"a": [1, 2], "c": ["x", "y"]}),
        pd.DataFrame({"a": [1.0, 2.0], "b": ["x", "y"]}),
    ]
    assert len({digest(frame) for frame in frames}) == len(frames)
    assert digest(frames[0]) == digest(frames[0].copy())
