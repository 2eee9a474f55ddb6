"""The git commit, branch and remote, read straight from the repository's files.

No git program runs, so this takes microseconds and can execute nothing. What was read is kept
until one of the files changes.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Final

from chiplog.core.tags import GIT_BRANCH, GIT_COMMIT, GIT_REPOSITORY
from chiplog.integrations.context.scrubbing import scrub_url

_HASH: Final = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_SECTION: Final = re.compile(r'\[\s*(\w+)\s*(?:"((?:[^"\\]|\\.)*)")?\s*\]')
_MAX_LINKS: Final = 5  # symbolic refs that lead on


@dataclass(frozen=True)
class Repository:
    """Where a work tree and its git files lie.

    Attributes:
        root: the top of the work tree.
        own: the git directory of this work tree, with its HEAD.
        common: the git directory that all work trees share, with refs and config.
    """

    root: Path
    own: Path
    common: Path


@dataclass
class _Cached:
    stamps: dict[Path, tuple[int, int] | None]
    tags: dict[str, str] = field(default_factory=dict)


_cache: dict[Repository, _Cached] = {}


def tags(script: Path | None) -> dict[str, str]:
    """Commit, branch and remote of the repository that the script lies in, or the directory."""
    repository = find(script)
    if repository is None:
        return {}
    cached = _cache.get(repository)
    if cached is None or any(_stamp(path) != stamp for path, stamp in cached.stamps.items()):
        cached = _cache[repository] = _read(repository)
    return dict(cached.tags)


def find(script: Path | None) -> Repository | None:
    """The repository around the script, else the one around the working directory."""
    for start in (script.parent if script else None, _here()):
        if start is not None:
            found = _around(str(start))
            if found is not None:
                return found
    return None


def commit_of(repository: Repository) -> str | None:
    """The commit that is checked out."""
    return _read(repository).tags.get(GIT_COMMIT)


def _here() -> Path | None:
    try:
        return Path.cwd()
    except OSError:  # deleted under us
        return None


def _around(start: str) -> Repository | None:
    """The repository whose work tree holds ``start``; a positive answer is remembered."""
    known = _known_roots.get(start)
    if known is not None and known.own.exists():
        return known
    for directory in (Path(start), *Path(start).parents):
        marker = directory / ".git"
        found = None
        if marker.is_dir():
            found = Repository(directory, marker, marker)
        elif marker.is_file():
            found = _linked(directory, marker)
        if found is not None and (found.own / "HEAD").exists():
            _known_roots[start] = found
            return found
    return None


_known_roots: dict[str, Repository] = {}


def _linked(root: Path, marker: Path) -> Repository | None:
    """A work tree or submodule, whose ``.git`` is a file that says where its files lie."""
    text = _text(marker)
    if not text.startswith("gitdir:"):
        return None
    own = root / text.removeprefix("gitdir:").strip()
    common = _text(own / "commondir").strip()
    return Repository(root, own, own / common if common else own)


def _read(repository: Repository) -> _Cached:
    head_file = repository.own / "HEAD"
    stamps = {path: _stamp(path) for path in (head_file, repository.common / "config")}
    result = _Cached(stamps)
    head = _text(head_file).strip()
    branch: str | None = None
    if head.startswith("ref:"):
        ref = head.removeprefix("ref:").strip()
        if ref.startswith("refs/heads/") and not ref.endswith("/.invalid"):
            branch = ref.removeprefix("refs/heads/")
        head = _resolve(repository, ref, stamps)
    if _HASH.fullmatch(head):
        result.tags[GIT_COMMIT] = head
        if branch:
            result.tags[GIT_BRANCH] = branch
    url = _remote(_text(repository.common / "config"), branch)
    if url:
        result.tags[GIT_REPOSITORY] = scrub_url(url)
    return result


def _resolve(repository: Repository, ref: str, stamps: dict[Path, tuple[int, int] | None]) -> str:
    """The commit that a ref names, in its own file or among the packed ones; '' if none."""
    for _ in range(_MAX_LINKS):
        if not ref.startswith("refs/") or ".." in ref.split("/"):
            return ""
        found = ""
        for base in (repository.own, repository.common):
            file = base / ref
            stamps[file] = _stamp(file)
            found = found or _text(file).strip()
        if not found:
            packed = repository.common / "packed-refs"
            stamps[packed] = _stamp(packed)
            return _packed(_text(packed), ref)
        if not found.startswith("ref:"):
            return found
        ref = found.removeprefix("ref:").strip()
    return ""


def _packed(text: str, ref: str) -> str:
    for line in text.splitlines():
        commit, _, name = line.partition(" ")
        if name == ref:
            return commit
    return ""


@lru_cache(maxsize=8)
def _remote(config: str, branch: str | None) -> str | None:
    """The address of the branch's remote, else of ``origin``, else of the first."""
    remotes: dict[str, str] = {}
    upstream: str | None = None
    kind = name = ""
    for raw in config.splitlines():
        line = raw.strip()
        section = _SECTION.match(line)
        if section:
            kind, name = section.group(1).lower(), section.group(2) or ""
            continue
        key, _, value = line.partition("=")
        key, value = key.strip().lower(), value.strip().strip('"')
        if kind == "remote" and key == "url":
            remotes.setdefault(name, value)
        elif kind == "branch" and name == branch and key == "remote":
            upstream = value
    for wanted in (upstream, "origin"):
        if wanted in remotes:
            return remotes[wanted]
    return next(iter(remotes.values()), None)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _stamp(path: Path) -> tuple[int, int] | None:
    """What changes when a file does; None if there is no file."""
    try:
        found = os.stat(path)  # noqa: PTH116 - on every start of a run
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size
