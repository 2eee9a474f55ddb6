"""What the user's code calls a loss or an optimizer, read off the bytecode that made a call.

The frames' variables are left alone: before Python 3.13, looking at a function's variables keeps
their values alive as long as the function runs, graph and all.
"""

from __future__ import annotations

import dis
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from types import CodeType, FrameType

_PASSED_THROUGH: Final = frozenset(
    {"accelerate", "chiplog", "lightning", "lightning_fabric", "pytorch_lightning", "torch"}
)
#: Methods that hand back the same loss in another form.
_SAME: Final = frozenset(
    {"clone", "double", "float", "mean", "squeeze", "sum", "to", "cpu", "item", "unsqueeze"}
)
_NAMES: Final = ("LOAD_FAST", "LOAD_NAME", "LOAD_GLOBAL", "LOAD_DEREF", "LOAD_CLASSDEREF")
_NO_NAMES: Final = frozenset({"self", "cls", "torch"})
_FARTHEST: Final = 80


def users_frame(frame: FrameType | None) -> tuple[FrameType | None, bool]:
    """The nearest frame of the user's own code, and whether it called the function by itself.

    It did not if another library's function, which got the thing as an argument, did it for it.
    """
    passed: FrameType | None = None
    while frame is not None and _root(frame) in _PASSED_THROUGH:
        passed, frame = frame, frame.f_back
    return frame, passed is None or _is_torchs_own(passed)


def _root(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", "")).partition(".")[0]


def _is_torchs_own(frame: FrameType) -> bool:
    """Whether a frame is of the method itself, rather than of something that was given its object.

    Such are ``Tensor.backward`` and what stands around ``Optimizer.step``.
    """
    module = str(frame.f_globals.get("__name__", ""))
    return module in {"torch._tensor", "torch.optim.optimizer", "torch.optim.lr_scheduler"}


def name_at(code: CodeType, position: int, method: str, *, is_receiver: bool) -> str | None:
    """The variable that stands before ``.method(``, else the first one between its parentheses.

    ``position`` is the frame's ``f_lasti``. None if there is no single variable there.
    """
    made = [one for one in dis.get_instructions(code) if one.offset <= position]
    at = next((i for i in reversed(range(len(made))) if _loads(made[i], method)), None)
    if at is None:
        return None
    part = made[_beginning(made, at) : at] if is_receiver else made[at + 1 : -1]
    return _variable(part)


def _loads(instruction: dis.Instruction, name: str) -> bool:
    return (
        instruction.opname in {"LOAD_METHOD", "LOAD_ATTR", "LOAD_GLOBAL", "LOAD_NAME"}
        and instruction.argval == name
    )


def _beginning(made: list[dis.Instruction], end: int) -> int:
    """Where the expression begins whose value lies on the stack before ``end``."""
    wanted = 1
    for i in range(end - 1, max(end - _FARTHEST, -1), -1):
        wanted -= dis.stack_effect(made[i].opcode, made[i].arg, jump=False)
        if wanted <= 0:
            return i
    return end


def _variable(part: list[dis.Instruction]) -> str | None:
    name: str | None = None
    for one in part:
        if one.opname.startswith(_NAMES):
            if name is None:
                name = one.argval[0] if isinstance(one.argval, tuple) else one.argval
            continue
        if one.opname in {"LOAD_ATTR", "LOAD_METHOD"} and isinstance(one.argval, str):
            if one.argval not in _SAME and name in _NO_NAMES:
                name = one.argval
        elif one.opname == "LOAD_CONST" and isinstance(one.argval, str) and name is not None:
            name = one.argval  # losses["generator"]
        elif one.opname.startswith("CALL") and not any(_is_same(i) for i in part):
            return None
    if name is None or name in _NO_NAMES or name.startswith("_") or not name.isidentifier():
        return None
    return name


def _is_same(instruction: dis.Instruction) -> bool:
    return instruction.opname in {"LOAD_ATTR", "LOAD_METHOD"} and instruction.argval in _SAME
