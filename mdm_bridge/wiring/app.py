"""From settings to the program: the only place that constructs adapters.

Nothing heavy is imported before it is needed: a command that only reads the database never pays
for the network, and the other way round.
"""

from __future__ import annotations

import re
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from mdm_bridge.config import Settings, load_settings
from mdm_bridge.domain.identifiers import nearest
from mdm_bridge.errors import InputError, StorageError, UnknownObject
from mdm_bridge.messages import Message
from mdm_bridge.ports.clock import Clock, SystemClock

if TYPE_CHECKING:
    from mdm_bridge.config.servers import Scope, Server
    from mdm_bridge.domain.columns import ColumnMapping, MappedTable
    from mdm_bridge.domain.policy import Criteria, ServerPolicy
    from mdm_bridge.files.device_import import DeviceImport
    from mdm_bridge.net.http import HttpSession
    from mdm_bridge.ports.inventory import ListingSource
    from mdm_bridge.services.from_file import OurFacts
    from mdm_bridge.storage.store import Store

__all__ = ["LIST_SERVER", "App", "address_problem", "criteria", "open_app"]

#: Where a list goes that is read without any server in the settings.
LIST_SERVER = "list"


def open_app(
    config_path: Path | None,
    environ: Mapping[str, str],
    *,
    clock: Clock | None = None,
    settings: Settings | None = None,
) -> App:
    """Wire the program; nothing is connected yet.

    Args:
        config_path: Settings file asked for, or None.
        environ: Environment variables.
        clock: Where the time comes from; the machine's own by default.
        settings: Settings already loaded, to spare a second reading.

    Raises:
        SettingsError: A setting is wrong or missing.
    """
    return App(settings or load_settings(config_path, environ), clock or SystemClock())


class App:
    """The program, wired. Close it when done."""

    #: What a list read without any configured server is called.
    unnamed_server = "list"

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self.settings = settings
        self.clock = clock
        self._sources: list[ListingSource] = []
        self._store: Store | None = None
        self._opening = threading.Lock()

    @cached_property
    def zone(self) -> ZoneInfo:
        """Time zone of the organisation."""
        return ZoneInfo(self.settings.calendar.timezone)

    @property
    def store(self) -> Store:
        """The database, opened; not yet connected."""
        with self._opening:  # servers are read in threads of their own
            if self._store is None:
                from mdm_bridge.storage import open_store

                self._store = open_store(self.settings.database.url.get_secret_value(), clock=self.clock)
            return self._store

    @contextmanager
    def rehearsal(self) -> Iterator[Store]:
        """Give the store a dry run reads: the database, or an empty one aside when there is none yet.

        Raises:
            StorageError: The database is there and has another schema: a dry run upgrades nothing.
        """
        from mdm_bridge.storage import open_store

        status = self.store.schema_state().status
        if status == "current":
            yield self.store
        elif status != "empty":
            raise StorageError(
                Message(
                    "dry_run_needs_upgrade", "The database is not of this version; a dry run changes nothing."
                ),
                hint=Message("run_db_upgrade", "Run: mdm-bridge db upgrade"),
            )
        else:
            with tempfile.TemporaryDirectory(prefix="mdm-bridge-", ignore_cleanup_errors=True) as folder:
                aside = open_store(f"sqlite:///{folder}/rehearsal.db", clock=self.clock)
                try:
                    yield aside
                finally:
                    aside.close()

    def server_names(self) -> tuple[str, ...]:
        """Names of the servers in file order."""
        return tuple(self.settings.servers)

    @property
    def database_file(self) -> Path | None:
        """The database file; None when the database is a server."""
        scheme, _, rest = self.settings.database.url.get_secret_value().partition(":///")
        return Path(rest.partition("?")[0]) if scheme == "sqlite" else None

    @property
    def database_shown(self) -> str:
        """Where the database is, without a password."""
        file = self.database_file
        if file is not None:
            return str(file)
        shown = re.sub(r"(://[^/@:]*):.*@", r"\1:***@", self.settings.database.url.get_secret_value())
        return re.sub(r"(password=)[^&]*", r"\1***", shown)

    def server(self, name: str) -> Server:
        """Return the settings of a server.

        Raises:
            UnknownObject: No server is called so; the hint names the nearest.
        """
        known = self.settings.servers
        if name in known:
            return known[name]
        if name == LIST_SERVER and not known:
            return _list_server()
        raise _unknown_server(name, self.server_names())

    def kind(self, name: str) -> str:
        """Return the kind of a server."""
        return self.server(name).kind

    def policy(self, name: str, mentioned_groups: tuple[str, ...] = ()) -> ServerPolicy:
        """Return what the settings say of reading a server, as a value of the domain.

        Args:
            name: Name of the server.
            mentioned_groups: Group names other files speak of.
        """
        from mdm_bridge.domain.policy import PoolRule, ServerPolicy

        server = self.server(name)
        return ServerPolicy(
            zone=self.zone,
            scope=criteria(server.scope) if server.scope is not None else None,
            rules=tuple(PoolRule(pool, criteria(rule)) for pool, rule in server.pools.items()),
            name_pattern=self.settings.privacy.device_name_pattern,
            mentioned_groups=mentioned_groups,
            classes=frozenset(server.classes),
            shrink_percent=self.settings.limits.shrink_percent,
        )

    def source(self, name: str) -> ListingSource:
        """Return a server as something that lists devices.

        Raises:
            UnknownObject: No server is called so.
            SettingsError: Its key is missing, or its file is open to others.
            InputError: It is read from files.
        """
        if self.server(name).kind == "file":
            raise InputError(
                Message("file_needed", "The server {server} is read from files.", server=name),
                hint=Message(
                    "give_from_file",
                    "Name the export: mdm-bridge sync {server} --from-file EXPORT.csv",
                    server=name,
                ),
            )
        return self._kept(self.jamf_school(name, self.session(name)))

    def read_list(self, name: str, path: Path, mapping: str | None = None) -> MappedTable:
        """Read an export of a server, or a hand-kept list, once for all that is made of it.

        Args:
            name: Name of the server, of any kind.
            path: The file.
            mapping: Which columns mean what; by default as the settings say, else guessed.

        Raises:
            UnknownObject: No server is called so.
            InputError: The file cannot be read.
        """
        from mdm_bridge.files.mapped import read_mapped

        return read_mapped(path, mapping or self.server(name).mapping, self.settings.base)

    def file_source(self, name: str, table: MappedTable) -> ListingSource:
        """Return a list that was read as something that lists devices."""
        from mdm_bridge.providers.file import CsvSource

        server = self.server(name)
        return self._kept(CsvSource(name, table, zone=self._zone_of(server), kind=server.kind))

    def facts_in(self, table: MappedTable) -> OurFacts:
        """Return what a list that was read says of what people own; nothing is applied."""
        from mdm_bridge.files.device_import import parse_device_import
        from mdm_bridge.services.from_file import OurFacts

        given = parse_device_import(table, self.zone)
        return OurFacts(given.lines, given.problems)

    def _kept(self, source: ListingSource) -> ListingSource:
        """Remember a source, to close it at the end."""
        self._sources.append(source)
        return source

    def device_list(self, path: Path, mapping: str | None = None) -> DeviceImport:
        """Read a list of what people own of their devices; nothing is applied.

        Args:
            path: The CSV file.
            mapping: Which columns mean what; guessed when None.

        Raises:
            InputError: The file cannot be read, or has no column that can be imported.
        """
        from mdm_bridge.files.device_import import read_device_import

        return read_device_import(path, mapping, self.settings.base, zone=self.zone)

    def mapping_names(self) -> list[str]:
        """Return the names ``--mapping`` knows, built in and saved."""
        from mdm_bridge.files.mapping import known_mappings

        return known_mappings(self.settings.base)

    def save_mapping(self, name: str, mapping: ColumnMapping) -> Path:
        """Save what columns mean beside the settings, for ``--mapping NAME`` of later files.

        Raises:
            InputError: There is one of this name, or it cannot be written.
        """
        from mdm_bridge.files.mapping import save_mapping

        path = self.settings.base / "mappings" / f"{name}.toml"
        save_mapping(path, mapping)
        return path

    def session(self, name: str) -> HttpSession:
        """Return a new session to a server, with its key and limits.

        Raises:
            SettingsError: Its key is missing, or its file is open to others.
        """
        from mdm_bridge.config.secrets import read_secret
        from mdm_bridge.net.http import HttpSession, HttpSettings

        server, network = self.server(name), self.settings.network
        proxy = server.proxy or network.proxy
        return HttpSession(
            HttpSettings(
                url=server.url or "",
                user=server.network_id,
                password=read_secret(self.settings, name, "api_key"),
                connect_timeout_s=min(10, server.timeout_s),
                read_timeout_s=server.timeout_s,
                deadline_s=10 * server.timeout_s,
                max_body_bytes=server.max_body_mb * 1024 * 1024,
                requests_per_s=server.requests_per_s,
                proxy=proxy.get_secret_value() if proxy is not None else None,
                no_proxy=network.no_proxy,
                ca_bundle=server.ca_file or network.ca_bundle,
                allow_http=server.allow_http,
            ),
            calendar=self.clock,
        )

    def jamf_school(self, name: str, session: HttpSession) -> ListingSource:
        """Return a Jamf School server over a session; the caller closes it."""
        from mdm_bridge.providers.jamf_school import JamfSchoolSource

        return JamfSchoolSource(name, session, zone=self._zone_of(self.server(name)))

    def _zone_of(self, server: Server) -> ZoneInfo:
        """Return the zone of a server's dates, which carry none."""
        return ZoneInfo(server.timezone) if server.timezone else self.zone

    def close(self) -> None:
        """Close what was opened; may be called twice."""
        for source in self._sources:
            source.close()
        self._sources.clear()
        if self._store is not None:
            self._store.close()


def address_problem(url: str) -> tuple[Message, Message] | None:
    """Return what is wrong with the address of a server and its cure, or None."""
    from mdm_bridge.config.types import BadSetting, http_address

    try:
        http_address(url, allow_http=False)
    except BadSetting as error:
        return error.message, error.hint
    return None


def _list_server() -> Server:
    from mdm_bridge.config.servers import Server

    return Server(kind="file")


def criteria(table: Scope) -> Criteria:
    """Return ways to recognise devices, from the settings, as a value of the domain."""
    from mdm_bridge.domain.policy import Criteria

    return Criteria(
        groups=table.groups,
        locations=table.locations,
        tag_prefix=table.tag_prefix,
        url_params=getattr(table, "url_params", {}),
    )


def _unknown_server(name: str, known: tuple[str, ...]) -> UnknownObject:
    near = nearest(name, known)
    if near:
        hint = Message("server_nearest", 'Did you mean "{nearest}"?', nearest=near)
    elif known:
        hint = Message("servers_known", "The settings describe: {servers}.", servers=", ".join(known))
    else:
        hint = Message(
            "no_server_configured", "Describe a server in the settings file, under [servers.NAME]."
        )
    return UnknownObject(Message("unknown_server", 'No server is called "{server}".', server=name), hint=hint)
