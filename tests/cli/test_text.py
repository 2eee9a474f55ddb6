"""Text that fits and cannot steer a terminal."""

from __future__ import annotations

from chiplog.cli.render.text import printable, shorten, width_of


def test_what_fits_is_left_alone() -> None:
    assert shorten("accuracy", 8) == "accuracy"


def test_what_is_too_long_is_cut_in_the_middle() -> None:
    assert shorten("training_accuracy_score", 11) == "train…score"
    assert shorten("abcdef", 1) == "…"
    assert shorten("abcdef", 0) == ""
    assert shorten("training_accuracy_score", 11, "...") == "trai...core"


def test_wide_characters_take_two_cells() -> None:
    for width in range(1, 12):
        assert width_of(shorten("損失関数の値です", width)) <= width
    assert width_of(shorten("損失関数の値です", 16)) == 16


def test_control_characters_become_visible() -> None:
    assert printable("a\nb\tc") == "a\\nb\\tc"
    assert printable("\x1b[31mred") == "\\x1b[31mred"
    assert printable("a\u202eb") == "a\\x202eb"
    assert printable("été 損失 🚀") == "été 損失 🚀"
