"""Rules that one value alone cannot break: secrets in the file, names, what a kind requires.

They run before pydantic and take what they refuse out of the data, so that everything wrong is
found in one pass.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from mdm_bridge.config.servers import BUILT_KINDS, Server
from mdm_bridge.config.shape import looks_secret, secret_keys
from mdm_bridge.domain.identifiers import is_server_name, nearest
from mdm_bridge.domain.policy import POOLS
from mdm_bridge.errors import SettingProblem
from mdm_bridge.messages import Message

__all__ = ["FREE_SECTIONS", "holds_password", "take_bad_names", "take_missing", "take_secrets"]

#: Sections whose keys later parts of the program name.
FREE_SECTIONS = ("oidc", "mail", "notify", "schedule", "expiries")

_PASSWORD = re.compile(r"://[^/@]*:[^/@]+@")


def holds_password(data: Mapping[str, Any]) -> bool:
    """Tell whether the address of a database or of a proxy holds a password.

    It is accepted, since there may be no other way; ``doctor`` advises against it.
    """
    tables = [("url", data.get("database")), ("proxy", data.get("network"))]
    tables += [("proxy", server) for _, server in _servers(data)]
    addresses = [table.get(key) for key, table in tables if isinstance(table, dict)]
    return any(isinstance(address, str) and _PASSWORD.search(address) for address in addresses)


def take_secrets(data: dict[str, Any], file: str | None) -> Iterator[SettingProblem]:
    """Remove secrets written in the settings file, and report each without quoting it."""
    for name, server in _servers(data):
        known = set(secret_keys(Server))
        for key in list(server):
            if key in known or (key not in Server.model_fields and looks_secret(key)):
                del server[key]
                yield _secret(file, ("servers", name, key), key if key in known else "api_key")
    for section in FREE_SECTIONS:
        yield from _take_free_secrets(data.get(section), file, (section,))


def _take_free_secrets(table: Any, file: str | None, path: tuple[str, ...]) -> Iterator[SettingProblem]:
    if not isinstance(table, dict):
        return
    for key, value in list(table.items()):
        if isinstance(value, dict):
            yield from _take_free_secrets(value, file, (*path, key))
        elif looks_secret(key):
            del table[key]
            yield _secret(file, (*path, key), key)


def _secret(file: str | None, path: tuple[str, ...], key: str) -> SettingProblem:
    variable = "MDM_BRIDGE_" + "__".join((*path[:-1], key)).upper()
    return SettingProblem(
        file,
        ".".join(path),
        Message("secret_in_settings", "A secret may not stand in the settings file."),
        Message(
            "move_secret",
            "Move it to a file of its own and name that file in {key}_file, or put it into the variable "
            "{variable}; if others could read the settings file, make a new key.",
            key=key,
            variable=variable,
        ),
    )


def take_bad_names(data: dict[str, Any], file: str | None) -> Iterator[SettingProblem]:
    """Remove servers and pools that cannot be called so, and report each."""
    for name, server in list(_servers(data)):
        if not is_server_name(name):
            del data["servers"][name]
            yield SettingProblem(
                file,
                f"servers.{name}",
                Message("bad_server_name", "A server cannot be called so."),
                Message(
                    "server_name_form", "Use small letters and digits, with single underscores: north_2."
                ),
            )
        pools = server.get("pools")
        if not isinstance(pools, dict):
            continue
        for pool in list(pools):
            if pool not in POOLS:
                del pools[pool]
                yield _bad_pool(file, f"servers.{name}.pools.{pool}", pool)


def _bad_pool(file: str | None, key: str, pool: str) -> SettingProblem:
    near = nearest(pool, POOLS)
    return SettingProblem(
        file,
        key,
        Message("unknown_pool", "There is no such pool."),
        Message("setting_nearest", 'Did you mean "{nearest}"?', nearest=near)
        if near
        else Message("pools_known", "The pools are: {pools}.", pools=", ".join(POOLS)),
    )


def take_missing(data: Mapping[str, Any], file: str | None) -> Iterator[SettingProblem]:
    """Report what a kind of server requires and does not have."""
    for name, server in _servers(data):
        kind = server.get("kind")
        required = BUILT_KINDS.get(kind, ()) if isinstance(kind, str) else ()
        for key in required:
            if server.get(key) in (None, ""):
                yield SettingProblem(
                    file,
                    f"servers.{name}.{key}",
                    Message(
                        "missing_for_kind", 'A server of kind "{kind}" requires this setting.', kind=kind
                    ),
                    Message("add_setting", "Add {key} to [{section}].", key=key, section=f"servers.{name}"),
                )


def _servers(data: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    servers = data.get("servers")
    for name, server in list(servers.items()) if isinstance(servers, dict) else []:
        if isinstance(server, dict):
            yield name, server
