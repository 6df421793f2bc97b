"""What servers say of devices: what we know of it, and bringing a new answer in."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Connection, func, select, text

from mdm_bridge.domain.inventory import ServerFacts
from mdm_bridge.ports.clock import Clock
from mdm_bridge.ports.sync import FieldDifference, Known, KnownRecord, MergeOrder, MergeResult, RunHead
from mdm_bridge.storage.bulk import rows_of
from mdm_bridge.storage.intake import StagingArea
from mdm_bridge.storage.pools import chosen_pools
from mdm_bridge.storage.tables import (
    AppRow,
    DeviceNowRow,
    DeviceRow,
    RunRow,
    ServerAppRow,
    ServerRow,
)

__all__ = ["Inventory"]

# Below SQLAlchemy: 100 000 rows come at every run, and most of them only to be compared.
_KNOWN = """
SELECT r.remote_id, r.id, r.device_id, CASE WHEN n.record_id = r.id THEN r.whole_hash END,
       CASE WHEN n.record_id = r.id THEN r.apps_hash END, n.record_id = r.id AND COALESCE(n.apps_total, 0) > 0
FROM record r LEFT JOIN device_now n ON n.device_id = r.device_id
WHERE r.server_id = {server} AND r.gone_at IS NULL
"""


class Inventory:
    """Role: the inventory as servers tell it."""

    def __init__(self, connection: Connection, clock: Clock, staged: StagingArea | None) -> None:
        self._connection = connection
        self._clock = clock
        self._staged = staged

    def known(self, server: str) -> Known:
        """Return what we know of a server before asking it (nothing of an unknown one)."""
        row = self._connection.execute(
            select(ServerRow.id, ServerRow.rules_digest).where(ServerRow.name == server)
        ).one_or_none()
        server_id = row.id if row else 0
        records: dict[str, KnownRecord] = {}
        apps_known = 0
        for remote_id, record_id, device_id, whole, apps, has_apps in rows_of(
            self._connection, _KNOWN.format(server=int(server_id))
        ):
            records[remote_id] = KnownRecord(record_id, device_id, whole, apps, bool(has_apps))
            apps_known += bool(has_apps)
        return Known(
            server_id=server_id,
            records=records,
            overrides=chosen_pools(self._connection),
            ours=self.distributed(server_id),
            ours_elsewhere=self._distributed(ServerAppRow.server_id != server_id),
            rules_digest=row.rules_digest if row else None,
            apps_known=apps_known,
            last_complete_at=self.last_complete_at(server_id),
            last_complete_run=self.last_complete_run(server_id),
        )

    def pools(self) -> dict[str, str | None]:
        """Return the pool the rules last gave each device, by serial."""
        rows = self._connection.execute(
            select(DeviceRow.serial, DeviceNowRow.pool_by_rule).join(
                DeviceNowRow, DeviceNowRow.device_id == DeviceRow.id
            )
        )
        return {row.serial: row.pool_by_rule for row in rows}

    def distributed(self, server_id: int) -> frozenset[str]:
        """Return the bundle ids a server distributes, as last told."""
        return self._distributed(ServerAppRow.server_id == server_id)

    def _distributed(self, of: ColumnElement[bool]) -> frozenset[str]:
        rows = self._connection.execute(
            select(AppRow.bundle_id)
            .join(ServerAppRow, ServerAppRow.app_id == AppRow.id)
            .where(of, ServerAppRow.gone_at.is_(None), ServerAppRow.deleted.is_(False))
        )
        return frozenset(rows.scalars())

    def last_complete_at(self, server_id: int) -> datetime | None:
        """Return the start of a server's last complete run: how old its data are."""
        return self._connection.execute(
            select(func.max(RunRow.started_at)).where(
                RunRow.server_id == server_id, RunRow.status == "complete"
            )
        ).scalar_one()

    def last_complete_run(self, server_id: int) -> int | None:
        """Return the id of a server's last complete run."""
        return self._connection.execute(
            select(func.max(RunRow.id)).where(RunRow.server_id == server_id, RunRow.status == "complete")
        ).scalar_one()

    def record_facts(
        self, run: RunHead, facts: ServerFacts, kept_groups: frozenset[str], zone: ZoneInfo
    ) -> int:
        """Record what a server says beside its devices, where it differs.

        Args:
            run: The present run.
            facts: The answer; a part of None is left as it was.
            kept_groups: Group names, case-folded, that may be stored.
            zone: Whose days licences are counted by.

        Returns:
            How many rows were written.
        """
        from mdm_bridge.storage.facts import FactsMerge

        return FactsMerge(self._connection, run, zone).merge(facts, kept_groups)

    def merge(self, order: MergeOrder) -> MergeResult:
        """Make the staged rows the current state (see ``storage.merge``)."""
        from mdm_bridge.storage.merge import Merge

        assert self._staged is not None, "a merge happens in the unit of a staging place"
        return Merge(self._connection, self._staged, order).run()

    def differences(self, run: RunHead) -> list[FieldDifference]:
        """Return what the merge of this unit changed, field by field: new devices, fields, apps."""
        rows = self._connection.execute(
            text(
                "SELECT serial, 'device', NULL, 'new' FROM staged WHERE fresh = 1 "
                "UNION ALL SELECT d.serial, f.field, f.old, f.new FROM field_change f "
                "JOIN device d ON d.id = f.device_id WHERE f.run_id = :run "
                "UNION ALL SELECT d.serial, 'app:' || a.bundle_id, o.text, v.text FROM app_event e "
                "JOIN device d ON d.id = e.device_id JOIN app a ON a.id = e.app_id "
                "LEFT JOIN app_version o ON o.id = e.old_version_id "
                "LEFT JOIN app_version v ON v.id = e.new_version_id WHERE e.run_id = :run"
            ).bindparams(run=run.run_id)
        )
        found = [FieldDifference(serial, field, old, new) for serial, field, old, new in rows]
        return sorted(found, key=lambda change: (change.serial, change.field, change.new or ""))
