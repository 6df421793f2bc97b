"""Synchronise the computers with cairn-sync into the asset list: ``PORT STATE_FILE``.

Runs in the peers' own environment; prints what its summary says.
"""

import json
import logging
import sys

from cairn.orchestrator import Orchestrator

logging.disable(logging.CRITICAL)
address = f"http://127.0.0.1:{sys.argv[1]}"
said = ""
try:
    summary = Orchestrator(
        {
            "mode": "fleet",
            "state_path": sys.argv[2],
            "sources": {
                "jamf": {"enabled": True, "url": address, "client_id": "id", "client_secret": "secret"}
            },
            "sinks": {"snipeit": {"enabled": True, "url": f"{address}/api/v1", "token": "token"}},
        }
    ).run()
    said = "; ".join(str(error) for error in summary.source_errors.values())
    if summary.failed:
        said += f" {summary.failed} failed"
except Exception as error:  # noqa: BLE001 - whatever it is, it is the outcome
    said = f"{type(error).__name__}: {error}"
print(json.dumps({"said": said}))
