"""The page of all settings, made from their models: ``python -m tools.settings`` writes docs/settings.md."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from mdm_bridge.config.base import EnvironmentOnly
from mdm_bridge.config.models import Settings
from mdm_bridge.config.servers import Server
from mdm_bridge.config.shape import strip

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "settings.md"

_HEAD = """\
# Settings

<!-- Made from the models by `python -m tools.settings`; a test compares. Change the descriptions there. -->

Read from `--config FILE`, else from `MDM_BRIDGE_CONFIG`, else from `mdm-bridge.toml` in the current
folder; without a file the defaults hold. Paths, that of a SQLite file included, start from the folder of
the settings file, or from the current folder without one.

A variable `MDM_BRIDGE_SECTION__KEY` overrides the file (`MDM_BRIDGE_SERVERS__NORTH__URL`). A list is
written as JSON or separated by commas, a table as JSON. `MDM_BRIDGE_CONFIG`, `MDM_BRIDGE_LANG` and
`MDM_BRIDGE_AS` stand for the options `--config`, `--lang` and `--as`; any other unknown variable, and any
unknown key, is an error that names the nearest one.

No secret stands in the file. A key comes from the environment, else from a file of its own that others
may not read (`chmod 600`; on Windows its access list is looked at), else from the keyring of the system,
after `pip install "mdm-bridge[keyring]"`, under the service `mdm-bridge` and the name `NORTH.api_key`.

`mdm-bridge doctor` checks all of it, one line a check.
"""

_FREE = """\
## `[expiries]`

Dates the server does not tell, by what expires (`apns_certificate = 2027-03-01`): `mdm-bridge today` names
those that are near or past.

## `[oidc]`

Signing in through an identity provider. Accepted and not used yet.

## `[mail]`

How mails are sent. Accepted and not used yet.

## `[notify]`

Who is told of what. Accepted and not used yet.

## `[schedule]`

What runs by itself and when. Accepted and not used yet.
"""


def page() -> str:
    """Return the whole page."""
    parts = [_HEAD]
    for name, field in Settings.model_fields.items():
        model = strip(field.annotation)
        if name == "servers":
            parts.extend(_tables("servers.NAME", Server))
        elif isinstance(model, type) and issubclass(model, BaseModel):
            parts.extend(_tables(name, model))
    return "\n".join([*parts, _FREE])


def _tables(path: str, model: type[BaseModel]) -> Iterator[str]:
    """Yield the table of one section, then those of the tables in it."""
    inner: list[tuple[str, type[BaseModel]]] = []
    rows = []
    for key, field in model.model_fields.items():
        below = _below(field)
        if below is None:
            rows.append(_row(path, key, field))
        else:
            inner.append(
                (f"{path}.{key}" + (".POOL" if get_origin(strip(field.annotation)) is dict else ""), below)
            )
    about = " ".join((model.__doc__ or "").split())
    lines = [
        f"## `[{path}]`",
        "",
        about,
        "",
        "| key | value | default | meaning |",
        "|---|---|---|---|",
        *rows,
    ]
    yield "\n".join(lines) + "\n"
    for name, below in inner:
        yield from _tables(name, below)


def _below(field: FieldInfo) -> type[BaseModel] | None:
    """Return the model of a table inside a section."""
    node = strip(field.annotation)
    if get_origin(node) is dict:
        node = strip(get_args(node)[1])
    return node if isinstance(node, type) and issubclass(node, BaseModel) else None


def _row(path: str, key: str, field: FieldInfo) -> str:
    shown = f"`{key}`"
    if EnvironmentOnly in field.metadata:
        shown = f"`MDM_BRIDGE_{path.replace('.', '__').upper()}__{key.upper()}` (environment only)"
    return f"| {shown} | {_kind(field)} | {_default(field)} | {_cell(field.description or '')} |"


_KINDS: dict[Any, str] = {
    bool: "true, false", int: "whole number", float: "number", str: "text", Path: "path", SecretStr: "text",
}  # fmt: skip
_NAMED = {"_span": "duration", "_retention": "period", "_zone": "IANA zone", "_quiet_hours": "hours"}


def _kind(field: FieldInfo) -> str:
    node = strip(field.annotation)
    for mark in (*field.metadata, *_marks(field.annotation)):
        named = _NAMED.get(getattr(getattr(mark, "func", None), "__name__", ""))
        if named:
            return named
    if get_origin(node) is Literal:
        return ", ".join(f"`{choice}`" for choice in get_args(node))
    if get_origin(node) is tuple:
        return "list of texts"
    if get_origin(node) is dict:
        return "table of texts"
    return _KINDS[node]


def _marks(annotation: Any) -> Iterator[Any]:
    """Yield what ``Annotated`` says inside ``… | None``."""
    yield from getattr(annotation, "__metadata__", ())
    for part in get_args(annotation):
        yield from getattr(part, "__metadata__", ())


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=False)
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, tuple):
        value = ", ".join(value)
    return (
        f"`{_cell(str(value))}`" if value not in (None, "", {}) and str(value) != "PydanticUndefined" else ""
    )


def _cell(text: str) -> str:
    return re.sub(r"\|", r"\\|", text)


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
