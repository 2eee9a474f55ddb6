"""What signatures say of data, and what they do to it."""

import json
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
from mlflow.models import ModelSignature, infer_signature
from mlflow.types import ColSpec, Schema, TensorSpec
from sklearn.linear_model import LinearRegression

frame = pd.DataFrame(
    {
        "count": [1, 2, 3],
        "size": [0.5, None, 2.0],
        "name": ["a", "b", "c"],
        "when": pd.to_datetime(["2024-01-01", "2024-01-02", "2024-01-03"]),
        "flag": [True, False, True],
    }
)
signature = infer_signature(frame, np.array([1.0, 2.0, 3.0]))
print(json.dumps(signature.to_dict(), sort_keys=True))

by_hand = ModelSignature(
    inputs=Schema([ColSpec("double", "x"), ColSpec("long", "n")]),
    outputs=Schema([TensorSpec(np.dtype("float64"), (-1,))]),
)
print(by_hand.inputs.to_json(), by_hand.outputs.is_tensor_spec())

data = pd.DataFrame({"x": [0.0, 1.0, 2.0], "n": [1, 2, 3]})
model = LinearRegression().fit(data, [0.0, 1.0, 2.0])
mlflow.sklearn.save_model(
    model, "linear", signature=by_hand, input_example=data, pip_requirements=["scikit-learn"]
)
loaded = mlflow.pyfunc.load_model("linear")
shuffled = data[["n", "x"]].assign(more=1).astype({"x": "float32"})
print(np.round(loaded.predict(shuffled), 6).tolist())
for wrong in (data.assign(x="text"), data.assign(n=0.5), data[["x"]]):
    try:
        loaded.predict(wrong)
    except mlflow.exceptions.MlflowException as error:
        print("refused:", error.error_code)

print(json.loads(Path("linear/serving_input_example.json").read_text()))
info = mlflow.models.get_model_info("linear")
print(info.signature == by_hand, sorted(info.flavors), info.saved_input_example_info["type"])
