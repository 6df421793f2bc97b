"""The contract every listing source keeps, as a pytest class that an adapter's tests inherit.

.. code-block:: python

    class TestAcmeSource(ListingContract):
        @pytest.fixture
        def world(self): ...      # a server with at least three devices, a ListingWorld

        @pytest.fixture
        def source(self, world): ...  # the adapter, reading that server

What a product cannot do is read from its declared capabilities, never from its name.
"""

from __future__ import annotations

import traceback
from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Protocol

import pytest

from mdm_bridge.domain.inventory import STABLE_FIELDS, VOLATILE_FIELDS, Covers
from mdm_bridge.errors import ServerError
from mdm_bridge.ports.inventory import ListingRow, ListingSource

__all__ = ["ListingContract", "ListingWorld"]


class ListingWorld(Protocol):
    """The server behind a source, as the contract needs to see and move it."""

    def serials(self) -> Collection[str]:
        """Return the serial numbers of the devices that are listed, upper case."""
        ...

    def apps(self, serial: str) -> Mapping[str, str | None]:
        """Return what is truly installed: versions by bundle id."""
        ...

    def change(self, serial: str) -> None:
        """Change something of a device other than its apps."""
        ...

    def change_apps(self, serial: str) -> None:
        """Change the version of an app, or which apps are installed."""
        ...

    def empty_apps(self, serial: str) -> None:
        """Remove every app."""
        ...

    def hide_apps(self, serial: str) -> None:
        """Let the listing say nothing of the apps of this device any more."""
        ...

    def stop(self) -> None:
        """Let the server answer no more."""
        ...

    def writes(self) -> int:
        """Return how many requests arrived that could change something."""
        ...

    def secrets(self) -> Collection[str]:
        """Return texts that no error and no repr may show: keys, names of people."""
        ...


def _rows(source: ListingSource) -> dict[str, ListingRow]:
    """Return the rows of a whole listing by serial number."""
    return {row.serial: row for page in source.pages() for row in page.rows}


def _needs(source: ListingSource, part: Covers) -> None:
    if part not in source.capabilities.covers:
        pytest.skip(f"does not cover {part.name}")


class ListingContract:
    """What every ``ports.inventory.ListingSource`` must do; see the module."""

    def test_every_device_comes_once(self, source: ListingSource, world: ListingWorld) -> None:
        """No device is missing, none comes twice."""
        serials = [row.serial for page in source.pages() for row in page.rows]
        assert sorted(serials) == sorted(world.serials())

    def test_own_count_agrees(self, source: ListingSource, world: ListingWorld) -> None:
        """A server that counts its devices is quoted on every page."""
        totals = {page.total for page in source.pages()}
        assert totals in ({None}, {len(world.serials())})

    def test_rows_are_recognisable(self, source: ListingSource) -> None:
        """Ids are there and differ, serial numbers are normalised, hashes have 16 bytes."""
        rows = _rows(source).values()
        assert all(row.remote_id for row in rows)
        assert len({row.remote_id for row in rows}) == len(rows)
        assert all(row.serial == row.serial.strip().upper() for row in rows)
        assert all(len(row.whole_hash) == 16 for row in rows)
        assert all(row.apps_hash is None or len(row.apps_hash) == 16 for row in rows)

    def test_nothing_changed_means_same_hashes(self, source: ListingSource) -> None:
        """Two readings of one state cannot be told apart."""

        def hashes() -> dict[str, tuple[bytes, bytes | None]]:
            return {serial: (row.whole_hash, row.apps_hash) for serial, row in _rows(source).items()}

        assert hashes() == hashes()

    def test_a_change_shows_in_that_row_only(self, source: ListingSource, world: ListingWorld) -> None:
        """The whole hash of the changed device moves, no other, and not that of its apps."""
        before = _rows(source)
        changed = sorted(world.serials())[0]
        world.change(changed)
        after = _rows(source)
        moved = {serial for serial in before if before[serial].whole_hash != after[serial].whole_hash}
        assert moved == {changed}
        assert after[changed].apps_hash == before[changed].apps_hash

    def test_a_change_of_apps_shows(self, source: ListingSource, world: ListingWorld) -> None:
        """Both hashes of that device move."""
        _needs(source, Covers.APPS)
        before = _rows(source)
        changed = sorted(world.serials())[1]
        world.change_apps(changed)
        after = _rows(source)
        assert after[changed].apps_hash != before[changed].apps_hash
        assert after[changed].whole_hash != before[changed].whole_hash

    def test_every_row_decodes(self, source: ListingSource) -> None:
        """Units, zone and case are as ``Sighting`` says."""
        for serial, row in _rows(source).items():
            seen = row.sighting()
            assert (seen.serial, seen.remote_id) == (serial, row.remote_id)
            assert seen.battery_percent is None or 0 <= seen.battery_percent <= 100
            assert seen.capacity_gb is None or seen.capacity_gb > 0
            assert seen.available_gb is None or seen.available_gb >= 0
            assert seen.device_class is None or seen.device_class == seen.device_class.lower()
            for instant in (seen.contact_at, seen.enrolled_at):
                assert instant is None or instant.utcoffset() == timedelta(0)
            texts = (seen.name, seen.asset_tag, seen.model, seen.os_version)
            assert all(text is None or text == text.strip() != "" for text in texts)

    def test_uncovered_parts_are_none(self, source: ListingSource) -> None:
        """What the source does not speak of is None in every row, never empty or zero."""
        names = {**STABLE_FIELDS, **VOLATILE_FIELDS}
        names["contact_at"] = names.pop("last_seen_at")
        uncovered = [name for name, part in names.items() if part not in source.capabilities.covers]
        for row in _rows(source).values():
            assert [name for name in uncovered if getattr(row.sighting(), name) is not None] == []
            if Covers.APPS not in source.capabilities.covers:
                assert row.apps() is None
                assert row.apps_hash is None

    def test_apps_are_those_installed(self, source: ListingSource, world: ListingWorld) -> None:
        """Every app with its version, in the case it is written in."""
        _needs(source, Covers.APPS)
        for serial, row in _rows(source).items():
            apps = row.apps()
            assert apps is not None
            assert {app.bundle_id: app.version for app in apps} == dict(world.apps(serial))

    def test_no_app_list_is_not_an_empty_one(self, source: ListingSource, world: ListingWorld) -> None:
        """``[]`` says that nothing is installed; None says nothing."""
        _needs(source, Covers.APPS)
        first, second, *_ = sorted(world.serials())
        world.empty_apps(first)
        world.hide_apps(second)
        rows = _rows(source)
        assert list(rows[first].apps() or []) == []
        assert rows[first].apps() is not None
        assert rows[first].apps_hash is not None
        assert rows[second].apps() is None
        assert rows[second].apps_hash is None

    def test_facts_are_those_declared(self, source: ListingSource) -> None:
        """A declared part is a tuple (maybe empty), any other is None."""
        facts = source.facts()
        for part in ("apps", "groups", "profiles"):
            assert (getattr(facts, part) is not None) == (part in source.capabilities.facts)
        if not source.capabilities.licences:
            assert all(app.total is None for app in facts.apps or ())

    def test_requests_are_counted_and_few(self, source: ListingSource, world: ListingWorld) -> None:
        """The count grows by what was sent; a listing costs no request a device, and writes nothing."""
        before = source.requests
        list(source.pages())
        cost = source.requests - before
        assert 0 <= cost < len(world.serials())
        source.facts()
        source.probe()
        assert source.requests >= before + cost
        assert world.writes() == 0

    def test_probe_of_a_server_that_answers(self, source: ListingSource) -> None:
        """It says yes."""
        assert source.probe().ok

    def test_probe_of_a_server_that_is_down(self, source: ListingSource, world: ListingWorld) -> None:
        """It says no and what to do; it does not raise."""
        world.stop()
        probe = source.probe()
        assert not probe.ok
        assert probe.hint is not None
        assert str(probe.message)

    def test_listing_of_a_server_that_is_down(self, source: ListingSource, world: ListingWorld) -> None:
        """It raises, with a hint, rather than end early; and shows no secret."""
        world.stop()
        with pytest.raises(ServerError) as caught:
            list(source.pages())
        assert str(caught.value.hint)
        shown = "".join(traceback.format_exception(caught.value)) + str(caught.value.hint)
        assert [secret for secret in world.secrets() if secret in shown] == []

    def test_close_twice(self, source: ListingSource) -> None:
        """Closing is safe after use, and again."""
        list(source.pages())
        source.close()
        source.close()

    def test_no_secret_in_a_repr(self, source: ListingSource, world: ListingWorld) -> None:
        """Neither the source nor its rows, pages or probe show a key or a person."""
        pages = list(source.pages())
        shown = repr((source, pages, source.probe(), [list(page.rows) for page in pages]))
        assert [secret for secret in world.secrets() if secret in shown] == []

    def test_it_says_who_it_is(self, source: ListingSource) -> None:
        """Name and kind are texts a person wrote or knows."""
        assert source.name
        assert source.kind
