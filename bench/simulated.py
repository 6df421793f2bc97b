"""The simulated Jamf School server in a process of its own, and settings that read it."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

__all__ = ["control", "fetch", "simulator", "write_settings"]


@contextmanager
def simulator(*options: str) -> Iterator[dict[str, Any]]:
    """Start ``mdm-bridge simulate jamf-school`` and give the line it says when it is ready."""
    command = [sys.executable, "-m", "mdm_bridge", "simulate", "jamf-school", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        try:
            ready: dict[str, Any] = json.loads(process.stdout.readline())
            yield ready
        finally:
            process.terminate()


def control(ready: dict[str, Any], method: str, path: str, body: object = None) -> Any:
    """Ask the simulator's control panel."""
    request = urllib.request.Request(
        f"{ready['control']}{path}",
        method=method,
        data=None if body is None else json.dumps(body).encode(),
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def fetch(ready: dict[str, Any], path: str) -> bytes:
    """Ask the simulated server itself, with its key."""
    user = f"{ready['settings']['network_id']}:{ready['api_key']}"
    request = urllib.request.Request(
        f"{ready['url']}/{path}", headers={"Authorization": f"Basic {b64encode(user.encode()).decode()}"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        body: bytes = answer.read()
        return body


def write_settings(folder: Path, ready: dict[str, Any], database: str = "mdm-bridge.db") -> Path:
    """Write settings with one server, ``ecole``, that read the simulator into a file of ``folder``."""
    server = ready["settings"]
    lines = ["[database]", f'url = "sqlite:///{folder / database}"', "[servers.ecole]"]
    lines += [f"{key} = {json.dumps(value)}" for key, value in server.items() if key != "pools"]
    lines.append("[servers.ecole.pools]")
    lines += [
        f"{pool} = {{ groups = {json.dumps(rule['groups'])} }}" for pool, rule in server["pools"].items()
    ]
    settings = folder / "mdm-bridge.toml"
    settings.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return settings
