"""Runs: the active one, the pen that records into it, and how it starts and ends."""

from chiplog.core.runs.active import (
    ActiveRun,
    current_run,
    current_writer,
    writer_for,
)
from chiplog.core.runs.writer import RunWriter

__all__ = ["ActiveRun", "RunWriter", "current_run", "current_writer", "writer_for"]
