"""Real models on real data. The one line about recording is ``chiplog.autolog()``."""

from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_wine
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler, scale

import chiplog

chiplog.set_experiment("demo")
chiplog.autolog()

# A pipeline: which digit was written?
X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
pipeline = make_pipeline(StandardScaler(), LogisticRegression())
pipeline.fit(X_train, y_train)
print(f"digits         scaler + logistic regression  accuracy {pipeline.score(X_test, y_test):.3f}")

# A random forest: which of three cultivars is a wine from?
X, y = load_wine(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
forest = RandomForestClassifier(n_estimators=50, random_state=0)
forest.fit(X_train, y_train)
print(f"wine           random forest                 accuracy {forest.score(X_test, y_test):.3f}")

# A grid search: how far will diabetes progress? Every candidate becomes a child run.
X, y = load_diabetes(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
search = GridSearchCV(Ridge(), {"alpha": [0.01, 0.1, 1.0, 10.0], "fit_intercept": [True, False]})
search.fit(X_train, y_train)
print(f"diabetes       ridge, grid of 8 candidates   R2       {search.score(X_test, y_test):.3f}")

# A neural network, trained epoch by epoch: is a tumour malignant? Its metrics become curves.
X, y = load_breast_cancer(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(scale(X), y, random_state=0)
network = MLPClassifier(hidden_layer_sizes=(16,), learning_rate_init=0.002, random_state=0)
with chiplog.start_run(run_name="tumour-network"):
    for epoch in range(50):
        network.partial_fit(X_train, y_train, classes=[0, 1])
        accuracy = (network.predict(X_test) == y_test).mean()
        chiplog.log_metric("validation_accuracy", accuracy, step=epoch)
print(f"breast cancer  neural network, 50 epochs     accuracy {accuracy:.3f}")
