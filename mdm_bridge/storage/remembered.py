"""What a merge remembers beside the devices: the rules it judged by, and what it could not see."""

from __future__ import annotations

import json

from mdm_bridge.ports.sync import MayStay, MergeOrder
from mdm_bridge.storage.sql import Sql
from mdm_bridge.storage.types import instant_text

__all__ = ["date_observations", "remember_rules"]

#: Stable fields that hold text a person typed; they may name somebody.
_FREE_TEXT = ("name", "asset_tag", "groups")

_OF_THIS_SERVER = "run_id IN (SELECT id FROM run WHERE server_id = <server>)"


def remember_rules(sql: Sql, order: MergeOrder) -> None:
    """Note the rules the rows were judged by; when they moved, forget what they no longer permit."""
    moved = sql.run(
        "UPDATE server SET rules_digest = :rules WHERE id = <server> AND rules_digest <differs> :rules",
        {"rules": order.rules_digest},
    )
    if not moved:
        return
    # Rows that came and could not be read: what is known of them was judged by other rules.
    sql.run(
        "UPDATE record SET whole_hash = NULL, "
        "apps_hash = CASE WHEN length(apps_hash) = 1 THEN apps_hash END "  # doubted stays doubted
        "WHERE server_id = <server> AND gone_at IS NULL "
        "AND (whole_hash IS NOT NULL OR apps_hash IS NOT NULL) "
        "AND id NOT IN (SELECT s.record_id FROM staged s WHERE s.record_id IS NOT NULL)"
    )
    for field in _FREE_TEXT:
        _forget_now(sql, field, order.may_stay)
        _forget_history(sql, field, order.may_stay)


def _forget_now(sql: Sql, field: str, may_stay: MayStay) -> None:
    """Erase from the current state; devices that left, or could not be read, are among them.

    A state that this listing made, all of it, was judged by the present rules.
    """
    masked = ", name_masked = TRUE" if field == "name" else ""
    rows = sql.rows(
        f'SELECT n.device_id, d.serial, n."{field}" FROM device_now n '
        "JOIN record r ON r.id = n.record_id JOIN device d ON d.id = n.device_id "
        f'WHERE r.server_id = <server> AND n."{field}" IS NOT NULL '
        "AND n.device_id NOT IN (SELECT s.device_id FROM staged s WHERE s.fresh = 1)"
    )
    for device, serial, value in rows:
        kept = _kept(field, value, serial, may_stay)
        if kept != value:
            sql.run(
                f'UPDATE device_now SET "{field}" = :kept{masked} WHERE device_id = :device',
                {"kept": kept, "device": device},
            )


def _forget_history(sql: Sql, field: str, may_stay: MayStay) -> None:
    """Erase from the history; a row that then says nothing goes."""
    touched = 0
    for side in ("old", "new"):
        rows = sql.rows(
            f"SELECT DISTINCT f.device_id, d.serial, f.{side} FROM field_change f "
            f"JOIN device d ON d.id = f.device_id WHERE f.{_OF_THIS_SERVER} "
            f"AND f.field = '{field}' AND f.{side} IS NOT NULL"
        )
        for device, serial, value in rows:
            kept = _kept(field, value, serial, may_stay)
            if kept != value:
                touched += sql.run(
                    f"UPDATE field_change SET {side} = :kept WHERE device_id = :device "
                    f"AND field = '{field}' AND {side} = :value AND {_OF_THIS_SERVER}",
                    {"kept": kept, "device": device, "value": value},
                )
    if touched:
        sql.run(f"DELETE FROM field_change WHERE field = '{field}' AND NOT (old <differs> new)")


def _kept(field: str, value: str, serial: str, may_stay: MayStay) -> str | None:
    """Return what may stay of a stored value."""
    if field != "groups":
        return value if may_stay(field, value, serial) else None
    names = [name for name in json.loads(value) if may_stay(field, name, serial)]
    return json.dumps(names, ensure_ascii=False)


def date_observations(sql: Sql, order: MergeOrder) -> None:
    """Date the records that this listing could not show by the last run that did; undate the others."""
    rows = sql.rows(
        "SELECT id FROM record WHERE server_id = <server> AND gone_at IS NULL AND observed_at IS NOT NULL"
    )
    dated = {row[0] for row in rows}
    for record in dated - order.unobserved:
        sql.run("UPDATE record SET observed_at = NULL WHERE id = :record", {"record": record})
    if order.observed_until is None:
        return
    until = instant_text(order.observed_until)
    for record in order.unobserved - dated:
        sql.run(
            "UPDATE record SET observed_at = <until> WHERE id = :record AND gone_at IS NULL",
            {"record": record, "until": until},
        )
