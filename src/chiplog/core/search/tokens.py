"""A filter text cut into tokens, and how to say where one is wrong."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Final

from chiplog.core.errors import InvalidValue

LONGEST_TEXT: Final = 1_000_000

_SHOWN: Final = 30
"""Characters of the text shown on either side of an error."""


class TokenKind(Enum):
    """What a token is; the value names it in messages."""

    WORD = "a word"
    QUOTED = "a quoted text"
    NUMBER = "a number"
    SYMBOL = "a symbol"
    END = "the end of the text"


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the text. ``value`` is a quoted text's content, else the text itself."""

    kind: TokenKind
    text: str
    value: str
    start: int

    @property
    def end(self) -> int:
        """The position behind it."""
        return self.start + len(self.text)

    def is_word(self, *words: str) -> bool:
        """Whether this is one of these keywords, in any case."""
        return self.kind is TokenKind.WORD and self.text.upper() in words

    def is_symbol(self, *symbols: str) -> bool:
        """Whether this is one of these symbols."""
        return self.kind is TokenKind.SYMBOL and self.text in symbols

    def __str__(self) -> str:
        if self.kind is TokenKind.END:
            return str(self.kind.value)
        text = self.text if len(self.text) <= _SHOWN else f"{self.text[:_SHOWN]}…"
        return text if self.kind is TokenKind.QUOTED else repr(text)


_PATTERN: Final = re.compile(
    r"""
      (?P<space>  \s+ )
    | (?P<number> [+-]? (?: (?: \d+ (?:\.\d*)? | \.\d+ ) (?:[eE][+-]?\d+)?
                          | (?i:infinity|inf|nan)\b ) )
    | (?P<word>   [^\W\d]\w* (?: \. [\w./\-]* )? )
    | (?P<quoted> '(?:[^']|'')*' | "(?:[^"]|"")*" | `(?:[^`]|``)*` )
    | (?P<symbol> != | <= | >= | == | <> | [=<>(),] )
    """,
    re.VERBOSE,
)

_KINDS: Final = {
    "number": TokenKind.NUMBER,
    "word": TokenKind.WORD,
    "quoted": TokenKind.QUOTED,
    "symbol": TokenKind.SYMBOL,
}


def tokenize(text: str, what: str) -> list[Token]:
    """Cut ``text`` into tokens, the last of which is END; raises InvalidValue."""
    if len(text) > LONGEST_TEXT:
        raise InvalidValue(
            f"The {what} has {len(text)} characters; at most {LONGEST_TEXT} are read. Shorten it."
        )
    tokens = []
    position = 0
    while position < len(text):
        match = _PATTERN.match(text, position)
        if match is None:
            raise wrong(text, what, position, *_unreadable(text[position]))
        kind = match.lastgroup or ""
        if kind != "space":
            found = match.group()
            tokens.append(Token(_KINDS[kind], found, _content(text, what, match, kind), position))
        position = match.end()
    tokens.append(Token(TokenKind.END, "", "", len(text)))
    return tokens


def wrong(text: str, what: str, position: int, found: object, expected: str) -> InvalidValue:
    """The error that shows ``text`` with a caret under ``position``."""
    start = max(0, position - _SHOWN)
    shown = re.sub(r"[^\x20-\x7e\w]", " ", text[start : position + _SHOWN])
    before, after = "…" if start else "", "…" if position + _SHOWN < len(text) else ""
    caret = " " * (position - start + len(before)) + "^"
    return InvalidValue(
        f"Invalid {what} at position {position}: found {found}, expected {expected}.\n"
        f"  {before}{shown}{after}\n  {caret}"
    )


def _content(text: str, what: str, match: re.Match[str], kind: str) -> str:
    found = match.group()
    if kind != "quoted":
        return found
    try:
        found.encode()
    except UnicodeEncodeError as error:
        raise wrong(
            text, what, match.start() + error.start, "half a surrogate pair", "valid Unicode"
        ) from None
    mark = found[0]
    return found[1:-1].replace(mark * 2, mark)


def _unreadable(character: str) -> tuple[str, str]:
    if character in "'\"`":
        return f"a {character} that is never closed", f"another {character} behind it"
    return repr(character), "a key, an operator, a value or a parenthesis"
