"""Choose the number of rounds by cross-validation, then train on everything."""

import lightgbm as lgb
from sklearn.datasets import load_wine

X, y = load_wine(return_X_y=True)
params = {
    "objective": "multiclass",
    "num_class": 3,
    "learning_rate": 0.1,
    "verbose": -1,
    "seed": 0,
    "deterministic": True,
    "num_threads": 1,
}
folds = lgb.cv(
    params,
    lgb.Dataset(X, y),
    num_boost_round=30,
    nfold=3,
    callbacks=[lgb.early_stopping(3, verbose=False)],
)
losses = folds["valid multi_logloss-mean"]
booster = lgb.train(params, lgb.Dataset(X, y), num_boost_round=len(losses))
print(len(losses), repr(losses[-1]))
print(booster.predict(X[:2]).tolist())
