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
from chiplog.store.sql.prepared import Among, insert, select, select_among

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

_read_tags = select_among(schema.input_tags, ("run", "dataset", "name", "value"), "run")
_read_models = Among(
    lambda among: (
        sa.select(*(schema.run_models.c[name] for name in ("run", "direction", "model_id", "step")))
        .where(among)
        .order_by(schema.run_models.c.run, schema.run_models.c.step)
    ),
    schema.run_models.c.run,
)
_DATASET: Final = ("id", "name", "digest", "source_type", "source", "schema", "profile")
_read_datasets = Among(
    lambda among: (
        sa.select(schema.inputs.c.run, *(schema.datasets.c[name] for name in _DATASET))
        .join(schema.datasets, schema.datasets.c.id == schema.inputs.c.dataset)
        .where(among)
        .order_by(schema.inputs.c.run, schema.inputs.c.dataset)
    ),
    schema.inputs.c.run,
)


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
            known = {row[0] for row in self._tx.rows(_select_inputs, run.number)}
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
            number = self._datasets[key] = int(rows[0][0])
        return number


def read_inputs(tx: Transaction, runs: Sequence[int]) -> dict[int, RunInputs]:
    """The inputs of the runs that have any."""
    found: dict[int, RunInputs] = {}
    rows = tx.among(_read_datasets, runs)
    tags_of: dict[tuple[int, int], list[InputTag]] = {}
    for run, dataset, name, value in tx.among(_read_tags, {row[0] for row in rows}):
        tags_of.setdefault((run, dataset), []).append(InputTag(name, value))
    for run, number, *texts in rows:
        item = DatasetInput(Dataset(*texts), tags_of.get((run, number), []))
        found.setdefault(run, RunInputs()).dataset_inputs.append(item)
    return found


def read_models(
    tx: Transaction, runs: Sequence[int]
) -> tuple[dict[int, list[Any]], dict[int, Any]]:
    """The models that runs read, and their outputs, of the runs that have any."""
    read: dict[int, list[Any]] = {}
    written: dict[int, RunOutputs] = {}
    for run, direction, model_id, step in tx.among(_read_models, runs):
        if direction == INPUT:
            read.setdefault(run, []).append(LoggedModelInput(model_id))
        else:
            output = LoggedModelOutput(model_id, step)
            written.setdefault(run, RunOutputs()).model_outputs.append(output)
    return read, written
