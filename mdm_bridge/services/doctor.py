"""Check an installation: one finding a check, in the order a person would mend them.

What was looked at comes in as values (what adapters saw) or as questions that may take time or
fail; the judgement is here. With broken settings only what needs none is checked.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from datetime import timedelta

from mdm_bridge.domain.fleet import STALE_AFTER
from mdm_bridge.domain.policy import POOLS
from mdm_bridge.domain.privacy import CLOCK_TOLERANCE
from mdm_bridge.errors import BridgeError, SettingProblem
from mdm_bridge.messages import Message
from mdm_bridge.ports.clock import Clock
from mdm_bridge.ports.health import DatabaseHealth
from mdm_bridge.services.patient import Finding, Installation, Patient, ServerSeen, Severity

__all__ = ["examine"]

LOW_DISK_BYTES = 500_000_000
FULL_DISK_BYTES = 50_000_000

_FIELDS_ON_DOCUMENTS = {
    "name": Message("organisation_name", "Name of the organisation"),
    "service": Message("organisation_service", "Name of the service that lends the devices"),
    "address": Message("organisation_address", "Postal address"),
    "phone": Message("organisation_phone", "Telephone"),
    "email": Message("organisation_email", "E-mail address of the service"),
    "signatory_title": Message("organisation_signatory", "Title of the person who signs"),
    "dpd_contact": Message("organisation_dpd", "How to reach the data protection officer (DPD)"),
}


def examine(
    patient: Patient | Sequence[SettingProblem], installation: Installation, clock: Clock
) -> Iterator[Finding]:
    """Check everything, one finding a check, as each is made.

    Args:
        patient: The installation, or what is wrong with its settings.
        installation: What needs no settings.
        clock: The time.
    """
    if not isinstance(patient, Patient):
        yield from _wrong_settings(patient)
        yield from _installation(installation)
        return
    yield _settings(patient)
    if patient.password_in_file:
        yield _PASSWORD_IN_FILE
    yield from _secrets(patient)
    if patient.keyring:
        yield _KEYRING
    usable = yield from _database(patient)
    yield from _folders(patient)
    yield from _installation(installation)
    yield _organisation(patient)
    yield from _retention(patient)
    yield from _servers(patient, usable, clock)


def _ok(code: str, label: Message, detail: Message) -> Finding:
    return Finding("ok", code, label, detail)


_SETTINGS = Message("check_settings", "Settings")
_PASSWORD_IN_FILE = Finding(
    "warning",
    "password_in_settings",
    _SETTINGS,
    Message(
        "password_in_settings", "The settings file holds a password, in the address of a database or proxy."
    ),
    Message(
        "move_password",
        "Put that address into the environment (MDM_BRIDGE_DATABASE__URL, MDM_BRIDGE_NETWORK__PROXY), or let "
        "nobody else read the settings file.",
    ),
)
_KEYRING = _ok(
    "keyring_used",
    Message("check_keyring", "Keyring of the system"),
    Message("keyring_used", "In use: a key comes from there."),
)


def _wrong_settings(problems: Sequence[SettingProblem]) -> Iterator[Finding]:
    for problem in problems:
        place = " · ".join(part for part in (problem.file, problem.key) if part)
        detail = Message(problem.message.code, "{place}: {problem}", place=place, problem=problem.message)
        yield Finding("error", problem.message.code, _SETTINGS, detail, problem.hint)


def _settings(patient: Patient) -> Finding:
    if patient.settings_file is None:
        return Finding(
            "warning",
            "no_settings_file",
            _SETTINGS,
            Message("no_settings_file", "There is no settings file here; the defaults hold."),
            Message("run_init_here", "Create one with: mdm-bridge init"),
        )
    return _ok(
        "settings_valid", _SETTINGS, Message("settings_valid", "{file} is valid.", file=patient.settings_file)
    )


def _secrets(patient: Patient) -> Iterator[Finding]:
    for key, problem in patient.secrets:
        label = Message("check_secret", "Secret {key}", key=key)
        if problem is None:
            yield _ok("secret_usable", label, Message("secret_usable", "Found, and closed to others."))
        else:
            yield Finding("error", problem.message.code, label, problem.message, problem.hint)


_DATABASE = Message("check_database", "Database")


def _database(patient: Patient) -> Generator[Finding, None, bool]:
    """Yield what there is to say of the database, and return whether it can be used."""
    try:
        seen = patient.database()
    except BridgeError as error:
        yield Finding("error", error.code, _DATABASE, error.message, error.hint)
        return False
    yield _schema(seen, patient.database_at)
    if seen.write_ahead_log is True:
        told = Message("write_ahead_log", "It keeps a write-ahead log, on a disk of this machine.")
        yield _ok("write_ahead_log", _DATABASE, told)
    elif seen.write_ahead_log is False:
        yield Finding(
            "warning",
            "no_write_ahead_log",
            _DATABASE,
            Message(
                "no_write_ahead_log", "It cannot keep a write-ahead log where it is: readers block writers."
            ),
            Message("move_database", "Move the file to a local disk and adapt [database] url."),
        )
    if seen.free_bytes is not None:
        yield _disk(seen.free_bytes)
    return seen.schema == "current"


def _schema(seen: DatabaseHealth, where: str) -> Finding:
    if seen.schema == "current":
        detail = Message(
            "database_usable", "{product}, up to date, at {where}.", product=seen.product, where=where
        )
        return _ok("database_usable", _DATABASE, detail)
    severity: Severity = "warning" if seen.by_itself else "error"
    if seen.schema == "empty":
        detail = Message(
            "database_empty", "{product}, without tables yet, at {where}.", product=seen.product, where=where
        )
    else:
        detail = Message(
            "database_old", "{product}, of an earlier version, at {where}.", product=seen.product, where=where
        )
    hint = (
        Message("upgrades_itself", "The next command does it, or: mdm-bridge db upgrade")
        if seen.by_itself
        else Message("run_db_upgrade", "Run: mdm-bridge db upgrade")
    )
    return Finding(severity, detail.code, _DATABASE, detail, hint)


def _disk(free: int) -> Finding:
    label = Message("check_disk", "Disk of the database")
    detail = Message("disk_free", "{free_gb} GB free.", free_gb=round(free / 1e9, 2))
    if free >= LOW_DISK_BYTES:
        return _ok("disk_free", label, detail)
    severity: Severity = "error" if free < FULL_DISK_BYTES else "warning"
    return Finding(severity, "disk_low", label, detail, Message("free_disk", "Free some space on that disk."))


#: Settings without which no server can be reached; other files and folders are missed later.
_TRUST = ("ca_bundle", "ca_file")


def _folders(patient: Patient) -> Iterator[Finding]:
    for key, path, exists in patient.folders:
        label = Message("check_path", "Path {key}", key=key)
        detail = Message("path_exists", "{path}", path=path)
        if exists:
            yield _ok("path_exists", label, detail)
        else:
            yield Finding(
                "error" if key.endswith(_TRUST) else "warning",
                "path_missing",
                label,
                Message("path_missing", "{path} does not exist.", path=path),
                Message("make_path", "Create it, or correct {key} in the settings file.", key=key),
            )


def _installation(installation: Installation) -> Iterator[Finding]:
    label = Message("check_zones", "Time zones")
    if installation.zone_error is None:
        yield _ok("zones_readable", label, Message("zones_readable", "The time zone data can be read."))
    else:
        yield Finding(
            "error",
            "zones_missing",
            label,
            Message("zones_missing", "The time zone data cannot be read."),
            Message("install_tzdata", "Run: pip install tzdata"),
        )
    missing = [name for name, there in installation.languages.items() if not there]
    label = Message("check_languages", "Languages")
    if missing:
        yield Finding(
            "warning",
            "language_missing",
            label,
            Message("language_missing", "No catalog of sentences for: {languages}.", languages=missing),
            Message("reinstall", "Install mdm-bridge again from its package."),
        )
    elif installation.languages:
        names = list(installation.languages)
        yield _ok("languages_there", label, Message("languages_there", "{languages}.", languages=names))


def _organisation(patient: Patient) -> Finding:
    label = Message("check_organisation", "Organisation")
    unset = [said for name, said in _FIELDS_ON_DOCUMENTS.items() if not patient.organisation.get(name)]
    if not unset:
        return _ok(
            "organisation_known", label, Message("organisation_known", "All that documents need is set.")
        )
    return Finding(
        "warning",
        "organisation_incomplete",
        label,
        Message("organisation_incomplete", "Not set: {names}.", names=unset),
        Message("fill_organisation", "Fill in [organisation]: the documents to come will print it."),
    )


def _retention(patient: Patient) -> Iterator[Finding]:
    """Tell who set a period that no record is erased by age yet; nobody is asked to set one."""
    given = [name for name, period in patient.retention.items() if period]
    if given:
        yield _ok(
            "retention_not_applied",
            Message("check_retention", "Retention periods"),
            Message(
                "retention_not_applied",
                "Noted, and not applied yet: {names}. Nothing is erased by age.",
                names=given,
            ),
        )


def _servers(patient: Patient, usable: bool, clock: Clock) -> Iterator[Finding]:
    if not patient.servers:
        yield Finding(
            "warning",
            "no_server",
            Message("check_servers", "Servers"),
            Message("no_server", "No distant server is configured."),
            Message("no_server_configured", "Describe a server in the settings file, under [servers.NAME]."),
        )
        return
    for name, kind in patient.servers.items():
        label = Message("check_server", "Server {server}", server=name)
        if kind == "file":
            yield _ok(
                "server_from_files", label, Message("server_from_files", "Read from files; nothing to ask.")
            )
        else:
            yield from _answer(patient, name, label, clock)
        yield _rules(patient, name)
    if usable:
        yield from _freshness(patient, clock)


def _answer(patient: Patient, name: str, label: Message, clock: Clock) -> Iterator[Finding]:
    try:
        seen = patient.ask(name)
    except BridgeError as error:
        yield Finding(
            "error",
            "server_not_asked",
            label,
            Message("server_not_asked", "Not asked. {reason}", reason=error.message),
            error.hint,
        )
        return
    yield _probe(seen, label)
    if seen.server_date is not None:
        yield _clock(seen.server_date - clock.now(), name)


def _probe(seen: ServerSeen, label: Message) -> Finding:
    detail = seen.probe.message
    for more in seen.probe.details:
        detail = Message(detail.code, "{answer} {more}", answer=detail, more=more)
    seconds = round(seen.seconds, 2)
    way = (
        Message("through_proxy", "{seconds} s, through {proxy}.", seconds=seconds, proxy=seen.probe.proxy)
        if seen.probe.proxy
        else Message("without_proxy", "{seconds} s, without a proxy.", seconds=seconds)
    )
    detail = Message(detail.code, "{answer} {more}", answer=detail, more=way)
    severity: Severity = "ok" if seen.probe.ok else "error"
    return Finding(severity, detail.code, label, detail, seen.probe.hint)


def _clock(ahead: timedelta, server: str) -> Finding:
    label = Message("check_clock", "Clock")
    if abs(ahead) <= CLOCK_TOLERANCE:
        return _ok(
            "clock_agrees",
            label,
            Message("clock_agrees", "Agrees with that of the server {server}.", server=server),
        )
    return Finding(
        "warning",
        "clock_differs",
        label,
        Message(
            "clock_differs",
            "{apart} apart from that of the server {server}.",
            apart=abs(ahead),
            server=server,
        ),
        Message("set_clock", "Let this machine set its clock from the network."),
    )


def _rules(patient: Patient, name: str) -> Finding:
    label = Message("check_pools", "Pools of {server}", server=name)
    missing = [pool for pool in POOLS if pool not in patient.pools.get(name, ())]
    if not missing:
        return _ok("pools_ruled", label, Message("pools_ruled", "Every pool has a rule."))
    return Finding(
        "warning",
        "pool_without_rule",
        label,
        Message("pool_without_rule", "No rule for: {pools}. Devices stay to be sorted.", pools=missing),
        Message("add_pool_rule", "Add rules under [servers.{server}.pools].", server=name),
    )


def _sync_hint(server: str, kind: str) -> Message:
    if kind == "file":
        return Message(
            "run_sync_from_file", "Run: mdm-bridge sync {server} --from-file EXPORT.csv", server=server
        )
    return Message("run_sync", "Run: mdm-bridge sync {server}", server=server)


def _freshness(patient: Patient, clock: Clock) -> Iterator[Finding]:
    try:
        last = patient.last_complete()
    except BridgeError:
        return  # the database was usable a moment ago and has been reported on
    for name in patient.servers:
        label = Message("check_freshness", "Data of {server}", server=name)
        at = last.get(name)
        hint = _sync_hint(name, patient.servers[name])
        if at is None:
            never = Message("never_synchronised", "Never synchronised.")
            yield Finding("warning", "never_synchronised", label, never, hint)
            continue
        age = Message("data_from", "From {at}.", at=at)
        if clock.now() - at > STALE_AFTER:
            yield Finding("warning", "data_stale", label, age, hint)
        else:
            yield _ok("data_fresh", label, age)
