"""Boost trees with a callback, an evaluation set and early stopping."""

import xgboost as xgb
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split

X, y = load_breast_cancer(return_X_y=True, as_frame=True)
X_train, X_valid, y_train, y_valid = train_test_split(X, y, random_state=0)
dtrain = xgb.DMatrix(X_train, label=y_train)
dvalid = xgb.DMatrix(X_valid, label=y_valid)


class Plotting(xgb.callback.TrainingCallback):
    """Stands in for a callback of the user's own."""

    def __init__(self):
        self.rounds = 0

    def after_iteration(self, model, epoch, evals_log):
        self.rounds += 1
        return False


plotting = Plotting()
results = {}
booster = xgb.train(
    {"objective": "binary:logistic", "eval_metric": ["logloss", "auc"], "eta": 0.3, "seed": 0},
    dtrain,
    num_boost_round=60,
    evals=[(dtrain, "train"), (dvalid, "valid")],
    evals_result=results,
    early_stopping_rounds=5,
    callbacks=[plotting],
    verbose_eval=False,
)
losses = results["valid"]["logloss"]
print(plotting.rounds, booster.best_iteration, repr(booster.best_score))
print([repr(loss) for loss in losses[:3]])
print(booster.predict(dvalid)[:3].tolist())
