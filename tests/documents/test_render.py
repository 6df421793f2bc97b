"""Every format, from rows to bytes."""

from __future__ import annotations

import csv
import io
import json
import time
import zipfile
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
from python_calamine import CalamineWorkbook

from mdm_bridge.documents.columns import BINARY_FORMATS, FORMATS, Column, Row
from mdm_bridge.documents.render import render
from mdm_bridge.messages import Message
from tests.documents.words import Marked

NBSP = "\u00a0"
SEEN = datetime(2027, 3, 12, 13, 30, 59, 999, tzinfo=UTC)


class Pool(Enum):
    TRAINING = "training"


COLUMNS = (
    Column("serial", "Serial"),
    Column("pool", "Pool", "enum", labels={"training": "Training"}, none="To sort"),
    Column("battery", "Battery", "percent"),
    Column("capacity", "Capacity", "gb"),
    Column("apps", "Apps", "count"),
    Column("number", "Number", "int"),
    Column("supervised", "Supervised", "bool"),
    Column("bought", "Bought", "date", none=""),
    Column("seen", "Seen", "instant"),
    Column("groups", "Groups", "list"),
    Column("loan", "Loan", value=lambda row: row["loan"] and row["loan"]["id"], none="Not lent"),
)
FULL: dict[str, Any] = {
    "serial": "DMPX1",
    "pool": "training",
    "battery": 87,
    "capacity": 63.999,
    "apps": 1740,
    "number": 2027,
    "supervised": True,
    "bought": date(2027, 3, 1),
    "seen": SEEN,
    "groups": ["Été", "B"],
    "loan": {"id": 7},
    "beyond": {"deep": [1, None]},
}
EMPTY: dict[str, Any] = {**dict.fromkeys(FULL), "serial": "DMPX2"}


def rendered(
    fmt: str, rows: Sequence[Row] = (FULL, EMPTY), columns: Sequence[Column] = COLUMNS, **more: Any
) -> bytes:
    out = io.BytesIO()
    render(iter(rows), columns, fmt, out, words=Marked(), **more)
    return out.getvalue()


def sheets(fmt: str, **more: Any) -> dict[str, list[list[Any]]]:
    book = CalamineWorkbook.from_filelike(io.BytesIO(rendered(fmt, **more)))
    return {name: book.get_sheet_by_name(name).to_python() for name in book.sheet_names}


def test_json_is_the_rows_with_stable_keys() -> None:
    first, second = json.loads(rendered("json"))
    assert first == {
        **FULL,
        "capacity": 64.0,
        "bought": "2027-03-01",
        "seen": "2027-03-12T13:30:59Z",
    }
    assert second == EMPTY
    assert "Été" in rendered("json").decode()


def test_json_of_nothing_is_an_empty_list() -> None:
    assert json.loads(rendered("json", rows=())) == []


def test_json_may_be_deeper_than_the_rows() -> None:
    deep = {"runs": [{"at": SEEN, "why": Message("code", "Because of {x}.", x="y"), "size": Decimal("1.50"),
                      "pools": {"b", "a"}, "pool": Pool.TRAINING, "file": Path("a") / "b"}]}  # fmt: skip
    assert json.loads(rendered("json", json_rows=deep)) == {
        "runs": [
            {"at": "2027-03-12T13:30:59Z", "why": "<Because of y.>", "size": 1.5, "pools": ["a", "b"],
             "pool": "training", "file": str(Path("a") / "b")}
        ]
    }  # fmt: skip
    assert json.loads(rendered("json", json_rows=[{"only": 1}])) == [{"only": 1}]


def test_json_refuses_what_is_no_json() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        rendered("json", rows=[{"a": float("nan")}])
    with pytest.raises(ValueError, match="naive"):
        rendered("json", rows=[{"a": datetime(2027, 3, 12)}])  # noqa: DTZ001
    with pytest.raises(TypeError, match="no JSON for object"):
        rendered("json", rows=[{"a": object()}])


def test_csv_is_for_programs() -> None:
    assert rendered("csv").decode() == (
        "serial,pool,battery,capacity,apps,number,supervised,bought,seen,groups,loan\n"
        "DMPX1,training,87,64.00,1740,2027,true,2027-03-01,2027-03-12T13:30:59Z,Été|B,7\n"
        "DMPX2,,,,,,,,,,\n"
    )
    assert rendered("csv", rows=()).decode().count("\n") == 1


def test_csv_fr_is_for_a_french_spreadsheet() -> None:
    assert rendered("csv-fr").decode() == (
        "\ufeff<Serial>;<Pool>;<Battery>;<Capacity>;<Apps>;<Number>;"
        "<Supervised>;<Bought>;<Seen>;<Groups>;<Loan>\r\n"
        "DMPX1;<Training>;87;64,00;1740;2027;<yes>;01/03/2027;12/03/2027 14:30;Été, B;7\r\n"
        "DMPX2;<To sort>;<unknown>;<unknown>;<unknown>;<unknown>;<unknown>;;<unknown>;<unknown>;<Not lent>\r\n"
    )


@pytest.mark.parametrize("fmt", ["csv", "csv-fr"])
def test_csv_quotes_what_would_break_it(fmt: str) -> None:
    text = 'a;b,c"d\ne'
    rows = rendered(fmt, rows=[{"serial": text}], columns=COLUMNS[:1]).decode("utf-8-sig")
    read = list(csv.reader(io.StringIO(rows, newline=""), delimiter="," if fmt == "csv" else ";"))
    assert read[1] == [text if fmt == "csv" else text.replace("\n", " ")]
    assert len(read) == 2


def test_list_is_one_value_a_line() -> None:
    lines = rendered("list").decode().split("\n")
    assert lines[:4] == [
        f"<Serial>{NBSP}: DMPX1",
        f"<Pool>{NBSP}: <Training>",
        f"<Battery>{NBSP}: 87{NBSP}%",
        f"<Capacity>{NBSP}: 64,00",
    ]
    assert lines[8] == f"<Seen>{NBSP}: 12 mars 2027 14{NBSP}h{NBSP}30"
    assert lines[11] == ""
    assert lines[12:14] == [f"<Serial>{NBSP}: DMPX2", f"<Pool>{NBSP}: <To sort>"]
    assert lines[22:] == [f"<Loan>{NBSP}: <Not lent>", ""]


@pytest.mark.parametrize("fmt", ["ods", "xlsx"])
def test_spreadsheets_hold_typed_cells(fmt: str) -> None:
    heading, first, second = sheets(fmt)["<Data>"]
    assert heading[:3] == ["<Serial>", "<Pool>", "<Battery>"]
    assert first == [
        "DMPX1", "<Training>", 87.0, 64.0, 1740.0, 2027.0, "<yes>",
        date(2027, 3, 1) if fmt == "ods" else first[7], first[8], "Été, B", "7",
    ]  # fmt: skip
    assert str(first[7]).startswith("2027-03-01")
    assert str(first[8])[:16] == "2027-03-12 14:30"
    assert second[:3] == ["DMPX2", "<To sort>", "<unknown>"]
    assert second[7] == ""


@pytest.mark.parametrize("fmt", ["ods", "xlsx"])
def test_a_second_sheet_tells_what_it_is(fmt: str) -> None:
    assert list(sheets(fmt)) == ["<Data>"]
    told = sheets(fmt, title="=Parc", freshness="Données de 7 h 02")
    assert told["<About>"] == [["'=Parc"], ["Données de 7 h 02"]]


def test_ods_says_first_what_it_is() -> None:
    with zipfile.ZipFile(io.BytesIO(rendered("ods"))) as archive:
        first = archive.infolist()[0]
        assert (first.filename, first.compress_type) == ("mimetype", zipfile.ZIP_STORED)
        assert set(archive.namelist()) == {"mimetype", "META-INF/manifest.xml", "content.xml"}


INJECTIONS = ["=1+1", "+33", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "\uff1d1"]


@pytest.mark.parametrize("text", INJECTIONS)
@pytest.mark.parametrize("fmt", ["csv", "csv-fr", "ods", "xlsx"])
def test_no_text_becomes_a_formula(fmt: str, text: str) -> None:
    columns = (
        Column("a", "A"),
        Column("b", "B", "list"),
        Column("c", "C", "count"),
        Column("d", "D", "enum"),
    )
    rows = [{"a": text, "b": [text], "c": -5, "d": text}]
    if fmt in BINARY_FORMATS:
        cells = sheets(fmt, rows=rows, columns=columns)["<Data>"][1]
    else:
        read = rendered(fmt, rows=rows, columns=columns).decode("utf-8-sig")
        cells = list(csv.reader(io.StringIO(read, newline=""), delimiter="," if fmt == "csv" else ";"))[1]
    assert [str(cells[at])[0] for at in (0, 1, 3)] == ["'", "'", "'"]
    assert float(cells[2]) == -5  # a number stays one


@pytest.mark.parametrize("fmt", sorted(set(FORMATS) - {"json"}))
def test_nothing_a_terminal_obeys_gets_through(fmt: str) -> None:
    evil = "a\x1b[31mb\x1b]0;title\x07c\x00\x08\u202e\x9bd\ud800\ufffe"
    columns = (Column("a", "A"), Column("b", "B", "list"))
    raw = rendered(fmt, rows=[{"a": evil, "b": [evil]}], columns=columns)
    if fmt in BINARY_FORMATS:
        book = CalamineWorkbook.from_filelike(io.BytesIO(raw))
        assert book.get_sheet_by_index(0).to_python()[1] == ["abcd", "abcd"]
    else:
        assert not set("\x1b\x00\x08\x07\u202e\x9b") & set(raw.decode())
        assert "abcd" in raw.decode()


@pytest.mark.parametrize("fmt", ["table", "list"])
def test_a_text_of_several_lines_stays_on_one(fmt: str) -> None:
    assert "a b c" in rendered(fmt, rows=[{"serial": "a\nb\r\n\tc"}], columns=COLUMNS[:1]).decode()


@pytest.mark.parametrize("fmt", ["table", "list"])
def test_a_file_for_people_tells_what_it_is_and_how_old(fmt: str) -> None:
    text = rendered(fmt, title="Parc", freshness="Données de 7 h 02").decode()
    assert text.startswith("Parc\n\n")
    assert text.endswith("\n\nDonnées de 7 h 02\n")


def test_a_text_stream_gets_text() -> None:
    out = io.StringIO()
    render([FULL], COLUMNS, "csv", out, words=Marked())
    assert out.getvalue().startswith("serial,pool")


def test_an_unknown_format_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown format"):
        rendered("pdf")


def test_ten_thousand_rows_of_twelve_columns_are_quick() -> None:
    columns = (*COLUMNS, Column("name", "Name"))
    rows = [{**FULL, "serial": f"DMPX{at:08}", "name": f"iPad Été {at}"} for at in range(10_000)]
    spent = []
    for _try in range(3):
        began = time.process_time()
        render(rows, columns, "table", io.StringIO(), words=Marked())
        spent.append(time.process_time() - began)
    assert min(spent) < 0.3  # the least of three: other work on the machine only ever adds


@pytest.mark.parametrize("fmt", FORMATS)
def test_a_plain_day_stands_where_the_hour_is_not_kept(fmt: str) -> None:
    columns = (Column("seen", "Seen", "instant"),)
    rows = [{"seen": date(2027, 3, 12)}, {"seen": SEEN}]
    if fmt in BINARY_FORMATS:
        day, instant = (row[0] for row in sheets(fmt, rows=rows, columns=columns)["<Data>"][1:])
        assert (str(day)[:10], str(instant)[:16]) == ("2027-03-12", "2027-03-12 14:30")
        return
    text = rendered(fmt, rows=rows, columns=columns).decode()
    shown = {"json": "2027-03-12", "csv": "2027-03-12", "csv-fr": "12/03/2027"}.get(fmt, "12 mars 2027")
    assert sum(line.strip('{}", ').endswith(shown) for line in text.splitlines()) == 1
    assert text.count(shown) == 2
