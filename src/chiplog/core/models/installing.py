"""The tools that make environments: uv, pip with venv, and conda."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections import deque
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from chiplog.core.errors import ChiplogError, InvalidValue
from chiplog.core.masking import mask_uri

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_LAST_WORDS: Final = 15
_LONG: Final = 240

# What would lead an installer or a child away from the environment it is to work in.
_ASTRAY: Final = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__")


class InstallationFailed(ChiplogError):
    """An environment could not be made; the text has the installer's last words."""


@dataclass(frozen=True)
class Installer:
    """A tool that makes environments.

    Attributes:
        name: ``"uv"``, ``"venv"`` or ``"conda"``.
        program: what is run: uv, conda, or the Python that the environment will have.
    """

    name: str
    program: str

    @classmethod
    def find(cls, env_manager: str, python: str) -> Installer:
        """The tool for a manager, with a Python of that minor version; raises InvalidValue."""
        if env_manager == "conda":
            found = next(filter(None, map(shutil.which, ("mamba", "conda"))), None)
            if found is None:
                raise InvalidValue(
                    "env_manager='conda' needs conda, and there is none on the PATH. Use "
                    "env_manager='virtualenv'."
                )
            return cls("conda", found)
        uv = _beside_or_on_path("uv")
        if uv is not None:
            return cls("uv", uv)
        if env_manager == "uv":
            raise InvalidValue(
                "env_manager='uv' needs uv, and there is none on the PATH.\n    pip install uv"
            )
        here = f"{sys.version_info.major}.{sys.version_info.minor}"
        program = sys.executable if python == here else _python(python)
        if program is None:
            raise InvalidValue(
                f"The model asks for Python {python}; this is {here}, and there is no "
                f"'python{python}' on the PATH. Install it, or uv, which fetches it:\n"
                "    pip install uv"
            )
        return cls("venv", program)

    def create(
        self, folder: Path, python: str, conda: Sequence[str], channels: Sequence[str], lock: int
    ) -> None:
        """Make an environment with nothing in it but Python, and what conda is to bring."""
        if self.name == "uv":
            command = [self.program, "venv", "--quiet", "--python", python, str(folder)]
        elif self.name == "conda":
            named = [part for channel in channels for part in ("-c", channel)]
            packages = [f"python={python}", "pip", *conda]
            command = [self.program, "create", "--yes", "-p", str(folder), *named, *packages]
        else:
            without = ["--without-pip"] if _pip_reaches_out() else []
            command = [self.program, "-I", "-m", "venv", *without, str(folder)]
        _run(command, f"Making an environment with Python {python}", lock)

    def install(self, python: Path, requirements: Path, wheel: Path, lock: int) -> None:
        """Install the lines of a file, and a wheel, into the environment of ``python``."""
        what = ["-r", str(requirements), str(wheel)]
        if self.name == "uv":
            command = [self.program, "pip", "install", "--python", str(python), *what]
        else:
            pip = [str(python), "-I", "-m", "pip"]
            if self.name == "venv" and _pip_reaches_out():
                pip = [sys.executable, "-I", "-m", "pip", "--python", str(python)]
            command = [*pip, "install", "--disable-pip-version-check", "--no-input", *what]
        try:
            _run(command, "Installing what the model needs", lock)
        except InstallationFailed as error:
            raise InstallationFailed(
                f"{error}\nTo try other versions: pip_requirements_override=[...] (-r); for good, "
                "have the model ask for them: chiplog models update-pip-requirements"
            ) from error


def _beside_or_on_path(program: str) -> str | None:
    """A program of the environment that runs, else of the PATH."""
    beside = Path(sys.executable).parent
    return shutil.which(program, path=str(beside)) or shutil.which(program)


def _python(version: str) -> str | None:
    """A Python of that minor version on the PATH, if one is there and runs."""
    found = shutil.which(f"python{version}")
    if found is None:
        return None
    tried = subprocess.run([found, "-c", ""], capture_output=True, check=False)
    return found if not tried.returncode else None


def _pip_reaches_out() -> bool:
    """Whether there is a pip here, which can install into other environments."""
    return find_spec("pip") is not None


def clean_environment() -> dict[str, str]:
    """The environment's variables for a child that is to see its own packages alone."""
    return {name: value for name, value in os.environ.items() if name not in _ASTRAY}


def _run(command: Sequence[str], what: str, lock: int) -> None:
    """Run an installer, its lines shown as they come; raises InstallationFailed."""
    last: deque[str] = deque(maxlen=_LAST_WORDS)
    inherited: dict[str, Any] = {} if sys.platform == "win32" else {"pass_fds": (lock,)}
    with _shown(what) as show:
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                env=clean_environment(),
                **inherited,
            )
        except OSError as error:
            raise InstallationFailed(f"{command[0]!r} cannot be run: {error.strerror}.") from error
        with process:
            try:
                assert process.stdout is not None
                for line in process.stdout:
                    if line.strip():
                        last.append(line.rstrip())
                        show(line.strip())
            except BaseException:
                process.kill()
                raise
    if process.returncode:
        words = "\n".join(f"    {line}" for line in _telling(last))
        program = Path(command[0]).name
        raise InstallationFailed(
            f"{what} failed: {program} ended with status {process.returncode}.\n{words}"
        )


def _telling(lines: Iterable[str]) -> list[str]:
    """An installer's last lines, of pip's those that say what is wrong; none of them too long."""
    masked = [mask_uri(line) for line in lines]
    errors = [line for line in masked if line.startswith("ERROR")]
    shown = [line for line in errors if "Ignored the following" not in line] or masked
    return [line if len(line) <= _LONG else f"{line[:_LONG]} ..." for line in shown]


@contextlib.contextmanager
def _shown(what: str) -> Iterator[Any]:
    """Show what goes on in one line on stderr; where nobody looks, say it once."""
    if not sys.stderr.isatty():
        print(f"{what} ...", file=sys.stderr, flush=True)
        yield lambda _line: None
        return
    from rich.console import Console
    from rich.markup import escape

    console = Console(stderr=True)
    with console.status(what) as status:
        width = max(console.width - len(what) - 6, 10)
        yield lambda line: status.update(f"{what}: {escape(line[:width])}")


@contextlib.contextmanager
def alone(file: Path, what: str) -> Iterator[int]:
    """Hold a lock file's lock; its descriptor, which children may inherit to hold it as well."""
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if not _lock(descriptor, wait=False):
            with _shown(f"Another process is making {what}; waiting for it"):
                _lock(descriptor, wait=True)
        yield descriptor
    finally:
        os.close(descriptor)


try:
    import fcntl
except ImportError:  # Windows

    def _lock(descriptor: int, *, wait: bool) -> bool:
        import msvcrt
        import time

        while True:
            try:
                msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]  # on Windows alone
                return True
            except OSError:
                if not wait:
                    return False
                time.sleep(0.1)

else:

    def _lock(descriptor: int, *, wait: bool) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            return False
        return True
