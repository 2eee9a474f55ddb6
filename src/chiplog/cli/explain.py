"""``chiplog explain``: a run's receipt."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from chiplog.cli.options import RUN_HELP, json_option

if TYPE_CHECKING:
    from rich.text import Text

    from chiplog.cli.terminal import Terminal
    from chiplog.core.autolog.receipt import Omission, Receipt
    from chiplog.core.entities import Run


@click.command("explain", epilog=RUN_HELP)
@click.argument("run", metavar="[RUN]", default="latest")
@json_option
def command(run: str, as_json: bool) -> None:
    """Say what autologging did in a run, and what it cost.

    That is the run's receipt: what was watched, what was captured, left out or recorded in part
    and why, and the time it took.
    """
    from chiplog.cli.lookup import find_run
    from chiplog.cli.project import open_project
    from chiplog.cli.receipts import read_receipt

    store = open_project()
    found = find_run(store, run)
    sessions = read_receipt(store, found.info.run_id)
    if as_json:
        from chiplog.cli.terminal import echo_json

        echo_json({"run_id": found.info.run_id, "sessions": sessions})
        return
    _show(found, sessions)


def _show(run: Run, sessions: list[Receipt]) -> None:
    from rich.text import Text

    from chiplog.cli.render.text import printable
    from chiplog.cli.runs.view import status_text
    from chiplog.cli.terminal import terminal

    out = terminal()
    title = Text(printable(run.info.run_name or ""), style="bold").append("  ")
    title.append_text(status_text(run.info)).append(f"  {run.info.run_id}", style="not bold yellow")
    out.print(title)
    if not sessions:
        parent = run.data.tags.get("mlflow.parentRunId")
        if parent:
            out.print("No receipt of its own: see that of its parent run.")
            out.note(f"  chiplog explain {parent[:8]}")
        else:
            out.print("No training was autologged in this run: it holds what was logged by hand.")
        return
    for position, session in enumerate(sessions, start=1):
        if len(sessions) > 1:
            out.title(f"Session {position} of {len(sessions)}")
        else:
            out.print("")
        _show_session(out, session)


def _show_session(out: Terminal, session: Receipt) -> None:
    from rich.text import Text

    from chiplog.cli.receipts import calls_text, captured_text
    from chiplog.cli.render.times import duration

    head = Text(session.framework or session.integration, style="bold")
    if session.supported:
        known = "known to work" if session.known else "NOT among the versions known to work"
        head.append(f", {known}: {session.supported}", style="not bold" + _warning(session.known))
    out.print(head.append(f" (chiplog {session.chiplog})", style="not bold dim"))

    out.print("", _label("Trained"))
    for call in session.calls:
        good = call.outcome == "FINISHED"
        out.print(
            Text("  ").append_text(out.mark(good)).append(f" {call.point}")
            .append(f"  {duration(call.training_ms)}", style="dim")
            .append("" if good else f"  {call.outcome}", style="red")
        )  # fmt: skip
    out.print(_label("Captured"))
    if not session.captured:
        out.note("  nothing")
    for item in session.captured:
        line = Text("  ").append_text(out.mark(True)).append(f" {captured_text(item)}")
        out.print(line.append(f"  {item.detail}" if item.detail else "", style="dim"))
    _show_omissions(out, "Left out", session.skipped)
    _show_omissions(out, "Recorded in part", session.degraded)
    _show_hooks(out, session)
    share = ""
    if session.training_ms > 0:
        share = f", {100 * session.overhead_ms / session.training_ms:.1f} % of the training"
    out.print(
        _label("Cost"),
        f"  {duration(session.overhead_ms)} on the training thread{share} ({calls_text(session)})",
    )


def _show_omissions(out: Terminal, title: str, omissions: list[Omission]) -> None:
    from rich.text import Text

    if not omissions:
        return
    out.print(_label(title))
    for omission in omissions:
        line = Text("  ").append_text(out.mark(None)).append(f" {omission.what}: ")
        out.print(line.append(omission.reason, style="dim"))


def _show_hooks(out: Terminal, session: Receipt) -> None:
    from rich.text import Text

    out.print(_label("Watched"))
    for hook in session.hooks:
        line = Text("  ").append_text(out.mark(hook.installed)).append(f" {hook.point}")
        told = f"called {hook.fired} times" if hook.fired != 1 else "called once"
        line.append(f"  {told if hook.installed else 'could not be watched'}", style="dim")
        out.print(line.append(f": {hook.reason}" if hook.reason else "", style="yellow"))
    others = session.hooks_installed - sum(hook.installed for hook in session.hooks)
    if others > 0:
        out.note(f"  and {others} other functions that were not called")


def _label(text: str) -> Text:
    from rich.text import Text

    return Text(text, style="bold")


def _warning(known: bool) -> str:
    return "" if known else " yellow"
