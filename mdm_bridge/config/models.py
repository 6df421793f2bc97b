"""The settings, section by section; what each means stands in its description."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, PrivateAttr, SecretStr

from mdm_bridge.config.base import Section
from mdm_bridge.config.servers import Server
from mdm_bridge.config.types import (
    DatabaseUrl,
    DeviceNamePattern,
    Located,
    Proxy,
    QuietHours,
    Retention,
    Span,
    Text,
    Words,
    Zone,
)
from mdm_bridge.domain.policy import DEFAULT_NAME_PATTERN

__all__ = ["Settings"]


def _table() -> Any:
    """Return the default of a table: empty, so that its own defaults are checked and placed."""
    return Field(default_factory=dict)


def _default(text: str) -> Any:
    """Return a default written as a person would write it."""
    return text


class Organisation(Section):
    """Who runs this: for the documents to come; checked by `doctor`, not printed yet."""

    name: Text = Field(None, description="Name of the organisation.")
    service: Text = Field(None, description="Name of the service that lends.")
    address: Text = Field(None, description="Postal address.")
    phone: Text = Field(None, description="Telephone number of the service.")
    email: Text = Field(None, description="E-mail address of the service.")
    academie: Text = Field(None, description="Académie.")
    departement: Text = Field(None, description="Département.")
    signatory_title: Text = Field(None, description="Title of the person who signs.")
    dpd_contact: Text = Field(None, description="How to reach the data protection officer (DPD).")
    logo: Located | None = Field(None, description="Image file for the head of documents.")


class Database(Section):
    """Where our own records are kept."""

    url: DatabaseUrl = Field(
        SecretStr("sqlite:///mdm-bridge.db"),
        description="`sqlite:///FILE`, or `postgresql+psycopg://USER@HOST/NAME`.",
    )


class Paths(Section):
    """Folders that people edit."""

    app_catalog: Located = Field(Path("app_catalog"), description="Folder of the app catalogs.")
    profiles: Located = Field(Path("profiles"), description="Folder of the configuration profiles.")


class Calendar(Section):
    """Time of the organisation."""

    timezone: Zone = Field("Europe/Paris", description="Time zone of dates typed and shown.")
    zone: Literal["A", "B", "C"] | None = Field(
        None, description="Zone of the school holidays. Not used yet."
    )
    quiet_hours: QuietHours = Field(
        "20:00-07:00", description="Mails and orders that a person would notice are held back. Not used yet."
    )


class Lending(Section):
    """Rules of loans. Accepted and not used yet."""

    turnaround: Span = Field(_default("1d"), description="Time to put a device in order after a return.")
    prepare: Span = Field(_default("3d"), description="How long before a loan its device is made ready.")
    overdue_block_days: int = Field(
        7, ge=0, le=365, description="An overdue device is not booked anew for a start within these days."
    )
    reminders: Words = Field((), description='When to remind, before or after the end ("-7d", "+1d").')
    training_return: Literal["checklist", "erase"] = Field(
        "checklist", description="What the return of a training device asks for."
    )
    return_grace_days: int = Field(7, ge=0, le=365, description="Days before a late return is chased.")


class RetentionPeriods(Section):
    """How long each kind of record is kept. Accepted and not used yet: nothing is erased by age."""

    activity: Retention | None = Field(None, description="Activity rows of devices.")
    history: Retention | None = Field(None, description="History of fields and of installed apps.")
    loans: Retention | None = Field(None, description="Loans that have ended.")
    documents: Retention | None = Field(None, description="Documents made.")
    incidents: Retention | None = Field(None, description="Incidents that are closed.")
    audit: Retention | None = Field(None, description="Audit trail.")


class Privacy(Section):
    """What of the servers' free text may be kept, and how long."""

    device_name_pattern: DeviceNamePattern = Field(
        DEFAULT_NAME_PATTERN,
        description="Regular expression; a device name is kept only if the whole of it matches.",
    )
    ess_technical: bool = Field(False, description="Print technical facts on the ESS sheet. Not used yet.")
    retention: RetentionPeriods = _table()


class Features(Section):
    """Parts that can be switched off. Accepted and not used yet."""

    pupil_loans: bool = Field(True, description="Loans to pupils.")


class Network(Section):
    """How every request leaves the house."""

    proxy: Proxy | None = Field(
        None, description="Proxy for all requests; otherwise the usual environment variables."
    )
    no_proxy: Words = Field((), description="Hosts and domains reached without the proxy.")
    ca_bundle: Located | None = Field(
        None, description="Certificates to trust, in PEM form: that of an inspecting proxy, for instance."
    )


class Web(Section):
    """The web pages. Accepted and not used yet."""

    url: Text = Field(None, description="Address under which people reach the pages.")
    bind: Text = Field(None, description="Address and port to listen on.")
    secret_file: Located | None = Field(None, description="File that holds the secret of the sessions.")
    theme: Text = Field(None, description="Look of the pages.")
    trusted_proxies: Words = Field((), description="Proxies whose forwarding headers are believed.")


class Vault(Section):
    """The optional identity vault. Accepted and not used yet."""

    key_file: Located | None = Field(None, description="File that holds the key, outside the database.")


class Limits(Section):
    """Guards against accidents."""

    max_removals: int = Field(10, ge=0, description="A plan that removes more needs `--force`. Not used yet.")
    shrink_percent: int = Field(
        30, ge=0, le=100, description="A listing that lost more than this share is refused."
    )


class Output(Section):
    """How rows are printed when the command does not say."""

    format: Literal["table", "list", "json", "csv", "csv-fr", "ods", "xlsx"] = Field(
        "table", description="Format of rows."
    )
    progress: bool = Field(True, description="Draw a progress bar; otherwise a line now and then.")


class Logging(Section):
    """What the program says of its own work, on stderr."""

    level: Literal["debug", "info", "warning", "error"] = Field("warning", description="From which level on.")
    format: Literal["console", "json"] = Field("console", description="For people, or for a collector.")


class Settings(Section):
    """All settings; every path in them is absolute.

    ``file`` is the settings file (None: defaults and environment alone); ``base`` the folder that
    relative paths start from.
    """

    organisation: Organisation = _table()
    database: Database = _table()
    servers: dict[str, Server] = Field(default_factory=dict)
    paths: Paths = _table()
    calendar: Calendar = _table()
    lending: Lending = _table()
    privacy: Privacy = _table()
    features: Features = _table()
    network: Network = _table()
    web: Web = _table()
    oidc: dict[str, Any] = Field(default_factory=dict)
    mail: dict[str, Any] = Field(default_factory=dict)
    notify: dict[str, Any] = Field(default_factory=dict)
    schedule: dict[str, Any] = Field(default_factory=dict)
    vault: Vault = _table()
    limits: Limits = _table()
    output: Output = _table()
    expiries: dict[str, Any] = Field(default_factory=dict)
    logging: Logging = _table()

    _file: Path | None = PrivateAttr(None)
    _base: Path = PrivateAttr(Path())
    _password_in_file: bool = PrivateAttr(False)

    @property
    def file(self) -> Path | None:
        """The settings file, if there is one."""
        return self._file

    @property
    def base(self) -> Path:
        """The folder that relative paths start from."""
        return self._base

    @property
    def password_in_file(self) -> bool:
        """Whether the file holds a password inside the address of a database or proxy."""
        return self._password_in_file
