"""Secrets, kept off the screen."""

from __future__ import annotations

import re

MASK = "***"
_SECRET = re.compile(
    r"PASSWORD|PASSWD|TOKEN|SECRET|CREDENTIAL|APIKEY|API_KEY|ACCESS_KEY|PRIVATE|CONNECTION_STRING"
    r"|AUTH",
    re.IGNORECASE,
)
_USERINFO = re.compile(r"(?<=://)([^/@:\s]*):([^@\s]*)@")
_QUERY = re.compile(
    r"([?&;](?:[\w.-]*(?:password|token|secret|key|sig|signature)[\w.-]*)=)[^&;\s]+", re.IGNORECASE
)


def mask_uri(uri: str) -> str:
    """The URI without its password, and without what its query keeps secret."""
    return _QUERY.sub(rf"\1{MASK}", _USERINFO.sub(rf"\1:{MASK}@", uri))


def mask_variable(name: str, value: str) -> str:
    """An environment variable's value, hidden if its name says that it is a secret."""
    return MASK if _SECRET.search(name) else mask_uri(value)
