"""The receipts of training sessions, as people read them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from chiplog.cli.render.numbers import plural
from chiplog.cli.render.text import printable
from chiplog.cli.render.times import duration
from chiplog.cli.runs.view import status_text
from chiplog.core.autolog.config import AUTOLOGGING_TAG
from chiplog.core.entities import ViewType
from chiplog.core.search.tree import quote
from chiplog.core.tags import PARENT_RUN_ID

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chiplog.cli.terminal import Terminal
    from chiplog.core.autolog.receipt import CallNote, Captured, Omission, Receipt
    from chiplog.core.entities import Run
    from chiplog.core.stores import TrackingStore


_MOST_CHILDREN = 1000
_SMALL = 0.02  # of the overhead: what is listed with others


def read_receipt(store: TrackingStore, run_id: str) -> list[Receipt]:
    """The sessions of a run's receipt; empty if nothing was autologged."""
    from chiplog.core.autolog import receipt

    body = store.get_document(run_id, receipt.DOCUMENT)
    return [] if body is None else receipt.decode(body).sessions


def in_short(session: Receipt) -> Text:
    """A session in a line: what was captured, what was not, what it cost."""
    text = Text(session.framework or session.integration, style="bold")
    captured = ", ".join(_captured_text(item) for item in session.captured) or "nothing"
    text.append(f": {captured}", style="not bold")
    if session.skipped:
        text.append(f"; {len(session.skipped)} left out", style="not bold yellow")
    if session.degraded:
        text.append(f"; {len(session.degraded)} in part", style="not bold yellow")
    if any(call.outcome == "TRAINING" for call in session.calls):
        text.append("; its end is not recorded", style="not bold yellow")
    cost = duration(session.overhead_ms)
    if session.training_ms > 0 and session.overhead_ms > 0:
        cost += f", {_share(session.overhead_ms, session)} the training time"
    return text.append(f" (cost {cost})", style="not bold dim")


def _autologged_children(store: TrackingStore, run: Run) -> str | None:
    """How many child runs autologging made of a run, in words; None if there are none."""
    condition = f"tags.`{PARENT_RUN_ID}` = {quote(run.info.run_id)}"
    children = store.search_runs(
        [run.info.experiment_id],
        f"{condition} AND tags.`{AUTOLOGGING_TAG}` != ''",
        ViewType.ACTIVE_ONLY,
        _MOST_CHILDREN,
        None,
        None,
    )
    if not children:
        return None
    return f"{plural(len(children), 'child run')}{' or more' if children.token else ''}"


def show_receipt(out: Terminal, run: Run, sessions: Sequence[Receipt]) -> None:
    """Print a run's receipt, and where those of its children are found."""
    from chiplog.cli.project import open_project

    children = _autologged_children(open_project(), run)
    title = Text(printable(run.info.run_name or ""), style="bold").append("  ")
    title.append_text(status_text(run.info)).append(f"  {run.info.run_id}", style="not bold yellow")
    out.print(title)
    parent = run.data.tags.get(PARENT_RUN_ID)
    if not sessions and children:
        out.wrapped(Text(f"What was autologged here is in {children}:"), 0)
        out.print(f"  chiplog runs list --parent {run.info.run_id[:8]}")
    elif not sessions and parent:
        out.print("It has no receipt of its own; its parent run has:")
        out.print(f"  chiplog explain {parent[:8]}")
    elif not sessions:
        out.wrapped(
            Text("No training was autologged here: the run holds what was logged by hand."), 0
        )
    for position, session in enumerate(sessions, start=1):
        if len(sessions) > 1:
            out.title(f"Session {position} of {len(sessions)}")
        else:
            out.print("")
        _show_session(out, session, running=run.info.status == "RUNNING")
    if sessions and children:
        out.title("Child runs")
        out.print(f"  {children}: chiplog runs list --parent {run.info.run_id[:8]}")


def _show_session(out: Terminal, session: Receipt, *, running: bool) -> None:
    head = Text(session.framework or session.integration, style="bold")
    if session.supported and session.known:
        head.append(f", known to work: {session.supported}", style="not bold")
    elif session.supported:
        head.append(f", not among the versions known to work: {session.supported}", "yellow")
    out.wrapped(head.append(f" (chiplog {session.chiplog})", style="not bold dim"), 2)
    out.title("Trained")
    _show_calls(out, session.calls, running=running)
    out.title("Captured")
    if not session.captured:
        ended = all(call.outcome != "TRAINING" for call in session.calls)
        out.note("  nothing" if ended else "  not told before the end: chiplog runs show has it")
    for item in session.captured:
        line = Text("  ").append_text(out.mark(True)).append(f" {_captured_text(item)}")
        out.wrapped(line.append(f"  {item.detail}" if item.detail else "", style="dim"), 4)
    _show_omissions(out, "Left out", session.skipped)
    _show_omissions(out, "Recorded in part", session.degraded)
    if not any(call.outcome != "TRAINING" for call in session.calls) and session.calls:
        return  # what was called, and what it cost, is noted at the end
    out.title("Watched")
    _show_hooks(out, session)
    out.title("Cost")
    out.wrapped(Text(f"  {_cost(session)}"), 2)
    for part in _spent_on(session):
        out.wrapped(Text(f"    {part}", style="dim"), 6)


def _show_calls(out: Terminal, calls: Sequence[CallNote], *, running: bool) -> None:
    """Print the training calls, those of the same function and end in one line."""
    grouped: dict[tuple[str, str], list[float]] = {}
    for call in calls:
        grouped.setdefault((call.point, call.outcome), []).append(call.training_ms)
    for (point, outcome), times in grouped.items():
        if outcome == "TRAINING":
            line = Text("  ").append_text(out.mark(None)).append(f" {point}")
            ended = "began and has not ended yet" if running else "began and never ended"
            out.wrapped(line.append(f"  training {ended}", style="yellow"), 4)
            continue
        good = outcome == "FINISHED"
        several = f"{plural(len(times), 'call')}, " if len(times) > 1 else ""
        line = Text("  ").append_text(out.mark(good)).append(f" {point}")
        line.append(f"  {several}{duration(sum(times))}", style="dim")
        out.wrapped(line.append("" if good else f"  {outcome}", style="red"), 4)


def _show_omissions(out: Terminal, title: str, omissions: Sequence[Omission]) -> None:
    if omissions:
        out.title(title)
    for omission in omissions:
        line = Text("  ").append_text(out.mark(None)).append(f" {omission.what}: ")
        out.wrapped(line.append(omission.reason, style="dim"), 4)


def _show_hooks(out: Terminal, session: Receipt) -> None:
    for hook in session.hooks:
        line = Text("  ").append_text(out.mark(hook.installed)).append(f" {hook.point}")
        called = "called once" if hook.fired == 1 else f"called {hook.fired} times"
        line.append(f"  {called if hook.installed else 'could not be watched'}", style="dim")
        out.wrapped(line.append(f": {hook.reason}" if hook.reason else "", style="dim"), 4)
    others = session.hooks_installed - sum(hook.installed for hook in session.hooks)
    if others > 0:
        out.note(f"  and {plural(others, 'other function')} not called")


def _captured_text(item: Captured) -> str:
    """What was captured, counted: ``15 params``, ``model``."""
    return item.what if item.count == 1 else f"{item.count} {item.what}"


def _cost(session: Receipt) -> str:
    """The time chiplog took on the training thread, and how that compares to the training."""
    spent = f"{duration(session.overhead_ms)} on the training thread"
    if session.training_ms <= 0:
        return spent
    trained = f"{duration(session.training_ms)} that training took"
    whole = f"{spent}, {_share(session.overhead_ms, session)} the {trained}"
    if session.during_ms <= 0:
        return f"{whole}, before and after it"
    during = duration(session.during_ms)
    share = _share(session.during_ms, session).removesuffix(" of")
    return f"{whole}; {during} ({share}) of it while it ran"


def _share(spent: float, session: Receipt) -> str:
    """What a time is of the training's: ``"5 % of"`` it, or ``"3.0 times"`` it."""
    ratio = spent / session.training_ms
    if ratio >= 1:
        return f"{ratio:.1f} times"
    return f"{100 * ratio:.2g} % of" if ratio < 0.1 else f"{100 * ratio:.0f} % of"


def _spent_on(session: Receipt) -> list[str]:
    """The costs in lines, the dearest first, the small ones in one line."""
    costs = sorted(session.costs, key=lambda cost: -cost.ms)
    large = [cost for cost in costs if cost.ms >= _SMALL * session.overhead_ms]
    lines = []
    for cost in large:
        if cost.of > cost.times:
            lines.append(f"{cost.what} {duration(cost.ms)} at {cost.times} of {cost.of} steps")
        elif cost.times > 1:
            lines.append(f"{cost.what} {duration(cost.ms)} in {plural(cost.times, 'call')}")
        else:
            lines.append(f"{cost.what} {duration(cost.ms)}")
    rest = costs[len(large) :]
    if rest:
        lines.append(f"{plural(len(rest), 'other')} {duration(sum(cost.ms for cost in rest))}")
    return lines
