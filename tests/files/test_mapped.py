"""Files of devices read through a mapping: only what it names is taken over."""

from __future__ import annotations

from pathlib import Path

import pytest

from mdm_bridge.domain.columns import ColumnMapping, ColumnRule
from mdm_bridge.errors import InputError
from mdm_bridge.files.mapped import read_mapped
from mdm_bridge.files.mapping import find_mapping, save_mapping


def write(folder: Path, text: str) -> Path:
    file = folder / "liste.csv"
    file.write_text(text, encoding="utf-8")
    return file


def test_a_hand_kept_list_is_guessed_and_described(tmp_path: Path) -> None:
    table = read_mapped(write(tmp_path, "N° de série;Modèle;Élève;N° d'inventaire\nA1;iPad;Léa;12-0042\n"))
    assert table.guessed
    assert table.columns == {"serial": "N° de série", "model": "Modèle", "inventory_no": "N° d'inventaire"}
    assert [(row.line, row.cells) for row in table.rows] == [
        (2, {"serial": "A1", "model": "iPad", "inventory_no": "12-0042"})
    ]
    assert table.unread == 1
    assert [str(message) for message in table.described()] == [
        'Column "N° de série" is read as: serial number.',
        'Column "Modèle" is read as: model.',
        'Column "N° d\'inventaire" is read as: inventory number.',
    ]
    assert "Léa" not in repr(table)


def test_a_guess_can_be_saved_and_reads_the_same(tmp_path: Path) -> None:
    file = write(tmp_path, "N° de série;Modèle\nA1;iPad\n")
    guess = read_mapped(file)
    save_mapping(tmp_path / "mappings" / "parc.toml", guess.mapping)
    again = read_mapped(file, "parc", tmp_path)
    assert not again.guessed
    assert (again.columns, again.rows) == (guess.columns, guess.rows)


def test_jamf_schools_export_is_recognised(tmp_path: Path) -> None:
    table = read_mapped(write(tmp_path, "DeviceUDID;LastConnected;MemberOf;SerialNumber\nU;;[];A1\n"))
    assert (table.mapping.name, table.guessed) == ("jamf-school", False)


def test_headings_are_matched_as_a_person_would(tmp_path: Path) -> None:
    mapping = ColumnMapping("m", {"serial": ColumnRule("numero de serie"), "model": ColumnRule("MODELE")})
    table = read_mapped(write(tmp_path, "Modèle;Numéro de série\niPad;A1\n"), mapping)
    assert table.columns == {"serial": "Numéro de série", "model": "Modèle"}


def test_a_column_the_file_does_not_have_is_told(tmp_path: Path) -> None:
    mapping = ColumnMapping("m", {"serial": ColumnRule("S"), "model": ColumnRule("Modèle")})
    table = read_mapped(write(tmp_path, "S;x\nA1;y\n"), mapping)
    assert (table.columns, table.absent) == ({"serial": "S"}, {"model": "Modèle"})


def test_rows_to_leave_out_are_counted(tmp_path: Path) -> None:
    mapping = ColumnMapping("m", {"serial": ColumnRule("S")}, leave_out={"État": ("corbeille",)})
    table = read_mapped(write(tmp_path, "S;Etat\nA1;Corbeille \nA2;ok\nA3\n"), mapping)
    assert table.ignored == 1
    assert [(row.line, row.problem is None) for row in table.rows] == [(3, True), (4, False)]
    assert table.rows[0].cells == {"serial": "A2"}


def test_no_serial_column_lists_the_headings_and_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        read_mapped(write(tmp_path, "Code;Modèle;\nA1;iPad;\n"))
    assert str(caught.value) == (
        "liste.csv, line 1: No column could be recognised as the serial number. "
        'Headings seen: "Code", "Modèle".'
    )
    assert "mappings/NAME.toml" in str(caught.value.hint)


def test_a_mapping_for_another_file_lists_the_headings(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r'There is no column "SerialNumber"\. Headings seen: "N° de série"'):
        read_mapped(write(tmp_path, "N° de série\nA1\n"), "jamf-school")


def test_a_file_without_headings_is_not_quoted(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        read_mapped(write(tmp_path, "DMPX1234ABCD;iPad de Léa\n"))
    assert "seems to be a device" in str(caught.value)
    assert "Léa" not in str(caught.value) + str(caught.value.hint)


def test_two_candidates_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match='Several columns may be the model: "Modèle", "Model"'):
        read_mapped(write(tmp_path, "serial;Modèle;Model\nA1;x;y\n"))


@pytest.mark.parametrize("headings", ["S;m;m", "S;m;M", "s;S;m"])
def test_twins_are_refused_only_where_they_are_read(tmp_path: Path, headings: str) -> None:
    mapping = ColumnMapping("m", {"serial": ColumnRule("S"), "model": ColumnRule("M")})
    file = write(tmp_path, f"{headings}\nA1;x;y\n")
    with pytest.raises(InputError, match="2 times"):
        read_mapped(file, mapping)
    if headings.startswith("S"):
        assert len(read_mapped(file, ColumnMapping("m", {"serial": ColumnRule("S")})).rows) == 1


@pytest.mark.parametrize(
    "heading",
    [
        "OwnerEmail",
        "Notes",
        "CurrentIPAddress",
        "WiFiMAC",
        "Region",
        "LocationName",
        "ActivationLockBypassCode",
    ],
)
def test_the_built_in_mapping_reads_nothing_of_a_person(heading: str) -> None:
    mapping = find_mapping("jamf-school", None)
    named = {rule.column for rule in mapping.columns.values()} | set(mapping.leave_out)
    assert heading not in named
