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
from chiplog.core.data.huggingface import (
    HuggingFaceDataset,
    HuggingFaceDatasetSource,
    from_huggingface,
)
from chiplog.core.data.meta import MetaDataset
from chiplog.core.data.sources import (
    CodeDatasetSource,
    DatasetSource,
    FileDatasetSource,
    HTTPDatasetSource,
    get_source,
    resolve_source,
)
from chiplog.core.data.tensorflow import TensorFlowDataset, from_tensorflow

__all__ = [
    "CodeDatasetSource",
    "Dataset",
    "DatasetSource",
    "FileDatasetSource",
    "HTTPDatasetSource",
    "HuggingFaceDataset",
    "HuggingFaceDatasetSource",
    "MetaDataset",
    "NumpyDataset",
    "PandasDataset",
    "PolarsDataset",
    "TensorFlowDataset",
    "describe_dataset",
    "from_huggingface",
    "from_numpy",
    "from_pandas",
    "from_polars",
    "from_tensorflow",
    "get_source",
    "resolve_source",
]
