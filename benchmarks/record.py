"""The record of a day's figures: JSON with every measurement, and a page of tables."""

from __future__ import annotations

import datetime as dt
import json
import os
import platform
from typing import TYPE_CHECKING, Any

import psutil

from benchmarks.report import Report

if TYPE_CHECKING:
    from pathlib import Path


class Record:
    """What was measured today, in this mode; a figure measured again replaces itself.

    Args:
        folder: where the two files lie, named for the day.
        versions: tool -> version, of this run.
        order: the figures' names in the order in which they are shown.
        quick: whether this run is a quick one.
    """

    def __init__(
        self, folder: Path, versions: dict[str, str], order: list[str], *, quick: bool
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        day = dt.datetime.now(tz=dt.UTC).date().isoformat()
        self.page = folder / f"{day}{'-quick' if quick else ''}.md"
        self.measurements = self.page.with_suffix(".json")
        self._day = day
        self._order = order
        self._facts: dict[str, Any] = {"date": day, "quick": quick, "machine": machine()}
        self._facts |= {"versions": versions, "figures": self._earlier(versions)}

    def _earlier(self, versions: dict[str, str]) -> dict[str, Any]:
        """The figures measured before, today, on the same machine and versions."""
        if not self.measurements.exists():
            return {}
        facts = json.loads(self.measurements.read_text())
        same = facts["machine"] == machine() and facts["versions"].items() >= versions.items()
        versions |= facts["versions"] if same else {}
        figures: dict[str, Any] = facts["figures"] if same else {}
        return figures

    def add(self, figure: str, reports: list[Report]) -> None:
        """Write down what a figure found."""
        self._facts["figures"][figure] = [report.to_json() for report in reports]
        self.measurements.write_text(json.dumps(self._facts, indent=1))
        self.page.write_text(self._page())

    def _page(self) -> str:
        tools = ", ".join(f"{name} {version}" for name, version in self._facts["versions"].items())
        mode = " (quick: too small to quote)" if self._facts["quick"] else ""
        found = self._facts["figures"]
        reports = [
            Report.from_json(report).markdown()
            for name in self._order
            if name in found
            for report in found[name]
        ]
        head = f"# Figures of {self._day}{mode}\n\n{self._facts['machine']}. {tools}.\n"
        return "\n".join([head, *reports])


def machine() -> str:
    """The machine in a few words that say nothing about whose it is."""
    memory = psutil.virtual_memory().total / 2**30
    return (
        f"{os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()}, "
        f"Python {platform.python_version()}"
    )
