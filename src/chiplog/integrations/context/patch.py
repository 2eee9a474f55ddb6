"""The uncommitted patch, made by git away from the training thread.

Git runs no hooks, pagers, external differs, text converters, file system monitors or transports;
filters that its configuration names, such as LFS, run as in every ``git status``. Without git, or
in a repository that git refuses, there is no patch.
"""

from __future__ import annotations

import fnmatch
import os
import re
import shutil
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

from chiplog.core.tags import GIT_DIRTY
from chiplog.integrations.context import git
from chiplog.integrations.context.scrubbing import scrub

if TYPE_CHECKING:
    from pathlib import Path

    from chiplog.integrations.context.git import Repository

PATCH = "chiplog/uncommitted.patch"
MAX_BYTES: Final = 1 << 20

_TIMEOUT: Final = 10.0  # seconds, for each of the two commands
_FRESH: Final = 5.0  # seconds for which an answer is reused, so that many short runs ask once
_NAMES: Final = 200  # that are listed
_EMPTY_TREE: Final = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"

_LEFT_OUT: Final = (
    ".env",
    ".env.*",
    "*.env",
    ".envrc",
    ".netrc",
    ".npmrc",
    ".pypirc",
    ".pgpass",
    ".htpasswd",
    "id_rsa*",
    "id_dsa*",
    "id_ecdsa*",
    "id_ed25519*",
    "*.pem",
    "*.key",
    "*.p12",
    "*.pfx",
    "*.jks",
    "*.keystore",
    "*.kdbx",
    "credentials",
    "credentials.*",
    "secrets.*",
)

_OURS: Final = {".chiplog", "mlruns", "mlflow.db"}

_CODE: Final = {
    *(".py", ".pyi", ".pyx", ".ipynb", ".r", ".jl", ".c", ".h", ".cc", ".cpp", ".cu", ".cuh"),
    *(".go", ".rs", ".js", ".ts", ".tsx", ".jsx", ".java", ".scala", ".kt", ".md", ".rst", ".sql"),
}


@dataclass(frozen=True)
class State:
    """How a work tree differs from its commit."""

    dirty: bool
    patch: str | None


_FLAGS: Final = (
    "--no-optional-locks",
    "--no-pager",
    *("-c", "core.fsmonitor=false"),
    *("-c", f"core.hooksPath={os.devnull}"),
    *("-c", "core.quotePath=false"),
    *("-c", "protocol.allow=never"),
)

_DIFF: Final = (
    "--no-ext-diff",
    "--no-textconv",
    "--no-color",
    "--no-renames",
    "--submodule=short",
    "--ignore-submodules=dirty",
    "--src-prefix=a/",
    "--dst-prefix=b/",
)

_states: dict[tuple[Path, Path | None], tuple[float, State | None]] = {}
_lock = threading.Lock()


def _after_fork() -> None:
    """Let go, in a forked child, of a lock that a thread of the parent may have held."""
    global _lock  # noqa: PLW0603 - one per process
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def tags(script: Path | None) -> dict[str, str]:
    """Whether tracked files differ from the commit."""
    state = _state(script)
    return {} if state is None else {GIT_DIRTY: str(state.dirty)}


def files(script: Path | None) -> dict[str, str]:
    """The patch, if the commit alone does not tell which code ran."""
    state = _state(script)
    return {PATCH: state.patch} if state is not None and state.patch else {}


def _state(script: Path | None) -> State | None:
    """How the work tree differs, asked at most once in a few seconds."""
    repository = git.find(script)
    if repository is None:
        return None
    key = (repository.root, script)
    with _lock:
        fresh_until, state = _states.get(key, (float("-inf"), None))
        begun = time.monotonic()
        if begun > fresh_until:
            state = _ask(repository, script)
            ended = time.monotonic()
            _states[key] = (ended + max(_FRESH, 20 * (ended - begun)), state)
        return state


def _ask(repository: Repository, script: Path | None) -> State | None:
    """Ask git how the work tree differs from its commit."""
    output = _git(
        repository,
        "status",
        "--porcelain=v1",
        "-z",
        "--no-renames",
        "--untracked-files=normal",
        "--ignore-submodules=dirty",
    )
    if output is None:
        return None
    entries = [entry for entry in output.text.split("\0") if len(entry) > 3]
    untracked = [entry[3:] for entry in entries if entry.startswith("??")]
    untracked = [name for name in untracked if not _OURS & set(name.split("/"))]
    changed = [entry[3:] for entry in entries if not entry.startswith("??")]
    if changed:
        difference = _difference(repository)
    elif _is_among(script, untracked, repository.root):
        difference = _Output("", cut=False)
    else:
        return State(dirty=False, patch=None)
    if difference is None:
        return State(dirty=bool(changed), patch=None)
    body = _scrubbed(difference.text)
    secret = sorted(name for name in (*changed, *untracked) if is_left_out(name))
    header = _header(repository, untracked, secret, cut=difference.cut)
    return State(dirty=bool(changed), patch=header + body)


def _difference(repository: Repository) -> _Output | None:
    """The patch against the commit, or against nothing before the first commit."""
    names = [f":(exclude,icase,glob)**/{pattern}" for pattern in _LEFT_OUT]
    for base in ("HEAD", _EMPTY_TREE):
        output = _git(repository, "diff", *_DIFF, base, "--", ".", *names)
        if output is not None:
            return output
    return None


def is_left_out(name: str) -> bool:
    """Whether files of that name hold secrets by custom, so that their content is not read."""
    last = PurePosixPath(name.lower()).name
    return any(fnmatch.fnmatchcase(last, pattern) for pattern in _LEFT_OUT)


def _is_among(script: Path | None, untracked: list[str], root: Path) -> bool:
    """Whether the program's own file is untracked; a folder is listed with a slash at its end."""
    if script is None or not script.is_relative_to(root):
        return False
    name = script.relative_to(root).as_posix()
    return any(name == one or (one.endswith("/") and name.startswith(one)) for one in untracked)


def _header(repository: Repository, untracked: list[str], secret: list[str], *, cut: bool) -> str:
    """Lines that ``git apply`` skips, for the reader."""
    commit = git.commit_of(repository) or "an empty repository"
    lines = [f"Uncommitted changes on top of {commit}. Secrets that were recognised are scrubbed."]
    if cut:
        lines.append(f"Cut: the patch was longer than {MAX_BYTES // 1024} KiB and ends early.")
    if secret:
        lines.append(f"Left out, since such files hold secrets: {_listed(secret)}")
    if untracked:
        lines.append(f"Untracked files, not kept: {_listed(untracked)}")
    return "".join(f"# {line}\n" for line in lines)


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _NAMES} more" if len(names) > _NAMES else ""
    return ", ".join(name.replace("\n", " ") for name in names[:_NAMES]) + more


def _scrubbed(text: str) -> str:
    """The patch without secrets; its own lines about files stay as they are."""
    pieces = re.split(r"(?m)^(?=diff --git )", text)
    return "".join(_scrubbed_file(piece) for piece in pieces if piece)


def _scrubbed_file(piece: str) -> str:
    head, hunk, body = piece.partition("\n@@ ")
    name = head.split("\n", 1)[0].rpartition(" b/")[2]
    settings = PurePosixPath(name).suffix.lower() not in _CODE
    return head + hunk + scrub(body, settings=settings)


@dataclass(frozen=True)
class _Output:
    text: str
    cut: bool


def _git(repository: Repository, *arguments: str) -> _Output | None:
    """Run git in the work tree; None if it is missing, refuses, or takes too long."""
    program = shutil.which("git")
    if program is None:
        return None
    try:
        process = subprocess.Popen(
            [program, *_FLAGS, *arguments],
            cwd=repository.root,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
    except OSError:
        return None
    late = threading.Timer(_TIMEOUT, process.kill)
    late.daemon = True
    late.start()
    try:
        with process:
            assert process.stdout is not None
            data = process.stdout.read(MAX_BYTES + 1)
            cut = len(data) > MAX_BYTES
            if cut:
                process.kill()
        # git answers 0 for both commands, whether there are differences or not
        if process.returncode != 0 and not cut:
            return None
    finally:
        late.cancel()
    if cut:
        separator = b"\0" if "-z" in arguments else b"\n"
        data = data[: data[:MAX_BYTES].rfind(separator) + 1]
    return _Output(data.decode(errors="replace"), cut)


def _environment() -> dict[str, str]:
    """The environment without what would point git elsewhere or make it run programs."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("GIT_") or name.startswith("GIT_CONFIG")
    }
    return {
        **kept,
        "LC_ALL": "C",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_NO_LAZY_FETCH": "1",
    }
