"""Jamf School as a listing source: four questions at most, whatever the fleet's size."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar
from zoneinfo import ZoneInfo

from msgspec import Raw
from pydantic import ValidationError

from mdm_bridge.domain.inventory import Covers, ServerFacts
from mdm_bridge.errors import BadAnswer, ServerError, ServerRefused
from mdm_bridge.messages import Message
from mdm_bridge.net.http import HttpSession
from mdm_bridge.ports.inventory import Capabilities, Page, Probe
from mdm_bridge.providers.jamf_school.answers import (
    AnyEnvelope,
    AppList,
    DeviceList,
    GroupList,
    ProfileList,
    count_of,
    read_envelope,
    rows_of,
)
from mdm_bridge.providers.jamf_school.rows import JamfSchoolRow
from mdm_bridge.providers.jamf_school.wire import WireApp, WireGroup, WireProfile

__all__ = ["JamfSchoolSource"]

T = TypeVar("T")

#: The newest form of every answer we read; without it the server falls back to its first protocol.
_HEADERS = {"X-Server-Protocol-Version": "3"}

#: An older console does not know the address; a key without the right gets the other.
_NOT_AVAILABLE = frozenset({"not_found", "permission_missing"})

_ROWS_A_PAGE = 500

_COVERS = Covers.everything() & ~Covers.PROFILES


class JamfSchoolSource:
    """A Jamf School server; implements ``ports.inventory.ListingSource``.

    Args:
        name: Name of the server in the settings.
        session: Session to it, with network id and key.
        zone: Zone of its dates, which carry none.

    ``warnings`` holds what the last ``facts`` could not get, for the report of the run.

    Source: facts recovered from public clients of the API and their recorded answers (read 2026-11).
    """

    kind = "jamf-school"
    capabilities = Capabilities(
        covers=_COVERS, facts=frozenset({"apps", "groups", "profiles"}), licences=True
    )

    def __init__(self, name: str, session: HttpSession, *, zone: ZoneInfo) -> None:
        self.name = name
        self.warnings: list[Message] = []
        self._session = session
        self._zone = zone

    @property
    def requests(self) -> int:
        """How many requests were sent so far, retries included."""
        return self._session.requests_sent

    def probe(self) -> Probe:
        """Ask for the device groups.

        A small answer whatever the fleet's size, and it needs everything the listing needs: name,
        proxy, certificate, path, network id, key, and the right to read (rights go by verb, not by
        address). The listing itself cannot be asked for less than the whole fleet.
        """
        proxy = self._session.proxy_for()
        try:
            rows = self._fetch("devices/groups", GroupList, "deviceGroups", "DeviceGroups")
        except ServerError as error:
            return Probe(ok=False, message=error.message, hint=error.hint, proxy=proxy)
        return Probe(
            ok=True,
            message=Message("server_answers", "{host} answers and accepts the key.", host=self._session.host),
            proxy=proxy,
            details=(
                Message("groups_visible", "Device groups visible to the key: {count}.", count=len(rows)),
            ),
        )

    def facts(self) -> ServerFacts:
        """Fetch groups, apps and profiles; a part this server or key does not give is None.

        Raises:
            ServerError: It did not answer, or not usably.
        """
        self.warnings = []
        groups = self._optional(
            Message("groups_not_available", "The server does not show its device groups to this key."),
            "devices/groups", GroupList, "deviceGroups", "DeviceGroups",
        )  # fmt: skip
        apps = self._optional(
            Message("apps_not_available", "The server does not show its apps to this key."),
            "apps", AppList, "apps",
        )  # fmt: skip
        profiles = self._optional(
            Message("profiles_not_available", "The server does not show its profiles to this key."),
            "profiles", ProfileList, "profiles",
        )  # fmt: skip
        return ServerFacts(
            apps=self._decoded("apps", apps, lambda raw: WireApp.model_validate_json(raw).to_app()),
            groups=self._decoded("groups", groups, lambda raw: WireGroup.model_validate_json(raw).to_group()),
            profiles=self._decoded(
                "profiles", profiles, lambda raw: WireProfile.model_validate_json(raw).to_profile()
            ),
        )

    def pages(self) -> Iterator[Page]:
        """Fetch the whole fleet in one question, and yield it in pages.

        ``total`` is the server's own count. An empty fleet is one empty page.

        Raises:
            ServerError: The answer did not come whole, or is not a listing.
        """
        body = self._session.get("devices", {"includeApps": "true"}, headers=_HEADERS)
        envelope = read_envelope(body, DeviceList, self._session)
        raws, total = rows_of(envelope, "devices"), count_of(envelope.count)
        # Each row holds on to the one buffer; neither a name nor the envelope must do so as well.
        del body, envelope
        raws.reverse()
        if not raws:
            yield Page((), total)
        while raws:
            some = [raws.pop() for _ in range(min(_ROWS_A_PAGE, len(raws)))]
            yield Page([JamfSchoolRow(raw, self._zone) for raw in some], total)

    def close(self) -> None:
        """Close the connections; may be called twice."""
        self._session.close()

    def __repr__(self) -> str:
        return f"JamfSchoolSource({self.name!r}, {self._session.host!r})"

    def _fetch(self, path: str, kind: type[AnyEnvelope], *names: str) -> list[Raw]:
        body = self._session.get(path, headers=_HEADERS)
        return rows_of(read_envelope(body, kind, self._session), *names)

    def _optional(self, absent: Message, path: str, kind: type[AnyEnvelope], *names: str) -> list[Raw] | None:
        """Fetch a list that this server or key may not give; note ``absent`` if so."""
        try:
            return self._fetch(path, kind, *names)
        except (BadAnswer, ServerRefused) as error:
            if error.code not in _NOT_AVAILABLE:
                raise
        self.warnings.append(absent)
        return None

    def _decoded(
        self, part: str, raws: list[Raw] | None, decode: Callable[[bytes], T | None]
    ) -> tuple[T, ...] | None:
        """Decode entries one by one; a malformed one is left out and counted in a warning.

        The warning is ``entries_skipped``; its parameter ``part`` says of which list (apps, groups,
        profiles): a list with gaps proves no absence.
        """
        if raws is None:
            return None
        found: list[T] = []
        malformed = 0
        for raw in raws:
            try:
                item = decode(bytes(raw))
            except ValidationError:
                malformed += 1
                continue
            if item is not None:
                found.append(item)
        if malformed:
            self.warnings.append(_skipped(part, malformed))
        return tuple(found)


def _skipped(part: str, count: int) -> Message:
    if part == "apps":
        return Message(
            "entries_skipped",
            "Malformed entries left out of the server's list of apps: {count}.",
            count=count,
            part=part,
        )
    if part == "groups":
        return Message(
            "entries_skipped",
            "Malformed entries left out of the server's list of groups: {count}.",
            count=count,
            part=part,
        )
    return Message(
        "entries_skipped",
        "Malformed entries left out of the server's list of profiles: {count}.",
        count=count,
        part=part,
    )
