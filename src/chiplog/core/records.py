"""What travels through a journal and is applied to a store.

A record is one fact about a run. Records are applied in the order in which they were journalled;
metric points travel beside them as columns (:class:`SeriesPoints`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from chiplog.core.entities import DatasetInput, LoggedModel, LoggedModelInput, LoggedModelOutput

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


NAMED: Final = "name:"
"""What stands before the name of an experiment whose id is not known."""


class Record(msgspec.Struct, frozen=True, tag_field="t", omit_defaults=True):
    """A fact about the run ``run_id``."""

    run_id: str


class RunStarted(Record, frozen=True, tag="start"):
    """A run began. ``owned``: it ends with this process, so a dead process means a dead run.

    A child process that records into a run of its parent's introduces it in its own journal with
    ``owned=False``, since its journal may be delivered first. A store that knows the run takes
    nothing from that; one that knows it only so takes tags and owner from the record that owns it.

    ``experiment_id`` is an experiment's id or, of one that was chosen while its store could not be
    asked, ``name:`` (:data:`NAMED`) and its name: the store finds it by that, or makes it.
    """

    experiment_id: str
    user_id: str
    start_time: int
    name: str
    tags: dict[str, str] = {}
    owned: bool = True


class RunUpdated(Record, frozen=True, tag="update"):
    """A run's state changed; None leaves a field as it was.

    ``owned`` is True when a process resumes the run, so that its death can be told.
    """

    status: str | None = None
    end_time: int | None = None
    name: str | None = None
    owned: bool | None = None


class RunRecorded(Record, frozen=True, tag="whole"):
    """A whole run in one piece: a candidate of a search, a fold of a cross-validation."""

    experiment_id: str
    user_id: str
    start_time: int
    end_time: int
    status: str
    name: str
    tags: dict[str, str] = {}
    params: dict[str, str] = {}
    metrics: dict[str, float] = {}
    datasets: list[DatasetInput] = []


class ParamsLogged(Record, frozen=True, tag="params"):
    """Parameters were recorded; a key that has another value already is refused by itself."""

    params: dict[str, str]


class TagsSet(Record, frozen=True, tag="tags"):
    """Tags were set or replaced."""

    tags: dict[str, str]


class TagDeleted(Record, frozen=True, tag="untag"):
    """A tag was removed."""

    key: str


class InputsLogged(Record, frozen=True, tag="inputs"):
    """Data sets or models were read."""

    datasets: list[DatasetInput] = []
    models: list[LoggedModelInput] = []


class OutputsLogged(Record, frozen=True, tag="outputs"):
    """Models were written."""

    models: list[LoggedModelOutput]


class ModelRecorded(Record, frozen=True, tag="model"):
    """A logged model came to be or changed; ``run_id`` is its source run, or empty."""

    model: LoggedModel


class DocumentAttached(Record, frozen=True, tag="document"):
    """A JSON document of chiplog's own was attached or replaced: ``receipt``, ``failure``."""

    name: str
    body: bytes


class Series(Record, frozen=True, tag="series"):
    """The identity of a metric series. In a journal it gives ``number`` its meaning."""

    key: str
    model_id: str | None = None
    dataset_name: str | None = None
    dataset_digest: str | None = None
    number: int = 0


AnyRecord = (
    RunStarted
    | RunUpdated
    | RunRecorded
    | ParamsLogged
    | TagsSet
    | TagDeleted
    | InputsLogged
    | OutputsLogged
    | ModelRecorded
    | DocumentAttached
    | Series
)


class SeriesPoints:
    """Points of one series, in the order in which they were recorded.

    Attributes:
        series: whose points these are.
        steps: int64, shape (n,).
        timestamps: int64 milliseconds, shape (n,).
        values: float64, shape (n,).
    """

    __slots__ = ("series", "steps", "timestamps", "values")

    def __init__(
        self,
        series: Series,
        steps: npt.NDArray[np.int64],
        timestamps: npt.NDArray[np.int64],
        values: npt.NDArray[np.float64],
    ) -> None:
        self.series = series
        self.steps = steps
        self.timestamps = timestamps
        self.values = values

    def __len__(self) -> int:
        return len(self.steps)


class Batch(msgspec.Struct, frozen=True):
    """A stretch of a journal, to be applied to a store in one transaction, exactly once.

    ``first`` and ``last`` are positions in the journal, in bytes since its beginning. A store
    remembers ``last`` per journal in the same transaction and refuses a batch whose ``first`` is
    not what it remembers.
    """

    journal_id: str
    first: int
    last: int
    records: list[Record]
    points: list[SeriesPoints]


class Refused(msgspec.Struct, frozen=True):
    """Something of a batch that a store would not take, and why; the rest was applied."""

    run_id: str
    what: str
    reason: str
