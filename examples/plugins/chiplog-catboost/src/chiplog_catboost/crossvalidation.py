"""Watches ``catboost.cv``: the mean and the deviation of each metric at every iteration."""

from __future__ import annotations

from typing import Any

from chiplog.plugins import Call, Watch

from chiplog_catboost.config import CatBoostConfig
from chiplog_catboost.data import record_data
from chiplog_catboost.names import metric_key

SETTINGS = ("fold_count", "nfold", "seed", "partition_random_seed", "shuffle", "stratified", "type")


class CvWatch(Watch[CatBoostConfig]):
    """Watches a cross-validation."""

    def before(self, call: Call) -> None:
        """Record parameters and folds."""
        with self.session.capture("params") as note:
            given = {f"cv_{n}": v for n in SETTINGS if (v := call.argument(n)) is not None}
            for name in ("iterations", "num_boost_round", "early_stopping_rounds"):
                if call.argument(name) is not None:
                    given[name] = call.argument(name)
            note.count = self.session.log_params({**(call.argument("params") or {}), **given})
        record_data(self.session, call, self.options)

    def after(self, call: Call, result: Any) -> None:
        """Record the table that it hands back."""
        table = result[0] if isinstance(result, tuple) else result
        with self.session.capture("metrics of every iteration") as note:
            columns = {str(name): list(table[name]) for name in table}
            steps = [int(step) for step in columns.pop("iterations", [])]
            note.count = 0
            for name, values in columns.items():
                data, _, metric = name.partition("-")
                for step, value in zip(steps or range(len(values)), values, strict=True):
                    self.session.log_metric(metric_key(data, metric), value, step)
                note.count += len(values)
