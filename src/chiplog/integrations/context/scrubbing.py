"""Taking secrets out of text: addresses with passwords, tokens, keys, literals named as secrets.

Patterns find what they know. A secret without a name or a known shape stays.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit, urlunsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

SCRUBBED: Final = "<scrubbed>"

_PORTION: Final = 8192  # characters

# Every repetition is bounded: a long line of word characters must not take quadratic time.
_NAMED: Final = (
    r"[\w.\-]{0,40}(?:passw(?:or)?d|passwd|passphrase|secret|token(?!i[sz])|api[_\-]?key"
    r"|access[_\-]?key|private[_\-]?key|account[_\-]?key|auth[_\-]?key|signing[_\-]?key"
    r"|encryption[_\-]?key|credential|authorization|connection[_\-]?string"
    r"|(?<![A-Za-z])(?:pwd|dsn)(?![A-Za-z]))[\w.\-]{0,40}"
)

_URL: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]{1,20}://)[^\s/@'\"]{1,512}@")

_TOKENS: Final = re.compile(
    r"\b(?:"
    r"(?:AKIA|ASIA|AROA)[0-9A-Z]{16}"  # AWS
    r"|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}"
    r"|glpat-[A-Za-z0-9_\-]{16,}"
    r"|hf_[A-Za-z0-9]{20,}"
    r"|sk-[A-Za-z0-9_\-]{16,}|[sr]k_(?:live|test)_[A-Za-z0-9]{16,}"
    r"|xox[abeoprs]-[A-Za-z0-9\-]{10,}"
    r"|AIza[A-Za-z0-9_\-]{30,}|ya29\.[A-Za-z0-9_\-]{20,}"
    r"|eyJ[A-Za-z0-9_\-]{8,}\.[A-Za-z0-9_\-]{8,}\.[A-Za-z0-9_\-]*"  # JSON web tokens
    r"|pypi-[A-Za-z0-9_\-]{16,}|npm_[A-Za-z0-9]{20,}"
    r"|dapi[0-9a-f]{32}|dop_v1_[0-9a-f]{32,}"
    r"|SG\.[A-Za-z0-9_\-]{16,}\.[A-Za-z0-9_\-]{16,}"
    r"|[Bb]earer\s+[A-Za-z0-9._~+/\-]{12,}=*"
    r")"
)

_KEY_BLOCK: Final = re.compile(
    r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----.*?"
    r"(?:-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----|\Z)",
    re.DOTALL,
)

# AccountKey=value; inside a connection string, which has any name
_CONNECTION: Final = re.compile(
    r"(?i)\b((?:account|sharedaccess)key=)[A-Za-z0-9+/%]{16,}={0,2}"
    r"|\b((?:password|pwd)=)[^\s;\"'(){}]{1,200}(?=;)"
)

# name = "text", name: str = "text", {"name": "text"}, ("name", "text"), --name "text"
_QUOTED: Final = re.compile(
    rf"(?i)(\b{_NAMED}\\?[\"']?\]?"
    r"\s{0,40}(?::\s{0,4}[\w\[\]|., ]{1,40}=|[:=]{1,2}|,|\s)\s{0,40}[rbfu]{0,2})"
    r"(\\?(?:\"\"\"|'''|[\"']))(?!\2)(?:\\[^\"'\n]|(?!\2)[^\\\n])+(\2)"
)

# name=value and name: value to the end of the line, as in files of settings
_BARE: Final = re.compile(
    rf"(?im)^([+\- ]?[ \t]{{0,80}}(?:-[ \t]+|export[ \t]+|set[ \t]+|ENV[ \t]+)?[\"']?{_NAMED}[\"']?"
    r"[ \t]{0,40}[:=][ \t]*)"
    r"(?!(?:\d{1,6}|true|false|null|none|~|\$\{?\w+\}?)[ \t\r]*$)([^\s\"'#][^\n]*)$"
)


def scrub_url(url: str) -> str:
    """An address without user, password and query; one that needs its user (ssh) keeps that."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return url if "@" not in url else SCRUBBED
    if not parts.netloc:
        return url
    user, at, host = parts.netloc.rpartition("@")
    if at and parts.scheme in {"ssh", "git+ssh"}:
        host = f"{user.partition(':')[0]}@{host}"
    return urlunsplit((parts.scheme, host, parts.path, "", ""))


def scrub(text: str, *, settings: bool = False) -> str:
    """The text with its secrets replaced.

    ``settings`` is for files of names and values (YAML, INI, shell): there a value needs no quotes
    to be one. In program code an unquoted value is an expression and stays.
    """
    text = _KEY_BLOCK.sub(_key_lines, text)
    return "".join(_scrub_lines(lines, settings=settings) for lines in _in_portions(text))


def _in_portions(text: str) -> Iterator[str]:
    """The text in runs of whole lines: one long search would hold up the training thread."""
    begin = 0
    while begin < len(text):
        end = text.find("\n", begin + _PORTION) + 1 or len(text)
        yield text[begin:end]
        begin = end


def _scrub_lines(text: str, *, settings: bool) -> str:
    text = _URL.sub(rf"\1{SCRUBBED}@", text)
    text = _TOKENS.sub(SCRUBBED, text)
    text = _CONNECTION.sub(lambda found: f"{found[1] or found[2]}{SCRUBBED}", text)
    text = _QUOTED.sub(rf"\1\2{SCRUBBED}\3", text)
    return _BARE.sub(rf"\1{SCRUBBED}", text) if settings else text


def _key_lines(block: re.Match[str]) -> str:
    """As many lines as the key had, so that a patch around it keeps its line numbers."""
    lines = block.group().split("\n")
    signs = [line[:1] if line[:1] in "+- " else "" for line in lines[1:]]
    return "\n".join([SCRUBBED, *(f"{sign}{SCRUBBED}" for sign in signs)])
