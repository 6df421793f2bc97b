"""The one short merge that makes a listing visible, in bulk statements, all or nothing.

Order matters: which record speaks for a device is decided before anything is overwritten; the
history is written from the difference between the staged rows and the current state, then the
current state is brought up to date. A statement touches only rows that differ, so that a listing
in which nothing changed writes nothing.
"""

from __future__ import annotations

from sqlalchemy import Connection

from mdm_bridge.domain.inventory import STABLE_FIELDS, Covers
from mdm_bridge.ports.sync import MergeOrder, MergeResult
from mdm_bridge.storage.election import Election
from mdm_bridge.storage.intake import StagingArea
from mdm_bridge.storage.merge_apps import AppMerge
from mdm_bridge.storage.minimise import minimise_devices
from mdm_bridge.storage.pools import chosen_pools
from mdm_bridge.storage.remembered import date_observations, remember_rules
from mdm_bridge.storage.sql import KEPT_CONTACT, Sql
from mdm_bridge.storage.types import instant_text

__all__ = ["Merge"]

#: Stable fields whose column is called otherwise, and how columns that are no text are written.
_COLUMNS = {"capacity_gb": "capacity_mb"}
_TRUTH = "CASE WHEN {0} THEN 'true' WHEN NOT {0} THEN 'false' END"
_FORMS = {"supervised": _TRUTH, "managed": _TRUTH, "capacity_mb": "CAST({0} AS TEXT)"}

#: Column of ``device_now``, name in the history, part that covers it
#: (none: the pool, which the rules judge), and how it is written there.
_STABLE: tuple[tuple[str, str, Covers, str], ...] = (
    *(
        (column, column, part, _FORMS.get(column, "{0}"))
        for column, part in ((_COLUMNS.get(name, name), part) for name, part in STABLE_FIELDS.items())
    ),
    ("pool_by_rule", "pool", Covers(0), "{0}"),
)

#: The count of apps, NULL when the list is not believed.
_APPS_TOTAL = "CASE WHEN s.apps_total >= 0 THEN s.apps_total END"

#: Another live record of the same device on the same server.
_OTHER_RECORD = (
    "SELECT 1 FROM record r WHERE r.device_id = s.device_id AND r.server_id = <server> "
    "AND r.gone_at IS NULL AND r.id <> s.record_id"
)


class Merge:
    """Brings the staged rows of one listing into the current state and the history."""

    def __init__(self, connection: Connection, staged: StagingArea, order: MergeOrder) -> None:
        self._connection = connection
        self._staged = staged
        self._order = order
        self._swapped = 0
        self._sql = Sql(
            connection, now=order.run.started_at, run=order.run.run_id, server=order.run.server_id
        )
        self._stable = [
            column for column in _STABLE if (column[2] in order.covers if column[2] else order.judges_pools)
        ]

    def run(self) -> MergeResult:
        """Do it; the caller's transaction makes it visible."""
        if self._staged.empty:
            self._remember()
            return MergeResult()
        self._devices()
        if self._arrivals:
            self._swaps()
            self._returning()
        gone_changes = self._leaving()
        self._election()
        self._late_decisions()
        self._flags()
        becoming_ash = self._becoming_ash()
        apps = AppMerge(self._connection, self._staged, self._order, self._sql, set(becoming_ash)).run()
        enrolled_changes = self._records()
        stable = self._history() + gone_changes + enrolled_changes
        changed = self._changed()
        self._state()
        self._days()
        if becoming_ash:
            minimise_devices(self._connection, becoming_ash, self._order.zone)
        self._remember()
        return MergeResult(
            listed=self._listed(),
            new=self._count("fresh = 1"),
            changed=changed,
            gone=self._gone,
            returned=self._count("returned = 1 AND speaks = 1"),
            swapped=self._swapped,
            stable_changes=stable,
            apps=apps,
            duplicate_serials=self._duplicates(),
        )

    def _remember(self) -> None:
        """Note by which rules the rows were judged, and which records this listing could not show."""
        remember_rules(self._sql, self._order)
        date_observations(self._sql, self._order)

    def _count(self, condition: str) -> int:
        return int(self._sql.rows(f"SELECT count(*) FROM staged WHERE {condition}")[0][0])

    def _listed(self) -> int:
        """Count the staged devices, but for second rows of one whose other row is unchanged."""
        staged = self._sql.rows("SELECT count(DISTINCT device_id) FROM staged")[0][0]
        return int(staged) - self._elected.unchanged_too

    def _duplicates(self) -> tuple[str, ...]:
        """Return the serials this server lists under several ids."""
        rows = self._sql.rows(
            f"SELECT DISTINCT s.serial FROM staged s WHERE EXISTS ({_OTHER_RECORD}) ORDER BY s.serial"
        )
        return tuple(row[0] for row in rows)

    def _devices(self) -> None:
        """Insert devices never seen; nothing of an existing one is touched. Mark those without a state.

        Left aside are the rows of known records that stand for the same device as ever.
        """
        self._sql.run(
            "INSERT INTO device (serial, state_since, first_seen_at) "
            "SELECT DISTINCT s.serial, <now>, <now> FROM staged s "
            "WHERE NOT EXISTS (SELECT 1 FROM device d WHERE d.serial = s.serial) "
            "ON CONFLICT (serial) DO NOTHING"  # added by hand a moment ago
        )
        self._arrivals = self._sql.run(
            "UPDATE staged SET device_id = d.id, fresh = CASE WHEN n.device_id IS NULL THEN 1 ELSE 0 END "
            "FROM device d LEFT JOIN device_now n ON n.device_id = d.id WHERE d.serial = staged.serial "
            "AND (staged.device_id <differs> d.id OR n.device_id IS NULL)"
        )
        self._sql.run("CREATE INDEX staged_device ON staged (device_id)")
        if self._connection.dialect.name == "postgresql":
            self._sql.run("ANALYZE staged (device_id, record_id, speaks, fresh)")

    def _returning(self) -> None:
        """Mark devices that come back: known, and listed by no server until now."""
        self._sql.run(
            "UPDATE staged SET returned = 1 WHERE record_id IS NULL "
            "AND EXISTS (SELECT 1 FROM device_now n WHERE n.device_id = staged.device_id) "
            "AND NOT EXISTS (SELECT 1 FROM record r WHERE r.device_id = staged.device_id "
            "AND r.gone_at IS NULL)"
        )

    def _swaps(self) -> None:
        """End the aliases whose remote id is another device now (a swapped main board)."""
        swapped = "FROM record r JOIN staged s ON s.record_id = r.id WHERE r.device_id <> s.device_id "
        self._swapped = int(
            self._sql.rows(
                f"SELECT count(DISTINCT r.device_id) {swapped}"
                "AND NOT EXISTS (SELECT 1 FROM staged o WHERE o.device_id = r.device_id)"
            )[0][0]
        )
        if self._sql.run(f"INSERT INTO leaving SELECT r.id {swapped}"):
            self._sql.run(
                "UPDATE staged SET record_id = NULL WHERE record_id IN (SELECT record_id FROM leaving)"
            )

    def _leaving(self) -> int:
        """Date the records the listing no longer holds; return the history rows written."""
        self._gone = 0
        if not self._sql.rows("SELECT 1 FROM leaving LIMIT 1"):
            return 0
        until = instant_text(self._order.observed_until or self._order.run.started_at)
        self._sql.run(
            "UPDATE record SET gone_at = <now>, observed_at = COALESCE(observed_at, <until>) "
            "WHERE id IN (SELECT record_id FROM leaving)",
            {"until": until},
        )
        self._gone = self._sql.run(
            "INSERT INTO field_change (device_id, at, run_id, field, old, new) "
            "SELECT DISTINCT r.device_id, <now>, <run>, 'gone_at', CAST(NULL AS TEXT), :now_text "
            "FROM record r JOIN leaving l ON l.record_id = r.id "
            "WHERE NOT EXISTS (SELECT 1 FROM record o WHERE o.device_id = r.device_id "
            "AND o.gone_at IS NULL) "
            "AND NOT EXISTS (SELECT 1 FROM staged s WHERE s.device_id = r.device_id)",
            {"now_text": instant_text(self._order.run.started_at)},
        )
        return self._gone

    def _election(self) -> None:
        """Decide which record speaks for its device."""
        self._elected = Election(self._connection, self._sql, self._order)
        self._elected.hold()

    def _late_decisions(self) -> None:
        """Give up what a person's choice of pool, made while we read, forbids to keep.

        The row is read again at the next run, under the new pool.
        """
        before, now = self._order.overrides, chosen_pools(self._connection)
        for serial in before.keys() | now.keys():
            if before.get(serial, "") != now.get(serial, ""):
                self._sql.run(
                    "UPDATE staged SET whole_hash = NULL, apps_hash = NULL, apps = NULL, apps_total = NULL, "
                    "day = NULL, last_seen_at = NULL WHERE serial = :serial",
                    {"serial": serial},
                )

    def _records(self) -> int:
        """Bring the aliases up to date; return the history rows written.

        A record that does not speak is read again next time, so that it can take the voice.
        """
        self._sql.run(
            "UPDATE staged SET whole_hash = NULL, apps_hash = NULL "
            "WHERE speaks = 0 AND (whole_hash IS NOT NULL OR apps_hash IS NOT NULL)"
        )
        enrolled = self._sql.run(
            "INSERT INTO field_change (device_id, at, run_id, field, old, new) "
            f"SELECT s.device_id, <now>, <run>, 'enrolled_at', {self._iso('r.enrolled_at')}, "
            f"{self._iso('s.enrolled_at')} FROM staged s JOIN record r ON r.id = s.record_id "
            "WHERE r.enrolled_at <> s.enrolled_at ORDER BY s.ord"
        )
        contact = KEPT_CONTACT.format(old="record.last_contact_at")
        self._sql.run(
            "UPDATE record SET whole_hash = s.whole_hash, apps_hash = s.apps_hash, "
            f"udid = COALESCE(s.udid, record.udid), last_contact_at = {contact}, "
            "enrolled_at = COALESCE(s.enrolled_at, record.enrolled_at) "
            "FROM staged s WHERE record.id = s.record_id AND (record.whole_hash <differs> s.whole_hash "
            "OR record.apps_hash <differs> s.apps_hash "
            "OR record.udid <differs> COALESCE(s.udid, record.udid) "
            "OR record.enrolled_at <differs> COALESCE(s.enrolled_at, record.enrolled_at) "
            f"OR record.last_contact_at <differs> ({contact}))"
        )
        if self._arrivals:
            self._new_records()
        self._sql.run(
            "UPDATE record SET whole_hash = NULL, apps_hash = NULL WHERE gone_at IS NULL "
            "AND (whole_hash IS NOT NULL OR apps_hash IS NOT NULL) AND id IN (SELECT n.record_id "
            "FROM device_now n JOIN staged s ON s.device_id = n.device_id "
            "WHERE s.speaks = 1 AND s.record_id <> n.record_id)"
        )
        return enrolled

    def _new_records(self) -> None:
        """Insert the aliases never seen."""
        self._sql.run(
            "INSERT INTO record (server_id, device_id, remote_id, udid, enrolled_at, first_seen_at, "
            "last_contact_at, whole_hash, apps_hash) SELECT <server>, s.device_id, s.remote_id, s.udid, "
            "s.enrolled_at, <now>, s.last_seen_at, s.whole_hash, s.apps_hash FROM staged s "
            "WHERE s.record_id IS NULL ORDER BY s.ord"
        )
        self._sql.run(
            "UPDATE staged SET record_id = r.id FROM record r WHERE staged.record_id IS NULL "
            "AND r.server_id = <server> AND r.remote_id = staged.remote_id AND r.gone_at IS NULL"
        )

    def _iso(self, column: str) -> str:
        """Return an instant as the text the history keeps."""
        if self._connection.dialect.name == "sqlite":
            return column
        return f"""to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')"""

    def _flags(self) -> None:
        """Mark what has moved."""
        self._moved = 0
        if not self._stable or not self._sql.rows("SELECT 1 FROM device_now LIMIT 1"):
            return
        stable = " OR ".join(f'n."{column}" <differs> staged."{column}"' for column, *_ in self._stable)
        self._moved = self._sql.run(
            f"UPDATE staged SET moved = 1 FROM device_now n WHERE n.device_id = staged.device_id "
            f"AND staged.speaks = 1 AND ({stable})"
        )

    def _becoming_ash(self) -> list[int]:
        if not self._moved or not self._order.judges_pools:
            return []
        return [
            row[0]
            for row in self._sql.rows(
                "SELECT s.device_id FROM staged s JOIN device_now n ON n.device_id = s.device_id "
                "JOIN device d ON d.id = s.device_id WHERE s.speaks = 1 AND s.moved = 1 "
                "AND d.pool_override IS NULL AND s.pool_by_rule = 'ash' "
                "AND n.pool_by_rule <differs> 'ash'"
            )
        ]

    def _history(self) -> int:
        """Write one row a stable field that moved; return how many."""
        written = 0
        if self._moved:
            for column, field, _, form in self._stable:
                old, new = form.format(f'n."{column}"'), form.format(f's."{column}"')
                written += self._sql.run(
                    "INSERT INTO field_change (device_id, at, run_id, field, old, new) "
                    f"SELECT s.device_id, <now>, <run>, '{field}', {old}, {new} FROM staged s "
                    "JOIN device_now n ON n.device_id = s.device_id WHERE s.moved = 1 "
                    f'AND n."{column}" <differs> s."{column}" ORDER BY s.ord'
                )
        return written + self._alias_history()

    def _alias_history(self) -> int:
        """Write what re-enrolments and returns changed."""
        written = self._sql.run(
            "INSERT INTO field_change (device_id, at, run_id, field, old, new) "
            "SELECT s.device_id, <now>, <run>, 'udid', o.udid, s.udid FROM staged s "
            "JOIN device_now n ON n.device_id = s.device_id JOIN record o ON o.id = n.record_id "
            "WHERE s.speaks = 1 AND s.record_id <> n.record_id AND s.udid IS NOT NULL "
            "AND o.udid <differs> s.udid ORDER BY s.ord"
        )
        return written + self._sql.run(
            "INSERT INTO field_change (device_id, at, run_id, field, old, new) "
            "SELECT s.device_id, <now>, <run>, 'gone_at', "
            "(SELECT f.new FROM field_change f WHERE f.device_id = s.device_id AND f.field = 'gone_at' "
            "ORDER BY f.id DESC LIMIT 1), CAST(NULL AS TEXT) FROM staged s "
            "WHERE s.speaks = 1 AND s.returned = 1 ORDER BY s.ord"
        )

    def _differences(self) -> str:
        """Return the condition « the current state differs from the staged row »."""
        tests = [
            "s.moved = 1",
            "s.record_id <> n.record_id",
            f"(s.apps_total IS NOT NULL AND n.apps_total <differs> {_APPS_TOTAL})",
        ]
        if Covers.NAME in self._order.covers:
            tests.append("n.name_masked <differs> s.name_masked")
        if Covers.BATTERY in self._order.covers:
            tests.append("n.battery_percent <differs> s.battery_percent")
        if Covers.AVAILABLE in self._order.covers:
            tests.append("n.available_mb <differs> s.available_mb")
        if Covers.CONTACT in self._order.covers:
            tests.append(f"n.last_seen_at <differs> ({KEPT_CONTACT.format(old='n.last_seen_at')})")
        return " OR ".join(tests)

    def _changed(self) -> int:
        return int(
            self._sql.rows(
                "SELECT count(*) FROM staged s JOIN device_now n ON n.device_id = s.device_id "
                f"WHERE s.speaks = 1 AND (s.touched = 1 OR {self._differences()})"
            )[0][0]
        )

    def _state(self) -> None:
        """Bring the current state up to date, where it differs."""
        columns = [column for column, *_ in self._stable]
        if Covers.BATTERY in self._order.covers:
            columns.append("battery_percent")
        if Covers.AVAILABLE in self._order.covers:
            columns.append("available_mb")
        if Covers.NAME in self._order.covers:
            columns.append("name_masked")
        assignments = [f'"{column}" = s."{column}"' for column in columns]
        if Covers.CONTACT in self._order.covers:
            assignments.append(f"last_seen_at = {KEPT_CONTACT.format(old='n.last_seen_at')}")
        assignments.append("record_id = s.record_id")
        assignments.append("run_id = <run>")
        assignments.append(
            f"apps_total = CASE WHEN s.apps_total IS NULL THEN n.apps_total ELSE {_APPS_TOTAL} END"
        )
        self._sql.run(
            f"UPDATE device_now AS n SET {', '.join(assignments)} FROM staged s "
            f"WHERE s.device_id = n.device_id AND s.speaks = 1 AND ({self._differences()})"
        )
        fresh = [*columns, "last_seen_at"]
        if "name_masked" not in fresh:
            fresh.append("name_masked")
        names = ", ".join(f'"{column}"' for column in fresh)
        values = ", ".join(f's."{column}"' for column in fresh)
        self._sql.run(
            f"INSERT INTO device_now (device_id, record_id, run_id, apps_total, {names}) "
            f"SELECT s.device_id, s.record_id, <run>, {_APPS_TOTAL}, {values} FROM staged s "
            "WHERE s.fresh = 1 ORDER BY s.device_id"
        )

    def _days(self) -> None:
        """Write the activity day of each contact; for the ash pool the week, without figures."""
        self._sql.run(
            "INSERT INTO device_day (device_id, day, battery_percent, available_mb, os_version) "
            "SELECT s.device_id, s.day, CASE WHEN s.pool = 'ash' THEN NULL ELSE s.battery_percent END, "
            "CASE WHEN s.pool = 'ash' THEN NULL ELSE s.available_mb END, "
            "CASE WHEN s.pool = 'ash' THEN NULL ELSE s.os_version END FROM staged s "
            "WHERE s.speaks = 1 AND s.day IS NOT NULL ORDER BY s.device_id "
            "ON CONFLICT (device_id, day) DO UPDATE SET "
            "battery_percent = COALESCE(excluded.battery_percent, device_day.battery_percent), "
            "available_mb = COALESCE(excluded.available_mb, device_day.available_mb), "
            "os_version = COALESCE(excluded.os_version, device_day.os_version) "
            "WHERE COALESCE(excluded.battery_percent, device_day.battery_percent) <differs> "
            "device_day.battery_percent "
            "OR COALESCE(excluded.available_mb, device_day.available_mb) <differs> device_day.available_mb "
            "OR COALESCE(excluded.os_version, device_day.os_version) <differs> device_day.os_version"
        )
