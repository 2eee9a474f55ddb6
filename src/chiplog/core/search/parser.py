"""Filter text to tree.

filter     = disjunction
disjunction = conjunction {OR conjunction}
conjunction = negation {AND negation}
negation   = NOT negation | "(" disjunction ")" | comparison
comparison = key operator value | key IS [NOT] NULL | key [NOT] IN "(" text {"," text} ")"
key        = [prefix "."] name          names with other signs stand in `...` or "..."
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from chiplog.core.search.subjects import operators
from chiplog.core.search.tokens import Token, TokenKind, tokenize, wrong
from chiplog.core.search.tree import And, Comparison, Key, Kind, Not, Or, Tree, quote

if TYPE_CHECKING:
    from chiplog.core.errors import InvalidValue
    from chiplog.core.search.subjects import Subject

DEEPEST: Final = 100
"""Parentheses and NOTs that may stand inside each other."""

MOST_COMPARISONS: Final = 400
"""Databases limit the depth of an expression."""

LONGEST_LIST: Final = 20_000
"""Databases limit the number of bound values."""


def parse_filter(text: str | None, subject: Subject) -> Tree | None:
    """The tree of a filter, None for an empty one.

    Raises InvalidValue with the position, what was found there and what was expected.
    """
    if text is None or not text.strip():
        return None
    parser = Parser(text, subject, "filter")
    tree = parser.disjunction(0)
    parser.expect_end("AND, OR or the end of the filter")
    return tree


class Parser:
    """A position in a list of tokens, and the rules of the grammar as methods."""

    def __init__(self, text: str, subject: Subject, what: str) -> None:
        self.text = text
        self.subject = subject
        self.what = f"{what} on {subject.name}"
        self.tokens = tokenize(text, self.what)
        self.at = 0
        self.comparisons = 0

    @property
    def token(self) -> Token:
        """The token that is next."""
        return self.tokens[self.at]

    def take(self) -> Token:
        """The next token, which is then behind us."""
        token = self.token
        self.at += 1
        return token

    def wrong(
        self, expected: str, token: Token | None = None, found: str | None = None
    ) -> InvalidValue:
        """The error that says that something else was expected here."""
        token = token or self.token
        return wrong(self.text, self.what, token.start, found or token, expected)

    def expect_end(self, expected: str) -> None:
        """Raise unless everything has been read."""
        if self.token.kind is not TokenKind.END:
            raise self.wrong(expected)

    def disjunction(self, depth: int) -> Tree:
        """Conjunctions joined by OR."""
        parts = [self.conjunction(depth)]
        while self.token.is_word("OR"):
            self.take()
            parts.append(self.conjunction(depth))
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def conjunction(self, depth: int) -> Tree:
        """Comparisons, negations and parentheses joined by AND."""
        parts = [self.negation(depth)]
        while self.token.is_word("AND"):
            self.take()
            parts.append(self.negation(depth))
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def negation(self, depth: int) -> Tree:
        """NOT, a parenthesis, or a comparison."""
        if depth > DEEPEST:
            raise self.wrong(f"at most {DEEPEST} parentheses and NOTs inside each other")
        if self.token.is_word("NOT"):
            self.take()
            return Not(self.negation(depth + 1))
        if self.token.is_symbol("("):
            self.take()
            tree = self.disjunction(depth + 1)
            if not self.token.is_symbol(")"):
                raise self.wrong("AND, OR or the closing ')'")
            self.take()
            return tree
        return self.comparison()

    def comparison(self) -> Comparison:
        """A key, an operator, a value."""
        self.comparisons += 1
        if self.comparisons > MOST_COMPARISONS:
            raise self.wrong(f"at most {MOST_COMPARISONS} comparisons")
        start = self.token
        key = self.key()
        operator = self.operator(key)
        if operator in {"IS NULL", "IS NOT NULL"}:
            return Comparison(key, operator, None, start.start)
        if operator in {"IN", "NOT IN"}:
            return Comparison(key, operator, self.text_list(key), start.start)
        value = self.number(key) if key.numeric else self.text_value(key)
        return Comparison(key, operator, value, start.start)

    def key(self) -> Key:
        """``metrics.loss``, ``params.`a b```, ``status``, ``"Run name"``."""
        token = self.take()
        if token.kind is TokenKind.WORD:
            prefix, dot, name = token.text.partition(".")
            if not dot:
                return self.checked_key(Kind.ATTRIBUTE, token.text, token)
            kind = self.subject.kind_of(prefix)
            if kind is None:
                raise self.wrong(f"a key that starts with one of {self.subject.prefixes()}", token)
            if name:
                return self.checked_key(kind, name, token)
            quoted = self.token
            if (
                quoted.kind is TokenKind.QUOTED
                and quoted.start == token.end
                and quoted.text[0] != "'"
            ):
                self.take()
                return self.checked_key(kind, quoted.value, token)
            raise self.wrong(
                f"a name behind {token.text!r}, such as {prefix}.x or {prefix}.`a name`"
            )
        if token.kind is TokenKind.QUOTED and token.text[0] != "'":
            return self.checked_key(Kind.ATTRIBUTE, token.value, token)
        raise self.wrong(f"a key: an attribute or one of {self.subject.prefixes()}", token)

    def checked_key(self, kind: Kind, name: str, token: Token) -> Key:
        """The key of that name; raises if the subject has no such attribute."""
        key = self.subject.key(kind, name)
        if key is None:
            known = ", ".join(self.subject.names(kind))
            other = [k.value for k in self.subject.kinds if k is not Kind.ATTRIBUTE]
            hint = f"; or a key such as {other[0]}.{name}" if kind is Kind.ATTRIBUTE else ""
            raise self.wrong(f"one of {known}{hint}", token)
        if not name:
            raise self.wrong("a name that is not empty", token)
        return key

    def operator(self, key: Key) -> str:
        """An operator that the key takes."""
        allowed = operators(key)
        start = self.token
        found = self._operator_text()
        if found not in allowed:
            what = f"an operator for {key.kind.value}.{key.name}: {', '.join(allowed)}"
            raise self.wrong(what, start, repr(found) if found else None)
        return found

    def _operator_text(self) -> str:
        if self.token.is_symbol("=", "!=", "<", "<=", ">", ">=", "==", "<>"):
            return self.take().text
        if self.token.is_word("LIKE", "ILIKE", "IN", "BETWEEN"):
            return self.take().text.upper()
        if self.token.is_word("NOT"):
            self.take()
            if not self.token.is_word("IN", "LIKE", "ILIKE", "BETWEEN"):
                raise self.wrong("IN behind NOT")
            return "NOT " + self.take().text.upper()
        if self.token.is_word("IS"):
            self.take()
            negated = self.token.is_word("NOT")
            if negated:
                self.take()
            if not self.token.is_word("NULL"):
                raise self.wrong("NULL" if negated else "NULL or NOT NULL")
            self.take()
            return "IS NOT NULL" if negated else "IS NULL"
        return ""

    def number(self, key: Key) -> float:
        """A number, ``inf`` and ``nan`` included."""
        token = self.take()
        if token.kind is not TokenKind.NUMBER:
            hint = " without quotes" if token.kind is TokenKind.QUOTED else ""
            raise self.wrong(
                f"a number{hint}, since {key.kind.value}.{key.name} is compared as one", token
            )
        try:
            return int(token.text)
        except ValueError:  # a fraction, or more digits than Python turns into an integer
            return float(token.text)

    def text_value(self, key: Key) -> str:
        """A text in single or double quotes."""
        token = self.take()
        if token.kind is not TokenKind.QUOTED or token.text[0] == "`":
            name = f"{key.kind.value}.{key.name}"
            plain = token.kind in {TokenKind.NUMBER, TokenKind.WORD}
            hint = f": {quote(token.text)}" if plain else ""
            raise self.wrong(f"a text in quotes, since {name} is compared as text{hint}", token)
        return token.value

    def text_list(self, key: Key) -> tuple[str, ...]:
        """Texts in parentheses, separated by commas."""
        if not self.token.is_symbol("("):
            raise self.wrong("'(' and a list of texts such as ('a', 'b')")
        self.take()
        items = [self.text_value(key)]
        while self.token.is_symbol(","):
            self.take()
            items.append(self.text_value(key))
            if len(items) > LONGEST_LIST:
                raise self.wrong(f"at most {LONGEST_LIST} texts in a list")
        if not self.token.is_symbol(")"):
            raise self.wrong("',' or the closing ')' of the list")
        self.take()
        return tuple(items)
