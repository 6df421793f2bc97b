"""From settings to the program: the only place that constructs adapters."""

from __future__ import annotations

from mdm_bridge.config import DEFAULT_FILE, check_settings_text, load_settings
from mdm_bridge.wiring.app import LIST_SERVER, App, address_problem, open_app
from mdm_bridge.wiring.patient import patient

__all__ = [
    "DEFAULT_FILE",
    "LIST_SERVER",
    "App",
    "address_problem",
    "check_settings_text",
    "load_settings",
    "open_app",
    "patient",
]
