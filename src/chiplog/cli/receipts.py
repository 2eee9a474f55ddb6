"""The receipts of training sessions, as people read them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from chiplog.cli.render.numbers import plural
from chiplog.cli.render.times import duration

if TYPE_CHECKING:
    from chiplog.core.autolog.receipt import Captured, Receipt
    from chiplog.core.stores import TrackingStore


def read_receipt(store: TrackingStore, run_id: str) -> list[Receipt]:
    """The sessions of a run's receipt; empty if nothing was autologged."""
    from chiplog.core.autolog import receipt

    body = store.get_document(run_id, receipt.DOCUMENT)
    return [] if body is None else receipt.decode(body).sessions


def in_short(session: Receipt) -> Text:
    """A session in a line: what was captured, what was not, what it cost."""
    text = Text(session.framework or session.integration, style="bold")
    captured = ", ".join(captured_text(item) for item in session.captured) or "nothing"
    text.append(f": {captured}", style="not bold")
    if session.skipped:
        text.append(f"; {len(session.skipped)} skipped", style="not bold yellow")
    if session.degraded:
        text.append(f"; {len(session.degraded)} degraded", style="not bold yellow")
    return text.append(f" (cost {duration(session.overhead_ms)})", style="not bold dim")


def captured_text(item: Captured) -> str:
    """What was captured, counted: ``15 params``, ``model``."""
    return item.what if item.count == 1 else f"{item.count} {item.what}"


def calls_text(session: Receipt) -> str:
    """How many training calls there were, and how long they took."""
    return f"{plural(len(session.calls), 'call')}, {duration(session.training_ms)} of training"
