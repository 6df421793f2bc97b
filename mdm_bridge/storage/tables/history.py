"""What happened: the raw material of device histories and of the indicators."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from mdm_bridge.storage.tables.base import Base
from mdm_bridge.storage.types import Id

__all__ = ["AppEventRow", "DeviceDayRow", "FieldChangeRow", "LicenceDayRow", "StateChangeRow"]


class FieldChangeRow(Base):
    """One stable field of a device changed; none is written at first sight."""

    __tablename__ = "field_change"
    __table_args__ = (Index("ix_field_change_device_id_at", "device_id", "at"),)

    id: Mapped[Id]
    device_id: Mapped[int] = mapped_column(ForeignKey("device.id"))
    at: Mapped[datetime]
    run_id: Mapped[int] = mapped_column(ForeignKey("run.id"))
    field: Mapped[str]
    old: Mapped[str | None]
    new: Mapped[str | None]


class StateChangeRow(Base):
    """A person changed something of a device: its state, its pool, its place."""

    __tablename__ = "state_change"
    __table_args__ = (Index("ix_state_change_device_id_at", "device_id", "at"),)

    id: Mapped[Id]
    device_id: Mapped[int] = mapped_column(ForeignKey("device.id"))
    at: Mapped[datetime]
    field: Mapped[str]
    old: Mapped[str | None]
    new: Mapped[str | None]
    reason: Mapped[str | None]
    actor: Mapped[str]


class DeviceDayRow(Base):
    """A device was seen on this local day. For the ash pool: on this week (its Monday), no figures."""

    __tablename__ = "device_day"
    __table_args__ = ({"sqlite_with_rowid": False},)

    device_id: Mapped[int] = mapped_column(ForeignKey("device.id"), primary_key=True, autoincrement=False)
    day: Mapped[date] = mapped_column(primary_key=True)
    battery_percent: Mapped[int | None]
    available_mb: Mapped[int | None]
    os_version: Mapped[str | None]


class AppEventRow(Base):
    """An app was installed, removed or updated; none at the first sight of a device's apps."""

    __tablename__ = "app_event"
    __table_args__ = (
        CheckConstraint("kind IN ('installed', 'removed', 'updated')", name="kind_known"),
        Index("ix_app_event_device_id_at", "device_id", "at"),
    )

    id: Mapped[Id]
    device_id: Mapped[int] = mapped_column(ForeignKey("device.id"))
    app_id: Mapped[int] = mapped_column(ForeignKey("app.id"))
    at: Mapped[datetime]
    run_id: Mapped[int] = mapped_column(ForeignKey("run.id"))
    kind: Mapped[str]
    old_version_id: Mapped[int | None] = mapped_column(ForeignKey("app_version.id"))
    new_version_id: Mapped[int | None] = mapped_column(ForeignKey("app_version.id"))


class LicenceDayRow(Base):
    """Licence counts of an app from this day on, until the next row."""

    __tablename__ = "licence_day"
    __table_args__ = ({"sqlite_with_rowid": False},)

    server_id: Mapped[int] = mapped_column(ForeignKey("server.id"), primary_key=True, autoincrement=False)
    app_id: Mapped[int] = mapped_column(ForeignKey("app.id"), primary_key=True, autoincrement=False)
    day: Mapped[date] = mapped_column(primary_key=True)
    total: Mapped[int | None]
    used: Mapped[int | None]
    free: Mapped[int | None]
