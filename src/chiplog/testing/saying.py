"""Failures that speak to the author: what the contract says, what was seen, what to do."""

from __future__ import annotations


def check(holds: object, *, says: str, seen: object, do: str) -> None:
    """Raise AssertionError unless ``holds``, in the words of somebody who can do something.

    Args:
        holds: whether all is well.
        says: the rule of the contract, as a sentence.
        seen: what is so instead.
        do: what the author changes.
    """
    __tracebackhide__ = True
    if not holds:
        told = seen if isinstance(seen, str) else repr(seen)
        raise AssertionError(
            f"\n  The contract:  {says}\n  Seen:          {told}\n  What to do:    {do}"
        )
