"""What a figure found: one table a question, on the terminal, as markdown and as JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Self

from rich.table import Table

from benchmarks.sample import Sample

if TYPE_CHECKING:
    from rich.console import Console

REFERENCE = "chiplog"


@dataclass(frozen=True)
class Entry:
    """One tool's line in a table.

    Attributes:
        name: the tool and, where it has several, the mode.
        sample: the measurements of the table's quantity.
        extra: further columns, ready to print.
    """

    name: str
    sample: Sample
    extra: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Report:
    """One measured question.

    Attributes:
        title: what was measured.
        unit: ``s``, ``bytes``, ``/s`` or a plain noun.
        goal: what chiplog promises.
        entries: one a tool.
        notes: what a reader needs in order not to be misled.
        failed: tools that dropped out, and why.
    """

    title: str
    unit: str
    goal: str
    entries: list[Entry]
    notes: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)

    def header(self) -> list[str]:
        """The column titles."""
        extras = dict.fromkeys(name for entry in self.entries for name in entry.extra)
        return ["", "median", "±", f"x {REFERENCE}", *extras]

    def lines(self) -> list[list[str]]:
        """The cells, best first in the order of the entries."""
        reference = next((e.sample for e in self.entries if e.name == REFERENCE), None)
        extras = self.header()[4:]
        return [
            [
                entry.name,
                quantity(entry.sample.median, self.unit),
                f"{entry.sample.spread:.0%}" if len(entry.sample.values) > 1 else "",
                ratio(entry.sample, reference),
                *(entry.extra.get(name, "") for name in extras),
            ]
            for entry in self.entries
        ]

    def print(self, console: Console) -> None:
        """Show the table on a terminal."""
        table = Table()
        for number, title in enumerate(self.header()):
            table.add_column(title, justify="right" if number else "left")
        for line in self.lines():
            table.add_row(*line, style="bold" if line[0] == REFERENCE else "")
        console.print(f"[bold]{self.title}[/bold]   goal: {self.goal}", highlight=False)
        console.print(table)
        for remark in self.remarks():
            console.print(f"  {remark}", style="dim", markup=False, highlight=False)
        console.print()

    def remarks(self) -> list[str]:
        """The notes, and who dropped out."""
        return [*self.notes, *(f"{name} failed: {reason}" for name, reason in self.failed.items())]

    def markdown(self) -> str:
        """The table for a document."""
        rows = [self.header(), ["---"] + ["---:"] * (len(self.header()) - 1), *self.lines()]
        text = "\n".join("| " + " | ".join(row) + " |" for row in rows)
        after = "".join(f"\n* {remark}" for remark in self.remarks())
        return f"### {self.title}\n\nGoal: {self.goal}\n\n{text}\n{after}\n"

    def to_json(self) -> dict[str, Any]:
        """Everything, with the single measurements."""
        return asdict(self)

    @classmethod
    def from_json(cls, found: dict[str, Any]) -> Self:
        """The report that :meth:`to_json` wrote."""
        entries = [
            Entry(entry["name"], Sample.of(entry["sample"]["values"]), entry["extra"])
            for entry in found["entries"]
        ]
        return cls(**{**found, "entries": entries})


def ratio(sample: Sample, reference: Sample | None) -> str:
    """``sample`` in multiples of the reference, in three digits."""
    if reference is None or not reference.median or reference.median < 0 or sample.median < 0:
        return ""
    return three_digits(sample.times(reference))


def quantity(value: float, unit: str) -> str:
    """A value with its unit, scaled so that it can be read: ``12.3 ms``, ``4 100 /s``."""
    if unit != "s":
        return f"{three_digits(value)} {unit}".strip()
    for factor, name in ((1.0, "s"), (1e-3, "ms")):
        if abs(value) >= factor:
            return f"{three_digits(value / factor)} {name}"
    return f"{three_digits(value / 1e-6)} µs"


def three_digits(value: float) -> str:
    """A number with three significant digits and thin groups of thousands."""
    if value == 0:
        return "0"
    if abs(value) >= 100:
        digits = max(0, len(str(int(abs(value)))) - 3)
        return f"{round(value, -digits):,.0f}".replace(",", " ")
    return f"{value:.3g}"
