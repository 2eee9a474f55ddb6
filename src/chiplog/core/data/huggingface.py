"""Data sets of Hugging Face's ``datasets``, and loading them again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chiplog.core.data.dataset import Dataset
from chiplog.core.data.describe import Description, describe_frame
from chiplog.core.data.digests import Digest, sample_rows
from chiplog.core.data.sources import DatasetSource
from chiplog.core.errors import InvalidValue, MissingLibrary, WrongType

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_FIELDS = ("path", "config_name", "data_dir", "data_files", "split", "revision")


class HuggingFaceDatasetSource(DatasetSource):
    """A data set on Hugging Face's hub, or files that its loaders read."""

    source_type = "hugging_face"

    def __init__(
        self,
        path: str,
        config_name: str | None = None,
        data_dir: str | None = None,
        data_files: str | Sequence[str] | Mapping[str, Any] | None = None,
        split: str | None = None,
        revision: str | None = None,
    ) -> None:
        self.path = path
        self.config_name = config_name
        self.data_dir = data_dir
        self.data_files = data_files
        self.split = split
        self.revision = revision

    def to_dict(self) -> dict[str, Any]:
        """What ``datasets.load_dataset`` is to be given."""
        return {name: getattr(self, name) for name in _FIELDS}

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> HuggingFaceDatasetSource:
        """Read the fields of a recorded source, of MLflow's as well."""
        return cls(str(fields["path"]), *(fields.get(name) for name in _FIELDS[1:]))

    def load(self, dst_path: str | None = None) -> Any:
        """Load the data set, into the folder ``dst_path`` if there is one. Runs no code of its."""
        return _library().load_dataset(
            self.path,
            name=self.config_name,
            data_dir=self.data_dir,
            data_files=self.data_files,
            split=self.split,
            revision=self.revision,
            cache_dir=dst_path,
        )


class HuggingFaceDataset(Dataset):
    """A split of a Hugging Face data set."""

    def __init__(
        self,
        ds: Any,
        source: object = None,
        targets: str | None = None,
        name: str | None = None,
        digest: str | None = None,
    ) -> None:
        if targets is not None and targets not in ds.column_names:
            raise InvalidValue(
                f"The data set has no column {targets!r} to be its targets; it has "
                f"{', '.join(map(repr, ds.column_names[:20]))}."
            )
        super().__init__(source, _describe(ds), name, digest)
        self._ds = ds
        self._targets = targets

    @property
    def ds(self) -> Any:
        """The data set itself."""
        return self._ds

    @property
    def targets(self) -> str | None:
        """The name of the column to be predicted."""
        return self._targets

    def to_pandas(self) -> Any:
        """The data as a pandas DataFrame."""
        return self._ds.to_pandas()


def from_huggingface(
    ds: Any,
    path: str | None = None,
    targets: str | None = None,
    data_dir: str | None = None,
    data_files: str | Sequence[str] | Mapping[str, Any] | None = None,
    revision: str | None = None,
    name: str | None = None,
    digest: str | None = None,
    trust_remote_code: bool | None = None,  # noqa: ARG001 - MLflow's; such code is never run
    source: str | DatasetSource | None = None,
) -> HuggingFaceDataset:
    """Make a data set of a split of a Hugging Face one.

    ``path``, ``data_dir``, ``data_files`` and ``revision`` are those it was loaded with; without
    ``path`` the running code is its source.
    """
    if not any(
        base.__name__ == "Dataset" and base.__module__.partition(".")[0] == "datasets"
        for base in type(ds).__mro__
    ):
        splits = f" Choose one of {', '.join(map(repr, ds))}." if isinstance(ds, dict) else ""
        raise WrongType(
            f"from_huggingface() needs a datasets.Dataset, not a {type(ds).__name__}.{splits}"
        )
    if path is not None and source is not None:
        raise InvalidValue(f"Give path={path!r} or source={source!r}, not both.")
    if path is not None:
        split = None if ds.split is None else str(ds.split)
        source = HuggingFaceDatasetSource(
            path, ds.info.config_name, data_dir, data_files, split, revision
        )
    return HuggingFaceDataset(ds, source, targets, name, digest)


def _describe(ds: Any) -> Description:
    """Digest and schema of some rows; their number, and sizes if they are known."""
    rows = int(ds.num_rows)
    sample = ds.with_format(None).select(sample_rows(rows, len(ds.column_names))).to_pandas()
    found = describe_frame(sample)
    digest = Digest()
    digest.words("hugging_face", rows, found.digest)
    profile = {
        "num_rows": rows,
        "dataset_size": ds.dataset_size,
        "size_in_bytes": ds.size_in_bytes,
    }
    return Description(digest.hexdigest(), found.schema, profile)


def _library() -> Any:
    try:
        import datasets
    except ImportError as error:
        raise MissingLibrary(
            "Loading a Hugging Face data set needs the library datasets, which is not installed.\n"
            "    pip install datasets"
        ) from error
    return datasets
