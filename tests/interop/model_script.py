"""A model from code, as a user of MLflow's writes it."""

from pathlib import Path
from typing import Any

import mlflow


class Scaled(mlflow.pyfunc.PythonModel):  # type: ignore[misc]  # MLflow is not where types are checked
    def load_context(self, context: Any) -> None:
        self.factor = float(Path(context.artifacts["factor"]).read_text())

    def predict(self, context: Any, model_input: Any, params: Any = None) -> Any:
        shift = (params or {}).get("shift", 0.0)
        return model_input.to_numpy().sum(axis=1) * self.factor + shift


mlflow.models.set_model(Scaled())
