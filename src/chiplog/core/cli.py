"""The root of the ``chiplog`` program: options, plugins' commands, and how errors are told.

Commands come from the hook ``chiplog_cli(group)``; the built-in ones are such a plugin. Everything
heavy is imported inside commands: ``chiplog --help`` loads click and the plugins' manifests alone.

Exit status: 0; 1 for failures; 2 for usage errors; 130 after Ctrl-C.
"""

from __future__ import annotations

import errno
import os
import sys
from importlib import import_module
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from chiplog.core.errors import ChiplogError
from chiplog.hooks.guard import is_strict

if TYPE_CHECKING:
    from collections.abc import Iterable

INTERRUPTED = 130


class LazyGroup(click.Group):
    """A group whose commands are imported when one of them is needed.

    Args:
        lazy: command names and where each is found, as ``"package.module:attribute"``.
    """

    def __init__(self, *args: Any, lazy: dict[str, str] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.lazy = lazy or {}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every command's name, in order."""
        return sorted({*super().list_commands(ctx), *self.lazy})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, imported on first use."""
        if cmd_name in self.lazy:
            module, _, attribute = self.lazy[cmd_name].partition(":")
            command = getattr(import_module(module), attribute)
            assert isinstance(command, click.Command)
            return command
        return super().get_command(ctx, cmd_name)


class Program(click.Group):
    """The ``chiplog`` program: asks the plugins for commands, turns errors into plain words."""

    _filled = False

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every command's name, in order."""
        self._fill()
        return super().list_commands(ctx)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name."""
        self._fill()
        return super().get_command(ctx, cmd_name)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; what it raises is one message, or a traceback under ``--debug``."""
        debug = bool(ctx.params.get("debug"))
        try:
            return super().invoke(ctx)
        except (ChiplogError, KeyboardInterrupt, BrokenPipeError) as error:
            if debug and isinstance(error, ChiplogError):
                _print_traceback(error)
            raise _Failure.of(error) from error
        except (click.ClickException, click.exceptions.Exit, click.Abort, OSError) as error:
            if isinstance(error, OSError) and error.errno != errno.EPIPE:
                if debug:
                    _print_traceback(error)
                raise _Failure(_os_error_text(error)) from error
            raise
        except Exception as error:
            if is_strict():
                raise
            if debug:
                _print_traceback(error)
            raise _Failure(
                f"{type(error).__name__}: {error}\n"
                "This is a mistake of chiplog's, not yours. To see where it happened: "
                "chiplog --debug ..."
            ) from error

    def _fill(self) -> None:
        if not self._filled:
            self._filled = True
            from chiplog.hooks.manager import plugins

            plugins().hook.chiplog_cli(group=self)


class _Failure(click.ClickException):
    """A failure as the user sees it."""

    @classmethod
    def of(cls, error: BaseException) -> click.ClickException | click.exceptions.Exit:
        if isinstance(error, KeyboardInterrupt):
            click.echo("Interrupted.", err=True)
            return click.exceptions.Exit(INTERRUPTED)
        if isinstance(error, BrokenPipeError):
            _close_broken_stdout()
            return click.exceptions.Exit(1)
        return cls(str(error))

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the message, its first line marked, on stderr."""
        first, *others = _folded(f"Error: {self.format_message()}")
        head, rest = first[:7], first[7:]
        lines = [click.style(head, fg="red", bold=True) + click.style(rest, fg="red")]
        lines += [f"  {line}" for line in others]
        colour = False if os.environ.get("NO_COLOR") else None
        click.echo("\n".join(lines), file=file, err=file is None, color=colour)


def _folded(text: str) -> list[str]:
    """The lines of a text, prose folded to the terminal; what is indented stays as it is."""
    lines = text.splitlines()
    if not sys.stderr.isatty():
        return lines
    import shutil
    import textwrap

    width = max(shutil.get_terminal_size().columns - 2, 20)
    folded: list[str] = []
    for line in lines:
        keep = line.startswith(" ") or len(line) <= width
        wrapped = textwrap.wrap(line, width, break_long_words=False, break_on_hyphens=False)
        folded += [line] if keep else wrapped
    return folded


def _close_broken_stdout() -> None:
    """Point stdout at nothing, so that the interpreter's last flush cannot fail."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError, AttributeError):
        sys.stdout = None


def _os_error_text(error: OSError) -> str:
    named = f": {error.filename!r}" if error.filename else ""
    return f"{error.strerror or error}{named}"


def _print_traceback(error: BaseException) -> None:
    import traceback

    click.echo("".join(traceback.format_exception(error)), err=True, nl=False)


def _print_version(ctx: click.Context, _option: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        from importlib.metadata import version

        click.echo(f"chiplog {version('chiplog')}")
        ctx.exit()


def _load_env_file(ctx: click.Context, _option: click.Parameter, path: Path | None) -> None:
    if path is not None and not ctx.resilient_parsing:
        from chiplog.core.envfile import load_env_file

        try:
            load_env_file(path)
        except ChiplogError as error:
            raise click.BadParameter(str(error)) from error


@click.group(cls=Program, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_print_version,
    help="Show the version and exit.",
)
@click.option(
    "--env-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    expose_value=False,
    is_eager=True,
    callback=_load_env_file,
    help="Set environment variables from a file of NAME=value lines first; those set already win.",
)
@click.option(
    "--tracking-uri",
    metavar="URI",
    help="Where runs are kept: a project folder, a .db file or a store's URI.  "
    "[default: see chiplog where]",
)
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.pass_context
def program(ctx: click.Context, tracking_uri: str | None, debug: bool) -> None:  # noqa: ARG001 - click's signature
    """chiplog: one line, and your training records itself.

    Put `chiplog.autolog()` at the top of a training script, run it, and look at what was recorded:

    \b
        chiplog demo            see it happen, on real models and data
        chiplog runs list       the runs of this project
        chiplog runs show latest
    """  # noqa: D301 - click reads the backspaces
    if os.environ.get("NO_COLOR"):
        ctx.color = False
    if tracking_uri is not None:
        from chiplog.core.location import set_tracking_uri

        set_tracking_uri(tracking_uri)


def main(arguments: Iterable[str] | None = None) -> None:
    """Run the program and exit."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            # A terminal that cannot show a character gets its escape, never a UnicodeEncodeError.
            stream.reconfigure(errors="backslashreplace")
    program.main(None if arguments is None else list(arguments), prog_name="chiplog")
