"""What does not fit a signature, gathered into one error."""

from __future__ import annotations

import logging
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from chiplog.core.errors import InvalidValue

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chiplog.core.models.enforcement.policy import Mode, Name

_log = logging.getLogger("chiplog.models")

LISTED: Final = 20
WIDTH: Final = 80


class Misfit(Exception):
    """A value or column that its type does not take.

    Attributes:
        got: what there is instead, as a phrase.
        hint: what to do about it, a sentence.
    """

    def __init__(self, got: str, hint: str | None = None) -> None:
        super().__init__(got)
        self.got = got
        self.hint = hint


def and_more(rows: int) -> str:
    """What is said of the rows that fail beside the first."""
    return {1: "", 2: ", and 1 more row"}.get(rows, f", and {rows - 1} more rows")


def kind_of(data: Any) -> str:
    """What data is, as a phrase."""
    if data is None:
        return "None"
    if isinstance(data, np.ndarray):
        return f"an array of shape {data.shape}"
    name = type(data).__name__
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"


@dataclass(frozen=True)
class Violation:
    """One column, tensor or parameter that does not fit the signature.

    Attributes:
        column: its name, or its position where the signature has no names; None for the data as
            a whole.
        expected: the type the signature gives it.
        got: what there is instead.
        hint: what to do about it.
    """

    column: Name | None
    expected: str
    got: str
    hint: str | None = None


class SchemaViolation(InvalidValue):
    """Data or parameters that do not fit a model's signature.

    Attributes:
        headline: what is so, a line.
        violations: everything that does not fit, in the signature's order.
    """

    def __init__(self, headline: str, violations: Sequence[Violation]) -> None:
        self.headline = headline
        self.violations = list(violations)
        super().__init__("\n".join([headline, *_table(self.violations), *_hints(self.violations)]))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.headline, self.violations)  # it may come from another process


class Findings:
    """What is met while one call's data is looked at.

    Attributes:
        violations: what does not fit.
        extra: names that the signature does not have; what bears them is left out.
    """

    def __init__(self) -> None:
        self.violations: list[Violation] = []
        self.extra: list[Name] = []
        self._passed: list[Violation] = []

    def add(self, column: Name | None, expected: object, misfit: Misfit, mode: Mode) -> None:
        """Note what does not fit; with the mode ``"warn"`` it will pass."""
        violation = Violation(column, str(expected), misfit.got, misfit.hint)
        (self._passed if mode == "warn" else self.violations).append(violation)

    def refuse(self, expected: str, misfit: Misfit, mode: Mode) -> None:
        """Raise SchemaViolation: the data is of no kind the signature takes; or warn of that."""
        self.add(None, expected, misfit, mode)
        if self.violations:
            raise SchemaViolation(
                "Failed to enforce schema of data: it is not of a kind that the signature takes.",
                self.violations,
            )
        self._warn()

    def close(self, total: int, parts: str) -> None:
        """Raise SchemaViolation if one of ``total`` parts does not fit; warn of what passes."""
        if self.violations:
            count, verb = len(self.violations), "does" if len(self.violations) == 1 else "do"
            raise SchemaViolation(
                f"Failed to enforce schema of data: {count} of {total} {parts} {verb} not fit the "
                "signature.",
                self.violations,
            )
        if self.extra:
            more = f" and {len(self.extra) - 10} more" if len(self.extra) > 10 else ""
            names = ", ".join(map(repr, self.extra[:10]))
            _log.warning("Not in the model's signature, and left out: %s%s.", names, more)
        self._warn()

    def _warn(self) -> None:
        if self._passed:
            table = "\n".join(_table(self._passed))
            _log.warning("Data passes that does not fit the model's signature:\n%s", table)


def _table(violations: Sequence[Violation]) -> list[str]:
    """Aligned lines of at most ``WIDTH`` characters: column, expected, got."""
    rows = [("column", "expected", "got")] if violations[0].column is not None else []
    for violation in violations[:LISTED]:
        name = "data" if violation.column is None else str(violation.column)
        rows.append((_cut(name, 24), _cut(violation.expected, 28), violation.got))
    first, second = (max(len(row[i]) for row in rows) for i in (0, 1))
    lines = []
    for name, expected, got in rows:
        start = f"  {name.ljust(first)}  {expected.ljust(second)}  "
        lines += textwrap.wrap(got, WIDTH, initial_indent=start, subsequent_indent=" " * len(start))
    if len(violations) > LISTED:
        lines.append(f"  … and {len(violations) - LISTED} more")
    return lines


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"


def _hints(violations: Sequence[Violation]) -> list[str]:
    hints = dict.fromkeys(v.hint for v in violations if v.hint)
    return [line for hint in hints for line in textwrap.wrap(hint, WIDTH)]
