"""The shapes of Jamf School's other answers: apps, groups, profiles, places, persons.

Source: facts about the Jamf School REST API recovered from public clients and their recorded
answers (read 2026-11).
"""

from __future__ import annotations

import zlib
from typing import Any

from mdm_bridge.simulator.dice import version_at
from mdm_bridge.simulator.evolution import day_of
from mdm_bridge.simulator.models import Group, Location, Person, Profile, Snapshot, StoreApp

__all__ = ["app_row", "group_row", "icon_of", "location_row", "person_row", "profile_row", "user_row"]


def person_row(person: Person, snapshot: Snapshot) -> dict[str, Any]:
    """Return what is said of a person wherever one is shown."""
    return {
        "id": person.id,
        "locationId": person.location_id,
        "deviceCount": sum(1 for device in snapshot.listed if device.owner_id == person.id),
        "email": person.email,
        "username": person.username,
        "firstName": person.first_name,
        "lastName": person.last_name,
        "name": person.name,
        "groupIds": [5],
        "groups": ["Classe Xanthoquille"],
        "teacherGroups": [],
        "children": [],
        "notes": person.notes,
        "modified": "2026-09-01 08:12:44",
    }


def user_row(person: Person, snapshot: Snapshot) -> dict[str, Any]:
    """Return a person as ``GET /users`` lists them."""
    return {**person_row(person, snapshot), "status": "Active", "domain": "", "vpp": [], "exclude": False}


def icon_of(bundle_id: str) -> str:
    """Return the address of an app's icon, as long as the real ones."""
    return f"https://icones.exemple.invalid/{zlib.crc32(bundle_id.encode()):08x}/512x512bb.png"


def app_row(app: StoreApp, snapshot: Snapshot) -> dict[str, Any]:
    """Return an app of ``GET /apps``; store, licensed and in-house ones have different keys."""
    version = version_at(app.bundle_id, day_of(snapshot.now))
    row: dict[str, Any] = {
        "id": app.id,
        "locationId": 0,
        "isBook": False,
        "bundleId": app.bundle_id,
        "icon": icon_of(app.bundle_id),
        "name": app.name,
        "version": version,
        "shortVersion": version,
        "extVersion": 0,
        "supportsiBooks": False,
        "platform": "iOS",
        "type": "app",
        "vendor": app.vendor,
        "canAutoUpdate": True,
        "canToggleRemovable": True,
        "manageApp": True,
        "removeWithProfile": True,
        "disableBackup": False,
        "showInTeacher": True,
        "allowTeacherDistribution": False,
        "teacherGroups": [],
        "showInParent": False,
        "mediaPriority": 0,
        "automaticReinstallWhenRemoved": None,
        "automaticUpdate": True,
        "nonRemovable": None,
        "associatedDomains": None,
        "associatedDirectDownload": None,
        "description": None,
        "lastModified": "2026-09-01 07:00:00",
    }
    return row | (_in_house(app) if app.kind == "in_house" else _store(app, snapshot))


def _in_house(app: StoreApp) -> dict[str, Any]:
    return {
        "description": "Demandée pour l'élève Brizoukhan",
        "size": 12_345_678,
        "enableCaching": False,
        "hideManageable": False,
        "assetType": "package",
        "url": None,
        "notifierId": app.id,
    }


def _store(app: StoreApp, snapshot: Snapshot) -> dict[str, Any]:
    row: dict[str, Any] = {
        "adamId": app.adam_id,
        "externalVersion": 0,
        "html": "<p>Recommandée par <b>Mme Bwalquist</b> &amp; l'école Xanthoquille</p>",
        "price": 0,
        "isDeleted": app.deleted,
        "isDeviceAssignable": True,
        "is32BitOnly": False,
        "isCustomB2B": False,
        "deviceFamilies": ["ipad"],
        "isTvOSCompatible": False,
        "isMacOsCompatible": False,
    }
    if app.kind == "licensed":
        used = snapshot.installed.get(app.bundle_id, 0)
        row |= {
            "autoGrant": False,
            "autoRevoke": False,
            "totalLicenses": app.licences,
            "usedLicenses": used,
            "availableLicenses": max(0, app.licences - used),
        }
    return row


def group_row(group: Group, snapshot: Snapshot) -> dict[str, Any]:
    """Return a device group."""
    return {
        "id": group.id,
        "locationId": group.location_id,
        "name": group.name,
        "description": group.description,
        "information": group.information,
        "members": snapshot.members[group.id],
        "type": "smart" if group.smart else "normal",
        "shared": group.shared,
        "imageUrl": None,
        "isSmartGroup": group.smart,
    }


def profile_row(profile: Profile) -> dict[str, Any]:
    """Return a configuration profile."""
    return {
        "id": profile.id,
        "locationId": 0,
        "type": {"value": "custom"},
        "status": {"value": "active"},
        "identifier": profile.identifier,
        "name": profile.name,
        "description": profile.description,
        "platform": profile.platform,
        "daysOfTheWeek": ["1", "2"],
        "isTemplate": False,
        "startTime": "08:00",
        "endTime": None,
        "useHolidays": False,
        "restrictedWeekendUse": False,
    }


def location_row(place: Location) -> dict[str, Any]:
    """Return a place; the one with id 0 is the district."""
    return {
        "id": place.id,
        "name": place.name,
        "isDistrict": place.id == 0,
        "street": None,
        "streetNumber": None,
        "postalCode": None,
        "city": place.city,
        "source": "manual",
        "asmIdentifier": None,
        "schoolNumber": place.school_number,
    }
