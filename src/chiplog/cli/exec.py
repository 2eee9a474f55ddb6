"""``chiplog exec``: run a script, unchanged, with chiplog in place of MLflow."""

from __future__ import annotations

import click


@click.command(
    "exec", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False}
)
@click.option("--autolog", is_flag=True, help="Call chiplog.autolog() first.")
@click.option("-m", "module", metavar="MODULE", help="Run a module, as python -m does.")
@click.argument("arguments", metavar="SCRIPT [ARGUMENT]...", nargs=-1, type=click.UNPROCESSED)
def command(autolog: bool, module: str | None, arguments: tuple[str, ...]) -> None:
    """Run a script unchanged, with chiplog in place of MLflow.

    The script runs as python would run it; `import mlflow` gives chiplog.

    \b
        chiplog exec train.py --epochs 3         an MLflow script, unchanged
        chiplog exec --autolog train.py          one that knows of no tracker
        chiplog exec --autolog -m package.train

    The exit status is the script's own.
    """  # noqa: D301 - click reads the backspaces
    from chiplog.core import exec as programs

    if module is not None:
        programs.exec_module(module, arguments, autolog=autolog)
        return
    if not arguments:
        raise click.UsageError("Name a script, such as: chiplog exec train.py")
    # click leaves options behind the script to it; --autolog before it is ours
    programs.exec_script(arguments[0], arguments[1:], autolog=autolog)
