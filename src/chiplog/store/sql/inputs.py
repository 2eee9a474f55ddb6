"""What runs read and wrote: data sets and models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from chiplog.core.entities import (
    Dataset,
    DatasetInput,
    InputTag,
    LoggedModelInput,
    LoggedModelOutput,
    RunInputs,
    RunOutputs,
)
from chiplog.store.sql import schema
from chiplog.store.sql.prepared import insert, select

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chiplog.store.sql.engine import Transaction
    from chiplog.store.sql.runstate import RunState

INPUT: Final = "i"
OUTPUT: Final = "o"

_insert_dataset = insert(
    schema.datasets, *(column.name for column in schema.datasets.columns if column.name != "id")
)
_select_dataset = select(schema.datasets, ("id",), ("experiment_id", "name", "digest"))
_insert_input = insert(schema.inputs)
_select_inputs = select(schema.inputs, ("dataset",), ("run",))
_insert_input_tag = insert(schema.input_tags)
_insert_model = insert(schema.run_models)
_select_models = select(schema.run_models, ("direction", "model_id", "step"), ("run",))


class InputWriter:
    """Writes the inputs and outputs of a batch; what is there already stays as it is."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx
        self._datasets: dict[tuple[int, str, str], int] = {}

    def write(self, runs: Sequence[RunState]) -> None:
        """Write the inputs and outputs of these runs."""
        inputs: list[tuple[int, int]] = []
        tags: dict[tuple[int, int, str], str] = {}
        models: list[tuple[Any, ...]] = []
        for run in runs:
            if run.datasets:
                self._collect_datasets(run, inputs, tags)
            if run.models:
                known = (
                    set() if run.new else set(map(tuple, self._tx.rows(_select_models, run.number)))
                )
                models += [
                    (run.number, *key) for key in dict.fromkeys(run.models) if key not in known
                ]
        self._tx.many(_insert_input, inputs)
        self._tx.many(_insert_input_tag, ((*key, value) for key, value in tags.items()))
        self._tx.many(_insert_model, models)

    def _collect_datasets(
        self,
        run: RunState,
        inputs: list[tuple[int, int]],
        tags: dict[tuple[int, int, str], str],
    ) -> None:
        known: set[int] = set()
        if not run.new:
            known = {row.dataset for row in self._tx.rows(_select_inputs, run.number)}
        for item in run.datasets:
            number = self._dataset(run.experiment, item.dataset)
            if number not in known:
                known.add(number)
                inputs.append((run.number, number))
                tags.update({(run.number, number, tag.key): tag.value for tag in item.tags})

    def _dataset(self, experiment: int, dataset: Dataset) -> int:
        key = (experiment, dataset.name, dataset.digest)
        number = self._datasets.get(key)
        if number is None:
            rows = self._tx.rows(_select_dataset, *key)
            if not rows:
                rest = (dataset.source_type, dataset.source, dataset.schema, dataset.profile)
                self._tx.run(_insert_dataset, *key, *rest)
                rows = self._tx.rows(_select_dataset, *key)
            number = self._datasets[key] = int(rows[0].id)
        return number


def read_inputs(tx: Transaction, runs: Sequence[int]) -> dict[int, RunInputs]:
    """The inputs of the runs that have any."""
    found: dict[int, RunInputs] = {}
    inputs, datasets, tags = schema.inputs, schema.datasets, schema.input_tags
    tags_of: dict[tuple[int, int], list[InputTag]] = {}
    for row in tx.execute(sa.select(tags).where(tags.c.run.in_(runs))):
        tags_of.setdefault((row.run, row.dataset), []).append(InputTag(row.name, row.value))
    query = (
        sa.select(inputs.c.run, datasets)
        .join(datasets, datasets.c.id == inputs.c.dataset)
        .where(inputs.c.run.in_(runs))
        .order_by(inputs.c.run, inputs.c.dataset)
    )
    for row in tx.execute(query):
        dataset = Dataset(
            row.name, row.digest, row.source_type, row.source, row.schema, row.profile
        )
        item = DatasetInput(dataset, tags_of.get((row.run, row.id), []))
        found.setdefault(row.run, RunInputs()).dataset_inputs.append(item)
    return found


def read_models(
    tx: Transaction, runs: Sequence[int]
) -> tuple[dict[int, list[Any]], dict[int, Any]]:
    """The models that runs read, and their outputs, of the runs that have any."""
    read: dict[int, list[Any]] = {}
    written: dict[int, RunOutputs] = {}
    table = schema.run_models
    query = sa.select(table).where(table.c.run.in_(runs)).order_by(table.c.run, table.c.step)
    for row in tx.execute(query):
        if row.direction == INPUT:
            read.setdefault(row.run, []).append(LoggedModelInput(row.model_id))
        else:
            output = LoggedModelOutput(row.model_id, row.step)
            written.setdefault(row.run, RunOutputs()).model_outputs.append(output)
    return read, written
