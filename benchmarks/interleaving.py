"""Contenders take turns, so that a slow minute of the machine is everybody's slow minute."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

T = TypeVar("T")


def turns(names: list[str], rounds: int) -> Iterator[tuple[int, str]]:
    """Yield (round, name): everybody once a round, and each round another one first."""
    for number in range(rounds):
        first = number % len(names) if names else 0
        for name in names[first:] + names[:first]:
            yield number, name


def interleave(
    contenders: Mapping[str, Callable[[], T]],
    rounds: int,
    begins: Callable[[str, int], None] = lambda _name, _number: None,
) -> tuple[dict[str, list[T]], dict[str, str]]:
    """Measure every contender once a round; hand back the results and who dropped out, and why.

    Args:
        contenders: name -> one measurement.
        rounds: how often each is measured.
        begins: told name and round before each measurement, for a progress bar.
    """
    results: dict[str, list[T]] = {name: [] for name in contenders}
    failed: dict[str, str] = {}
    for number, name in turns(list(contenders), rounds):
        if name in failed:
            continue
        begins(name, number)
        try:
            results[name].append(contenders[name]())
        except Exception as error:
            failed[name] = (str(error).strip() or repr(error)).splitlines()[0]
    return results, failed
