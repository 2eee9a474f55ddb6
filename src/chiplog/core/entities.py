"""What chiplog records, as its readers see it. Names and fields are MLflow's.

Times are integer milliseconds since the epoch, UTC.
"""

from __future__ import annotations

from typing import Any, ClassVar, Generic, TypeVar

import msgspec

T = TypeVar("T")


class _Readable:
    """What every entity offers beside its fields."""

    __slots__ = ()
    __struct_fields__: ClassVar[tuple[str, ...]]

    def to_dictionary(self) -> dict[str, Any]:
        """The fields as a plain dict, nested entities included."""
        return dict(msgspec.to_builtins(self))

    def __iter__(self) -> Any:
        """Pairs of field name and value, as MLflow's entities give them."""
        return ((name, getattr(self, name)) for name in self.__struct_fields__)


class Entity(_Readable, msgspec.Struct):
    """A record with named fields that may change."""


class Value(_Readable, msgspec.Struct, frozen=True):
    """A record with named fields that never change."""


class LifecycleStage:
    """Whether something is in use or in the bin."""

    ACTIVE = "active"
    DELETED = "deleted"


class ViewType:
    """Which lifecycle stages a search looks at."""

    ACTIVE_ONLY = 1
    DELETED_ONLY = 2
    ALL = 3

    _names: ClassVar[dict[str, int]] = {"active_only": 1, "deleted_only": 2, "all": 3}

    @classmethod
    def from_string(cls, name: str) -> int:
        """The number of a view type's name."""
        return cls._names[name.lower()]

    @classmethod
    def to_string(cls, view_type: int) -> str:
        """The name of a view type's number."""
        return next(name for name, number in cls._names.items() if number == view_type)


class RunStatus:
    """The states of a run."""

    RUNNING = 1
    SCHEDULED = 2
    FINISHED = 3
    FAILED = 4
    KILLED = 5

    _names: ClassVar[dict[str, int]] = {
        "RUNNING": 1,
        "SCHEDULED": 2,
        "FINISHED": 3,
        "FAILED": 4,
        "KILLED": 5,
    }

    @classmethod
    def from_string(cls, name: str) -> int:
        """The number of a status name; raises ``Exception`` for an unknown one, as MLflow does."""
        if name not in cls._names:
            valid = ", ".join(cls._names)
            raise Exception(f"Unknown run status {name!r}; valid ones are: {valid}")  # noqa: TRY002 - MLflow raises a plain one
        return cls._names[name]

    @classmethod
    def to_string(cls, status: int) -> str:
        """The name of a status number."""
        for name, number in cls._names.items():
            if number == status:
                return name
        raise Exception(f"Unknown run status number {status!r}")  # noqa: TRY002 - as above

    @classmethod
    def is_terminated(cls, status: int | str) -> bool:
        """Whether a run of this status has ended."""
        number = cls.from_string(status) if isinstance(status, str) else status
        return number in {cls.FINISHED, cls.FAILED, cls.KILLED}


class Metric(Value, frozen=True):
    """One point of a metric. ``value`` is any IEEE double, NaN and infinities included."""

    key: str
    value: float
    timestamp: int
    step: int
    model_id: str | None = None
    dataset_name: str | None = None
    dataset_digest: str | None = None
    run_id: str | None = None


class Param(Value, frozen=True):
    """A parameter of a run."""

    key: str
    value: str


class RunTag(Value, frozen=True):
    """A tag of a run."""

    key: str
    value: str


class ExperimentTag(Value, frozen=True):
    """A tag of an experiment."""

    key: str
    value: str


class InputTag(Value, frozen=True):
    """A tag of a run's input."""

    key: str
    value: str


class Dataset(Value, frozen=True):
    """A data set that a run read. ``source``, ``schema`` and ``profile`` are JSON text."""

    name: str
    digest: str
    source_type: str
    source: str
    schema: str | None = None
    profile: str | None = None


class DatasetInput(Value, frozen=True):
    """A data set as an input of a run; its tag ``mlflow.data.context`` says what it was for."""

    dataset: Dataset
    tags: list[InputTag] = msgspec.field(default_factory=list)


class LoggedModelInput(Value, frozen=True):
    """A model that a run read."""

    model_id: str


class LoggedModelOutput(Value, frozen=True):
    """A model that a run wrote, at a step."""

    model_id: str
    step: int = 0


class RunInputs(Value, frozen=True):
    """What a run read."""

    dataset_inputs: list[DatasetInput] = msgspec.field(default_factory=list)
    model_inputs: list[LoggedModelInput] = msgspec.field(default_factory=list)


class RunOutputs(Value, frozen=True):
    """What a run wrote."""

    model_outputs: list[LoggedModelOutput] = msgspec.field(default_factory=list)


class RunInfo(Entity):
    """What a run is."""

    run_id: str
    experiment_id: str
    user_id: str
    status: str
    start_time: int
    end_time: int | None = None
    lifecycle_stage: str = LifecycleStage.ACTIVE
    artifact_uri: str | None = None
    run_name: str | None = None

    @property
    def run_uuid(self) -> str:
        """The run's id under its old name."""
        return self.run_id


class RunData(Entity):
    """What a run recorded: the latest value of each metric, the parameters, the tags."""

    metrics: dict[str, float] = msgspec.field(default_factory=dict)
    params: dict[str, str] = msgspec.field(default_factory=dict)
    tags: dict[str, str] = msgspec.field(default_factory=dict)
    latest_metrics: list[Metric] = msgspec.field(default_factory=list)


class Run(Entity):
    """One training, or whatever else a run recorded."""

    info: RunInfo
    data: RunData
    inputs: RunInputs = msgspec.field(default_factory=RunInputs)
    outputs: RunOutputs = msgspec.field(default_factory=RunOutputs)


class Experiment(Entity):
    """A named group of runs."""

    experiment_id: str
    name: str
    artifact_location: str
    lifecycle_stage: str = LifecycleStage.ACTIVE
    tags: dict[str, str] = msgspec.field(default_factory=dict)
    creation_time: int | None = None
    last_update_time: int | None = None

    DEFAULT_EXPERIMENT_NAME: ClassVar[str] = "Default"
    DEFAULT_EXPERIMENT_ID: ClassVar[str] = "0"


class MetricSummary(Value, frozen=True):
    """A whole series in a line: its latest, smallest and largest point.

    The latest point is the one with the greatest (step, timestamp, value). NaN points count in
    ``count`` and can be the latest, never the smallest or largest; those are NaN with step 0 when
    every point is NaN.
    """

    key: str
    count: int
    latest: float
    latest_step: int
    latest_timestamp: int
    min: float
    min_step: int
    max: float
    max_step: int


class FileInfo(Value, frozen=True):
    """A file or folder among a run's artifacts; ``path`` is relative to their root."""

    path: str
    is_dir: bool
    file_size: int | None = None


class LoggedModelStatus:
    """The states of a logged model. One that is recorded as ``DELETED`` is in the bin: unfound."""

    UNSPECIFIED = "UNSPECIFIED"
    PENDING = "PENDING"
    READY = "READY"
    FAILED = "FAILED"
    DELETED = "DELETED"


class LoggedModel(Entity):
    """A model and where its files lie."""

    experiment_id: str
    model_id: str
    name: str
    artifact_location: str
    creation_timestamp: int
    last_updated_timestamp: int
    model_type: str | None = None
    source_run_id: str | None = None
    status: str = LoggedModelStatus.PENDING
    status_message: str | None = None
    tags: dict[str, str] = msgspec.field(default_factory=dict)
    params: dict[str, str] = msgspec.field(default_factory=dict)
    metrics: list[Metric] = msgspec.field(default_factory=list)

    @property
    def model_uri(self) -> str:
        """The URI that loads this model."""
        return f"models:/{self.model_id}"


class Page(list[T], Generic[T]):
    """A page of results; ``token`` asks for the next one and is None on the last."""

    def __init__(self, items: Any = (), token: str | None = None) -> None:
        super().__init__(items)
        self.token = token

    def to_list(self) -> list[T]:
        """The items as a plain list."""
        return list(self)


PagedList = Page
