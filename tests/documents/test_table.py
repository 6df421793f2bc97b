from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdm_bridge.documents.columns import Column
from mdm_bridge.documents.table import display_width, fit, lay_out, wrap
from tests.documents.words import Marked


class Plain(Marked):
    def text(self, text: str) -> str:
        return text


def table(
    rows: list[dict[str, Any]], columns: list[Column], width: int | None = None
) -> tuple[list[str], list[str]]:
    lines, hidden = lay_out(rows, columns, Plain(), width)
    return [line.removesuffix("\n") for line in lines], [column.key for column in hidden]


NAME = Column("name", "Name")
COUNT = Column("count", "Apps", "count")


def test_texts_to_the_left_numbers_to_the_right() -> None:
    assert table([{"name": "a", "count": 5}, {"name": "long", "count": None}], [NAME, COUNT]) == (
        [
            "Name     Apps",
            "----  -------",
            "a           5",
            "long  unknown",
        ],
        [],
    )


def test_nothing_is_nothing() -> None:
    assert table([], [NAME]) == ([], [])


def test_nothing_is_cut_off_a_terminal() -> None:
    lines, hidden = table([{"name": "x" * 500, "count": 1}], [NAME, COUNT])
    assert lines[2] == "x" * 500 + "     1"
    assert hidden == []


@pytest.mark.parametrize(
    ("text", "width"),
    [
        ("abc", 3),
        ("été", 3),
        ("e\u0301te\u0301", 3),
        ("日本", 4),
        ("👍", 2),
        ("a\u200bb", 2),
        ("«\u00a0x\u00a0»", 5),
        ("", 0),
    ],
)
def test_width_on_a_terminal(text: str, width: int) -> None:
    assert display_width(text) == width


def test_wide_characters_and_marks_keep_columns_straight() -> None:
    lines, _hidden = table(
        [
            {"name": "日本", "count": 1},
            {"name": "e\u0301te\u0301", "count": 2},
            {"name": "abcde", "count": 3},
        ],
        [NAME, COUNT],
    )
    assert [display_width(line) for line in lines] == [11] * 5


def test_texts_are_wrapped_at_spaces_when_the_terminal_is_narrow() -> None:
    rows = [{"name": "Lecture confortable pour tous", "count": 12}, {"name": "GRAND", "count": 3}]
    assert table(rows, [NAME, COUNT], 24) == (
        [
            "Name                Apps",
            "------------------  ----",
            "Lecture               12",
            "confortable pour",
            "tous",
            "GRAND                  3",
        ],
        [],
    )


def test_the_day_and_the_time_of_an_instant_may_part_but_not_break() -> None:
    from datetime import UTC, datetime

    seen = Column("seen", "Seen", "instant")
    lines, hidden = table(
        [{"name": "a" * 12, "seen": datetime(2027, 3, 12, 13, 30, tzinfo=UTC)}], [NAME, seen], 28
    )
    assert lines[2:] == ["aaaaaaaaaaaa  12 mars 2027", "              14\u00a0h\u00a030"]
    assert hidden == []


def test_the_least_important_columns_go_first_and_are_named() -> None:
    columns = [
        Column("a", "A", priority=9),
        Column("b", "B", priority=1),
        Column("c", "C", priority=5),
        Column("d", "D", priority=1),
    ]
    row = dict.fromkeys("abcd", "x" * 12)
    assert [table([row], columns, width)[1] for width in (80, 54, 53, 40, 39, 26, 25)] == [
        [],
        [],
        ["d"],
        ["d"],
        ["b", "d"],
        ["b", "d"],
        ["b", "c", "d"],
    ]


def test_a_last_column_too_wide_is_broken_not_cut() -> None:
    lines, hidden = table(
        [{"name": "abcdefghij", "count": 1}], [Column("name", "Name", priority=9), COUNT], 4
    )
    assert lines == ["Name", "----", "abcd", "efgh", "ij"]
    assert hidden == ["count"]


def test_a_heading_is_wrapped_above_narrow_numbers() -> None:
    columns = [NAME, Column("battery", "Battery when last seen", "percent")]
    lines, _hidden = table([{"name": "a" * 12, "battery": 5}], columns, 26)
    assert lines == [
        "              Battery when",
        "Name             last seen",
        "------------  ------------",
        "aaaaaaaaaaaa           5\u00a0%",
    ]


_texts = st.text(st.sampled_from("ab é日\u0301\u00a0"), max_size=30)


@given(_texts, st.integers(2, 12))
def test_wrapping_loses_nothing_and_fits(text: str, width: int) -> None:
    lines = wrap(text, width)
    assert "".join("".join(lines).split(" ")) == "".join(text.split(" "))
    assert all(display_width(line) <= width for line in lines)


@given(
    st.lists(st.tuples(st.integers(1, 40), st.integers(0, 20), st.integers(0, 9)), min_size=1, max_size=9),
    st.integers(1, 120),
)
def test_what_is_shown_fits(columns: list[tuple[int, int, int]], width: int) -> None:
    natural = [n for n, _less, _p in columns]
    least = [max(1, n - less) for n, less, _p in columns]
    priorities = [p for _n, _less, p in columns]
    shown, widths = fit(natural, least, priorities, width)
    assert shown == sorted(shown)
    assert sum(widths) + 2 * (len(widths) - 1) <= width
    left_out = [priorities[at] for at in range(len(natural)) if at not in shown]
    assert not left_out or max(left_out) <= min(priorities[at] for at in shown)


@given(
    st.lists(st.tuples(_texts, _texts, st.integers(0, 10**6)), min_size=1, max_size=5), st.integers(10, 60)
)
def test_no_line_is_wider_than_the_terminal(values: list[tuple[str, str, int]], width: int) -> None:
    rows = [{"a": a, "b": b, "count": n} for a, b, n in values]
    lines, hidden = table(rows, [Column("a", "First", priority=9), Column("b", "Second"), COUNT], width)
    assert all(display_width(line) <= width for line in lines)
    assert "a" not in hidden


def test_a_column_meant_to_be_empty_takes_no_room_on_a_terminal_when_it_is() -> None:
    kit = Column("kit", "Kit", none="")
    assert table([{"name": "a"}], [NAME, kit], 80)[0] == ["Name", "----", "a"]
    assert table([{"name": "a"}], [NAME, kit])[0] == ["Name  Kit", "----  ---", "a"]
    assert table([{"name": "a", "kit": "K1"}, {"name": "b"}], [NAME, kit], 80)[0][2:] == ["a     K1", "b"]
    assert table([{}], [kit], 80) == ([], [])
