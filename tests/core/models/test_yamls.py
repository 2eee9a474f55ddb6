"""A stranger's YAML files: read, or refused in one sentence."""

from __future__ import annotations

import pytest

from chiplog.core.errors import InvalidValue
from chiplog.core.models import yamls

REFERENCES = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10)
)


def test_references_are_followed() -> None:
    assert yamls.parse(b"a: &one [1]\nb: *one", "f") == {"a": [1], "b": [1]}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: [" + "[" * 200_000 + "]" * 200_001, "deep"),
        ("a: " + "[" * 1000 + "]" * 1000, "deep"),
        ("- " * 3000, "deep"),
        ("? " * 2400, "no valid YAML"),
        (REFERENCES, "unfolds without end"),
        ("a: &a [*a]", "unfolds without end"),
        ("a: &a {b: [*a]}", "unfolds without end"),
        ("a: !!python/object/apply:os.system [ls]", "no valid YAML"),
        ("a: !!python/name:os.system", "no valid YAML"),
        ("a: 2024-99-99", "no valid YAML"),
        ("a: !!timestamp z", "no valid YAML"),
        ("a: !!bool x", "no valid YAML"),
        ("a: !!int z", "no valid YAML"),
        ("a: " + "1" * 5000, "no valid YAML"),
        ("? [1]\n: 2", "no valid YAML"),
        ("a: \0", "no valid YAML"),
        ("3", "holds int"),
        ("", "holds NoneType"),
    ],
    ids=range(18),
)
def test_what_would_hang_or_end_the_process_is_refused(text: str, says: str) -> None:
    with pytest.raises(InvalidValue, match=says):
        yamls.parse(text.encode(), "f")


def test_what_is_no_text_is_refused() -> None:
    with pytest.raises(InvalidValue, match="'f' is no valid YAML"):
        yamls.parse(b"a: \xff\xfe\x80", "f")


def test_what_is_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yamls, "LONGEST", 100)
    with pytest.raises(InvalidValue, match="more than 100 bytes"):
        yamls.parse(b" " * 200, "f")
