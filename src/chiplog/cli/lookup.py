"""Finding what the user means: runs by prefix, name or ``latest``; experiments by id or name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from chiplog.cli.render.times import relative
from chiplog.core.entities import ViewType
from chiplog.core.errors import InvalidValue, NotFound
from chiplog.core.search.tree import quote
from chiplog.core.tags import PARENT_RUN_ID

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chiplog.core.entities import Experiment, Run
    from chiplog.core.stores import TrackingStore

LATEST = "latest"
TOP_LEVEL = f"tags.`{PARENT_RUN_ID}` IS NULL"
_SHOWN = 10
_PREFIX = re.compile(r"[A-Za-z0-9][\w\-]*")


def find_run(store: TrackingStore, text: str, view: int = ViewType.ALL) -> Run:
    """The run that ``text`` names: its id, the beginning of it, its name, or ``latest``.

    Raises NotFound if there is none, InvalidValue naming the candidates if there are several.
    """
    if text == LATEST:
        return _latest(store)
    found = _exact(store, text)
    if found is not None:
        return found
    ids = [experiment.experiment_id for experiment in all_experiments(store)]
    candidates = _search(store, ids, f"run_name = {quote(text)}", view)
    if not candidates and _PREFIX.fullmatch(text):
        beginning = _search(store, ids, f"run_id LIKE {quote(text + '%')}", view)
        candidates = [run for run in beginning if run.info.run_id.startswith(text)]
    if not candidates:
        raise NotFound(
            f"There is no run {text!r} in {store.uri}. Give a run's id, the beginning of one, "
            "a run's name, or 'latest'; chiplog runs list shows them."
        )
    if len(candidates) > 1:
        raise InvalidValue(_ambiguous(text, candidates))
    return candidates[0]


def find_experiments(
    store: TrackingStore,
    ids: Sequence[str],
    names: Sequence[str],
    view: int = ViewType.ACTIVE_ONLY,
) -> list[Experiment]:
    """The experiments of those ids and names; all of the given view if neither is given."""
    if not ids and not names:
        return all_experiments(store, view)
    found = {i: store.get_experiment(i) for i in _split(ids)}
    for name in names:
        experiment = find_experiment_by_name(store, name)
        found[experiment.experiment_id] = experiment
    return list(found.values())


def find_experiment_by_name(store: TrackingStore, name: str) -> Experiment:
    """The experiment of that name; raises NotFound naming those that exist."""
    experiment = store.get_experiment_by_name(name)
    if experiment is None:
        known = [repr(e.name) for e in all_experiments(store, ViewType.ACTIVE_ONLY)]
        more = f" and {len(known) - _SHOWN} more" if len(known) > _SHOWN else ""
        raise NotFound(
            f"There is no experiment named {name!r}. Known ones: {', '.join(known[:_SHOWN])}{more}."
        )
    return experiment


def all_experiments(store: TrackingStore, view: int = ViewType.ALL) -> list[Experiment]:
    """Every experiment, newest first."""
    experiments: list[Experiment] = []
    token: str | None = None
    while True:
        page = store.search_experiments(view, 1000, None, None, token)
        experiments += page
        token = page.token
        if token is None:
            return experiments


def children_of(store: TrackingStore, run: Run, view: int = ViewType.ALL) -> list[Run]:
    """Every child of a run, and theirs, latest first."""
    found: dict[str, Run] = {run.info.run_id: run}
    waiting = [run]
    while waiting:
        parent = waiting.pop()
        text = f"tags.`{PARENT_RUN_ID}` = {quote(parent.info.run_id)}"
        token: str | None = None
        while True:
            ids = [parent.info.experiment_id]
            page = store.search_runs(ids, text, view, 1000, None, token)
            new = [child for child in page if child.info.run_id not in found]
            found |= {child.info.run_id: child for child in new}
            waiting += new
            token = page.token
            if token is None:
                break
    return list(found.values())[1:]


def short_ids(ids: Sequence[str], least: int = 8) -> dict[str, str]:
    """The shortest beginnings, of ``least`` characters or more, that tell these ids apart."""
    for length in range(least, max(map(len, ids), default=least) + 1):
        short = {i: i[:length] for i in ids}
        if len(set(short.values())) == len(set(ids)):
            return short
    return {i: i for i in ids}


def _exact(store: TrackingStore, text: str) -> Run | None:
    if not re.fullmatch(r"[a-zA-Z0-9][\w\-]{0,255}", text):
        return None
    try:
        return store.get_run(text)
    except NotFound:
        return None


def _latest(store: TrackingStore) -> Run:
    ids = [e.experiment_id for e in all_experiments(store, ViewType.ACTIVE_ONLY)]
    page = store.search_runs(ids, TOP_LEVEL, ViewType.ACTIVE_ONLY, 1, None, None)
    if not page:
        raise NotFound(f"There is no run in {store.uri} yet. To make some: chiplog demo")
    return page[0]


def _search(store: TrackingStore, ids: Sequence[str], text: str, view: int) -> list[Run]:
    return list(store.search_runs(ids, text, view, _SHOWN + 1, None, None))


def _ambiguous(text: str, candidates: list[Run]) -> str:
    lines = [f"{text!r} fits several runs; give more of the id:"]
    short = short_ids([run.info.run_id for run in candidates], max(8, len(text) + 2))
    for run in candidates[:_SHOWN]:
        info = run.info
        began = relative(info.start_time)
        lines.append(f"{short[info.run_id]}  {info.run_name or ''}  {info.status}  {began}")
    if len(candidates) > _SHOWN:
        lines.append("...")
    return "\n".join(lines)


def _split(ids: Sequence[str]) -> list[str]:
    """Ids given one by one or separated by commas."""
    return [part.strip() for text in ids for part in text.split(",") if part.strip()]
