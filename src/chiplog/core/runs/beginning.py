"""How a run of this process begins: its id, its name, where its files go, its first record."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chiplog.core.clock import now_ms
from chiplog.core.entities import RunData, RunInfo
from chiplog.core.records import RunStarted
from chiplog.core.runs import active
from chiplog.core.runs.active import ActiveRun, OpenRun
from chiplog.core.runs.names import new_run_id, random_name
from chiplog.core.runs.writer import RunWriter
from chiplog.core.tags import RUN_NAME, USER

if TYPE_CHECKING:
    from collections.abc import Mapping


def begin_run(
    store_uri: str,
    experiment_id: str,
    artifact_root: str | None,
    tags: Mapping[str, str],
    *,
    run_id: str | None = None,
    start_time: int | None = None,
    owned: bool = True,
) -> OpenRun:
    """Record the start of a new run and hand it out; it is on no thread's stack.

    Args:
        store_uri: the tracking store it belongs to, which is not asked.
        experiment_id: the experiment it is in.
        artifact_root: where the files of the experiment's runs lie; None leaves it to the store.
        tags: all of its tags; one of them may name it, else it gets a random name.
        run_id: its id, 32 lower-case hexadecimal digits; a random one unless given.
        start_time: in milliseconds since the epoch; now unless given.
        owned: whether it ends with this process at the latest.
    """
    run_id = run_id or new_run_id()
    name = tags.get(RUN_NAME) or random_name()
    everything = {**tags, RUN_NAME: name}
    info = RunInfo(
        run_id,
        experiment_id,
        everything.get(USER, "unknown"),
        "RUNNING",
        now_ms() if start_time is None else start_time,
        artifact_uri=f"{artifact_root.rstrip('/')}/{run_id}/artifacts" if artifact_root else None,
        run_name=name,
    )
    writer = RunWriter(
        run_id,
        experiment_id,
        store_uri,
        artifact_uri=info.artifact_uri,
        params={},
        tags=everything,
        is_new=True,
    )
    writer.record(
        RunStarted(
            run_id,
            experiment_id=experiment_id,
            user_id=info.user_id,
            start_time=info.start_time,
            name=name,
            tags=everything,
            owned=owned,
        )
    )
    active.remember(writer)
    return OpenRun(ActiveRun(info, RunData(tags=dict(everything))), writer, owned=owned)
