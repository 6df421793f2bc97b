"""Any CSV people have is read, and what cannot be read is said with file, line and cure."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdm_bridge.errors import InputError
from mdm_bridge.files import encodings
from mdm_bridge.files.csv_table import SEPARATORS, Table, read_table


def write(folder: Path, data: str | bytes, encoding: str = "utf-8") -> Path:
    file = folder / "liste.csv"
    file.write_bytes(data if isinstance(data, bytes) else data.encode(encoding))
    return file


def read(folder: Path, data: str | bytes, encoding: str = "utf-8") -> Table:
    return read_table(write(folder, data, encoding))


def cells_of(table: Table) -> list[tuple[int, list[str]]]:
    named = [heading for heading in table.headings if heading]
    return [(row.line, list(row.cells.values())) for row in table.rows(named)]


def refused(folder: Path, data: str | bytes) -> InputError:
    with pytest.raises(InputError) as caught:
        list(read(folder, data).rows(["serial"]))
    assert str(caught.value).startswith("liste.csv")
    assert str(caught.value.hint)
    return caught.value


@pytest.mark.parametrize("separator", SEPARATORS)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_separators_and_line_ends(tmp_path: Path, separator: str, end: str) -> None:
    table = read(
        tmp_path, end.join(["serial{0}modèle", 'A1{0}"iPad{0}9"', "A2{0}", ""]).replace("{0}", separator)
    )
    assert table.separator == separator
    assert table.headings == ("serial", "modèle")
    assert cells_of(table) == [(2, ["A1", f"iPad{separator}9"]), (3, ["A2", ""])]


@pytest.mark.parametrize(
    ("encoding", "data"),
    [
        ("utf-8", "n° de série;modèle\nA1;tablette élève\n".encode()),
        ("utf-8", "n° de série;modèle\nA1;tablette élève\n".encode("utf-8-sig")),
        ("utf-16-le", b"\xff\xfe" + "n° de série;modèle\nA1;tablette élève\n".encode("utf-16-le")),
        ("utf-16-be", b"\xfe\xff" + "n° de série;modèle\nA1;tablette élève\n".encode("utf-16-be")),
        ("cp1252", "n° de série;modèle\nA1;tablette élève\n".encode("cp1252")),
    ],
)
def test_encodings(tmp_path: Path, encoding: str, data: bytes) -> None:
    table = read(tmp_path, data)
    assert table.encoding == encoding
    assert table.headings == ("n° de série", "modèle")
    assert cells_of(table) == [(2, ["A1", "tablette élève"])]


def test_one_column_alone(tmp_path: Path) -> None:
    assert cells_of(read(tmp_path, "serial\nA1\nA2\n")) == [(2, ["A1"]), (3, ["A2"])]


def test_commas_in_headings_do_not_make_columns(tmp_path: Path) -> None:
    table = read(tmp_path, "modèle, taille;serial\niPad, 9;A1\niPad Air;A2\n")
    assert table.headings == ("modèle, taille", "serial")


def test_the_separator_is_obeyed_when_the_file_says_it(tmp_path: Path) -> None:
    table = read(tmp_path, 'sep=,\r\n"a;b",serial\r\n"x;y",A1\r\n')
    assert table.headings == ("a;b", "serial")
    assert cells_of(table) == [(3, ["x;y", "A1"])]


def test_lines_are_those_of_the_editor(tmp_path: Path) -> None:
    text = '\n\nserial;note\nA1;"une\ndeux\ntrois"\n\n;;\nA2;x\n\n\n'
    assert [line for line, _ in cells_of(read(tmp_path, text))] == [4, 9]


def test_blank_headings_are_never_read(tmp_path: Path) -> None:
    table = read(tmp_path, "serial;;modèle;\nA1;secret;iPad;secret\nA2;;Air\n")
    assert cells_of(table) == [(2, ["A1", "iPad"]), (3, ["A2", "Air"])]


def test_only_wanted_columns_are_in_a_row(tmp_path: Path) -> None:
    row = next(iter(read(tmp_path, "serial;OwnerEmail\nA1;lea@exemple.invalid\n").rows(["serial"])))
    assert dict(row.cells) == {"serial": "A1"}
    assert "A1" not in repr(row)


def test_a_wanted_heading_that_stands_twice_is_refused(tmp_path: Path) -> None:
    table = read(tmp_path, "serial;nom;nom\nA1;a;b\n")
    assert [row.cells for row in table.rows(["serial"])] == [{"serial": "A1"}]
    with pytest.raises(InputError, match="stands there 2 times"):
        list(table.rows(["nom"]))


def test_a_missing_heading_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match='no column "modèle"'):
        list(read(tmp_path, "serial;nom\nA1;a\n").rows(["modèle"]))


@pytest.mark.parametrize("bad", ["A1", "A1;iPad;x;y", 'A1;"iPad";Léa;'])
def test_a_ragged_row_is_told_and_has_no_cells(tmp_path: Path, bad: str) -> None:
    table = read(tmp_path, f"serial;modèle;nom\nA0;iPad;a\n{bad if bad == 'A1' else bad + ';z'}\nA2;Air;b\n")
    good, wrong, last = table.rows(["serial", "modèle"])
    assert (good.problem, last.problem) == (None, None)
    assert wrong.line == 3
    assert wrong.cells == {}
    assert wrong.problem is not None
    assert "Léa" not in str(wrong.problem)
    assert list(last.cells.values()) == ["A2", "Air"]


def test_trailing_separators_are_not_ragged(tmp_path: Path) -> None:
    assert cells_of(read(tmp_path, "serial;modèle\nA1;iPad;;; ;\n")) == [(2, ["A1", "iPad"])]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"PK\x03\x04\x14\x00", "file_is_spreadsheet"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "file_is_spreadsheet"),
        (b"%PDF-1.7", "file_is_pdf"),
        (b"\n<!DOCTYPE html><html>", "file_is_page"),
        (b"", "file_empty"),
        (b"\xef\xbb\xbf", "file_empty"),
        (b"\r\n;;;\r\n", "file_empty"),
    ],
)
def test_what_is_no_csv_is_named(tmp_path: Path, data: bytes, code: str) -> None:
    assert refused(tmp_path, data).message.params["problem"].code == code


@pytest.mark.parametrize(
    ("data", "code", "line"),
    [
        (b"serial;a\nA1;x\nA\x002;y\n", "file_binary", 3),
        ("serial;a\nA1;x\n".encode("utf-16-le"), "file_binary", 1),
        ("serial;a\nA1;éàéà\nA2;".encode() + b"\xe9\n", "encoding_unknown", 3),
        (b"serial;a\nA1;\x81\n", "encoding_unknown", 2),
        (b"\xff\xfes\x00\x00\xd8", "encoding_unknown", 1),
        (b'serial;a\nA1;x\nA2;"jamais\nA3;z\n', "quote_problem", 3),
        (b'serial;a\nA1;"x"y\n', "quote_problem", 2),
        (b'serial;a\nA1;"' + b"x" * 200_000 + b'"\n', "quote_problem", 2),
    ],
)
def test_a_damaged_file_is_refused_with_its_line(tmp_path: Path, data: bytes, code: str, line: int) -> None:
    error = refused(tmp_path, data)
    assert error.message.params["problem"].code == code
    assert error.message.params["line"] == line


def test_missing_files_and_folders(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_table(tmp_path / "rien.csv")
    with pytest.raises(InputError, match="cannot be read"):
        read_table(tmp_path)


def test_a_file_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write(tmp_path, "serial\n" + "A1\n" * 100)
    assert len(encodings.read_bytes(file, 400)) == 307
    with pytest.raises(InputError, match="larger than"):
        encodings.read_bytes(file, 300)
    huge = tmp_path / "huge.csv"
    with huge.open("wb") as stream:
        stream.truncate(encodings.MAX_BYTES + 1)
    with pytest.raises(InputError, match="64 MB"):
        read_table(huge)


_CELL = st.text(
    alphabet=st.characters(blacklist_categories=("Cs", "Cc"), blacklist_characters="\ufeff"), max_size=12
)
_LINES = st.lists(st.tuples(_CELL, _CELL, st.text(alphabet='ab;,|\t"\n ', max_size=8)), max_size=8)


@given(_LINES, st.sampled_from(SEPARATORS), st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]))
def test_what_was_written_is_read(
    tmp_path: Path, lines: list[tuple[str, str, str]], sep: str, enc: str
) -> None:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, delimiter=sep, quoting=csv.QUOTE_ALL)
    writer.writerows([("serial", "modèle", "nom"), *lines])
    table = read(tmp_path, buffer.getvalue(), enc)
    rows = list(table.rows(["serial", "modèle", "nom"]))
    assert all(row.problem is None for row in rows)
    assert [tuple(row.cells.values()) for row in rows] == [
        line for line in lines if any(cell.strip() for cell in line)
    ]


@given(st.one_of(st.binary(max_size=300), st.text(max_size=200).map(str.encode)))
def test_any_bytes_are_read_or_refused(tmp_path: Path, data: bytes) -> None:
    told = "liste.csv"
    try:
        table = read(tmp_path, data)
        wanted = [h for h in table.headings if h and table.headings.count(h) == 1]
        for row in table.rows(wanted):
            assert row.problem or set(row.cells) == set(wanted)
    except InputError as error:
        told = str(error)
    assert told.startswith("liste.csv")
