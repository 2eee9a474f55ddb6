"""Data sets as inputs of runs: make one, hand it to ``chiplog.log_input``."""

from chiplog.core.data import (
    CodeDatasetSource,
    Dataset,
    DatasetSource,
    FileDatasetSource,
    HTTPDatasetSource,
    NumpyDataset,
    PandasDataset,
    PolarsDataset,
    from_numpy,
    from_pandas,
    from_polars,
    get_source,
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
    "from_numpy",
    "from_pandas",
    "from_polars",
    "get_source",
]
