"""Data sets of which only the description is here."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from chiplog.core.data.dataset import Dataset
from chiplog.core.data.describe import Description
from chiplog.core.data.digests import Digest
from chiplog.core.data.sources import DatasetSource
from chiplog.core.errors import WrongType

if TYPE_CHECKING:
    from chiplog.core.models.schema import Schema


class MetaDataset(Dataset):
    """A data set that lies elsewhere, known by its source, name, digest and schema."""

    def __init__(
        self,
        source: DatasetSource,
        name: str | None = None,
        digest: str | None = None,
        schema: Schema | None = None,
    ) -> None:
        if not isinstance(source, DatasetSource):
            raise WrongType(
                f"A MetaDataset needs a DatasetSource, such as HTTPDatasetSource(url), not "
                f"{source!r}."
            )
        columns = None if schema is None else json.loads(schema.to_json())
        kind = "mlflow_colspec"
        if schema is not None and schema.is_tensor_spec():
            kind = "mlflow_tensorspec"
        found = Digest()
        found.words(name, source.get_source_type(), source.to_json(), columns)
        described: dict[str, Any] | None = None if columns is None else {kind: columns}
        super().__init__(source, Description(found.hexdigest(), described, {}), name, digest)

    def to_dict(self) -> dict[str, str | None]:
        """What is recorded, field by field, without those that are not known."""
        return {name: value for name, value in super().to_dict().items() if value is not None}
