"""The tables, one module a subject. Importing this package makes ``Base.metadata`` complete."""

from mdm_bridge.storage.tables.audit import AuditCheckpointRow, AuditDetailRow, AuditRow
from mdm_bridge.storage.tables.base import Base
from mdm_bridge.storage.tables.fleet import (
    DeviceNowRow,
    DeviceRow,
    KitRow,
    RecordRow,
    ServerAppRow,
    ServerGroupRow,
    ServerProfileRow,
    ServerRow,
)
from mdm_bridge.storage.tables.history import (
    AppEventRow,
    DeviceDayRow,
    FieldChangeRow,
    LicenceDayRow,
    StateChangeRow,
)
from mdm_bridge.storage.tables.software import AppRow, AppVersionRow, InstalledRow
from mdm_bridge.storage.tables.work import LeaseRow, RunRow

__all__ = [
    "AppEventRow",
    "AppRow",
    "AppVersionRow",
    "AuditCheckpointRow",
    "AuditDetailRow",
    "AuditRow",
    "Base",
    "DeviceDayRow",
    "DeviceNowRow",
    "DeviceRow",
    "FieldChangeRow",
    "InstalledRow",
    "KitRow",
    "LeaseRow",
    "LicenceDayRow",
    "RecordRow",
    "RunRow",
    "ServerAppRow",
    "ServerGroupRow",
    "ServerProfileRow",
    "ServerRow",
    "StateChangeRow",
]
