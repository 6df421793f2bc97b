"""A made-up fleet, the same at every run: pages of JSON as bytes, in four states.

A device has 25 fields and 60 apps, some 11 KB of JSON. States: ``first``; ``moved``, in which the
battery, the free space and the last contact of every device are others; ``changed``, which is
``moved`` but for one device in a hundred, whose system and some apps are others.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

__all__ = ["APPS_A_DEVICE", "PAGE", "STATES", "pages"]

APPS_A_DEVICE = 60
PAGE = 500
STATES = ("first", "moved", "changed")

_CATALOGUE = 320
_VERSIONS = 4
_CHANGED_EVERY = 100
_MODELS = (
    ("iPad (9th generation)", "iPad12,1"),
    ("iPad (10th generation)", "iPad13,18"),
    ("iPad Air", "iPad14,8"),
)
_SYSTEMS = ("17.7.2", "18.5", "18.6.1", "26.1")
_GROUPS = ('["Formation"]', '["Atelier","Formation"]', '["Prêt"]')
_BASE = datetime(2026, 11, 20, 6, 0, 0, tzinfo=UTC)


def pages(devices: int, state: str) -> Iterator[bytes]:
    """Return the pages of a fleet in one state.

    Args:
        devices: How many there are.
        state: One of ``STATES``.
    """
    catalogue = _Catalogue()
    for start in range(0, devices, PAGE):
        rows = ",".join(_device(n, state, catalogue) for n in range(start, min(start + PAGE, devices)))
        yield f'{{"total":{devices},"page":{start // PAGE},"results":[{rows}]}}'.encode()


class _Catalogue:
    """The apps of the world, each in some versions, already written as JSON."""

    def __init__(self) -> None:
        dice = random.Random(2026)
        self.apps = [[_app(n, v, dice) for v in range(_VERSIONS)] for n in range(_CATALOGUE)]

    def pick(self, number: int, updated: bool) -> str:
        """Return the app list of a device; ``updated``: two newer, one removed, one more."""
        dice = random.Random(number)
        chosen = dice.sample(range(_CATALOGUE), APPS_A_DEVICE + 1)
        versions = dice.choices(range(_VERSIONS - 1), k=APPS_A_DEVICE + 1)
        if updated:
            versions[1], versions[2] = versions[1] + 1, versions[2] + 1
            picked = zip(chosen[1:], versions[1:], strict=True)
        else:
            picked = zip(chosen[:-1], versions[:-1], strict=True)
        apps = self.apps
        return ",".join([apps[app][version] for app, version in picked])


def _app(number: int, version: int, dice: random.Random) -> str:
    text = f"{dice.randrange(1, 30)}.{dice.randrange(20)}.{version}"
    return (
        f'{{"identifier":"org.example.studio{number % 40:02}.application{number:03}",'
        f'"name":"Application {number:03}","version":"{text}.{dice.randrange(10_000)}",'
        f'"shortVersion":"{text}","managed":{"true" if number % 3 else "false"},"beta":false,'
        f'"bundleSize":{dice.randrange(10**6, 10**9)}}}'
    )


def _device(number: int, state: str, catalogue: _Catalogue) -> str:
    digest = hashlib.md5(f"device-{number}".encode(), usedforsecurity=False).hexdigest().upper()
    moved = 0 if state == "first" else 1
    changed = state == "changed" and number % _CHANGED_EVERY == 0
    model, identifier = _MODELS[number % len(_MODELS)]
    system = _SYSTEMS[(number + changed) % len(_SYSTEMS)]
    contact = _BASE + timedelta(days=3 * moved, seconds=number % 40_000 + 60 * moved)
    udid = f"{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:]}"
    return (
        f'{{"id":"{udid}","serialNumber":"{digest[:4]}{number:08}","name":"FORM-{number % 1_000_000:06}",'
        f'"assetTag":"12-{number % 1_000_000:06}","model":"{model}","modelIdentifier":"{identifier}",'
        f'"modelNumber":"MK{number % 97:02}2NF/A","osVersion":"{system}","osBuild":"22F{number % 89}",'
        f'"class":"ipad","supervised":true,"managed":{"false" if number % 50 == 7 else "true"},'
        f'"batteryPercent":{(number * 7 + 13 * moved) % 101},"capacityGb":64.0,'
        f'"availableGb":{(number * 37 + 501 * moved) % 60_000 / 1000},'
        f'"lastContact":"{contact:%Y-%m-%dT%H:%M:%SZ}","enrolledAt":"2026-09-01T08:{number % 60:02}:00Z",'
        f'"groups":{_GROUPS[number % len(_GROUPS)]},"locationId":"{number % 12}","region":"FR",'
        f'"passcodeSet":true,"activationLock":false,"lostMode":false,"languages":"fr-FR,en-US",'
        f'"notes":"","apps":[{catalogue.pick(number, changed)}]}}'
    )
