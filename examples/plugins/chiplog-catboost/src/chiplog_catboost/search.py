"""Watches ``grid_search`` and ``randomized_search``: the grid, the best, and its model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chiplog_catboost.data import record_data
from chiplog_catboost.names import metric_key
from chiplog_catboost.training import FitWatch

if TYPE_CHECKING:
    from chiplog.plugins import Call

SETTINGS = ("cv", "n_iter", "refit", "search_by_train_test_split", "train_size")


class SearchWatch(FitWatch):
    """Watches a search; the trainings inside are its own business."""

    def before(self, call: Call) -> None:
        """Record what is searched, and the data."""
        with self.session.capture("params") as note:
            searched = call.argument("param_grid") or call.argument("param_distributions")
            given = {n: v for n in SETTINGS if (v := call.argument(n)) is not None}
            own = {**call.instance.get_params(), "searched": searched, **given}
            note.count = self.session.log_params(own)
        self.rows = record_data(self.session, call, self.options)

    def after(self, call: Call, result: Any) -> None:
        """Record the best parameters and the curves; the model too if it was trained with them."""
        with self.session.capture("best parameters") as note:
            best = {f"best_{name}": value for name, value in result["params"].items()}
            note.count = self.session.log_params(best)
        with self.session.capture("metrics of the search") as note:
            note.count = 0
            for name, values in (result.get("cv_results") or {}).items():
                data, _, metric = name.partition("-")
                if name == "iterations":
                    continue
                for step, value in enumerate(values):
                    self.session.log_metric(metric_key(f"cv_{data}", metric), value, step)
                note.count += len(values)
        if call.instance.is_fitted():
            self.record(call.instance)
        else:
            self.session.skipped("model", "refit=False: the search leaves no trained model")
