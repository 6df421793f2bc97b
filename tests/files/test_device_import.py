"""Lists of what people own: every wrong line told at once, the others ready to be applied."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdm_bridge.domain.columns import ColumnMapping, ColumnRule
from mdm_bridge.domain.equipment import DeviceFacts
from mdm_bridge.errors import InputError
from mdm_bridge.files.device_import import DeviceImport, read_device_import

PARIS = ZoneInfo("Europe/Paris")

HEADINGS = "N° de série;Modèle;N° d'inventaire;Date d'achat;Financement;Réf. fournisseur;Fin de garantie;Valise;Lieu;Parc;Élève"


def read(folder: Path, text: str, mapping: ColumnMapping | None = None) -> DeviceImport:
    file = folder / "liste.csv"
    file.write_text(text, encoding="utf-8")
    return read_device_import(file, mapping, zone=PARIS)


def test_a_whole_line(tmp_path: Path) -> None:
    line = "dmpx1;iPad 9;12-0042;01/09/2026;Conseil;BC-7;2029-08-31;V1;Armoire;Formation;Léa"
    found = read(tmp_path, f"{HEADINGS}\n{line}\n")
    assert found.problems == ()
    assert [entry.line for entry in found.lines] == [2]
    assert found.lines[0].facts == DeviceFacts(
        serial="DMPX1",
        model="iPad 9",
        inventory_no="12-0042",
        purchased_on=date(2026, 9, 1),
        funding="Conseil",
        supplier_ref="BC-7",
        warranty_until=date(2029, 8, 31),
        kit="V1",
        place="Armoire",
        pool="training",
    )
    assert "Léa" not in repr(found)


def test_what_is_empty_or_absent_says_nothing(tmp_path: Path) -> None:
    facts = read(tmp_path, "serial;inventory_no;kit\nA1;;inconnu\n").lines[0].facts
    assert facts.said() == {}
    assert read(tmp_path, "serial;kit\nA1;V1\n").lines[0].facts.said() == {"kit": "V1"}


def test_every_wrong_line_is_told_and_none_stops_the_others(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        "serial;inventory_no;purchased_on;pool\n"
        "A1;1;01/09/2026;ash\n"
        ";2;;\n"
        "Léa!;3;;\n"
        "A4;4;hier;Léa\n"
        "A5;5\n"
        "1,2E+11;6;;\n"
        "A7;7;;\n",
    )
    assert [line.facts.serial for line in found.lines] == ["A1", "A7"]
    assert [(problem.line, problem.message.code) for problem in found.problems] == [
        (3, "serial_empty"),
        (4, "serial_invalid"),
        (5, "cell_wrong"),
        (5, "cell_wrong"),
        (6, "ragged_row"),
        (7, "serial_mangled"),
    ]
    told = " ".join(str(problem.message) for problem in found.problems)
    assert 'Column "purchased_on"' in told
    assert "Léa" not in told
    assert "hier" not in told


def test_one_device_and_one_inventory_number_stand_once(tmp_path: Path) -> None:
    found = read(tmp_path, "serial;inventory_no\nA1;1\na1;2\nA3;X-9\nA4;x-9\nA5;5\n")
    assert [line.facts.serial for line in found.lines] == ["A5"]
    assert [(problem.line, str(problem.message)) for problem in found.problems] == [
        (2, "The serial number stands on several lines: 2, 3."),
        (3, "The serial number stands on several lines: 2, 3."),
        (4, "The inventory number stands on several lines: 4, 5."),
        (5, "The inventory number stands on several lines: 4, 5."),
    ]


def test_a_list_without_anything_of_ours_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        read(tmp_path, "serial;battery\nA1;50\n")
    assert caught.value.code == "nothing_to_import"
    assert "inventory_no" in str(caught.value.hint)


def test_a_mapping_says_how_dates_are_written(tmp_path: Path) -> None:
    mapping = ColumnMapping(
        "m", {"serial": ColumnRule("S"), "purchased_on": ColumnRule("D", dates="month-first")}
    )
    found = read(tmp_path, "S;D\nA1;3/25/2026\n", mapping)
    assert found.lines[0].facts.purchased_on == date(2026, 3, 25)


def test_a_mapping_has_a_zone_of_its_own(tmp_path: Path) -> None:
    columns = {"serial": ColumnRule("S"), "purchased_on": ColumnRule("D")}
    text = "S;D\nA1;2026-03-24T22:00:00Z\n"
    assert read(tmp_path, text, ColumnMapping("m", columns)).lines[0].facts.purchased_on == date(2026, 3, 24)
    there = ColumnMapping("m", columns, timezone="Indian/Reunion")
    assert read(tmp_path, text, there).lines[0].facts.purchased_on == date(2026, 3, 25)


@given(st.lists(st.lists(st.text('A1é;"=-/0,.E+ ', max_size=8), min_size=1, max_size=5), max_size=6))
def test_every_line_ends_as_facts_or_as_a_problem(tmp_path: Path, lines: list[list[str]]) -> None:
    quoted = [";".join('"' + cell.replace('"', '""') + '"' for cell in line) for line in lines]
    found = read(tmp_path, "\n".join(["serial;inventory_no;purchased_on;kit", *quoted]) + "\n")
    told = {line.line for line in found.lines}, {problem.line for problem in found.problems}
    wanted = {n for n, line in enumerate(lines, 2) if any(cell.strip() for cell in line)}
    assert told[0] | told[1] == wanted
    assert not told[0] & told[1]
    serials = [line.facts.serial for line in found.lines]
    assert len(set(serials)) == len(serials)
