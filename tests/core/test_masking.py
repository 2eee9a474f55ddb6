"""Secrets, kept off the screen."""

from __future__ import annotations

import pytest

from chiplog.core.masking import mask_uri, mask_variable


@pytest.mark.parametrize(
    ("uri", "masked"),
    [
        ("sqlite:////data/runs.db", "sqlite:////data/runs.db"),
        ("postgresql://ann:pw@db:5432/runs", "postgresql://ann:***@db:5432/runs"),
        ("postgresql://ann:p:w/x@db/runs", "postgresql://ann:***@db/runs"),
        ("http://host:5000/path", "http://host:5000/path"),
        ("https://x?user=a&api_key=123&b=1", "https://x?user=a&api_key=***&b=1"),
    ],
)
def test_uris_lose_their_passwords_alone(uri: str, masked: str) -> None:
    assert mask_uri(uri) == masked


@pytest.mark.parametrize(
    "name",
    [
        "MLFLOW_TRACKING_PASSWORD",
        "MLFLOW_TRACKING_TOKEN",
        "AZURE_STORAGE_ACCESS_KEY",
        "AZURE_STORAGE_CONNECTION_STRING",
        "CHIPLOG_API_KEY",
    ],
)
def test_variables_named_like_secrets_are_hidden(name: str) -> None:
    assert mask_variable(name, "value") == "***"


def test_other_variables_are_shown() -> None:
    assert mask_variable("MLFLOW_EXPERIMENT_NAME", "churn") == "churn"
