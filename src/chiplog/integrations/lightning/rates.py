"""The learning rates that training uses, recorded when they change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from chiplog.core.autolog.scalars import number

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

NAME: Final = "lr"


class LearningRates:
    """The rate of each parameter group: at a step, the one that this step was made with.

    A schedule moves on before Lightning tells of the step, so each rate is read one step ahead.
    """

    def __init__(self, put: Callable[[str, float, int, int], None]) -> None:
        self._put = put
        self._groups: list[_Group] = []

    def look(self, optimizers: Sequence[Any]) -> None:
        """Find the groups there are, and the rates that the next step is made with."""
        groups = [group for one in optimizers for group in one.param_groups]
        if [id(known.group) for known in self._groups] != [id(group) for group in groups]:
            last = {known.name: known.last for known in self._groups}
            self._groups = [
                _Group(group, name, last.get(name))
                for group, name in zip(groups, _names(optimizers), strict=True)
            ]
        for known in self._groups:
            known.ahead = known.group.get("lr")

    def record(self, step: int, at: int) -> None:
        """Record the rates of this step that differ from the last one's."""
        for known in self._groups:
            rate = known.ahead
            if rate != known.last:
                self._put_one(known, rate, step, at)
            known.ahead = known.group.get("lr")

    def _put_one(self, known: _Group, rate: Any, step: int, at: int) -> None:
        found = number(rate)
        if isinstance(found, float) and found != known.last:
            known.last = found
            self._put(known.name, found, step, at)

    def let_go(self) -> None:
        """Keep nothing of the optimizers."""
        self._groups = []


class _Group:
    """A parameter group, and its rate: the last one recorded and the one of the next step."""

    __slots__ = ("ahead", "group", "last", "name")

    def __init__(self, group: Any, name: str, last: float | None) -> None:
        self.group = group
        self.name = name
        self.last = last
        self.ahead: Any = None


def _names(optimizers: Sequence[Any]) -> list[str]:
    """``lr``; with several optimizers or groups, which one it is after a slash."""
    names = []
    for number_, optimizer in enumerate(optimizers):
        start = f"{NAME}/optimizer_{number_}" if len(optimizers) > 1 else NAME
        groups = optimizer.param_groups
        if len(groups) == 1:
            names.append(start)
        else:
            names += [f"{start}/{group.get('name', i)}" for i, group in enumerate(groups)]
    return names
