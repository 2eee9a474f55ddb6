"""What metrics were measured on: models and data sets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chiplog.store.sql import schema
from chiplog.store.sql.prepared import insert, select, select_among, update
from chiplog.store.sql.summaries import Summary

if TYPE_CHECKING:
    from collections.abc import Collection

    from chiplog.core.records import Series
    from chiplog.store.sql.engine import Transaction

_NAMES = ("model_id", "dataset_name", "dataset_digest")
_KEY = ("context", "run", "field")
_LATEST = ("latest", "latest_step", "latest_time")

_insert_context = insert(schema.contexts, *_NAMES)
_select_context = select(schema.contexts, ("id",), _NAMES)
_select_contexts = select_among(schema.contexts, ("id", *_NAMES), "id")
_insert_latest = insert(schema.context_metrics)
_update_latest = update(schema.context_metrics, _LATEST, _KEY)
_select_latest = select(schema.context_metrics, _LATEST, _KEY)


class ContextWriter:
    """Numbers the contexts of a batch's points, and keeps the latest value in each."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx
        self._numbers: dict[tuple[str, str, str], int] = {("", "", ""): 0}
        self._latest: dict[tuple[int, int, int], Summary] = {}

    def number(self, series: Series) -> int:
        """The number of a series' context, 0 for none."""
        key = (series.model_id or "", series.dataset_name or "", series.dataset_digest or "")
        number = self._numbers.get(key)
        if number is None:
            rows = self._tx.rows(_select_context, *key)
            if not rows:
                self._tx.run(_insert_context, *key)
                rows = self._tx.rows(_select_context, *key)
            number = self._numbers[key] = int(rows[0][0])
        return number

    def add(self, run: int, field: int, added: Summary) -> None:
        """Take note of points in a context, which ``added`` sums up."""
        key = (added.context, run, field)
        known = self._latest.get(key)
        if known:
            known.add(added)
        else:
            self._latest[key] = added.copy()

    def flush(self) -> None:
        """Write the latest values that have changed."""
        for key, summary in self._latest.items():
            rows = self._tx.rows(_select_latest, *key)
            if not rows:
                self._tx.run(_insert_latest, *key, *summary.row()[:3])
            elif summary.position() >= Summary(*rows[0]).position():
                self._tx.run(_update_latest, *summary.row()[:3], *key)


def read_contexts(tx: Transaction, numbers: Collection[int]) -> dict[int, dict[str, Any]]:
    """The contexts of these numbers, as keyword arguments of ``Series`` and ``Metric``."""
    found: dict[int, dict[str, Any]] = {0: {}}
    wanted = [number for number in set(numbers) if number]
    for number, *texts in tx.among(_select_contexts, wanted):
        found[number] = {name: text or None for name, text in zip(_NAMES, texts, strict=True)}
    return found
