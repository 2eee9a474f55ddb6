"""What a pickle names, as far as that can be told without running it."""

from __future__ import annotations

import collections
import pickle
import sys
from typing import Any

import pytest

from chiplog.core.models.pickle_names import COMPUTED, globals_in


class _Finds(pickle.Unpickler):
    """Notes what is looked for."""

    def __init__(self, file: Any) -> None:
        super().__init__(file)
        self.found: list[tuple[str, str]] = []

    def find_class(self, module: str, name: str) -> Any:
        self.found.append((module, name))
        return super().find_class(module, name)


OBJECTS = [
    [collections.OrderedDict(a=1), collections.Counter("aab"), collections.deque([1])],
    {"f": len, "g": sorted, "again": len},
    [ValueError("x"), KeyError("y"), ValueError("z")],
    [sys.intern("collections"), collections.OrderedDict(collections=collections.ChainMap())],
]


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("thing", OBJECTS)
def test_it_is_what_python_looks_for_when_it_reads_the_pickle(thing: Any, protocol: int) -> None:
    import io

    data = pickle.dumps(thing, protocol)
    reader = _Finds(io.BytesIO(data))
    reader.load()
    # In the protocols before 3 Python 2's names stand for those of 3.
    known = {("copyreg", "_reconstructor"), ("builtins", "object")}
    if protocol >= 3:
        assert set(globals_in(data)) == set(reader.found)
    else:
        assert len(set(globals_in(data))) >= len(set(reader.found) - known)


def test_a_name_that_is_put_together_is_told_as_such() -> None:
    # A tuple is pushed where the module's name is looked for.
    data = b"\x80\x04)\x8c\x06system\x93."
    assert list(globals_in(data)) == [(COMPUTED, "system")]


def test_what_is_no_pickle_is_refused() -> None:
    with pytest.raises(ValueError, match="opcode"):
        list(globals_in(b"nonsense \xff"))
