"""Run an unmodified program with ``import mlflow`` giving chiplog: what ``chiplog exec`` does."""

from __future__ import annotations

import os
import runpy
import sys
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from chiplog.core.alias import install_mlflow_alias
from chiplog.core.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType

_ALIAS_PATH = Path(__file__).parent / "alias_path"


def exec_script(
    script: str | os.PathLike[str], arguments: Sequence[str] = (), *, autolog: bool = False
) -> None:
    """Run a Python file as ``python FILE ARGUMENTS`` would, in this process.

    Exits as Python does: with the program's own exit code, or 1 after printing the traceback of
    its exception. A directory or zip file with a ``__main__`` works too.

    Args:
        script: the file.
        arguments: what it finds in ``sys.argv[1:]``.
        autolog: call ``chiplog.autolog()`` first.
    """
    path = Path(script)
    if not path.exists():
        raise NotFound(f"There is no script {os.fspath(script)!r} (looked at {path.absolute()}).")
    sys.argv = [os.fspath(script), *arguments]
    _prepare(autolog=autolog)
    if path.is_dir() or path.suffix in {".zip", ".pyz"}:
        _as_python_would(lambda: runpy.run_path(os.fspath(script), run_name="__main__"))
        return
    sys.path[0:1] = [str(path.resolve().parent)]
    _as_python_would(lambda: _run_file(path.absolute()))


def exec_module(module: str, arguments: Sequence[str] = (), *, autolog: bool = False) -> None:
    """Run a module as ``python -m MODULE ARGUMENTS`` would; see :func:`exec_script`."""
    sys.argv = [module, *arguments]
    sys.path[0:1] = [str(Path.cwd())]
    _prepare(autolog=autolog)
    _as_python_would(lambda: runpy.run_module(module, run_name="__main__", alter_sys=True))


def _prepare(*, autolog: bool) -> None:
    install_mlflow_alias()
    sys.path.insert(1, str(_ALIAS_PATH))  # spawned workers are given this list
    inherited = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    if str(_ALIAS_PATH) not in inherited:
        os.environ["PYTHONPATH"] = os.pathsep.join([str(_ALIAS_PATH), *filter(None, inherited)])
    if autolog:
        from chiplog.core.autolog.engine import autolog as begin

        begin()


def _run_file(path: Path) -> None:
    """Run a file as the module ``__main__``, which stays: pickles and children look for it."""
    name = str(path)
    code = compile(path.read_bytes(), name, "exec", dont_inherit=True)
    main = ModuleType("__main__")
    main.__file__ = name
    main.__loader__ = SourceFileLoader("__main__", name)
    vars(main).update(__builtins__=__builtins__, __cached__=None, __annotations__={})
    sys.modules["__main__"] = main
    exec(code, vars(main))  # noqa: S102 - the user's own program


def _as_python_would(run: Callable[[], Any]) -> None:
    """Run a program; what it raises is printed without frames of ours, and becomes an exit code."""
    try:
        run()
    except SystemExit:
        raise
    except BaseException as error:
        error.__traceback__ = _without_ours(error.__traceback__)
        sys.last_type, sys.last_value, sys.last_traceback = type(error), error, error.__traceback__
        sys.excepthook(type(error), error, error.__traceback__)
        code = 130 if isinstance(error, KeyboardInterrupt) else 1
    else:
        return
    raise SystemExit(code)


def _without_ours(traceback: TracebackType | None) -> TracebackType | None:
    """A traceback from where the program's own code begins."""
    ours = {__file__, runpy.__file__, "<frozen runpy>"}
    while traceback is not None and traceback.tb_frame.f_code.co_filename in ours:
        traceback = traceback.tb_next
    return traceback
