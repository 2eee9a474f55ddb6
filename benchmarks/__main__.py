"""Run the benchmarks: ``python -m benchmarks [FIGURE …]``."""

from __future__ import annotations

import shutil
import signal
import sys
import tempfile
from importlib import metadata
from pathlib import Path

import click
from rich.console import Console

from benchmarks.bench import Bench
from benchmarks.environment import CACHE, prepare
from benchmarks.figures import ALL
from benchmarks.record import Record


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
    record = Record(results, versions, list(ALL), quick=quick)
    try:
        for name in figures or ALL:
            reports = ALL[name].measure(bench)
            record.add(name, reports)
            for report in reports:
                report.print(console)
            bench.clear()
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    console.print(f"Written to {record.page} and {record.measurements.name}.")


if __name__ == "__main__":
    main()
