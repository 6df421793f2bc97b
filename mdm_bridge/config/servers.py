"""Settings of the distant servers: ``[servers.NAME]``."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, SecretStr, ValidationInfo, field_validator

from mdm_bridge.config.base import EnvironmentOnly, Section
from mdm_bridge.config.types import BadSetting, Located, Proxy, Text, Words, Zone, http_address
from mdm_bridge.domain.identifiers import nearest
from mdm_bridge.messages import Message

__all__ = ["BUILT_KINDS", "SECRET_NAMES", "Criteria", "Scope", "Server"]

#: Kinds of server with an adapter, with the settings each cannot do without.
BUILT_KINDS: dict[str, tuple[str, ...]] = {"jamf-school": ("url", "network_id"), "file": ()}

#: Secrets of a server: ``NAME`` in the environment or the keyring, ``NAME_file`` in the settings.
SECRET_NAMES = ("api_key", "write_api_key", "webhook_secret", "apps_and_books_token")

_Secret = Annotated[SecretStr | None, EnvironmentOnly]


def _names(value: Any) -> Any:
    return (
        [str(item) if isinstance(item, int) else item for item in value] if isinstance(value, list) else value
    )


class Scope(Section):
    """Devices we look after on a shared server; one criterion that fits is enough."""

    groups: Words = Field((), description="Names of groups on the server.")
    locations: Annotated[Words, BeforeValidator(_names)] = Field(
        (), description="Ids of locations as the server lists them; names where it lists names."
    )
    tag_prefix: Text = Field(None, description="Beginning of the asset tag.")


class Criteria(Scope):
    """Ways to recognise a device; one that fits is enough."""

    url_params: dict[str, str] = Field(
        default_factory=dict, description="Parameters of the enrolment address; all must be equal."
    )


class Server(Section):
    """One distant server."""

    kind: str = Field(description="Kind of server: `jamf-school`, or `file` for the CSV of any console.")
    allow_http: bool = Field(
        False, description="Accept an `http://` address on another machine: the key then travels unencrypted."
    )
    url: Text = Field(
        None, description="Base address of its interface, prefix included (`jamf-school`: required)."
    )
    network_id: Text = Field(None, description="Network ID of the school (`jamf-school`: required).")
    api_key_file: Located | None = Field(
        None, description="File that holds the key for reading, and nothing else."
    )
    write_api_key_file: Located | None = Field(
        None, description="File that holds a key for writing. Not used yet."
    )
    webhook_secret_file: Located | None = Field(
        None, description="File that holds the secret of its webhooks. Not used yet."
    )
    apps_and_books_token_file: Located | None = Field(
        None, description="File that holds the content token of Apps and Books. Not used yet."
    )
    licences: Literal["external"] | None = Field(
        None, description="`external`: licences are counted elsewhere, not by this server. Not used yet."
    )
    timeout_s: float = Field(
        30,
        gt=0,
        le=600,
        description="Longest silence of the server, in seconds; a whole call may last ten times as long.",
    )
    requests_per_s: float = Field(5, gt=0, le=1000, description="Requests a second at most.")
    proxy: Proxy | None = Field(None, description="Proxy for this server; otherwise that of `[network]`.")
    ca_file: Located | None = Field(None, description="Certificates to trust for this server, in PEM form.")
    timezone: Zone | None = Field(
        None, description="Zone of the server's dates without offset; otherwise that of `[calendar]`."
    )
    classes: Words = Field(("ipad",), description="Classes of devices wanted from the listing.")
    max_body_mb: int = Field(256, gt=0, le=4096, description="Largest answer accepted, in MB.")
    mapping: Text = Field(None, description="`file`: which columns mean what; guessed when not set.")
    scope: Scope | None = Field(None, description="Devices we look after, when the server is shared.")
    pools: dict[str, Criteria] = Field(
        default_factory=dict, description="Rules for `training` and `ash`; the first that fits wins."
    )
    api_key: _Secret = Field(None, description="The key for reading.")
    write_api_key: _Secret = Field(None, description="The key for writing. Not used yet.")
    webhook_secret: _Secret = Field(None, description="The secret of its webhooks. Not used yet.")
    apps_and_books_token: _Secret = Field(
        None, description="The content token of Apps and Books. Not used yet."
    )

    @field_validator("kind")
    @classmethod
    def _built(cls, kind: str) -> str:
        if kind not in BUILT_KINDS:
            near = nearest(kind, BUILT_KINDS)
            built = ", ".join(BUILT_KINDS)
            raise BadSetting(
                Message("kind_not_built", 'No adapter is built for the kind "{kind}".', kind=kind),
                Message(
                    "kind_nearest",
                    'Did you mean "{nearest}"? Built kinds: {built}.',
                    nearest=near,
                    built=built,
                )
                if near
                else Message(
                    "kind_use_csv",
                    'Built kinds: {built}. For any other console write kind = "file" and read its CSV '
                    "export: mdm-bridge sync SERVER --from-file EXPORT.csv",
                    built=built,
                ),
            )
        return kind

    @field_validator("url")
    @classmethod
    def _address(cls, url: str | None, info: ValidationInfo) -> str | None:
        return None if url is None else http_address(url, allow_http=bool(info.data.get("allow_http")))

    @field_validator("classes")
    @classmethod
    def _lower(cls, classes: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(name.lower() for name in classes)
