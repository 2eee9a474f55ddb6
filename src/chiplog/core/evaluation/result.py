"""What an evaluation gives, and how it is kept in a folder."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Final

from chiplog.core.errors import BadContent, InvalidValue, NotFound
from chiplog.core.evaluation.artifacts import EvaluationArtifact

if TYPE_CHECKING:
    import os

_METRICS: Final = "metrics.json"
_ARTIFACTS: Final = "artifacts_metadata.json"
_FOLDER: Final = "artifacts"

# The classes that MLflow reads such files back with.
_KINDS: Final = {
    ".png": "Image",
    ".jpg": "Image",
    ".jpeg": "Image",
    ".csv": "Csv",
    ".parquet": "Parquet",
    ".npy": "Numpy",
    ".json": "Json",
    ".txt": "Text",
}


@dataclass
class EvaluationResult:
    """What was measured.

    Attributes:
        metrics: numbers by name.
        artifacts: plots, tables and other files by name.
        run_id: the run in which all of it is recorded.
        tables: pandas DataFrames by name, with a row for each of the data's.
        left_out: what could not be measured, and why.
    """

    metrics: dict[str, float]
    artifacts: dict[str, EvaluationArtifact] = field(default_factory=dict)
    run_id: str | None = None
    tables: dict[str, Any] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write metrics and artifacts into a folder, which :meth:`load` reads.

        Raises InvalidValue where two artifacts have files of one name: the folder is flat.
        """
        names = [PurePosixPath(one.file).name for one in self.artifacts.values()]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise InvalidValue(f"Several artifacts are called {twice[0]!r}; a folder holds one.")
        folder = Path(path)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / _METRICS).write_text(json.dumps(self.metrics), encoding="utf-8")
        entries = {
            name: {"uri": artifact.uri, "class_name": _class_name(artifact.file)}
            for name, artifact in self.artifacts.items()
        }
        (folder / _ARTIFACTS).write_text(json.dumps(entries), encoding="utf-8")
        (folder / _FOLDER).mkdir(exist_ok=True)
        for artifact in self.artifacts.values():
            artifact.save(folder / _FOLDER)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> EvaluationResult:
        """Read what :meth:`save`, or MLflow, wrote into a folder. Nothing is unpickled."""
        folder = Path(path)
        if not (folder / _METRICS).is_file():
            raise NotFound(
                f"There is no evaluation in {str(folder)!r}: it has no file {_METRICS!r}."
            )
        try:
            metrics = json.loads((folder / _METRICS).read_text(encoding="utf-8"))
            text = "{}"
            if (folder / _ARTIFACTS).is_file():
                text = (folder / _ARTIFACTS).read_text(encoding="utf-8")
            uris = {name: str(entry["uri"]) for name, entry in json.loads(text).items()}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise BadContent(
                f"The evaluation in {str(folder)!r} cannot be read: {error!r}."
            ) from error
        artifacts = {}
        for name, uri in uris.items():
            file = PurePosixPath(uri).name
            if not (folder / _FOLDER / file).is_file():
                raise NotFound(f"The evaluation in {str(folder)!r} lacks its artifact {file!r}.")
            data = (folder / _FOLDER / file).read_bytes()
            artifacts[name] = EvaluationArtifact(file, data, uri)
        return cls(metrics, artifacts)


def _class_name(file: str) -> str:
    kind = _KINDS.get(PurePosixPath(file).suffix.lower(), "Text")
    return f"mlflow.models.evaluation.artifacts.{kind}EvaluationArtifact"
