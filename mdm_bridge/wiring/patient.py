"""What ``doctor`` looks at, taken from the settings and the adapters."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from mdm_bridge.config import Settings
from mdm_bridge.wiring.app import App, criteria

if TYPE_CHECKING:
    from mdm_bridge.ports.health import DatabaseHealth
    from mdm_bridge.services.patient import Patient, ServerSeen

__all__ = ["patient"]


def patient(app: App) -> Patient:
    """Return the installation as ``doctor`` looks at it; nothing is asked before it asks."""
    from mdm_bridge.config.secrets import check_secrets, uses_keyring
    from mdm_bridge.services.patient import Patient

    settings = app.settings
    return Patient(
        settings_file=str(settings.file) if settings.file is not None else None,
        secrets=tuple(check_secrets(settings)),
        folders=[(key, str(path), path.exists()) for key, path in _named_paths(settings)],
        organisation={key: str(value) if value else None for key, value in iter(settings.organisation)},
        retention=dict(iter(settings.privacy.retention)),
        pools={
            name: [pool for pool, rule in server.pools.items() if criteria(rule)]
            for name, server in settings.servers.items()
        },
        servers={name: server.kind for name, server in settings.servers.items()},
        database_at=app.database_shown,
        database=lambda: _database_health(app),
        last_complete=lambda: _last_complete(app),
        ask=lambda name: _ask(app, name),
        password_in_file=settings.password_in_file,
        keyring=uses_keyring(settings),
    )


def _named_paths(settings: Settings) -> Iterator[tuple[str, Path]]:
    """Yield every file and folder the settings name, but for secrets."""
    yield "paths.app_catalog", settings.paths.app_catalog
    yield "paths.profiles", settings.paths.profiles
    named = {"organisation.logo": settings.organisation.logo, "network.ca_bundle": settings.network.ca_bundle}
    named |= {f"servers.{name}.ca_file": server.ca_file for name, server in settings.servers.items()}
    yield from ((key, path) for key, path in named.items() if path is not None)


def _database_health(app: App) -> DatabaseHealth:
    from mdm_bridge.storage.health import look_at

    return look_at(app.store)


def _last_complete(app: App) -> Mapping[str, datetime]:
    with app.store.reading() as unit:
        return {fresh.server: fresh.complete_at for fresh in unit.queries.freshness() if fresh.complete_at}


def _ask(app: App, name: str) -> ServerSeen:
    from mdm_bridge.services.patient import ServerSeen

    session = app.session(name)
    source = app.jamf_school(name, session)
    try:
        begin = time.monotonic()
        probe = source.probe()
        return ServerSeen(probe, time.monotonic() - begin, session.server_date)
    finally:
        source.close()
