"""Whatever JSON comes, nothing but our own errors comes out of the reading of it."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from mdm_bridge.errors import BridgeError
from mdm_bridge.net.http import HttpSession, HttpSettings
from mdm_bridge.providers.jamf_school import answers
from mdm_bridge.providers.jamf_school.answers import AppList, DeviceList, GroupList, ProfileList
from mdm_bridge.providers.jamf_school.rows import JamfSchoolRow
from mdm_bridge.providers.jamf_school.wire import WireApp, WireDevice, WireGroup, WireProfile
from tests.providers.jamf_bodies import PARIS, device

SESSION = HttpSession(HttpSettings(url="https://school.example/api"))
LISTS = {DeviceList: "devices", GroupList: "deviceGroups", AppList: "apps", ProfileList: "profiles"}
WIRES = (WireDevice, WireApp, WireGroup, WireProfile)

_ODD = [
    "9" * 5000, "-" + "9" * 5000, "1e999", "nan", "²", "٣", "\ud800", "\x00", "2026-09-02 10:05:00", "Europe/Paris",
    "../etc", "+99:99", "0001-01-01 00:00:00+14:00", "9999-12-31 23:59:59-14:00", 10**18, 2**64 - 1, -(2**63),
    1e308, -0.0, "DeviceNotFound",
]  # fmt: skip
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=30)
    | st.sampled_from(_ODD)
)
_KEYS = st.sampled_from(["text", "value", "date", "epoch", "timezone", "code", "message", "name"]) | st.text(
    max_size=5
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=3),
    max_leaves=8,
)


def keys_of(model):
    return [field.alias or name for name, field in model.model_fields.items()]


def objects(keys):
    return st.dictionaries(st.sampled_from(keys), VALUES, max_size=len(keys))


def read(kind, body):
    """Read an answer whole, and show what is said of it as a person would see it."""
    try:
        envelope = answers.read_envelope(bytearray(body), kind, SESSION)
        answers.count_of(getattr(envelope, "count", None))
        return answers.rows_of(envelope, LISTS[kind])
    except BridgeError as error:
        f"{error.message} {error.hint}".encode("utf-8", "surrogatepass")
        return []


@settings(max_examples=300, deadline=None)
@given(
    kind=st.sampled_from(list(LISTS)),
    around=objects(["code", "message", "error", "count", "deviceGroups", "DeviceGroups"]),
    rows=VALUES | st.lists(VALUES, max_size=3),
)
def test_any_envelope_is_read_or_refused(kind, around, rows):
    read(kind, json.dumps({**around, LISTS[kind]: rows}).encode())


@settings(max_examples=200, deadline=None)
@given(
    kind=st.sampled_from(list(LISTS)),
    body=st.binary(max_size=60) | VALUES.map(lambda v: json.dumps(v).encode()),
)
def test_any_bytes_are_read_or_refused(kind, body):
    read(kind, body)


@settings(max_examples=500, deadline=None)
@given(changes=objects([*keys_of(WireDevice), "apps"]), bare=st.booleans())
def test_any_device_is_read_or_refused(changes, bare):
    text = json.dumps(changes if bare else device(**changes)).encode()
    row = JamfSchoolRow(msgspec.Raw(text), PARIS)
    assert len(row.whole_hash) == 16
    for decode in (row.sighting, row.apps):
        try:
            decode()
        except BridgeError as error:
            str(error.message)
    row.outline()


@settings(max_examples=300, deadline=None)
@given(model=st.sampled_from(WIRES), data=st.data())
def test_any_entry_is_an_entry_or_malformed(model, data):
    text = json.dumps(data.draw(objects(keys_of(model)))).encode()
    try:
        wire = model.model_validate_json(text)
    except ValidationError:
        return
    for name in ("to_app", "to_group", "to_profile"):
        if hasattr(wire, name):
            getattr(wire, name)()


LONG = "9" * 5000


@pytest.mark.parametrize(
    "body",
    [
        '{"code":"LONG","devices":[]}',
        '{"code":LONG,"devices":[]}',
        '{"error":{"code":"LONG"}}',
        '{"code":200,"message":{},"devices":[]}',
        '{"code":200,"message":[1]}',
        '{"code":200,"count":LONG,"devices":[]}',
        '{"code":200,"code":LONG,"devices":[]}',
    ],
)
def test_known_stumbling_blocks(body):
    read(DeviceList, body.replace("LONG", LONG).encode())


def test_a_long_number_is_not_shown_as_a_code():
    """A telephone number in the place of the code is nobody's business."""
    with pytest.raises(BridgeError) as caught:
        answers.read_envelope(
            bytearray(b'{"error":{"code":33612345678,"message":"no"}}'), DeviceList, SESSION
        )
    assert "33612345678" not in f"{caught.value.message} {caught.value.message.params}"
