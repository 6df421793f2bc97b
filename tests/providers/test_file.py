"""A file as a listing source: exactly what its columns say, and nothing of a person."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdm_bridge.domain.columns import ColumnMapping, ColumnRule
from mdm_bridge.domain.inventory import Covers, ServerFacts, Sighting
from mdm_bridge.errors import BadAnswer, InputError
from mdm_bridge.files.mapped import read_mapped
from mdm_bridge.ports.inventory import ListingRow
from mdm_bridge.providers.file import CsvSource
from mdm_bridge.testing import ListingContract
from tests.support.jamf_export import SECRETS, export_row, write_export

PARIS = ZoneInfo("Europe/Paris")


def source_of(folder: Path, text: str, mapping: ColumnMapping | str | None = None) -> CsvSource:
    file = folder / "liste.csv"
    file.write_text(text, encoding="utf-8")
    return CsvSource("parc", read_mapped(file, mapping), zone=PARIS)


def jamf(folder: Path, *rows: Mapping[str, str]) -> CsvSource:
    return CsvSource("ecole", read_mapped(write_export(folder / "export.csv", rows)), zone=PARIS)


def rows_of(source: CsvSource) -> list[ListingRow]:
    return [row for page in source.pages() for row in page.rows]


def refusal(row: ListingRow) -> str:
    with pytest.raises(BadAnswer) as caught:
        row.sighting()
    assert str(caught.value.hint)
    return str(caught.value)


def read_or_refused(row: ListingRow) -> tuple[Sighting | None, str]:
    try:
        return row.sighting(), ""
    except BadAnswer as error:
        return None, str(error)


class World:
    """The export a console would give, again and again; implements ``testing.ListingWorld``."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "export.csv"
        self._rows = [export_row(number) for number in range(1, 5)]
        self.source = CsvSource("ecole", self._read(), zone=PARIS)

    def _read(self) -> Any:
        return read_mapped(write_export(self._file, self._rows))

    def serials(self) -> Collection[str]:
        return [row["SerialNumber"] for row in self._rows]

    def apps(self, serial: str) -> Mapping[str, str | None]:
        raise AssertionError("an export lists no apps")

    def change(self, serial: str) -> None:
        next(row for row in self._rows if row["SerialNumber"] == serial)["OsVersion"] = "iOS 27.0"
        # A file is read once; a new export is a new reading.
        self.source.table = self._read()

    change_apps = empty_apps = hide_apps = change

    def stop(self) -> None:
        self._file.unlink()

    def writes(self) -> int:
        return 0

    def secrets(self) -> Collection[str]:
        return SECRETS


class TestCsvSource(ListingContract):
    @pytest.fixture
    def world(self, tmp_path: Path) -> World:
        return World(tmp_path)

    @pytest.fixture
    def source(self, world: World) -> CsvSource:
        return world.source

    def test_probe_of_a_server_that_is_down(self, source: CsvSource, world: World) -> None:  # type: ignore[override]
        """A file is read whole before anything else: what happens to it later is no matter."""
        world.stop()
        assert source.probe().ok

    def test_listing_of_a_server_that_is_down(self, source: CsvSource, world: World) -> None:  # type: ignore[override]
        world.stop()
        assert len(rows_of(source)) == 4
        with pytest.raises(InputError, match="no such file"):
            read_mapped(world._file)


def test_jamf_schools_export(tmp_path: Path) -> None:
    source = jamf(tmp_path, export_row(7))
    (row,) = rows_of(source)
    assert row.sighting() == Sighting(
        remote_id="00008030-0000000000000007",
        serial="SERIAL0007",
        udid="00008030-0000000000000007",
        name="FORM-07",
        asset_tag="FORM-07",
        model="iPad (9th generation)",
        os_version="26.4.0",
        device_class="ipad",
        supervised=True,
        managed=True,
        available_gb=41.27,
        contact_at=datetime(2026, 11, 23, 10, 0, tzinfo=UTC),
        enrolled_at=datetime(2026, 9, 1, 8, 12, 44, tzinfo=UTC),
        groups=("Formation", "Zone & Nord"),
    )
    assert source.capabilities.covers == (
        Covers.NAME | Covers.ASSET_TAG | Covers.MODEL | Covers.OS | Covers.SUPERVISED | Covers.MANAGED
        | Covers.AVAILABLE | Covers.CONTACT | Covers.GROUPS
    )  # fmt: skip
    assert (row.apps(), row.apps_hash) == (None, None)
    assert source.facts() == ServerFacts()
    assert (source.requests, list(source.warnings)) == (0, [])


def test_jamf_schools_quirks(tmp_path: Path) -> None:
    first, second, third = rows_of(
        jamf(
            tmp_path,
            export_row(1, OsVersion="iOS ", MemberOf="[]", AssetTag="", LastConnected="", IsSupervised=""),
            export_row(2, SerialNumber=""),
            export_row(3, DeviceUDID="", Model="iPhone 12", Name="iPad &quot;A&quot;"),
        )
    )
    seen = first.sighting()
    assert (seen.os_version, seen.groups, seen.asset_tag) == (None, (), None)
    assert (seen.contact_at, seen.supervised) == (None, None)
    # Rejected by whoever reads the listing; the device is not gone all the same.
    assert (second.serial, second.remote_id) == ("", "00008030-0000000000000002")
    assert second.sighting().serial == ""
    assert third.remote_id == "SERIAL0003"
    assert (third.sighting().device_class, third.sighting().name) == ("iphone", 'iPad "A"')


def test_devices_in_the_trash_are_left_out_and_counted(tmp_path: Path) -> None:
    source = jamf(tmp_path, export_row(1), export_row(2, IsTrashed="true"), export_row(3))
    assert ("rows_in_trash", {"n": 1}) in [(told.code, told.params) for told in source.warnings]
    assert [page.total for page in source.pages()] == [2]
    assert [row.serial for row in rows_of(source)] == ["SERIAL0001", "SERIAL0003"]


def test_nothing_of_a_person_is_taken_over(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    source = jamf(
        tmp_path, export_row(1), export_row(2, IsManaged="Zélie"), export_row(3, LastConnected="Zélie")
    )
    told = [repr(source.table), repr([row.cells for row in source.table.rows if row.line == 2])]
    told += [repr(source), repr(source.probe()), repr(rows_of(source)), caplog.text]
    told.append(repr(rows_of(source)[0].sighting()))
    told += [refusal(row) for row in rows_of(source)[1:]]
    assert [secret for secret in (*SECRETS, "Zélie") if secret in " ".join(told)] == []


def test_a_part_is_covered_exactly_when_its_column_is_there(tmp_path: Path) -> None:
    source = source_of(tmp_path, "N° de série;Modèle;N° d'inventaire\nA1;Chromebook;12-0042\n")
    assert source.capabilities.covers == Covers.MODEL
    (row,) = rows_of(source)
    assert row.sighting() == Sighting(remote_id="A1", serial="A1", model="Chromebook")


def test_every_part_a_list_can_cover(tmp_path: Path) -> None:
    source = source_of(
        tmp_path,
        "serial,udid,remote_id,model_identifier,capacity_gb,battery_percent,location,last_seen_at\n"
        'A1,U1,R1,"iPad12,1",64 Go,83 %,North,23/11/2026 11:00\n',
    )
    (row,) = rows_of(source)
    seen = row.sighting()
    assert (seen.remote_id, seen.udid, seen.model_identifier) == ("R1", "U1", "iPad12,1")
    assert (seen.capacity_gb, seen.battery_percent, seen.location) == (64.0, 83, "North")
    assert (seen.contact_at, seen.device_class) == (datetime(2026, 11, 23, 10, 0, tzinfo=UTC), "ipad")
    assert source.capabilities.covers == (
        Covers.MODEL_IDENTIFIER | Covers.CAPACITY | Covers.BATTERY | Covers.LOCATION | Covers.CONTACT
    )


@pytest.mark.parametrize(
    ("heading", "cell"),
    [
        ("battery_percent", "Léa"),
        ("supervised", "peut-être"),
        ("os_version", "Léa 3,4"),
        ("last_seen_at", "hier"),
        ("capacity_gb", "beaucoup"),
    ],
)
def test_a_bad_cell_names_line_and_column_and_is_not_quoted(tmp_path: Path, heading: str, cell: str) -> None:
    good, bad = rows_of(source_of(tmp_path, f'serial;{heading}\nA1;\nA2;"{cell}"\n'))
    assert good.sighting().serial == "A1"
    assert (bad.serial, bad.remote_id) == ("A2", "A2")
    told = refusal(bad)
    assert told.startswith(f'Line 3: Column "{heading}": ')
    assert cell not in told


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("A2", "Line 2: Line with 1 cells under 2 headings"),
        ("A2;x;Léa", "Line 2: Line with 3 cells under 2 headings"),
        ("1,2E+11;x", "Line 2: A spreadsheet turned the serial number into a number"),
        ("Léa!;x", "Line 2: The serial number holds characters"),
    ],
)
def test_a_row_that_cannot_be_trusted_is_still_a_row(tmp_path: Path, line: str, told: str) -> None:
    source = source_of(tmp_path, f"serial;modèle\n{line}\nA3;y\n")
    bad, good = rows_of(source)
    assert (bad.serial, bad.remote_id, len(bad.whole_hash)) == ("", "", 16)
    assert refusal(bad).startswith(told)
    assert good.sighting().serial == "A3"
    assert [page.total for page in source.pages()] == [2]


def test_the_hash_moves_with_what_a_server_says(tmp_path: Path) -> None:
    def digest(text: str, mapping: ColumnMapping | None = None, zone: ZoneInfo = PARIS) -> bytes:
        table = source_of(tmp_path, text, mapping).table
        return rows_of(CsvSource("parc", table, zone=zone))[0].whole_hash

    text = "serial;modèle;lieu;notes\nA1;iPad;B2;x\n"
    mapping = ColumnMapping("m", {"serial": ColumnRule("serial"), "model": ColumnRule("modèle")})
    first = digest(text, mapping)
    assert digest(text, replace(mapping, name="n")) == first
    assert digest("notes;serial;lieu;modèle\ny;A1;B3;iPad\n", mapping) == first
    assert digest(text) == first  # a guess that reads the same columns is the same reading
    others = [
        digest("serial;modèle\nA1;iPad 9\n", mapping),
        digest("serial;modèle\nA;1iPad\n", mapping),
        digest("serial\nA1\n", mapping),
        digest(text, replace(mapping, entities=True)),
        digest(text, ColumnMapping("m", {"serial": ColumnRule("serial"), "name": ColumnRule("modèle")})),
        digest(text, mapping, ZoneInfo("Indian/Reunion")),
        digest(text, replace(mapping, timezone="Indian/Mayotte")),
    ]
    assert len({first, *others}) == len(others) + 1


def test_a_mapping_has_a_zone_of_its_own(tmp_path: Path) -> None:
    columns = {"serial": ColumnRule("serial"), "last_seen_at": ColumnRule("vu")}
    mapping = ColumnMapping("m", columns, timezone="Indian/Reunion")
    (row,) = rows_of(source_of(tmp_path, "serial;vu\nA1;23/11/2026 11:00\n", mapping))
    assert row.sighting().contact_at == datetime(2026, 11, 23, 7, 0, tzinfo=UTC)


def test_a_person_is_told_what_was_guessed_missing_and_not_read(tmp_path: Path) -> None:
    guessed = source_of(tmp_path, "N° de série;Valise\nA1;V1\n")
    assert [message.code for message in guessed.warnings] == ["columns_guessed", "columns_of_ours"]
    assert "N° de série = serial number, Valise = case" in str(guessed.warnings[0])
    details = [str(message) for message in guessed.probe().details]
    assert details[0] == 'Column "N° de série" is read as: serial number.'
    mapping = ColumnMapping("m", {"serial": ColumnRule("S"), "model": ColumnRule("Modèle")})
    absent = source_of(tmp_path, "S\nA1\n", mapping)
    assert [message.code for message in absent.warnings] == ["columns_absent"]
    assert "Modèle" in str(absent.warnings[0])


def test_a_list_without_devices_is_an_empty_page(tmp_path: Path) -> None:
    pages = list(source_of(tmp_path, "serial;modèle\n").pages())
    assert [(list(page.rows), page.total) for page in pages] == [([], 0)]


def test_a_file_may_stand_in_for_a_server_with_an_interface(tmp_path: Path) -> None:
    table = source_of(tmp_path, "serial\nA1\n").table
    assert CsvSource("ecole", table, zone=PARIS).kind == "file"
    assert CsvSource("ecole", table, zone=PARIS, kind="jamf-school").kind == "jamf-school"


_CELL = st.text('A1é;"=-/0,.E+% \t', max_size=8)


@given(st.lists(st.tuples(_CELL, _CELL, _CELL, _CELL), max_size=8))
def test_every_line_is_counted_and_read_or_refused(tmp_path: Path, lines: list[tuple[str, ...]]) -> None:
    quoted = [";".join('"' + cell.replace('"', '""') + '"' for cell in line) for line in lines]
    source = source_of(tmp_path, "\n".join(["serial;battery_percent;last_seen_at;groups", *quoted]) + "\n")
    rows = rows_of(source)
    assert len(rows) == sum(1 for line in lines if any(cell.strip() for cell in line))
    for row in rows:
        seen, told = read_or_refused(row)
        assert told.startswith("Line ") if seen is None else (seen.serial, told) == (row.serial, "")
        assert seen is None or seen.groups is not None


def test_the_outline_of_a_bad_line_tells_whose_it_is(tmp_path: Path) -> None:
    source = source_of(
        tmp_path,
        "serial;model;groups;battery_percent\nA1;iPhone 15;Formation;full\nA2;Chromebook;x;full\nA3;a;b;c;d;e\n",
    )
    phone, other, broken = (row.outline() for row in rows_of(source))
    assert phone is not None
    assert (phone.seen.device_class, phone.seen.groups) == ("iphone", ("Formation",))
    assert Covers.GROUPS in phone.covers
    assert Covers.LOCATION not in phone.covers
    assert other is not None
    assert other.seen.device_class is None
    assert broken is None
