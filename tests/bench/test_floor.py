"""What the floor and the measured synchronisation write is the same, and is what the server said."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from bench.fleet import pages
from bench.measure import measured
from bench.prepare import prepare
from bench.server import page_files, serving

#: Two pages.
DEVICES = 501


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    folder: Path = tmp_path_factory.mktemp("pages")
    with serving(page_files(folder, DEVICES)) as port:
        yield port


def said(state: str) -> tuple[set[tuple[Any, ...]], set[tuple[str, str, str]]]:
    devices, apps = set(), set()
    for page in pages(DEVICES, state):
        for row in json.loads(page)["results"]:
            serial, free_mb = row["serialNumber"], round(row["availableGb"] * 1000)
            devices.add((serial, row["name"], row["osVersion"], row["batteryPercent"], free_mb))
            apps |= {(serial, app["identifier"], app["version"]) for app in row["apps"]}
    return devices, apps


def written(url: str) -> tuple[set[tuple[Any, ...]], set[tuple[str, str, str]]]:
    engine = create_engine(url)
    with engine.connect() as connection:
        devices = connection.execute(
            text(
                "SELECT d.serial, n.name, n.os_version, n.battery_percent, n.available_mb "
                "FROM device_now n JOIN device d ON d.id = n.device_id"
            )
        ).all()
        apps = connection.execute(
            text(
                "SELECT d.serial, a.bundle_id, v.text FROM installed i JOIN device d ON d.id = i.device_id "
                "JOIN app a ON a.id = i.app_id JOIN app_version v ON v.id = i.version_id"
            )
        ).all()
    engine.dispose()
    return {tuple(row) for row in devices}, {tuple(row) for row in apps}


@pytest.mark.parametrize("who", ["floor", "ours"])
def test_every_state_of_the_fleet_is_written(database_url: str, port: int, who: str) -> None:
    prepare(database_url, who)
    for state in ("first", "first", "moved", "changed"):
        assert measured(who, database_url, port, state)()["devices"] == DEVICES
        assert written(database_url) == said(state)


def test_one_device_in_a_hundred_differs() -> None:
    moved, changed = said("moved"), said("changed")
    assert len({device[0] for device in moved[0] ^ changed[0]}) == 6
    assert said("first")[1] == moved[1] != changed[1]
