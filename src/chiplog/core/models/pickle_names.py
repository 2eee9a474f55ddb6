"""The types and functions that a pickle names, read off its opcodes without running any of it."""

from __future__ import annotations

import pickletools
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_GETS: Final = frozenset({"GET", "BINGET", "LONG_BINGET"})
_PUTS: Final = frozenset({"PUT", "BINPUT", "LONG_BINPUT"})
_SILENT: Final = frozenset({"PROTO", "FRAME", "MARK"})

#: Stands for a part of a name that only running the pickle would tell.
COMPUTED: Final = "<computed>"


def globals_in(data: bytes) -> Iterator[tuple[str, str]]:
    """Each module and the name in it that a pickle names, as often as it does.

    A name may be put together while it is read: then the parts that stand in it as text are known,
    and the others are :data:`COMPUTED`.

    Raises ValueError if the bytes are no pickle.
    """
    memo: dict[int, object] = {}
    pushed: list[object] = [None, None]  # the last two, since a name is two texts and an opcode
    for opcode, argument, _ in pickletools.genops(data):
        kind = opcode.name
        if kind in {"GLOBAL", "INST"}:
            module, _, name = str(argument).partition(" ")
            yield module, name
        elif kind == "STACK_GLOBAL":
            module, name = (part if isinstance(part, str) else COMPUTED for part in pushed)
            yield module, name
        if kind == "MEMOIZE":
            memo[len(memo)] = pushed[-1]
        elif kind in _PUTS:
            memo[int(str(argument))] = pushed[-1]
        elif kind in _GETS:
            pushed = [pushed[-1], memo.get(int(str(argument)))]
        elif kind not in _SILENT:
            pushed = [pushed[-1], argument if isinstance(argument, str) else None]
