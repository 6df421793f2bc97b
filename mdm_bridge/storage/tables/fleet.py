"""Devices: what people own of them, and what servers say of them, in different tables.

A synchronisation inserts into ``device`` and never updates it; everything it learns goes into
``record`` (one row a device and server and enrolment: the dated aliases) and ``device_now``.
"""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from mdm_bridge.storage.tables.base import Base
from mdm_bridge.storage.types import Id

__all__ = [
    "DeviceNowRow",
    "DeviceRow",
    "KitRow",
    "RecordRow",
    "ServerAppRow",
    "ServerGroupRow",
    "ServerProfileRow",
    "ServerRow",
]


class ServerRow(Base):
    """A configured distant server. ``rules_digest``: the rules its rows were last judged by."""

    __tablename__ = "server"

    id: Mapped[Id]
    name: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    rules_digest: Mapped[str | None]
    created_at: Mapped[datetime]


class KitRow(Base):
    """A case (valise) that holds several devices."""

    __tablename__ = "kit"

    id: Mapped[Id]
    name: Mapped[str] = mapped_column(unique=True)


class DeviceRow(Base):
    """A tablet, known by its serial number; everything here belongs to people."""

    __tablename__ = "device"
    __table_args__ = (
        CheckConstraint("state IN ('in_service', 'repair', 'lost', 'stolen', 'retired')", name="state_known"),
        CheckConstraint("pool_override IN ('training', 'ash', 'none')", name="pool_known"),
    )

    id: Mapped[Id]
    serial: Mapped[str] = mapped_column(unique=True)
    state: Mapped[str] = mapped_column(server_default="in_service")
    state_since: Mapped[datetime]
    pool_override: Mapped[str | None]
    inventory_no: Mapped[str | None] = mapped_column(unique=True)
    own_model: Mapped[str | None]
    purchased_on: Mapped[date | None]
    funding: Mapped[str | None]
    supplier_ref: Mapped[str | None]
    warranty_until: Mapped[date | None]
    kit_id: Mapped[int | None] = mapped_column(ForeignKey("kit.id"))
    place: Mapped[str | None]
    place_since: Mapped[datetime | None]
    added_by_hand: Mapped[bool] = mapped_column(server_default=text("false"))
    first_seen_at: Mapped[datetime]


class RecordRow(Base):
    """A device as one server lists it, from ``first_seen_at`` until ``gone_at``: a dated alias.

    ``whole_hash`` NULL: decode it at the next run whatever it holds (the record does not speak for
    its device, or its meaning depends on the time). ``observed_at`` is set when the record goes:
    the last run that saw it.
    """

    __tablename__ = "record"
    __table_args__ = (
        Index(
            "uq_record_server_id_remote_id_live",
            "server_id",
            "remote_id",
            unique=True,
            sqlite_where=text("gone_at IS NULL"),
            postgresql_where=text("gone_at IS NULL"),
        ),
        Index("ix_record_device_id", "device_id"),
    )

    id: Mapped[Id]
    server_id: Mapped[int] = mapped_column(ForeignKey("server.id"))
    device_id: Mapped[int] = mapped_column(ForeignKey("device.id"))
    remote_id: Mapped[str]
    udid: Mapped[str | None]
    enrolled_at: Mapped[datetime | None]
    first_seen_at: Mapped[datetime]
    last_contact_at: Mapped[datetime | None]
    observed_at: Mapped[datetime | None]
    gone_at: Mapped[datetime | None]
    whole_hash: Mapped[bytes | None]
    apps_hash: Mapped[bytes | None]


class DeviceNowRow(Base):
    """The current state of a device, as the record that speaks for it says.

    ``groups`` is a sorted JSON list of the known names, NULL = the server does not say.
    ``apps_total`` counts all apps, named or not; NULL = unknown (rows in ``installed`` may stand:
    they are what was last seen). Capacities in decimal MB. ``run_id``: run of the last change.
    """

    __tablename__ = "device_now"

    device_id: Mapped[int] = mapped_column(ForeignKey("device.id"), primary_key=True, autoincrement=False)
    record_id: Mapped[int] = mapped_column(ForeignKey("record.id"))
    name: Mapped[str | None]
    name_masked: Mapped[bool] = mapped_column(server_default=text("false"))
    asset_tag: Mapped[str | None]
    model: Mapped[str | None]
    model_identifier: Mapped[str | None]
    os_version: Mapped[str | None]
    supervised: Mapped[bool | None]
    managed: Mapped[bool | None]
    battery_percent: Mapped[int | None]
    capacity_mb: Mapped[int | None]
    available_mb: Mapped[int | None]
    last_seen_at: Mapped[datetime | None]
    groups: Mapped[str | None]
    pool_by_rule: Mapped[str | None]
    apps_total: Mapped[int | None]
    run_id: Mapped[int] = mapped_column(ForeignKey("run.id"))


class ServerAppRow(Base):
    """An app a server can distribute, with its licence counts; ``gone_at``: no longer listed."""

    __tablename__ = "server_app"
    __table_args__ = (UniqueConstraint("server_id", "remote_id"),)

    id: Mapped[Id]
    server_id: Mapped[int] = mapped_column(ForeignKey("server.id"))
    remote_id: Mapped[str]
    app_id: Mapped[int] = mapped_column(ForeignKey("app.id"))
    adam_id: Mapped[str | None]
    total: Mapped[int | None]
    used: Mapped[int | None]
    free: Mapped[int | None]
    deleted: Mapped[bool]
    first_seen_at: Mapped[datetime]
    gone_at: Mapped[datetime | None]


class ServerGroupRow(Base):
    """A group a rule, the scope or a catalog mentions; others are never stored."""

    __tablename__ = "server_group"
    __table_args__ = (UniqueConstraint("server_id", "remote_id"),)

    id: Mapped[Id]
    server_id: Mapped[int] = mapped_column(ForeignKey("server.id"))
    remote_id: Mapped[str]
    name: Mapped[str]
    members: Mapped[int | None]
    smart: Mapped[bool | None]
    gone_at: Mapped[datetime | None]


class ServerProfileRow(Base):
    """A configuration profile on a server, by identifier; its name is free text and is not kept."""

    __tablename__ = "server_profile"
    __table_args__ = (UniqueConstraint("server_id", "remote_id"),)

    id: Mapped[Id]
    server_id: Mapped[int] = mapped_column(ForeignKey("server.id"))
    remote_id: Mapped[str]
    identifier: Mapped[str | None]
    platform: Mapped[str | None]
    gone_at: Mapped[datetime | None]
