"""The MLmodel file: what a model directory says about itself."""

from __future__ import annotations

import datetime as dt
import functools
import uuid
from dataclasses import dataclass, field
from importlib import metadata as distributions
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

from chiplog.core.errors import NotFound
from chiplog.core.models import fields, yamls
from chiplog.core.models.examples import (
    read_example,
    read_example_params,
    read_serving_input,
)
from chiplog.core.models.signature import ModelSignature

if TYPE_CHECKING:
    from chiplog.core.models.schema import ParamSchema, Schema

FILE: Final = "MLmodel"

# The version of MLflow's format that is written.
FORMAT_VERSION: Final = "3.18.0"


def utc_now() -> str:
    """The time as an MLmodel file has it: UTC, without zone."""
    now = dt.datetime.now(dt.UTC)
    return now.strftime("%Y-%m-%d %H:%M:%S.%f")


@functools.cache
def _chiplog_version() -> str:
    return distributions.version("chiplog")


@dataclass
class Model:
    """What an MLmodel file says. Keys it does not know are kept in ``extra``.

    Attributes:
        flavors: each flavor's name and its settings.
        artifact_path: where a logged model lies; None for one saved to a plain path.
        signature: what the model takes and gives.
        saved_input_example_info: which example lies beside it.
    """

    flavors: dict[str, dict[str, Any]] = field(default_factory=dict)
    artifact_path: str | None = None
    run_id: str | None = None
    model_id: str | None = None
    model_uuid: str | None = field(default_factory=lambda: uuid.uuid4().hex)
    utc_time_created: str | None = field(default_factory=utc_now)
    mlflow_version: str | None = FORMAT_VERSION
    signature: ModelSignature | None = None
    saved_input_example_info: dict[str, Any] | None = None
    metadata: dict[str, Any] | None = None
    model_size_bytes: int | None = None
    prompts: list[Any] | None = None
    extra: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = field(default=(), compare=False)  # of its saving; not in the file

    _always: ClassVar[set[str]] = {"flavors", "model_id", "prompts"}

    def add_flavor(self, name: str, settings: dict[str, Any]) -> Model:
        """Add a flavor; hands back the model."""
        self.flavors[name] = settings
        return self

    def to_dict(self) -> dict[str, Any]:
        """The keys of the file."""
        body: dict[str, Any] = {"chiplog_version": _chiplog_version(), **self.extra}
        for name in (
            "artifact_path",
            "flavors",
            "metadata",
            "mlflow_version",
            "model_id",
            "model_size_bytes",
            "model_uuid",
            "prompts",
            "run_id",
            "saved_input_example_info",
            "utc_time_created",
        ):
            value = getattr(self, name)
            if value is not None or name in self._always:
                body[name] = value
        if self.signature is not None:
            body["signature"] = self.signature.to_dict()
            body.setdefault("is_signature_from_type_hint", False)
            body.setdefault("type_hint_from_example", False)
        return body

    def save(self, path: Path) -> None:
        """Write the file at ``path``."""
        yamls.write(path, self.to_dict())

    @classmethod
    def from_dict(cls, body: dict[str, Any]) -> Model:
        """Read the keys of a file, of old writers' as well."""
        fields.check(body)
        body = dict(body)
        body.pop("chiplog_version", None)
        signature = body.pop("signature", None)
        known = {
            name: body.pop(name)
            for name in cls.__dataclass_fields__
            if name not in {"signature", "extra"} and name in body
        }
        known["flavors"] = known.get("flavors") or {}
        known.setdefault("model_uuid", None)
        known.setdefault("mlflow_version", None)
        known.setdefault("utc_time_created", None)
        return cls(
            **known,
            signature=ModelSignature.from_dict(signature) if signature else None,
            extra=body,
        )

    @classmethod
    def load(cls, path: str | Path) -> Model:
        """Read the file at ``path``, or in the directory ``path``; a model's URI does as well."""
        if ":/" in str(path):
            from chiplog.core.models.information import read_mlmodel

            return read_mlmodel(str(path))
        file = Path(path)
        if file.is_dir():
            file /= FILE
        if not file.is_file():
            raise NotFound(
                f"There is no model at {str(path)!r}: it has no file named {FILE!r}. "
                "Give the directory that save_model wrote, or a URI such as models:/m-…"
            )
        return cls.from_dict(yamls.read(file))

    def get_serving_input(self, path: str | Path) -> str | None:
        """The example in the model's directory ``path`` as a server is asked; None without one."""
        info = self.saved_input_example_info
        return read_serving_input(Path(path), info) if info else None

    def load_input_example(self, path: str | Path) -> Any:
        """The example in the model's directory ``path``, as it was given; None if it has none."""
        info = self.saved_input_example_info
        return read_example(Path(path), info) if info else None

    def load_input_example_params(self, path: str | Path) -> dict[str, Any] | None:
        """The prediction's parameters that were given with the example, or None."""
        info = self.saved_input_example_info
        return read_example_params(Path(path), info) if info else None

    def get_input_schema(self) -> Schema | None:
        """What the model takes, if its signature says."""
        return self.signature.inputs if self.signature else None

    def get_output_schema(self) -> Schema | None:
        """What the model gives, if its signature says."""
        return self.signature.outputs if self.signature else None

    def get_params_schema(self) -> ParamSchema | None:
        """Which parameters predictions take, if its signature says."""
        return self.signature.params if self.signature else None

    def get_model_info(self, logged: Any = None, model_uri: str | None = None) -> ModelInfo:
        """What a caller of ``log_model`` gets; ``logged`` is the model's record, if it has one.

        ``model_uri`` is where one that was never logged was found.
        """
        if self.model_id or model_uri is None:
            model_uri = f"models:/{self.model_id}" if self.model_id else (self.artifact_path or "")
        return ModelInfo(
            artifact_path=self.artifact_path or "",
            flavors=self.flavors,
            model_uri=model_uri,
            model_uuid=self.model_uuid,
            run_id=self.run_id,
            saved_input_example_info=self.saved_input_example_info,
            signature=self.signature,
            utc_time_created=self.utc_time_created or "",
            mlflow_version=self.mlflow_version or "",
            metadata=self.metadata,
            model_id=self.model_id,
            metrics=list(logged.metrics) if logged else [],
            params=dict(logged.params) if logged else {},
            tags=dict(logged.tags) if logged else {},
            creation_timestamp=logged.creation_timestamp if logged else None,
            name=logged.name if logged else None,
            prompts=self.prompts,
            notes=self.notes,
        )


@dataclass(frozen=True)
class ModelInfo:
    """What was logged or found: where the model lies, and what it is."""

    artifact_path: str
    flavors: dict[str, Any]
    model_uri: str
    model_uuid: str | None
    run_id: str | None
    saved_input_example_info: dict[str, Any] | None
    signature: ModelSignature | None
    utc_time_created: str
    mlflow_version: str
    metadata: dict[str, Any] | None = None
    registered_model_version: int | None = None
    env_vars: list[str] | None = None
    model_id: str | None = None
    metrics: list[Any] = field(default_factory=list)
    params: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    creation_timestamp: int | None = None
    name: str | None = None
    prompts: list[Any] | None = None
    notes: tuple[str, ...] = ()  # what loading it again needs, a sentence each

    @property
    def signature_dict(self) -> dict[str, str | None] | None:
        """The signature as the MLmodel file has it."""
        return self.signature.to_dict() if self.signature else None
