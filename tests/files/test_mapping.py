"""Mappings: found by name, read strictly, saved so that the same is read again."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdm_bridge.domain.cell_dates import DATE_ORDERS
from mdm_bridge.domain.cells import PERCENT_UNITS, SIZE_UNITS
from mdm_bridge.domain.columns import FIELDS, ColumnMapping, ColumnRule
from mdm_bridge.errors import InputError
from mdm_bridge.files.builtin import BUILT_IN
from mdm_bridge.files.headings import announces_person
from mdm_bridge.files.mapping import find_mapping, known_mappings, load_mapping, save_mapping

WHOLE = """
timezone = "Europe/Paris"
html_entities = true

[columns]
serial = "N° de  série"
model = { column = "Modèle" }
capacity_gb = { column = "Taille", unit = "Mo" }
battery_percent = { column = "Charge", unit = "fraction" }
last_seen_at = { column = "Vu le", dates = "month-first" }
groups = { column = "Groupes", separator = "/" }

[leave_out]
"État" = ["Corbeille", "Réformé"]
"Sorti" = "oui"
"""


def write(folder: Path, text: str | bytes, name: str = "parc.toml") -> Path:
    file = folder / name
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


def test_a_whole_mapping(tmp_path: Path) -> None:
    assert load_mapping(write(tmp_path, WHOLE)) == ColumnMapping(
        name="parc",
        columns={
            "serial": ColumnRule("N° de série"),
            "model": ColumnRule("Modèle"),
            "capacity_gb": ColumnRule("Taille", unit="MB"),
            "battery_percent": ColumnRule("Charge", unit="fraction"),
            "last_seen_at": ColumnRule("Vu le", dates="month-first"),
            "groups": ColumnRule("Groupes", separator="/"),
        },
        leave_out={"État": ("Corbeille", "Réformé"), "Sorti": ("oui",)},
        timezone="Europe/Paris",
        entities=True,
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[columns]\nserial = "S"\nmodle = "M"\n', 'columns.modle does not exist; did you mean "model"?'),
        ('[column]\nserial = "S"\n', 'column does not exist; did you mean "columns"?'),
        ('[columns]\nmodel = "M"\n', "columns.serial is required"),
        ("[columns]\nserial = 3\n", "columns.serial: write a heading"),
        ('[columns]\nserial = " "\n', "columns.serial: write a heading"),
        ('[columns]\nserial = { column = "S", units = "GB" }\n', "columns.serial.units does not exist"),
        (
            '[columns]\nserial = "S"\ncapacity_gb = { column = "C", unit = "km" }\n',
            "columns.capacity_gb.unit: one of B, KB",
        ),
        (
            '[columns]\nserial = "S"\npurchased_on = { column = "A", dates = "us" }\n',
            "one of day-first, month-first",
        ),
        (
            '[columns]\nserial = "S"\ngroups = { column = "G", separator = 1 }\n',
            "columns.groups.separator: a text",
        ),
        ('timezone = "Paris"\n[columns]\nserial = "S"\n', "no such zone"),
        ('timezone = 1\n[columns]\nserial = "S"\n', "no such zone"),
        ('html_entities = "yes"\n[columns]\nserial = "S"\n', "html_entities: true or false"),
        ('leave_out = ["x"]\n[columns]\nserial = "S"\n', "leave_out: write"),
        ('[columns]\nserial = "S"\n[leave_out]\nA = [1]\n', "leave_out: write"),
        ('[columns]\nserial = "S"\nname = "OwnerFirstName"\n', "never read"),
        ('[columns]\nserial = "S"\nplace = "Remarques"\n', "never read"),
        ('[columns]\nserial = "S"\n[leave_out]\n"Notes" = "x"\n', "never read"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(InputError) as caught:
        load_mapping(write(tmp_path, text))
    assert str(caught.value).startswith("parc.toml: ")
    assert told in str(caught.value)
    assert "docs/csv.md" in str(caught.value.hint)


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        load_mapping(write(tmp_path, 'tz = 1\n[columns]\nmodle = "M"\nname = 3\n'))
    lines = str(caught.value).splitlines()
    assert lines[0] == "parc.toml: 4 problems:"
    assert len(lines) == 5


@pytest.mark.parametrize(
    ("data", "line"),
    [(b'[columns]\nserial = "L\xc3\xa9a\n', 2), (b"[columns\n", 1), (b"\xff[columns]", None)],
)
def test_what_is_no_toml_is_not_quoted(tmp_path: Path, data: bytes, line: int | None) -> None:
    with pytest.raises(InputError) as caught:
        load_mapping(write(tmp_path, data))
    assert caught.value.message.params.get("line") == line
    assert "Léa" not in str(caught.value)


def test_names_are_looked_up_built_in_then_beside_the_settings_then_as_paths(tmp_path: Path) -> None:
    saved = write(tmp_path / "mappings", WHOLE)
    assert find_mapping("jamf-school", tmp_path) is BUILT_IN["jamf-school"]
    assert find_mapping("parc", tmp_path).name == "parc"
    assert find_mapping(str(saved), None).name == "parc"
    assert known_mappings(tmp_path) == ["jamf-school", "parc"]
    assert known_mappings(None) == ["jamf-school"]


def test_a_name_that_does_not_exist(tmp_path: Path) -> None:
    write(tmp_path / "mappings", WHOLE, "departement.toml")
    with pytest.raises(InputError) as caught:
        find_mapping("departemnt", tmp_path)
    assert 'mean "departement"' in str(caught.value.hint)
    with pytest.raises(InputError) as caught:
        find_mapping("zzz", tmp_path)
    assert "jamf-school, departement" in str(caught.value.hint)
    assert "mappings/zzz.toml" in str(caught.value.hint)
    with pytest.raises(InputError, match="no such file"):
        find_mapping("ailleurs/zzz.toml", tmp_path)


def test_a_saved_mapping_is_not_replaced_by_accident(tmp_path: Path) -> None:
    file = tmp_path / "mappings" / "parc.toml"
    first, second = (ColumnMapping("parc", {"serial": ColumnRule(c)}) for c in "AB")
    save_mapping(file, first)
    with pytest.raises(InputError, match="exists already"):
        save_mapping(file, second)
    assert load_mapping(file) == first
    file.unlink()
    save_mapping(file, second)
    assert load_mapping(file) == second
    assert [path.name for path in file.parent.iterdir()] == ["parc.toml"]


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "mappings").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        save_mapping(tmp_path / "mappings" / "parc.toml", ColumnMapping("parc", {"serial": ColumnRule("A")}))


_TEXT = (
    st.text(st.characters(blacklist_categories=("Cs",)), min_size=1, max_size=12)
    .map(lambda text: " ".join(text.split()))
    .filter(lambda text: text and not announces_person(text))
)
_OPTIONS = {
    "size": st.builds(ColumnRule, _TEXT, unit=st.sampled_from([None, *SIZE_UNITS])),
    "percent": st.builds(ColumnRule, _TEXT, unit=st.sampled_from([None, *PERCENT_UNITS])),
    "instant": st.builds(ColumnRule, _TEXT, dates=st.sampled_from([None, *DATE_ORDERS])),
    "day": st.builds(ColumnRule, _TEXT, dates=st.sampled_from([None, *DATE_ORDERS])),
    "names": st.builds(
        ColumnRule, _TEXT, separator=st.none() | st.text("|;, /\t\x7f\"'", min_size=1, max_size=2)
    ),
}
_MAPPINGS = st.builds(
    ColumnMapping,
    st.just("parc"),
    st.fixed_dictionaries(
        {"serial": st.builds(ColumnRule, _TEXT)},
        optional={
            name: _OPTIONS.get(field.kind, st.builds(ColumnRule, _TEXT))
            for name, field in FIELDS.items()
            if name != "serial"
        },
    ),
    st.dictionaries(
        _TEXT, st.lists(st.text(st.characters(blacklist_categories=("Cs",)), max_size=5)).map(tuple)
    ),
    st.sampled_from([None, "Europe/Paris", "Indian/Reunion"]),
    st.booleans(),
)


@given(_MAPPINGS)
def test_what_is_saved_is_read_again(tmp_path: Path, mapping: ColumnMapping) -> None:
    (tmp_path / "parc.toml").unlink(missing_ok=True)
    save_mapping(tmp_path / "parc.toml", mapping)
    assert load_mapping(tmp_path / "parc.toml") == mapping
