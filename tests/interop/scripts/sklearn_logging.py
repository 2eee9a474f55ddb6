"""Log a scikit-learn model with a signature and an example, and find it again."""

import mlflow
import mlflow.sklearn
from mlflow.models import infer_signature
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
from sklearn.model_selection import train_test_split

X, y = load_iris(return_X_y=True, as_frame=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.3, random_state=42)

mlflow.set_experiment("iris")

with mlflow.start_run(run_name="logistic") as run:
    params = {"C": 0.5, "max_iter": 500, "random_state": 42}
    mlflow.log_params(params)
    model = LogisticRegression(**params).fit(X_train, y_train)
    accuracy = accuracy_score(y_test, model.predict(X_test))
    mlflow.log_metric("accuracy", accuracy)
    mlflow.set_tag("task", "classification")
    info = mlflow.sklearn.log_model(
        sk_model=model,
        name="iris_model",
        signature=infer_signature(X_train, model.predict(X_train)),
        input_example=X_train.head(3),
        pip_requirements=["scikit-learn"],
    )

print(info.model_uri == f"models:/{info.model_id}", sorted(info.flavors))
print(info.signature.inputs.input_names())

loaded = mlflow.pyfunc.load_model(info.model_uri)
predictions = loaded.predict(X_test)
print(type(predictions).__name__, predictions[:10].tolist())

native = mlflow.sklearn.load_model(f"runs:/{run.info.run_id}/iris_model")
print(type(native).__name__, (native.predict(X_test) == predictions).all())

try:
    loaded.predict(X_test.drop(columns=["petal width (cm)"]))
except mlflow.MlflowException as error:
    print("refused:", error.error_code, "petal width (cm)" in str(error))

(found,) = mlflow.search_logged_models(output_format="list")
print(found.name, found.params["C"], found.source_run_id == run.info.run_id)
client = mlflow.MlflowClient()
print(round(client.get_run(run.info.run_id).data.metrics["accuracy"], 4))
