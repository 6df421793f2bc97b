"""Overrides from the environment: ``MDM_BRIDGE_SECTION__KEY``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, get_origin

from pydantic import BaseModel, SecretStr

from mdm_bridge.config.problems import unknown_key
from mdm_bridge.config.shape import at, keys_at, looks_secret, strip
from mdm_bridge.domain.identifiers import nearest
from mdm_bridge.errors import SettingProblem
from mdm_bridge.messages import Message

__all__ = ["OWN_VARIABLES", "PREFIX", "Overrides", "apply_environment"]

PREFIX = "MDM_BRIDGE_"

#: Variables of their own: those of ``--config``, ``--lang`` and ``--as``.
OWN_VARIABLES = ("MDM_BRIDGE_CONFIG", "MDM_BRIDGE_LANG", "MDM_BRIDGE_AS")


@dataclass
class Overrides:
    """What the environment changed: the name of the variable by path, and what is wrong."""

    variables: dict[tuple[str, ...], str] = field(default_factory=dict)
    problems: list[SettingProblem] = field(default_factory=list)


def apply_environment(data: dict[str, Any], environ: Mapping[str, str], root: type[BaseModel]) -> Overrides:
    """Write the variables over ``data``, the content of the settings file.

    A list is given as JSON or separated by commas, a table as JSON; other values as they are.
    """
    done = Overrides()
    for name in sorted(environ):
        if not name.startswith(PREFIX) or name in OWN_VARIABLES:
            continue
        path = tuple(name.removeprefix(PREFIX).lower().split("__"))
        problem = _unknown(name, path, root) or _homeless(name, path, data, environ)
        if problem is None:
            problem = _put(data, path, environ[name], name, at(root, path))
            done.variables[path] = name
        if problem is not None:
            done.problems.append(problem)
    return done


def _variable(path: tuple[str, ...]) -> str:
    return PREFIX + "__".join(path).upper()


def _unknown(name: str, path: tuple[str, ...], root: type[BaseModel]) -> SettingProblem | None:
    for depth, part in enumerate(path):
        if part and at(root, path[: depth + 1]) is not None:
            continue
        before, rest = path[:depth], path[depth + 1 :]
        keys = keys_at(root, before)
        if depth == 0:
            own = [variable.removeprefix(PREFIX).lower() for variable in OWN_VARIABLES]
            keys = own + keys
            rest = rest if nearest(part, keys) not in own else ()
        elif not keys:  # one level too deep
            return unknown_key(None, name, name, [_variable(before)])
        # the part alone is compared: the common beginning would make any two names alike
        near = nearest(part, keys)
        known = [_variable((*before, near, *rest))] if near else [_variable((*before, key)) for key in keys]
        return unknown_key(None, name, known[0] if near else "", known)
    if len(path) == 1:
        return SettingProblem(
            None,
            name,
            Message("variable_names_section", "This variable names a section, not a setting."),
            Message("variable_form", "Write {example}.", example=f"{name}__KEY"),
        )
    return None


def _homeless(
    name: str, path: tuple[str, ...], data: Mapping[str, Any], environ: Mapping[str, str]
) -> SettingProblem | None:
    """Refuse a variable for a server that neither the file nor the environment describes."""
    if path[0] != "servers":
        return None
    servers = data.get("servers")
    known = list(servers) if isinstance(servers, dict) else []
    if path[1] in known or _variable(("servers", path[1], "kind")) in environ:
        return None
    near = nearest(path[1], known)
    return SettingProblem(
        None,
        name,
        Message("unknown_server", 'No server is called "{server}".', server=path[1]),
        Message("server_nearest", 'Did you mean "{nearest}"?', nearest=near)
        if near
        else Message("server_needs_kind", "Add [servers.{server}] to the settings file.", server=path[1]),
    )


def _put(
    data: dict[str, Any], path: tuple[str, ...], text: str, name: str, annotation: Any
) -> SettingProblem | None:
    table = data
    for key in path[:-1]:
        below = table.setdefault(key, {})
        if not isinstance(below, dict):  # the file is wrong there: validation will say so
            return None
        table = below
    try:
        parsed = _parse(text, strip(annotation))
        free_secret = annotation is Any and looks_secret(path[-1])
        table[path[-1]] = SecretStr(text) if free_secret else parsed
    except ValueError:
        return SettingProblem(
            None,
            name,
            Message("variable_not_json", "This variable is not JSON."),
            Message(
                "variable_json_form",
                """Write a list as ["one", "two"], a table as {example}.""",
                example='{"key": "value"}',
            ),
        )
    return None


def _parse(text: str, node: Any) -> Any:
    origin = get_origin(node)
    if origin is tuple:
        if text.lstrip().startswith("["):
            return json.loads(text)
        return [word for part in text.split(",") if (word := part.strip())]
    if origin is dict or (isinstance(node, type) and issubclass(node, BaseModel)):
        return json.loads(text)
    return text
