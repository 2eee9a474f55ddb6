"""``chiplog doctor``: is everything in order?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from chiplog.cli.options import json_option

if TYPE_CHECKING:
    from chiplog.cli.checks import Check


@click.command("doctor")
@click.option("--mask-envs", is_flag=True, help="Hide the values of all environment variables.")
@json_option
@click.pass_context
def command(ctx: click.Context, mask_envs: bool, as_json: bool) -> None:
    """Check that everything is in order, and say what is not.

    Looks at versions, environment, plugins and store, and gives advice on what is wrong.

    Secrets are never printed. The exit status is 1 if something is broken.
    """
    from chiplog.cli.checks import all_checks

    checks = all_checks(mask_all=mask_envs)
    if as_json:
        from chiplog.cli.terminal import echo_json

        echo_json(checks)
    else:
        _show(checks)
    if any(check.good is False for check in checks):
        ctx.exit(1)


def _show(checks: list[Check]) -> None:
    from rich.text import Text

    from chiplog.cli.render.numbers import plural
    from chiplog.cli.render.text import printable
    from chiplog.cli.terminal import terminal

    out = terminal()
    section = ""
    for check in checks:
        if check.section != section:
            section = check.section
            out.title(section)
        line = Text("  ").append_text(out.mark(check.good)).append(f" {check.what}")
        if check.found:
            line.append(f"  {printable(check.found)}", style="dim")
        out.wrapped(line, 4)
        for advice in check.advice.splitlines():
            style = "yellow" if check.good is None else "red"
            out.wrapped(Text(f"    {printable(advice)}", style=style), 4)
    broken = sum(check.good is False for check in checks)
    doubtful = sum(check.good is None for check in checks)
    out.print("")
    if broken:
        out.print(Text(f"{plural(broken, 'thing')} broken.", style="bold red"))
    elif doubtful:
        out.print(Text(f"Works; {plural(doubtful, 'thing')} to look at.", style="bold yellow"))
    else:
        out.print(Text("All is well.", style="bold green"))
