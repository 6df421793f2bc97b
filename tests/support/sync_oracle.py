"""What a synchronisation should do, in dictionaries: written from the design, not from the program.

Slow and simple: every listing is judged as a whole, nothing is passed over because it looks the same.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from tests.support.sync_world import PARIS, Rules

__all__ = ["Device", "Oracle", "Outcome"]

_NEUTRAL = re.compile(r"FORM-\d+|A-01")
_PLAIN = ("model", "model_identifier", "os_version", "supervised", "managed")
_STABLE = ("name", "asset_tag", *_PLAIN, "capacity_mb", "groups", "pool_by_rule")

Row = dict[str, Any]
Key = tuple[str, str]  # server, remote id


@dataclass
class Record:
    """A device as one server lists it.

    ``listed``: the apps we have are those of its last row, read by rules that still hold;
    ``doubted``: its last list was empty and not believed.
    """

    serial: str
    contact: datetime | None = None
    doubted: bool = False
    listed: bool = False


@dataclass
class Device:
    """All that is known of one device.

    ``told``: its apps as last believed, ``named`` those of them that are kept by name; ``history``:
    field, old, new, and the server whose run wrote it.
    """

    override: str | None = None
    now: dict[str, Any] | None = None
    voice: Key | None = None
    voice_lives: bool = False
    last_seen: datetime | None = None
    total: int | None = None
    told: dict[str, str] | None = None
    named: dict[str, str] = field(default_factory=dict)
    history: list[tuple[str, str | None, str | None, str]] = field(default_factory=list)
    events: list[tuple[str, str, str | None, str | None]] = field(default_factory=list)
    days: dict[date, tuple[Any, Any, Any]] = field(default_factory=dict)
    gone_since: str | None = None

    def pool(self, by_rule: str | None) -> str | None:
        """Return the pool: the one chosen by hand, else the rule's."""
        if self.override is not None:
            return None if self.override == "none" else self.override
        return by_rule

    def picture(self) -> Any:
        """Return what counts as a change of it."""
        return (
            dict(self.now or {}),
            self.voice,
            self.voice_lives,
            self.last_seen,
            self.total,
            dict(self.named),
        )


@dataclass
class Outcome:
    """How a run should end."""

    status: str
    error: str | None = None
    devices: dict[str, int] = field(default_factory=dict)
    apps: dict[str, int] = field(default_factory=dict)


@dataclass
class _Judged:
    """The rows of a listing, judged one by one."""

    rows: dict[str, Row] = field(default_factory=dict)
    present: set[str] = field(default_factory=set)
    accepted: int = 0
    rejected: int = 0
    nameless: int = 0
    out_of_scope: int = 0
    ignored: int = 0


class Oracle:
    """The inventory as it should be."""

    def __init__(self) -> None:
        self.devices: dict[str, Device] = {}
        self.records: dict[Key, Record] = {}
        self.catalogues: dict[str, frozenset[str]] = {}
        self._read_by: dict[str, Any] = {}

    @property
    def ours(self) -> frozenset[str]:
        """What our servers distribute."""
        return frozenset().union(*self.catalogues.values())

    # --- what people do

    def choose_pool(self, serial: str, override: str | None) -> None:
        """Choose a pool by hand."""
        device = self.devices[serial]
        for record in self.records.values():
            record.listed = record.listed and record.serial != serial
        by_rule = (device.now or {}).get("pool_by_rule")
        before = device.pool(by_rule)
        device.override = override
        if device.pool(by_rule) == "ash" != before:
            self._enter_ash(serial)

    def _enter_ash(self, serial: str) -> None:
        device = self.devices[serial]
        ours = self.ours
        device.named = {app: version for app, version in device.named.items() if app in ours}
        device.events = [event for event in device.events if event[1] in ours]
        device.days = {_monday(day): (None, None, None) for day in device.days}
        device.last_seen = _cut(device.last_seen)
        for record in self.records.values():
            if record.serial == serial:
                record.contact = _cut(record.contact)

    # --- a run

    def synchronise(
        self,
        server: str,
        rows: list[Row],
        catalogue: frozenset[str],
        rules: Rules,
        now: datetime,
        *,
        force: bool = False,
    ) -> Outcome:
        """Judge a whole listing, and if it is believed make it the truth."""
        judged = self._judge(server, rows, rules, now)
        leaving = self._leaving(server, judged)
        refusal = self._shrunken(server, judged, leaving)
        emptied = self._emptied(server, judged)
        lists = sum(
            1
            for device in self.devices.values()
            if device.voice_lives and device.voice and device.voice[0] == server and device.total
        )
        too_many = len(emptied) * 100 > lists * 30 if lists >= 10 else len(emptied) >= max(lists, 3)
        if not refusal and emptied and too_many:
            refusal = "shrunken_app_lists"
        if refusal and not force:
            return Outcome("refused", refusal)
        if not catalogue and not force:  # an emptied list of apps is not believed
            catalogue = self.catalogues.get(server, catalogue)
        doubted = {key for key, record in self.records.items() if record.doubted}
        if emptied and too_many:
            doubted |= emptied
        return self._merge(server, judged, leaving, catalogue, rules, now, doubted)

    def _judge(self, server: str, rows: list[Row], rules: Rules, now: datetime) -> _Judged:
        judged = _Judged()
        for row in rows:
            remote_id = row.get("remote_id", "")
            if row.get("bad"):
                judged.rejected += 1
            elif row["device_class"] not in ("ipad", None):
                judged.ignored += 1
                continue
            elif rules.scope is not None and not _in(rules.scope, row):
                judged.out_of_scope += 1
                continue
            elif not row["serial"] or not remote_id:
                judged.rejected += 1
            else:
                judged.accepted += 1
                other = judged.rows.get(remote_id)
                if other is None or self._rank(server, row, rules, now) > self._rank(
                    server, other, rules, now
                ):
                    judged.rows[remote_id] = row
            judged.nameless += not remote_id
            judged.present.add(remote_id)
        return judged

    def _rank(self, server: str, row: Row, rules: Rules, now: datetime) -> Any:
        record = self.records.get((server, row["remote_id"]))
        before = record.contact if record and record.serial == row["serial"] else None
        return _order(_keep(before, self._contact(row, rules, now)))

    def _contact(self, row: Row, rules: Rules, now: datetime) -> datetime | None:
        """Return the contact that a row tells and that may be kept."""
        contact = _believed(row, now)
        pool = self.devices.get(row["serial"], Device()).pool(_pool(row, rules))
        return _cut(contact) if pool == "ash" else contact

    def _leaving(self, server: str, judged: _Judged) -> set[Key]:
        leaving = set()
        for key, record in self.records.items():
            if key[0] == server:
                row = judged.rows.get(key[1])
                absent = key[1] not in judged.present and not judged.nameless
                if absent or (row is not None and row["serial"] != record.serial):
                    leaving.add(key)
        return leaving

    def _shrunken(self, server: str, judged: _Judged, leaving: set[Key]) -> str | None:
        mine = {key: record.serial for key, record in self.records.items() if key[0] == server}
        staying = {serial for key, serial in mine.items() if key not in leaving}
        staying |= {row["serial"] for row in judged.rows.values()}
        known = set(mine.values())
        vanishing = known - staying
        unread = [key for key in mine if key[1] in judged.present and key[1] not in judged.rows]
        if leaving and not judged.rows and not unread:
            return "empty_listing"
        if len(known) >= 10 and len(vanishing) * 100 > len(known) * 30:
            return "shrunken_listing"
        return None

    def _emptied(self, server: str, judged: _Judged) -> set[Key]:
        emptied = set()
        for remote_id, row in judged.rows.items():
            key = (server, remote_id)
            record = self.records.get(key)
            if record is not None and row.get("apps") == {}:
                device = self.devices[record.serial]
                if device.voice == key and device.voice_lives and device.total:
                    emptied.add(key)
        return emptied

    def _merge(
        self,
        server: str,
        judged: _Judged,
        leaving: set[Key],
        catalogue: frozenset[str],
        rules: Rules,
        now: datetime,
        doubted: set[Key],
    ) -> Outcome:
        own_before = self.catalogues.get(server, frozenset())
        self.catalogues[server] = catalogue
        read_by = (rules, self.ours)
        moved = self._read_by.get(server) != read_by
        if not moved:
            self._sure = self.ours
        else:
            self._sure = own_before
            for key, record in self.records.items():
                record.listed = record.listed and (key[0] != server or key[1] in judged.rows)
        self._read_by[server] = read_by
        listed_before = {record.serial for record in self.records.values()}
        before = {serial: device.picture() for serial, device in self.devices.items() if device.now}
        for key in leaving:
            serial = self.records.pop(key).serial
            if self.devices[serial].voice == key:
                self.devices[serial].voice_lives = False
        by_serial: dict[str, list[Row]] = {}
        for row in judged.rows.values():
            by_serial.setdefault(row["serial"], []).append(row)
        gone = self._gone(server, {*listed_before} - {*by_serial}, now)
        returned = 0
        counts = {"installed": 0, "removed": 0, "updated": 0}
        for serial, rows in sorted(by_serial.items()):
            device = self.devices.setdefault(serial, Device())
            if device.now is not None and serial not in listed_before:
                returned += 1
                device.history.append(("gone_at", device.gone_since, None, server))
                device.gone_since = None
            self._device(server, serial, device, rows, rules, now, doubted, counts)
        new = [serial for serial in by_serial if serial not in before]
        changed = [s for s in by_serial if s in before and self.devices[s].picture() != before[s]]
        if moved:
            self._forget_groups(server, rules)
        return Outcome(
            "complete",
            None,
            {
                "seen": len(by_serial),
                "new": len(new),
                "changed": len(changed),
                "unchanged": len(by_serial) - len(new) - len(changed),
                "gone": gone,
                "returned": returned,
                "rejected": judged.rejected,
                "out_of_scope": judged.out_of_scope,
                "ignored": judged.ignored,
            },
            counts,
        )

    def _forget_groups(self, server: str, rules: Rules) -> None:
        """Under other rules, groups told by this server that they do not name are kept nowhere."""
        for device in self.devices.values():
            if device.now and device.voice and device.voice[0] == server:
                device.now = {**device.now, "groups": _named(device.now["groups"], rules)}
            left = []
            for name, old, new, told_by in device.history:
                if name == "groups" and told_by == server:
                    old, new = _named(old, rules), _named(new, rules)
                if old != new:
                    left.append((name, old, new, told_by))
            device.history = left

    def _gone(self, server: str, unlisted: set[str], now: datetime) -> int:
        gone = 0
        live = {record.serial for record in self.records.values()}
        for serial in unlisted - live:
            device = self.devices[serial]
            device.gone_since = _instant(now)
            device.history.append(("gone_at", None, device.gone_since, server))
            gone += 1
        return gone

    def _device(
        self,
        server: str,
        serial: str,
        device: Device,
        rows: list[Row],
        rules: Rules,
        now: datetime,
        doubted: set[Key],
        counts: dict[str, int],
    ) -> None:
        """Choose the row that speaks for a device and take over what it says."""
        standing = []
        kept_before = {}
        for row in rows:
            key = (server, row["remote_id"])
            record = self.records.setdefault(key, Record(serial))
            kept_before[key] = record.contact
            record.contact = _keep(record.contact, self._contact(row, rules, now))
            speaks = device.voice == key and device.voice_lives
            exact = _order(_believed(row, now))
            standing.append(((_order(record.contact), speaks, exact, row["remote_id"]), row))
        best_rank, best = max(standing, key=lambda pair: pair[0])
        for row in rows:
            self.records[server, row["remote_id"]].doubted = False
            if row is not best:
                self.records[server, row["remote_id"]].listed = False
        sits = device.voice_lives and device.voice not in [(server, r["remote_id"]) for r in rows]
        if not (sits and device.voice and best_rank[0] <= _order(self.records[device.voice].contact)):
            self._speak(server, serial, device, best, rules, now, doubted, counts)
        if device.now is not None and device.pool(device.now["pool_by_rule"]) == "ash":
            # Whatever pool its own groups mean: the device is in this one.
            for row in rows:
                key = (server, row["remote_id"])
                if key != device.voice:
                    told = _cut(_believed(row, now))
                    self.records[key].contact = _cut(_keep(kept_before[key], told))

    def _speak(
        self,
        server: str,
        serial: str,
        device: Device,
        row: Row,
        rules: Rules,
        now: datetime,
        doubted: set[Key],
        counts: dict[str, int],
    ) -> None:
        key = (server, row["remote_id"])
        state = _state(row, rules)
        before = device.now
        pool_before = device.pool(before["pool_by_rule"]) if before is not None else None
        if before is not None:
            for name in _STABLE:
                if before[name] != state[name]:
                    shown = "pool" if name == "pool_by_rule" else name
                    device.history.append((shown, _text(before[name]), _text(state[name]), server))
            if device.voice is not None and device.voice[1] != key[1]:
                device.history.append(("udid", device.voice[1], key[1], server))
        entering = before is not None and device.pool(state["pool_by_rule"]) == "ash" != pool_before
        if entering and device.override is None:
            device.now = state
            self._enter_ash(serial)
        contact = self._contact(row, rules, now)
        if device.voice != key and device.voice in self.records:
            self.records[device.voice].doubted = self.records[device.voice].listed = False
        device.now, device.voice, device.voice_lives = state, key, True
        device.last_seen = _keep(device.last_seen, contact)
        pool = device.pool(state["pool_by_rule"])
        exact = _believed(row, now)
        if exact is not None:
            day = exact.astimezone(PARIS).date()
            figures = (state["battery_percent"], state["available_mb"], state["os_version"])
            _note(
                device.days, _monday(day) if pool == "ash" else day, (None,) * 3 if pool == "ash" else figures
            )
        if "apps" in row:
            if not row["apps"] and key in doubted:
                self.records[key].doubted = True
                self.records[key].listed = False
                device.total = None
            else:
                sure = self._sure if self.records[key].listed else frozenset()
                self._apps(device, row["apps"], pool, sure, silent=entering, counts=counts)
                self.records[key].listed = True
        else:
            self.records[key].listed = False

    def _apps(
        self,
        device: Device,
        apps: dict[str, str],
        pool: str | None,
        sure: frozenset[str],
        *,
        silent: bool,
        counts: dict[str, int],
    ) -> None:
        """Take over an app list; an event is something that surely happened and may be named.

        Where some apps were only counted, an app that appears may have been there: that it was
        installed is sure for one that the list before, of the same record, would have named.
        """
        named = {app: v for app, v in apps.items() if pool != "ash" or app in self.ours}
        hidden = device.total is None or len(device.named) < device.total
        for app in sorted({*device.named, *named}):
            old, new = device.named.get(app), named.get(app)
            kind = "installed" if old is None else "removed" if new is None else "updated"
            certain = (app in sure or not hidden) if old is None else app in named or app not in apps
            if pool == "ash" and app not in self.ours:
                certain = False
            if old != new and certain and not silent and device.told is not None:
                device.events.append((kind, app, old, new))
                counts[kind] += 1
        device.told, device.total, device.named = dict(apps), len(apps), named


def _in(group: str, row: Row) -> bool:
    return group.casefold() in [name.casefold() for name in row["groups"] or ()]


def _pool(row: Row, rules: Rules) -> str | None:
    return next((pool for pool, group in rules.pools if _in(group, row)), None)


def _state(row: Row, rules: Rules) -> dict[str, Any]:
    name, tag = row["name"], row["asset_tag"]
    kept = {group.casefold() for _, group in rules.pools} | {(rules.scope or "").casefold()}
    groups = row["groups"]
    return {
        "name": name if name is None or _NEUTRAL.fullmatch(name) else None,
        "name_masked": name is not None and not _NEUTRAL.fullmatch(name),
        "asset_tag": tag if tag is None or _NEUTRAL.fullmatch(tag) else None,
        **{field: row[field] for field in _PLAIN},
        "battery_percent": row["battery_percent"],
        "capacity_mb": _mb(row["capacity_gb"]),
        "available_mb": _mb(row["available_gb"]),
        "groups": None
        if groups is None
        else json.dumps(sorted(g for g in groups if g.casefold() in kept), ensure_ascii=False),
        "pool_by_rule": _pool(row, rules),
    }


def _named(groups: str | None, rules: Rules) -> str | None:
    """Return a stored list of groups, reduced to those that the rules name."""
    if groups is None:
        return None
    kept = {group.casefold() for _, group in rules.pools} | {(rules.scope or "").casefold()}
    return json.dumps([name for name in json.loads(groups) if name.casefold() in kept], ensure_ascii=False)


def _mb(size: float | None) -> int | None:
    return None if size is None else round(size * 1000)


def _text(value: Any) -> str | None:
    return None if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _believed(row: Row, now: datetime) -> datetime | None:
    contact: datetime | None = row["contact_at"]
    return contact if contact is None or contact <= now + timedelta(minutes=5) else None


def _keep(old: datetime | None, told: datetime | None) -> datetime | None:
    """A contact never moves backwards by less than two hours; an unknown one moves nothing."""
    if told is None or (old is not None and told < old < told + timedelta(hours=2)):
        return old
    return told


def _order(contact: datetime | None) -> tuple[bool, datetime]:
    return contact is not None, contact or datetime.min.replace(tzinfo=UTC)


def _cut(contact: datetime | None) -> datetime | None:
    """The local day of a contact, as its midnight; a day stays that day."""
    if contact is None or (contact.hour, contact.minute, contact.second) == (0, 0, 0):
        return contact
    day = contact.astimezone(PARIS).date()
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _note(days: dict[date, tuple[Any, Any, Any]], day: date, figures: tuple[Any, ...]) -> None:
    old = days.get(day, (None, None, None))
    days[day] = tuple(old[i] if figure is None else figure for i, figure in enumerate(figures))  # type: ignore[assignment]


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
