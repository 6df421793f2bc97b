"""Read the mobile devices with jamf-pro-sdk, as its documentation shows: ``PORT``.

Runs in the peers' own environment; prints serial numbers with versions, and what went wrong.
"""

import json
import sys

from jamf_pro_sdk import ApiClientCredentialsProvider, JamfProClient, SessionConfig

client = JamfProClient(
    "127.0.0.1",
    ApiClientCredentialsProvider("id", "secret"),
    port=int(sys.argv[1]),
    session_config=SessionConfig(scheme="http"),
)
said, rows = "", []
try:
    found = client.pro_api.get_mobile_device_inventory_v2(sections=["GENERAL", "HARDWARE", "APPLICATIONS"])
    rows = [(device.hardware.serialNumber, device.general.osVersion) for device in found]
except Exception as error:  # noqa: BLE001 - whatever it is, it is the outcome
    said = f"{type(error).__name__}: {error}"
print(json.dumps({"rows": rows, "said": said}))
