"""Run the benchmarks: ``python -m benchmarks [FIGURE …]``."""

from __future__ import annotations

import datetime as dt
import json
import os
import platform
import shutil
import signal
import sys
import tempfile
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import psutil
from rich.console import Console

from benchmarks.bench import Bench
from benchmarks.environment import CACHE, prepare
from benchmarks.figures import ALL

if TYPE_CHECKING:
    from benchmarks.report import Report


@click.command()
@click.argument("figures", nargs=-1, type=click.Choice(list(ALL)))
@click.option("--quick", is_flag=True, help="Smaller data and fewer rounds: does it all work?")
@click.option("--peers/--no-peers", default=True, help="Measure the peers beside chiplog.")
@click.option(
    "--env",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A virtual environment that has the peers; by default one is made in .benchmarks/.",
)
@click.option(
    "--results",
    type=click.Path(file_okay=False, path_type=Path),
    default=CACHE / "results",
    help="Where the JSON and the markdown go.",
)
def main(
    figures: tuple[str, ...], quick: bool, peers: bool, env: Path | None, results: Path
) -> None:
    """Measure FIGURES (all by default), interleaved with the peers, and print a table for each."""
    console = Console(width=None if sys.stdout.isatty() else 120)
    found = prepare(env) if peers else {}
    versions = {"chiplog": metadata.version("chiplog")}
    versions |= {name: peer.version for name, peer in found.items()}
    CACHE.mkdir(exist_ok=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the scratch folder goes
    scratch = Path(tempfile.mkdtemp(prefix="scratch-", dir=CACHE))
    bench = Bench(
        {name: peer.python for name, peer in found.items()}, scratch, console, quick=quick
    )
    done: dict[str, list[Report]] = {}
    try:
        for name in figures or ALL:
            done[name] = ALL[name].measure(bench)
            for report in done[name]:
                console.print(report.table())
                for remark in report.remarks():
                    console.print(f"  {remark}", style="dim", markup=False)
                console.print()
            bench.clear()
            _write(done, versions, results, quick=quick)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    console.print(f"Written to {_file(results).with_suffix('.json')} and .md")


def _file(results: Path) -> Path:
    return results / dt.datetime.now(tz=dt.UTC).date().isoformat()


def _write(
    done: dict[str, list[Report]], versions: dict[str, str], results: Path, *, quick: bool
) -> None:
    results.mkdir(parents=True, exist_ok=True)
    facts: dict[str, Any] = {
        "date": dt.datetime.now(tz=dt.UTC).isoformat(timespec="seconds"),
        "quick": quick,
        "machine": machine(),
        "versions": versions,
        "figures": {name: [report.json() for report in reports] for name, reports in done.items()},
    }
    _file(results).with_suffix(".json").write_text(json.dumps(facts, indent=1))
    measured = ", ".join(f"{name} {version}" for name, version in versions.items())
    head = f"# Figures of {facts['date'][:10]}{' (quick)' if quick else ''}\n\n"
    head += f"{machine()}. {measured}.\n\n"
    body = "\n".join(report.markdown() for reports in done.values() for report in reports)
    _file(results).with_suffix(".md").write_text(head + body)


def machine() -> str:
    """The machine in a few words that say nothing about whose it is."""
    memory = psutil.virtual_memory().total / 2**30
    return (
        f"{os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()}, "
        f"Python {platform.python_version()}"
    )


if __name__ == "__main__":
    main()
