"""What ``chiplog doctor`` looks at; each check says what was found and what to do about it."""

from __future__ import annotations

import os
import platform
import re
import shutil
import sys
from importlib import metadata
from typing import TYPE_CHECKING

import msgspec

from chiplog.cli.journals import journals_in
from chiplog.cli.lookup import all_experiments
from chiplog.cli.project import check_exists, database_path, open_to_read
from chiplog.cli.render.numbers import plural, size
from chiplog.cli.render.times import DAY, duration, relative
from chiplog.core.clock import now_ms
from chiplog.core.entities import ViewType
from chiplog.core.errors import ChiplogError, NotFound
from chiplog.core.location import journal_directory, resolve_tracking_uri
from chiplog.core.masking import MASK, mask_uri, mask_variable
from chiplog.hooks.manager import plugins

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from chiplog.core.stores import TrackingStore

VERSIONS = "Versions"
ENVIRONMENT = "Environment"
PLUGINS = "Plugins"
STORE = "Store"

_LITTLE_SPACE = 1_000_000_000
_NO_SPACE = 50_000_000
_FRAMEWORKS = (
    "scikit-learn",
    "torch",
    "lightning",
    "pytorch-lightning",
    "tensorflow",
    "tensorflow-cpu",
    "keras",
    "xgboost",
    "xgboost-cpu",
    "lightgbm",
    "tensorboard",
)


class Check(msgspec.Struct):
    """One thing that was looked at. ``good`` is None where it is worth a look."""

    section: str
    what: str
    good: bool | None
    found: str = ""
    advice: str = ""


def all_checks(*, mask_all: bool = False) -> list[Check]:
    """Every check, in the order in which it is shown."""
    return [*_versions(), *_environment(mask_all=mask_all), *_plugins(), *_store()]


def _versions() -> Iterator[Check]:
    yield Check(VERSIONS, "chiplog", True, metadata.version("chiplog"))
    yield Check(VERSIONS, "Python", True, f"{platform.python_version()} at {sys.executable}")
    yield Check(VERSIONS, "System", True, platform.platform())
    names = _requirements()
    found = {name: _version(name) for name in names}
    missing = [name for name, version in found.items() if version is None]
    if missing:
        yield Check(
            VERSIONS,
            "Dependencies",
            False,
            f"not installed: {', '.join(missing)}",
            "pip install --force-reinstall chiplog",
        )
    else:
        text = ", ".join(f"{name} {version}" for name, version in found.items())
        yield Check(VERSIONS, "Dependencies", True, text)
    frameworks = [f"{name} {_version(name)}" for name in _FRAMEWORKS if _version(name)]
    yield Check(VERSIONS, "Frameworks", True, ", ".join(frameworks) or "none installed")


def _requirements() -> list[str]:
    """The distributions that chiplog itself needs."""
    lines = metadata.requires("chiplog") or []
    return sorted(
        re.split(r"[^\w.-]", line, maxsplit=1)[0] for line in lines if "extra" not in line
    )


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _environment(*, mask_all: bool) -> Iterator[Check]:
    ours = sorted(name for name in os.environ if name.startswith(("CHIPLOG_", "MLFLOW_")))
    if not ours:
        yield Check(ENVIRONMENT, "Variables", True, "no CHIPLOG_... or MLFLOW_... is set")
    for name in ours:
        value = MASK if mask_all else mask_variable(name, os.environ[name])
        other = f"CHIPLOG_{name.removeprefix('MLFLOW_')}"
        if name.startswith("MLFLOW_") and os.environ.get(other):
            advice = f"{other} is set too and wins."
            same = os.environ[other] == os.environ[name]
            yield Check(ENVIRONMENT, name, True if same else None, value, "" if same else advice)
        else:
            yield Check(ENVIRONMENT, name, True, value)


def _plugins() -> Iterator[Check]:
    infos = plugins().infos
    for info in infos:
        if info.error:
            yield Check(
                PLUGINS,
                info.name,
                False,
                info.error,
                f"Install another version of {info.distribution} than {info.version}, "
                f"uninstall it, or set CHIPLOG_DISABLED_PLUGINS={info.name}.",
            )
    good = [info.name for info in infos if not info.error and not info.disabled]
    yield Check(
        PLUGINS,
        "Loaded",
        bool(good),
        ", ".join(good) or "none",
        ""
        if good
        else "chiplog's own plugins are missing too: pip install --force-reinstall chiplog",
    )
    disabled = [info.name for info in infos if info.disabled]
    if disabled:
        yield Check(PLUGINS, "Disabled", True, ", ".join(disabled))


def _store() -> Iterator[Check]:
    try:
        location = resolve_tracking_uri()
    except ChiplogError as error:
        yield Check(STORE, "Tracking URI", False, "", mask_uri(str(error)))
        return
    yield Check(STORE, "Tracking URI", True, f"{mask_uri(location.value)} ({location.reason})")
    path = database_path(location.value)
    if path is not None:
        yield from _space(path.parent)
    try:
        check_exists(location)
    except NotFound:
        yield Check(STORE, "Database", True, "not made yet: it is when the first run is recorded")
        if path is not None:
            yield _writable(path.parent)
        return
    try:
        store = open_to_read(location.value)
        experiments = all_experiments(store)
    except Exception as error:
        yield Check(STORE, "Database", False, "cannot be read", mask_uri(str(error)))
        return
    yield Check(
        STORE,
        "Database",
        True,
        f"{plural(len(experiments), 'experiment')}, at this version's schema",
    )
    if path is not None:
        yield _writable(path.parent, path)
    yield from _journals(store)
    yield _stale_runs(store, [e.experiment_id for e in experiments])


def _space(folder: Path) -> Iterator[Check]:
    existing = next((p for p in (folder, *folder.parents) if p.exists()), None)
    if existing is None:
        return
    free = shutil.disk_usage(existing).free
    good = False if free < _NO_SPACE else None if free < _LITTLE_SPACE else True
    advice = (
        "" if good else "Free some: chiplog gc empties the bin, chiplog where says where files are."
    )
    yield Check(STORE, "Disk space", good, f"{size(free)} free", advice)


def _writable(folder: Path, database: Path | None = None) -> Check:
    """Whether runs can be recorded there."""
    wanted = folder
    while not wanted.exists():
        wanted = wanted.parent
    refused = [str(p) for p in (wanted, database) if p is not None and not os.access(p, os.W_OK)]
    if refused:
        return Check(STORE, "Writable", False, "", f"No permission to write: {', '.join(refused)}.")
    return Check(STORE, "Writable", True)


def _journals(store: TrackingStore) -> Iterator[Check]:
    """Journals that are still there after those of dead processes were delivered."""
    folder = store.journal_directory or journal_directory()
    found = journals_in(folder)
    used = sum(journal.state == "alive" for journal in found)
    yield Check(
        STORE,
        "Journals",
        True,
        f"{used} in use by running processes" if used else "none is waiting",
    )
    for journal in found:
        if journal.state != "alive":
            yield Check(
                STORE,
                "Journal left behind",
                None,
                f"{journal.journal_id} of {journal.owner_text()}, "
                f"last written {relative(journal.last_written)}",
                f"If that process has ended: chiplog sync {folder}",
            )
    for suffix, what in ((".corrupt", "damaged"), (".rejected", "refused by the store")):
        kept = sorted(folder.glob(f"*{suffix}")) if folder.is_dir() else []
        if kept:
            names = ", ".join(path.name for path in kept[:3]) + (" ..." if len(kept) > 3 else "")
            advice = f"Everything else was delivered; these bytes are kept aside in {folder}."
            yield Check(STORE, f"Records {what}", None, names, advice)


def _stale_runs(store: TrackingStore, ids: list[str]) -> Check:
    """Runs that say RUNNING and began more than a day ago."""
    text = f"status = 'RUNNING' AND start_time < {now_ms() - DAY}"
    page = store.search_runs(ids, text, ViewType.ACTIVE_ONLY, 100, None, None)
    if not page:
        return Check(STORE, "Running", True, "no run has said RUNNING for more than a day")
    oldest = page[-1].info
    return Check(
        STORE,
        "Running",
        None,
        f"{plural(len(page), 'run')} said RUNNING for more than a day, the longest "
        f"{duration(now_ms() - oldest.start_time)}: {oldest.run_id[:8]}",
        "If its process is gone on another machine: chiplog.MlflowClient().set_terminated(run_id, "
        "'KILLED')",
    )
