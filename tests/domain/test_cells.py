"""What cells mean, as people and consoles write them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdm_bridge.domain import cell_dates, cells
from mdm_bridge.domain.cells import BadCell

PARIS = ZoneInfo("Europe/Paris")


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ("  FORM-07 ", "FORM-07"),
        ('="0042"', "0042"),
        ("'=1+1", "=1+1"),
        ("l'iPad", "l'iPad"),
        ("a\tb\r\nc", "a b  c"),
        ("a\x07b", "ab"),
        ("inconnu", None),
        ("N/A", None),
        (" – ", None),
        ("", None),
        ("\u00a0", None),
        ("A &amp; B", "A &amp; B"),
    ],
)
def test_text(raw: str, said: str | None) -> None:
    assert cells.text(raw) == said


def test_entities_are_undone_where_the_console_writes_them() -> None:
    assert cells.text("iPad &quot;A&quot; &amp; B", entities=True) == 'iPad "A" & B'


@pytest.mark.parametrize("raw", ["oui", "OUI", "true", "Vrai", "yes", "1", "x", "o"])
def test_true(raw: str) -> None:
    assert cells.flag(raw) is True


@pytest.mark.parametrize("raw", ["non", "false", "FAUX", "no", "0", "n"])
def test_false(raw: str) -> None:
    assert cells.flag(raw) is False


@pytest.mark.parametrize("raw", ["peut-être", "2", "ouii", "-1"])
def test_neither(raw: str) -> None:
    with pytest.raises(BadCell):
        cells.flag(raw)


@pytest.mark.parametrize(
    ("raw", "unit", "size"),
    [
        ("64", None, 64.0),
        ("64 GB", None, 64.0),
        ("64Go", None, 64.0),
        ("41,27", None, 41.27),
        ("41.27 Go", None, 41.27),
        ("65536 MB", None, 65.54),
        ("0,5 To", None, 500.0),
        ("64 GiB", None, 68.72),
        ("65536", "MB", 65.54),
        ("64", "GIB", 68.72),
        ("64000000000", "B", 64.0),
        ("64000000000 octets", None, 64.0),
        ("1 740,5 Mo", None, 1.74),
        ("1\u202f740 Go", None, 1740.0),
        ("1,024.5 GB", None, 1024.5),
        ("1.024,5 Go", None, 1024.5),
        ("1.024.000 Ko", None, 1.02),
        ("0", None, 0.0),
        ("-1", None, None),
        ("-1.0", None, None),
    ],
)
def test_sizes_are_decimal_gigabytes(raw: str, unit: str | None, size: float | None) -> None:
    assert cells.gigabytes(raw, unit) == size


@pytest.mark.parametrize("raw", ["beaucoup", "64 Gbit", "GB", ",", "1 2 3 GB", "99999999 GB", "9" * 400, "٣"])
def test_no_size(raw: str) -> None:
    with pytest.raises(BadCell):
        cells.gigabytes(raw)


@pytest.mark.parametrize(
    ("raw", "unit", "share"),
    [
        ("83 %", None, 83),
        ("83%", None, 83),
        ("83\u202f%", None, 83),
        ("83", None, 83),
        ("0.83", None, 83),
        ("0,835", None, 84),
        ("82,5", None, 83),
        ("1.0", None, 100),
        ("1", None, 1),
        ("1", "fraction", 100),
        ("0.5", "percent", 1),
        ("0.5 %", None, 1),
        ("100", None, 100),
        ("0", None, 0),
        ("-1", None, None),
        ("-100 %", None, None),
    ],
)
def test_percentages(raw: str, unit: str | None, share: int | None) -> None:
    assert cells.percent(raw, unit) == share


@pytest.mark.parametrize("raw", ["150", "101 %", "plein", "%", "-5"])
def test_no_percentage(raw: str) -> None:
    with pytest.raises(BadCell):
        cells.percent(raw)


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        ("iOS 26.4.0", "26.4.0"),
        ("iPadOS 17.5.1 (21F90)", "17.5.1"),
        ("18.5 22F76", "18.5"),
        ("18.5", "18.5"),
        ("18", "18"),
        ("iOS", None),
        ("iPadOS", None),
    ],
)
def test_versions(raw: str, found: str | None) -> None:
    assert cells.version(raw) == found


@pytest.mark.parametrize("raw", ["18,5", "iOS ?", "18.5 ou 18.6", "a" * 5000 + "!"])
def test_no_version(raw: str) -> None:
    with pytest.raises(BadCell):
        cells.version(raw)


@pytest.mark.parametrize(
    ("raw", "separator", "found"),
    [
        ("[Formation,CE2]", ",", ("Formation", "CE2")),
        ("[]", ",", ()),
        ("[A;B,C]", ",", ("A;B", "C")),
        ("a|b, c", None, ("a", "b, c")),
        ("a; b", None, ("a", "b")),
        ("a, b, a", None, ("a", "b")),
        ("", None, ()),
        ("['a', \"b\"]", None, ("a", "b")),
    ],
)
def test_lists_of_names(raw: str, separator: str | None, found: tuple[str, ...]) -> None:
    assert cells.names(raw, separator) == found


@pytest.mark.parametrize(
    ("raw", "found"), [("Formation", "training"), ("MPA", "ash"), ("ash", "ash"), ("aucun", "none")]
)
def test_pools(raw: str, found: str) -> None:
    assert cells.pool(raw) == found


@pytest.mark.parametrize("raw", ["1,23E+11", "1.23E11", "5E+7"])
def test_a_serial_number_that_a_spreadsheet_rounded_is_none(raw: str) -> None:
    with pytest.raises(BadCell) as caught:
        cells.serial(raw)
    assert caught.value.expected.code == "serial_mangled"


@pytest.mark.parametrize(
    ("raw", "found"),
    [(" dmpx1234abcd ", "DMPX1234ABCD"), ('="0042E7"', "0042E7"), ("5E7", "5E7"), ("", None)],
)
def test_serial_numbers(raw: str, found: str | None) -> None:
    assert cells.serial(raw) == found


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        ("2026-09-02T10:05:00Z", datetime(2026, 9, 2, 10, 5, tzinfo=UTC)),
        ("2026-09-02T10:05:00.123456789Z", datetime(2026, 9, 2, 10, 5, tzinfo=UTC)),
        ("2026-09-02 10:05:00 UTC", datetime(2026, 9, 2, 10, 5, tzinfo=UTC)),
        ("2026-09-02T10:05:00+0200", datetime(2026, 9, 2, 8, 5, tzinfo=UTC)),
        ("2026-09-02 10:05", datetime(2026, 9, 2, 8, 5, tzinfo=UTC)),
        ("2026-09-02", datetime(2026, 9, 1, 22, 0, tzinfo=UTC)),
        ("02/09/2026 10:05", datetime(2026, 9, 2, 8, 5, tzinfo=UTC)),
        ("02/09/2026 à 10h05", datetime(2026, 9, 2, 8, 5, tzinfo=UTC)),
        ("2.9.26", datetime(2026, 9, 1, 22, 0, tzinfo=UTC)),
        # The doubled hour of October is the first one, the missing hour of March exists an hour later.
        ("25/10/2026 02:30", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        ("29/03/2026 02:30", datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),
        ("1970-01-01T00:00:00Z", None),
        ("0001-01-01T00:00:00", None),
        ("0000-00-00 00:00:00", None),
    ],
)
def test_instants(raw: str, found: datetime | None) -> None:
    assert cell_dates.instant(raw, PARIS) == found


def test_american_dates_have_to_be_announced() -> None:
    afternoon = datetime(2026, 3, 25, 13, 5, tzinfo=UTC)
    assert cell_dates.instant("3/25/2026 2:05 PM", PARIS, "month-first") == afternoon
    with pytest.raises(BadCell):
        cell_dates.instant("3/25/2026 2:05 PM", PARIS)


@pytest.mark.parametrize(
    "raw",
    [
        "hier",
        "31/02/2026",
        "2026-13-01",
        "45678",
        "25:00",
        "12/2026",
        "2026-09-02T25:00",
        "13/09/2026 13:00 PM",
    ],
)
def test_no_date(raw: str) -> None:
    with pytest.raises(BadCell):
        cell_dates.instant(raw, PARIS)
    with pytest.raises(BadCell):
        cell_dates.local_day(raw, PARIS)


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        ("01/09/2026", date(2026, 9, 1)),
        ("2026-09-01", date(2026, 9, 1)),
        ("2026-08-31T22:30:00Z", date(2026, 9, 1)),
        ("00/00/0000", None),
    ],
)
def test_days(raw: str, found: date | None) -> None:
    assert cell_dates.local_day(raw, PARIS) == found


def test_a_day_of_another_century_is_a_mistake() -> None:
    with pytest.raises(BadCell):
        cell_dates.local_day("01/09/1026", PARIS)


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        (("iPad (9th generation)",), "ipad"),
        (("iPhone 12",), "iphone"),
        ((None, "MacBook Air"), "mac"),
        ((None, "Autre", "macOS 15"), "mac"),
        (("Chromebook", "iOS 18"), None),
        (("iMac",), "mac"),
        (("AppleTV14,1",), "appletv"),
        (("Machine à coudre",), None),
    ],
)
def test_device_class(texts: tuple[str | None, ...], found: str | None) -> None:
    assert cells.device_class_of(*texts) == found


_READERS = [
    cells.flag,
    cells.gigabytes,
    cells.percent,
    cells.version,
    cells.pool,
    cells.serial,
    lambda raw: cell_dates.instant(raw, PARIS),
    lambda raw: cell_dates.instant(raw, PARIS, "month-first"),
    lambda raw: cell_dates.local_day(raw, PARIS),
]

_CELLS = st.one_of(
    st.text(max_size=40),
    st.text(alphabet="0123456789 .,:/-TZ+%GMBoEh'à\u00a0\u202f", max_size=25),
    st.from_regex(r"[0-9]{1,4}[-/.][0-9]{1,2}[-/.][0-9]{1,4}( [0-9]{1,2}:[0-9]{2})?", fullmatch=True),
)


@given(_CELLS)
def test_any_cell_is_read_or_refused_and_never_quoted(raw: str) -> None:
    for read in _READERS:
        error = _refusal(read, raw)
        assert error is None or not error.expected.params


def _refusal(read: Callable[[str], object], raw: str) -> BadCell | None:
    try:
        read(raw)
    except BadCell as error:
        return error
    return None


@given(st.integers(1_262_390_400, 4_102_358_400))
def test_every_way_of_writing_an_instant_means_it(seconds: int) -> None:
    moment = datetime.fromtimestamp(seconds, UTC)
    local = moment.astimezone(PARIS)
    assert cell_dates.instant(moment.isoformat(), PARIS) == moment
    assert cell_dates.instant(f"{moment:%Y-%m-%dT%H:%M:%SZ}", PARIS) == moment
    if local.fold == 0:
        assert cell_dates.instant(f"{local:%d/%m/%Y %H:%M:%S}", PARIS) == moment


@given(st.floats(min_value=0, max_value=99_999, allow_nan=False))
def test_sizes_do_not_depend_on_the_decimal_mark(size: float) -> None:
    point = f"{size:.2f}"
    assert cells.gigabytes(point) == cells.gigabytes(point.replace(".", ",")) == float(point)
