"""The wire of Jamf School: rights, shapes, filters, writes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from mdm_bridge.simulator import Simulator, start_simulator
from tests.simulator.client import Client

ALWAYS = {
    "UDID", "locationId", "serialNumber", "assetTag", "name", "class", "isManaged", "isSupervised",
    "enrollType", "depProfile", "model", "os", "owner", "groups", "batteryLevel", "totalCapacity",
    "availableCapacity", "iCloudBackupEnabled", "iCloudBackupLatest", "iTunesStoreLoggedIn", "region", "notes",
    "lastCheckin", "modified", "networkInformation",
}  # fmt: skip


def test_two_reads_are_the_same_bytes(client: Client) -> None:
    first = client("GET", "/devices?includeApps=true")
    assert first.body == client("GET", "/devices?includeApps=true").body
    assert first.json["code"] == 200
    assert first.json["count"] == len(first.json["devices"]) == 26
    assert first.headers["content-length"] == str(len(first.body))
    assert first.headers["x-server-instance"]


def test_the_same_seed_answers_the_same_bytes(client: Client) -> None:
    start = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
    with start_simulator("jamf-school", start=start) as other:
        for path in ("/devices?includeApps=true", "/apps", "/devices/groups", "/profiles"):
            assert Client(other)("GET", path).body == client("GET", path).body


def test_a_row_has_every_key_and_apps_only_on_request(client: Client) -> None:
    for row in client.devices():
        assert row.keys() >= ALWAYS | {"apps"}
        for app in row["apps"]:
            assert app.keys() == {"name", "identifier", "version", "vendor", "icon"}
    assert all("apps" not in row for row in client.devices(""))
    assert all("apps" in row for row in client.devices("?includeApps="))


def test_oddities_are_in_the_listing(client: Client) -> None:
    rows = client.devices()
    assert any(isinstance(row["availableCapacity"], str) for row in rows)
    assert any(row["batteryLevel"] == -1 for row in rows)
    kinds = {repr(row["isSupervised"]) for row in rows}
    assert kinds & {"1", "0"}
    assert kinds & {"'1'", "'0'"}
    assert {"True", "False"} <= kinds
    assert "" in {row["isManaged"] for row in rows}
    owners = [row["owner"] for row in rows]
    assert [] in owners
    assert {} in owners
    assert any(isinstance(owner, dict) and owner.get("id") == 0 for owner in owners)
    assert any(isinstance(row["model"], list) and isinstance(row["os"], list) for row in rows)
    assert any(row["assetTag"] == "" for row in rows)
    assert {row["class"] for row in rows} == {"ipad", "iphone", "mac"}
    assert all(isinstance(row["lastCheckin"], str) for row in rows)
    assert all(row["serialNumber"] for row in rows)


def test_one_device_has_its_own_shape(client: Client) -> None:
    for row in client.devices(""):
        seen = client("GET", f"/devices/{row['UDID']}").json["device"]
        assert seen["model"]["type"] == {"value": seen["model"]["type"]["value"]}
        assert seen["lastCheckin"] == {
            "date": row["lastCheckin"] + ".000000",
            "timezone_type": 3,
            "timezone": "Europe/Paris",
        }
        assert "deviceEnrollType" in seen
        assert not {"enrollType", "depProfile", "networkInformation", "apps"} & seen.keys()
        has_owner = isinstance(row["owner"], dict) and row["owner"].get("id")
        assert bool(seen["owner"]) == bool(has_owner)
    udid = client.devices("")[0]["UDID"]
    assert "apps" in client("GET", f"/devices/{udid}?includeApps=true").json["device"]
    assert "apps" not in client("GET", f"/devices/{udid}?includeApps=1").json["device"]


def test_the_trash_is_not_listed(client: Client, simulator: Simulator) -> None:
    binned = [one.serial for one in simulator.world.current.devices.values() if one.in_trash]
    assert len(binned) == 1
    assert binned[0] not in {row["serialNumber"] for row in client.devices("")}
    assert [row["serialNumber"] for row in client.devices("?inTrash=1")] == binned


def test_dates_are_local_and_the_october_hour_comes_twice() -> None:
    start = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    with start_simulator("jamf-school", devices=1, start=start, plain=True) as running:
        client = Client(running)
        serial = client.devices("")[0]["serialNumber"]
        dates = []
        for _ in range(2):
            client.control("POST", "/device", {"serial": serial, "contact": "now"})
            dates.append(client.devices("")[0]["lastCheckin"])
            running.world.advance(timedelta(hours=1))
        assert dates == ["2026-10-25 02:30:00"] * 2


@pytest.mark.parametrize(
    ("query", "test"),
    [
        ("serialnumber", lambda row, first: row["serialNumber"] == first["serialNumber"]),
        ("assettag", lambda row, first: row["assetTag"] == first["assetTag"]),
        ("location", lambda row, first: row["locationId"] == first["locationId"]),
    ],
)
def test_filters_on_a_field(client: Client, query: str, test: object) -> None:
    rows = client.devices("")
    first = rows[12]
    value = {"serialnumber": first["serialNumber"].lower(), "assettag": first["assetTag"], "location": 1}[
        query
    ]
    expected = [row for row in rows if test(row, first)]  # type: ignore[operator]
    assert client.devices(f"?{query}={value}") == expected
    assert 0 < len(expected) < len(rows)


def test_filters_on_groups_owner_and_model(client: Client) -> None:
    rows = client.devices("")
    both = client.devices("?groups=4,9")
    assert both == [row for row in rows if {"Formation", "Malentendants"} & set(row["groups"])]
    owned = client.devices("?owner=42")
    assert owned
    assert all(row["owner"]["id"] == 42 for row in owned)
    assert client.devices("?model=iPhone12,8")[0]["class"] == "iphone"
    assert {row["isSupervised"] for row in client.devices("?supervised=0")} <= {False, "0"}
    assert client.devices("?page=2&limit=5") == rows, "there is no paging"


def test_lists_beside_the_devices(client: Client) -> None:
    groups = client("GET", "/devices/groups").json
    by_name = {group["name"]: group for group in groups["deviceGroups"]}
    rows = client.devices("")
    assert by_name["ASH"]["members"] == sum("ASH" in row["groups"] for row in rows)
    assert client("GET", "/devices/groups/3").json["deviceGroup"] == by_name["ASH"]
    apps = client("GET", "/apps").json
    assert apps.keys() == {"apps"}
    kinds = {("adamId" in app, "totalLicenses" in app) for app in apps["apps"]}
    assert kinds == {(True, True), (True, False), (False, False)}
    assert any(app.get("isDeleted") for app in apps["apps"])
    assert any(app.get("availableLicenses") == 0 for app in apps["apps"])
    assert client("GET", f"/apps/{apps['apps'][0]['id']}").json == apps["apps"][0]
    assert client("GET", "/profiles").json.keys() == {"profiles"}
    assert client("GET", "/profiles/4").json["identifier"] == "fr.exemple.wifi"
    assert client("GET", "/locations").json["locations"][0]["isDistrict"] is True
    assert client("GET", "/locations/1").json["schoolNumber"]
    users = client("GET", "/users").json
    assert users["count"] == len(users["users"]) == 12
    assert "vpp" not in client("GET", "/users/41").json["user"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/devices/none", {"code": 404, "message": "DeviceNotFound"}),
        ("/devices/groups/99", {"code": 404, "message": "DeviceGroupNotFound"}),
        ("/devices/groups/x", {"code": 404, "message": "DeviceGroupNotFound"}),
        ("/apps/9999", {"code": 0, "message": "AppNotFound"}),
        ("/users/1", {"code": 404, "message": "UserNotFound"}),
        ("/locations/7", {"code": 404, "message": "LocationNotFound"}),
    ],
)
def test_what_is_not_there(client: Client, path: str, body: dict[str, object]) -> None:
    seen = client("GET", path)
    assert (seen.status, seen.json) == (404, body)


@pytest.mark.parametrize("path", ["/nothing", "//devices", "/devices//groups", "/classes"])
def test_a_wrong_address_is_plain_text(client: Client, path: str) -> None:
    seen = client("GET", path)
    assert seen.status == 404
    assert seen.headers["content-type"].startswith("text/plain")


def test_keys(simulator: Simulator, client: Client, writer: Client) -> None:
    for wrong in (Client(simulator, "wrong"), Client(simulator, "")):
        seen = wrong("GET", "/devices")
        assert seen.status == 401
        assert seen.headers["www-authenticate"].startswith("Basic")
        assert b"{" not in seen.body
    refused = client("POST", "/apps", {"adamId": 1})
    assert refused.status == 405
    assert refused.json == {
        "error": {"code": 405, "message": "Requested method (POST) not allowed using this API key"}
    }
    assert client("PUT", "/devices/groups/3", {"name": "X"}).status == 405
    assert client("DELETE", "/devices/groups/3").status == 405
    assert writer("GET", "/devices").status == 200


def test_no_authorization_at_all(simulator: Simulator) -> None:
    client = Client(simulator)
    client.authorization = ""
    assert client("GET", "/devices").status == 401
    client.authorization = "Bearer abc"
    assert client("GET", "/devices").status == 401
    client.authorization = "Basic ???"
    assert client("GET", "/devices").status == 401


def test_groups_are_made_filled_emptied_renamed_deleted(client: Client, writer: Client) -> None:
    made = writer("POST", "/devices/groups", {"name": "Catalogue 1", "information": "fixe"}).json
    assert made["code"] == 200
    key = made["id"]
    udids = [row["UDID"] for row in client.devices("")[:3]]
    assert writer("POST", "/devices/groups/add", {"groupId": key, "udids": udids}).json["devicesAdded"] == 3
    assert writer("POST", "/devices/groups/add", {"groupId": key, "udids": udids}).json["devicesAdded"] == 0
    assert [row["UDID"] for row in client.devices(f"?groups={key}")] == udids
    removed = writer("POST", "/devices/groups/remove", {"groupId": key, "udids": udids[:1]}).json
    assert removed == {"code": 200, "devicesRemoved": 1}
    changed = {"name": "Catalogue 2", "information": "autre", "shared": True}
    assert writer("PUT", f"/devices/groups/{key}", changed).json == {"code": 200}
    group = client("GET", f"/devices/groups/{key}").json["deviceGroup"]
    assert (group["name"], group["information"], group["shared"]) == ("Catalogue 2", "fixe", True)
    assert group["members"] == 2
    assert "Catalogue 2" in client.devices("")[1]["groups"]
    assert writer("DELETE", f"/devices/groups/{key}").status == 200
    assert client("GET", f"/devices/groups/{key}").status == 404
    assert "Catalogue 2" not in client.devices("")[1]["groups"]


def test_group_refusals(writer: Client) -> None:
    udid = writer.devices("")[0]["UDID"]
    assert writer("POST", "/devices/groups", {}).json["message"] == "MissingParameter"
    assert writer("POST", "/devices/groups/add", {"groupId": 3}).json["message"] == "UDIDArrayEmpty"
    unknown = writer("POST", "/devices/groups/add", {"groupId": 99, "udids": [udid]})
    assert unknown.json["message"] == "DeviceGroupNotFound"
    assert writer("POST", "/devices/groups/add", {"groupId": 12, "udids": [udid]}).status == 400
    assert writer("PUT", "/devices/groups/3", b"name=X", form=True).json["message"] == "UDIDArrayEmpty"
    assert writer("POST", "/devices/groups", b"{not json").json["message"] == "MissingParameter"


def test_commands_are_accepted_now_and_carried_out_later(simulator: Simulator, writer: Client) -> None:
    row = next(
        row for row in writer.devices() if row["serialNumber"] and row["apps"] and row["class"] == "ipad"
    )
    path = f"/devices/{row['UDID']}"
    assert writer("POST", f"{path}/refresh", {"clearErrors": True}).json["message"] == "CommandScheduled"
    assert "UUID" in writer("POST", f"{path}/refresh").json
    assert writer("POST", f"{path}/restart", b"clearPasscode=true", form=True).json["device"] == row["UDID"]
    assert writer.devices() == writer.devices()
    assert writer.devices()[0]["lastCheckin"] == row["lastCheckin"], "nothing before the clock moves"
    simulator.world.advance(timedelta(minutes=2))
    assert writer.devices()[0]["lastCheckin"] > row["lastCheckin"]
    assert writer("POST", f"{path}/wipe", {"clearActivationLock": "true"}).json.keys() == {
        "message",
        "device",
    }
    simulator.world.advance(timedelta(minutes=2))
    wiped = writer.devices()[0]
    assert (wiped["UDID"], wiped["name"], wiped["apps"]) == (row["UDID"], "iPad", [])


def test_a_sleeping_device_carries_out_nothing(simulator: Simulator, writer: Client) -> None:
    asleep = next(one for one in simulator.world.current.listed if one.sleeper)
    writer("POST", f"/devices/{asleep.udid}/wipe")
    simulator.world.advance(timedelta(days=3))
    assert simulator.world.current.devices[asleep.serial] == asleep


def test_details_owner_trash_and_back(client: Client, writer: Client) -> None:
    row = writer.devices("")[0]
    path = f"/devices/{row['UDID']}"
    assert writer("POST", f"{path}/details", {"assetTag": "PN-900"}).json["message"] == "DeviceUpdated"
    assert writer("PUT", f"{path}/owner", {"user": "41"}).json["message"] == "DeviceSaved"
    after = client.devices("")[0]
    assert (after["assetTag"], after["owner"]["id"], after["notes"]) == ("PN-900", 41, row["notes"])
    writer("PUT", f"{path}/owner", {"user": 0})
    assert client.devices("")[0]["owner"]["id"] == 0
    assert writer("PUT", f"{path}/owner", {"user": 4}).json["message"] == "UserNotFound"
    assert writer("PUT", f"{path}/owner", b"user=41", form=True).json["message"] == "UDIDArrayEmpty"
    assert writer("DELETE", path).json["message"] == "DeviceTrashed"
    assert row["UDID"] not in {one["UDID"] for one in client.devices("")}
    assert client("GET", path).json["device"]["inTrash"] is True
    assert writer("POST", f"{path}/restore").json["message"] == "DeviceRestored"
    assert writer("POST", f"{path}/unenroll").json["message"] == "DeviceUnenrolled"
    assert client.devices("")[0]["isManaged"] is False


def test_apps_need_protocol_four(client: Client, writer: Client) -> None:
    asked = {"adamId": 1234567890, "countryCode": "FR"}
    old = writer("POST", "/apps", asked, X_Server_Protocol_Version="3")
    assert old.status == 404
    made = writer("POST", "/apps", asked, X_Server_Protocol_Version="4").json
    again = writer("POST", "/apps", asked, X_Server_Protocol_Version="4").json
    assert made == again
    assert made["message"] == "AppCreated"
    key = made["data"]["mediaId"]
    assert client("GET", f"/apps/{key}").json["adamId"] == 1234567890
    assert writer("POST", f"/apps/{key}/trash", X_Server_Protocol_Version="4").json["message"] == "AppTrashed"
    assert client("GET", f"/apps/{key}").status == 404
