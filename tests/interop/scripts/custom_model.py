"""A model of one's own, with an artifact and a parameter of its predictions."""

import json
from pathlib import Path

import mlflow
import pandas as pd


class AddN(mlflow.pyfunc.PythonModel):
    def load_context(self, context):
        self.n = json.loads(Path(context.artifacts["settings"]).read_text())["n"]

    def predict(self, context, model_input, params=None):
        times = (params or {}).get("times", 1)
        return model_input.apply(lambda column: column + self.n * times)


Path("settings.json").write_text(json.dumps({"n": 5}))
data = pd.DataFrame({"x": [1, 2, 3], "z": [10, 20, 30]})
signature = mlflow.models.infer_signature(data, data, params={"times": 1})

mlflow.pyfunc.save_model(
    path="add_n",
    python_model=AddN(),
    artifacts={"settings": "settings.json"},
    signature=signature,
    pip_requirements=["pandas"],
)

loaded = mlflow.pyfunc.load_model("add_n")
print(loaded.predict(data).values.tolist())
print(loaded.predict(data, params={"times": 3}).values.tolist())
print(type(loaded.unwrap_python_model()).__name__, loaded.metadata.get_input_schema().input_names())

with mlflow.start_run():
    info = mlflow.pyfunc.log_model(
        name="add_n",
        python_model=AddN(),
        artifacts={"settings": "settings.json"},
        pip_requirements=["pandas"],
        input_example=data,
    )
again = mlflow.pyfunc.load_model(info.model_uri)
print(again.predict(data).to_dict("list"))
