"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from mdm_bridge.storage.types import Instant

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

#: Whether running it gives up something stored.
loses_data = False


def upgrade() -> None:
    """Create the tables, those that others point at first."""
    _app()
    _app_version()
    _audit()
    _audit_checkpoint()
    _audit_detail()
    _installed()
    _kit()
    _lease()
    _server()
    _device()
    _licence_day()
    _run()
    _server_app()
    _server_group()
    _server_profile()
    _app_event()
    _device_day()
    _field_change()
    _record()
    _state_change()
    _device_now()


def _app() -> None:
    op.create_table(
        "app",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("bundle_id", sa.Text(), nullable=False),
        sa.Column("adam_id", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_app")),
        sa.UniqueConstraint("bundle_id", name=op.f("uq_app_bundle_id")),
    )


def _app_version() -> None:
    op.create_table(
        "app_version",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_app_version")),
        sa.UniqueConstraint("text", name=op.f("uq_app_version_text")),
    )


def _audit() -> None:
    op.create_table(
        "audit",
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("verb", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("object_id", sa.Text(), nullable=True),
        sa.Column("detail_digest", sa.Text(), nullable=False),
        sa.Column("prev", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit")),
    )


def _audit_checkpoint() -> None:
    op.create_table(
        "audit_checkpoint",
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit_checkpoint")),
    )


def _audit_detail() -> None:
    op.create_table(
        "audit_detail",
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("body", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit_detail")),
    )


def _installed() -> None:
    op.create_table(
        "installed",
        sa.Column("device_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("app_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("version_id", sa.Integer(), nullable=False),
        sa.Column("flags", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("device_id", "app_id", name=op.f("pk_installed")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_installed_app_id", "installed", ["app_id"], unique=False)


def _kit() -> None:
    op.create_table(
        "kit",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kit")),
        sa.UniqueConstraint("name", name=op.f("uq_kit_name")),
    )


def _lease() -> None:
    op.create_table(
        "lease",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("token", sa.Integer(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=True),
        sa.Column("host", sa.Text(), nullable=True),
        sa.Column("pid", sa.Integer(), nullable=True),
        sa.Column("process_started", sa.Integer(), nullable=True),
        sa.Column("acquired_at", Instant(), nullable=True),
        sa.Column("expires_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_lease")),
    )


def _server() -> None:
    op.create_table(
        "server",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("rules_digest", sa.Text(), nullable=True),
        sa.Column("created_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_server")),
        sa.UniqueConstraint("name", name=op.f("uq_server_name")),
    )


def _device() -> None:
    op.create_table(
        "device",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("serial", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="in_service", nullable=False),
        sa.Column("state_since", Instant(), nullable=False),
        sa.Column("pool_override", sa.Text(), nullable=True),
        sa.Column("inventory_no", sa.Text(), nullable=True),
        sa.Column("own_model", sa.Text(), nullable=True),
        sa.Column("purchased_on", sa.Date(), nullable=True),
        sa.Column("funding", sa.Text(), nullable=True),
        sa.Column("supplier_ref", sa.Text(), nullable=True),
        sa.Column("warranty_until", sa.Date(), nullable=True),
        sa.Column("kit_id", sa.Integer(), nullable=True),
        sa.Column("place", sa.Text(), nullable=True),
        sa.Column("place_since", Instant(), nullable=True),
        sa.Column("added_by_hand", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("first_seen_at", Instant(), nullable=False),
        sa.CheckConstraint("pool_override IN ('training', 'ash', 'none')", name=op.f("ck_device_pool_known")),
        sa.CheckConstraint(
            "state IN ('in_service', 'repair', 'lost', 'stolen', 'retired')",
            name=op.f("ck_device_state_known"),
        ),
        sa.ForeignKeyConstraint(["kit_id"], ["kit.id"], name=op.f("fk_device_kit_id_kit")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_device")),
        sa.UniqueConstraint("inventory_no", name=op.f("uq_device_inventory_no")),
        sa.UniqueConstraint("serial", name=op.f("uq_device_serial")),
    )


def _licence_day() -> None:
    op.create_table(
        "licence_day",
        sa.Column("server_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("app_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=True),
        sa.Column("used", sa.Integer(), nullable=True),
        sa.Column("free", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["app_id"], ["app.id"], name=op.f("fk_licence_day_app_id_app")),
        sa.ForeignKeyConstraint(["server_id"], ["server.id"], name=op.f("fk_licence_day_server_id_server")),
        sa.PrimaryKeyConstraint("server_id", "app_id", "day", name=op.f("pk_licence_day")),
        sqlite_with_rowid=False,
    )


def _run() -> None:
    op.create_table(
        "run",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("server_id", sa.Integer(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("started_at", Instant(), nullable=False),
        sa.Column("finished_at", Instant(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("forced", sa.Boolean(), nullable=False),
        sa.Column("requests", sa.Integer(), nullable=False),
        sa.Column("counts", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=True),
        sa.Column("warnings", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=True),
        sa.Column("error", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=True),
        sa.CheckConstraint(
            "status IN ('running', 'complete', 'refused', 'failed')", name=op.f("ck_run_status_known")
        ),
        sa.ForeignKeyConstraint(["server_id"], ["server.id"], name=op.f("fk_run_server_id_server")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run")),
    )
    op.create_index("ix_run_server_id_finished_at", "run", ["server_id", "finished_at"], unique=False)


def _server_app() -> None:
    op.create_table(
        "server_app",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("server_id", sa.Integer(), nullable=False),
        sa.Column("remote_id", sa.Text(), nullable=False),
        sa.Column("app_id", sa.Integer(), nullable=False),
        sa.Column("adam_id", sa.Text(), nullable=True),
        sa.Column("total", sa.Integer(), nullable=True),
        sa.Column("used", sa.Integer(), nullable=True),
        sa.Column("free", sa.Integer(), nullable=True),
        sa.Column("deleted", sa.Boolean(), nullable=False),
        sa.Column("first_seen_at", Instant(), nullable=False),
        sa.Column("gone_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(["app_id"], ["app.id"], name=op.f("fk_server_app_app_id_app")),
        sa.ForeignKeyConstraint(["server_id"], ["server.id"], name=op.f("fk_server_app_server_id_server")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_server_app")),
        sa.UniqueConstraint("server_id", "remote_id", name=op.f("uq_server_app_server_id_remote_id")),
    )


def _server_group() -> None:
    op.create_table(
        "server_group",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("server_id", sa.Integer(), nullable=False),
        sa.Column("remote_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("members", sa.Integer(), nullable=True),
        sa.Column("smart", sa.Boolean(), nullable=True),
        sa.Column("gone_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(["server_id"], ["server.id"], name=op.f("fk_server_group_server_id_server")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_server_group")),
        sa.UniqueConstraint("server_id", "remote_id", name=op.f("uq_server_group_server_id_remote_id")),
    )


def _server_profile() -> None:
    op.create_table(
        "server_profile",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("server_id", sa.Integer(), nullable=False),
        sa.Column("remote_id", sa.Text(), nullable=False),
        sa.Column("identifier", sa.Text(), nullable=True),
        sa.Column("platform", sa.Text(), nullable=True),
        sa.Column("gone_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(
            ["server_id"], ["server.id"], name=op.f("fk_server_profile_server_id_server")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_server_profile")),
        sa.UniqueConstraint("server_id", "remote_id", name=op.f("uq_server_profile_server_id_remote_id")),
    )


def _app_event() -> None:
    op.create_table(
        "app_event",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("device_id", sa.Integer(), nullable=False),
        sa.Column("app_id", sa.Integer(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("old_version_id", sa.Integer(), nullable=True),
        sa.Column("new_version_id", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "kind IN ('installed', 'removed', 'updated')", name=op.f("ck_app_event_kind_known")
        ),
        sa.ForeignKeyConstraint(["app_id"], ["app.id"], name=op.f("fk_app_event_app_id_app")),
        sa.ForeignKeyConstraint(["device_id"], ["device.id"], name=op.f("fk_app_event_device_id_device")),
        sa.ForeignKeyConstraint(
            ["new_version_id"], ["app_version.id"], name=op.f("fk_app_event_new_version_id_app_version")
        ),
        sa.ForeignKeyConstraint(
            ["old_version_id"], ["app_version.id"], name=op.f("fk_app_event_old_version_id_app_version")
        ),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_app_event_run_id_run")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_app_event")),
    )
    op.create_index("ix_app_event_device_id_at", "app_event", ["device_id", "at"], unique=False)


def _device_day() -> None:
    op.create_table(
        "device_day",
        sa.Column("device_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("battery_percent", sa.Integer(), nullable=True),
        sa.Column("available_mb", sa.Integer(), nullable=True),
        sa.Column("os_version", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["device_id"], ["device.id"], name=op.f("fk_device_day_device_id_device")),
        sa.PrimaryKeyConstraint("device_id", "day", name=op.f("pk_device_day")),
        sqlite_with_rowid=False,
    )


def _field_change() -> None:
    op.create_table(
        "field_change",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("device_id", sa.Integer(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("old", sa.Text(), nullable=True),
        sa.Column("new", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["device_id"], ["device.id"], name=op.f("fk_field_change_device_id_device")),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_field_change_run_id_run")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_field_change")),
    )
    op.create_index("ix_field_change_device_id_at", "field_change", ["device_id", "at"], unique=False)


def _record() -> None:
    op.create_table(
        "record",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("server_id", sa.Integer(), nullable=False),
        sa.Column("device_id", sa.Integer(), nullable=False),
        sa.Column("remote_id", sa.Text(), nullable=False),
        sa.Column("udid", sa.Text(), nullable=True),
        sa.Column("enrolled_at", Instant(), nullable=True),
        sa.Column("first_seen_at", Instant(), nullable=False),
        sa.Column("last_contact_at", Instant(), nullable=True),
        sa.Column("observed_at", Instant(), nullable=True),
        sa.Column("gone_at", Instant(), nullable=True),
        sa.Column("whole_hash", sa.LargeBinary(), nullable=True),
        sa.Column("apps_hash", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["device_id"], ["device.id"], name=op.f("fk_record_device_id_device")),
        sa.ForeignKeyConstraint(["server_id"], ["server.id"], name=op.f("fk_record_server_id_server")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_record")),
    )
    op.create_index("ix_record_device_id", "record", ["device_id"], unique=False)
    op.create_index(
        "uq_record_server_id_remote_id_live",
        "record",
        ["server_id", "remote_id"],
        unique=True,
        sqlite_where=sa.text("gone_at IS NULL"),
        postgresql_where=sa.text("gone_at IS NULL"),
    )


def _state_change() -> None:
    op.create_table(
        "state_change",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("device_id", sa.Integer(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("old", sa.Text(), nullable=True),
        sa.Column("new", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["device_id"], ["device.id"], name=op.f("fk_state_change_device_id_device")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_state_change")),
    )
    op.create_index("ix_state_change_device_id_at", "state_change", ["device_id", "at"], unique=False)


def _device_now() -> None:
    op.create_table(
        "device_now",
        sa.Column("device_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("record_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("name_masked", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("asset_tag", sa.Text(), nullable=True),
        sa.Column("model", sa.Text(), nullable=True),
        sa.Column("model_identifier", sa.Text(), nullable=True),
        sa.Column("os_version", sa.Text(), nullable=True),
        sa.Column("supervised", sa.Boolean(), nullable=True),
        sa.Column("managed", sa.Boolean(), nullable=True),
        sa.Column("battery_percent", sa.Integer(), nullable=True),
        sa.Column("capacity_mb", sa.Integer(), nullable=True),
        sa.Column("available_mb", sa.Integer(), nullable=True),
        sa.Column("last_seen_at", Instant(), nullable=True),
        sa.Column("groups", sa.Text(), nullable=True),
        sa.Column("pool_by_rule", sa.Text(), nullable=True),
        sa.Column("apps_total", sa.Integer(), nullable=True),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["device_id"], ["device.id"], name=op.f("fk_device_now_device_id_device")),
        sa.ForeignKeyConstraint(["record_id"], ["record.id"], name=op.f("fk_device_now_record_id_record")),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_device_now_run_id_run")),
        sa.PrimaryKeyConstraint("device_id", name=op.f("pk_device_now")),
    )
