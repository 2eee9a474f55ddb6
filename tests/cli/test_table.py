"""Tables that fit the terminal."""

from __future__ import annotations

from rich.text import Text

from chiplog.cli.render.pairs import pair_lines
from chiplog.cli.render.table import Column, Table
from chiplog.cli.render.text import width_of


def lines(table: Table, width: int, *, unicode: bool = True) -> list[str]:
    return [line.plain for line in table.lines(width, unicode=unicode)]


def test_text_stands_left_and_numbers_right() -> None:
    table = Table([Column("NAME"), Column("LOSS", right=True)])
    table.add("a", "0.5")
    table.add("bcdef", "12")
    assert lines(table, 80) == [
        "NAME   LOSS",
        "─────  ────",
        "a       0.5",
        "bcdef    12",
    ]


def test_the_widest_column_that_may_shrink_gives_first() -> None:
    table = Table([Column("ID"), Column("NAME", shrink=6), Column("NOTE", shrink=4)])
    table.add("12345678", "a" * 10, "b" * 40)
    shown = lines(table, 40)
    assert all(width_of(line) <= 40 for line in shown)
    assert "12345678" in shown[2]
    assert "a" * 10 in shown[2]


def test_optional_columns_that_do_not_fit_are_left_out_and_named() -> None:
    table = Table([Column("ID"), *(Column(f"METRIC{n}", drop=n + 1) for n in range(5))])
    table.add("12345678", *["0.123"] * 5)
    assert table.left_out(30) == ["METRIC2", "METRIC3", "METRIC4"]
    assert all(width_of(line) <= 30 for line in lines(table, 30))
    assert table.left_out(200) == []


def test_what_a_cell_holds_cannot_break_the_line() -> None:
    table = Table([Column("NAME")])
    table.add("one\ntwo\x1b[2J")
    assert lines(table, 80)[2] == "one\\ntwo\\x1b[2J"


def test_wide_characters_keep_columns_in_line() -> None:
    table = Table([Column("NAME"), Column("X")])
    table.add("損失", "1")
    table.add("loss", "2")
    first, second = lines(table, 80)[2:]
    assert width_of(first) == width_of(second)


def test_ascii_tables_are_ascii() -> None:
    table = Table([Column("NAME", shrink=5)])
    table.add("a-very-long-name")
    assert all(line.isascii() for line in lines(table, 8, unicode=False))


def test_a_styled_cell_keeps_its_style_when_it_is_cut() -> None:
    table = Table([Column("NAME", shrink=5)])
    table.add(Text("a-very-long-name", style="red"))
    (*_, row) = table.lines(8)
    assert row.plain == "a-ve…ame"
    assert any(span.style == "red" for span in row.spans) or row.style == "red"


def test_pairs_fill_several_columns_when_they_are_short() -> None:
    pairs = [(f"key{n}", str(n)) for n in range(6)]
    shown = [line.plain for line in pair_lines(pairs, 40)]
    assert len(shown) == 2
    assert shown[0].split() == ["key0", "0", "key2", "2", "key4", "4"]


def test_pairs_that_are_long_take_a_line_each_and_fit() -> None:
    pairs = [("a_rather_long_parameter__name", "v" * 100), ("b", "1")]
    shown = [line.plain for line in pair_lines(pairs, 60)]
    assert len(shown) == 2
    assert all(width_of(line) <= 60 for line in shown)


def test_no_pairs_make_no_lines() -> None:
    assert pair_lines([], 80) == []
