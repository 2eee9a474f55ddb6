"""Search over a pipeline whose last step is XGBoost."""

from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_wine
from sklearn.metrics import accuracy_score
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from xgboost import XGBClassifier

X, y = load_wine(return_X_y=True, as_frame=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0, stratify=y)

pipeline = Pipeline(
    [
        ("scale", ColumnTransformer([("all", StandardScaler(), list(X.columns))])),
        ("boost", XGBClassifier(n_estimators=10, n_jobs=1, random_state=0)),
    ]
)
search = GridSearchCV(pipeline, {"boost__max_depth": [2, 4], "boost__eta": [0.1, 0.5]}, cv=3)
search.fit(X_train, y_train)

predictions = search.predict(X_test)
print(search.best_params_, repr(search.best_score_))
print(repr(accuracy_score(y_test, predictions)), predictions.tolist())
