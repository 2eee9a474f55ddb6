"""Data sets as inputs of runs: name, digest, schema, profile and where they come from."""

from chiplog.core.data.dataset import (
    Dataset,
    NumpyDataset,
    PandasDataset,
    PolarsDataset,
    describe_dataset,
    from_numpy,
    from_pandas,
    from_polars,
)
from chiplog.core.data.sources import (
    CodeDatasetSource,
    DatasetSource,
    FileDatasetSource,
    HTTPDatasetSource,
    get_source,
    resolve_source,
)

__all__ = [
    "CodeDatasetSource",
    "Dataset",
    "DatasetSource",
    "FileDatasetSource",
    "HTTPDatasetSource",
    "NumpyDataset",
    "PandasDataset",
    "PolarsDataset",
    "describe_dataset",
    "from_numpy",
    "from_pandas",
    "from_polars",
    "get_source",
    "resolve_source",
]
