"""A project of its own for a test, and what was recorded in it."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from chiplog.core import background
from chiplog.core.autolog import engine
from chiplog.core.autolog import receipt as receipts
from chiplog.core.autolog.account import account
from chiplog.core.entities import ViewType
from chiplog.core.journal.writer import writer
from chiplog.core.location import get_tracking_uri
from chiplog.core.runs.reading import readable_store
from chiplog.core.runs.reset import reset_process
from chiplog.core.stores import open_artifact_store
from chiplog.core.tags import PARENT_RUN_ID

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chiplog.core.autolog.receipt import Receipt
    from chiplog.core.entities import Metric, Run


class Project:
    """An empty directory with a ``.chiplog`` folder, which is the working directory."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def runs(self) -> list[Run]:
        """Every run recorded so far, oldest first."""
        background.flush(60)
        store = readable_store(get_tracking_uri())
        experiments = store.search_experiments(ViewType.ALL, 1000, None, None, None)
        ids = [experiment.experiment_id for experiment in experiments]
        found = list(store.search_runs(ids, "", ViewType.ALL, 1000, None, None))
        return sorted(found, key=lambda run: run.info.start_time)

    def top_runs(self) -> list[Run]:
        """The runs that are nobody's child, oldest first."""
        return [run for run in self.runs() if PARENT_RUN_ID not in run.data.tags]

    def children(self, run_id: str) -> list[Run]:
        """The runs whose parent is ``run_id``, oldest first."""
        return [run for run in self.runs() if run.data.tags.get(PARENT_RUN_ID) == run_id]

    def only_run(self) -> Run:
        """The one run there is, a child run's parent counted alone."""
        runs = self.top_runs()
        assert len(runs) == 1, f"there are {len(runs)} runs: {[run.info.run_name for run in runs]}"
        return runs[0]

    def history(self, run_id: str, key: str) -> list[Metric]:
        """Every point of a metric, in the order of its steps."""
        background.flush(60)
        store = readable_store(get_tracking_uri())
        points = store.get_metric_history(run_id, key, None, None)
        return sorted(points, key=lambda point: point.step)

    def read(self, run_id: str, path: str) -> bytes:
        """A file of a run's."""
        background.flush(60)
        run = readable_store(get_tracking_uri()).get_run(run_id)
        with open_artifact_store(run.info.artifact_uri or "").open(path) as file:
            return file.read()

    def document(self, run_id: str, name: str) -> bytes | None:
        """A document attached to a run."""
        background.flush(60)
        return readable_store(get_tracking_uri()).get_document(run_id, name)

    def receipt(self, run_id: str) -> Receipt:
        """What a run's first session tells about itself."""
        body = self.document(run_id, receipts.DOCUMENT)
        assert body is not None, f"run {run_id} has no receipt"
        return receipts.decode(body).sessions[0]


@contextlib.contextmanager
def own_project(path: Path) -> Iterator[Project]:
    """Make ``path`` a project and the working directory, with nothing of chiplog's switched on."""
    (path / ".chiplog").mkdir(exist_ok=True)
    before = Path.cwd()
    os.chdir(path)
    _calm()
    try:
        yield Project(path)
    finally:
        _calm()
        os.chdir(before)


def _calm() -> None:
    """Switch everything off that a test may have left on, and leave nothing to be delivered."""
    engine.reset()
    background.flush(60)
    reset_process(deadline=1.0)
    for stream in writer().streams():  # of stores that a test broke
        writer().forget(stream.store_uri)
    account.forget()
