"""Reading a listing: what is unchanged is passed over, what changed is judged and staged."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from zlib import crc32

from mdm_bridge.domain.inventory import InstalledApp, ServerFacts, Sighting
from mdm_bridge.domain.policy import ServerPolicy
from mdm_bridge.domain.privacy import Kept, activity_day, apps_to_name, minimise
from mdm_bridge.errors import BadAnswer
from mdm_bridge.messages import Message
from mdm_bridge.ports.inventory import ListingRow, Page
from mdm_bridge.ports.sync import DOUBTED, DeviceCounts, Intake, Known, KnownRecord, MergeResult

__all__ = ["Reading", "ServerWarning", "rules_digest"]


@dataclass(frozen=True, slots=True)
class ServerWarning:
    """Something a person should know after a run; ``serial`` None: not about one device."""

    serial: str | None
    message: Message


def rules_digest(policy: ServerPolicy, ours: frozenset[str]) -> str:
    """Return a digest of all that decides what of a row is kept: when it moves, rows are read anew."""
    apps = hashlib.sha256("\n".join(sorted(ours)).encode()).hexdigest()[:16]
    return f"{policy.digest()}-{apps}"


class Reading:
    """One listing, row by row.

    Args:
        known: What we know of the server.
        facts: What it just told beside its devices.
        policy: What the settings say of it.
        intake: Where changed rows are staged.
        now: The present instant.
    """

    def __init__(
        self, known: Known, facts: ServerFacts, policy: ServerPolicy, intake: Intake, now: datetime
    ) -> None:
        self._known = known
        self._policy = policy
        self._intake = intake
        self._now = now
        self.ours = _distributed(facts, known)
        self._trusted = known.rules_digest == rules_digest(policy, self.ours)
        #: What was distributed when the lists that we have were read, as far as that is sure.
        self.ours_before = known.ours | known.ours_elsewhere if self._trusted else known.ours
        self._unmoved = _by_hash(known) if self._trusted else {}
        self._seen: dict[str, bytes] = {}
        self._total: int | None = None
        self._unchanged = 0
        self._repeated = 0
        self._rejected = 0
        self._nameless = 0
        self._without_list = 0
        self._out_of_scope = 0
        self._ignored = 0
        self._staged = 0
        self.listed = 0
        self._contested: dict[str, bool] = {}
        self.emptied: set[int] = set()
        self.still_doubted: set[int] = set()
        self.unread: set[int] = set()
        self.not_judged: set[int] = set()
        self.warnings: list[ServerWarning] = []

    @property
    def accepted(self) -> int:
        """Rows that are devices of ours, readable."""
        return self._unchanged + self._staged

    @property
    def present(self) -> int:
        """Rows that are devices of ours, readable or known by their id."""
        return self.accepted + len(self.unread)

    def take(self, page: Page) -> None:
        """Read one page."""
        if page.total is not None:
            self._total = page.total
        unmoved, seen = self._unmoved.get, self._seen
        self.listed += len(page.rows)
        for row in page.rows:
            whole_hash = row.whole_hash
            remote_id = unmoved(whole_hash)
            if remote_id is None or remote_id in seen:
                self._take_row(row)
            else:
                seen[remote_id] = whole_hash
                self._unchanged += 1

    def _take_row(self, row: ListingRow) -> None:
        """Judge and stage one row; a bad one is rejected with its reason, and costs no other."""
        record = self._known.records.get(row.remote_id)
        try:
            sighting = row.sighting()
            if not self._wanted(sighting):
                return
        except BadAnswer as error:
            self._malformed(row, record, error.message)
            return
        try:
            kept = minimise(sighting, self._policy, self._known.overrides, self._now)
            apps_hash = _apps_mark(row, kept)
            apps = self._apps_of(row, record, apps_hash)
        except BadAnswer as error:
            self._reject(row, error.message)
            return
        if not sighting.serial:
            self._reject(row, Message("no_serial", "A device without a usable serial number was left out."))
            return
        if not row.remote_id:
            # Rows without an id cannot be told apart: one would hide the other.
            self._reject(row, Message("no_remote_id", "A device without an identifier was left out."))
            return
        if self._is_repeat(row):
            return
        self._stage(row, record, kept, apps_hash, apps)

    def _wanted(self, sighting: Sighting) -> bool:
        return self._wanted_class(sighting) and self._in_scope(sighting)

    def _wanted_class(self, sighting: Sighting) -> bool:
        wanted = self._policy.wants_class(sighting)
        self._ignored += not wanted
        return wanted

    def _in_scope(self, sighting: Sighting) -> bool:
        ours = self._policy.in_scope(sighting)
        self._out_of_scope += not ours
        return ours

    def _malformed(self, row: ListingRow, record: KnownRecord | None, reason: Message) -> None:
        """Reject a row that cannot be read, unless it is certainly none of ours; name only ours."""
        if record is not None:
            self._reject(row, reason)
            return
        outline, scope = row.outline(), self._policy.scope
        if outline is not None and not self._wanted_class(outline.seen):
            return
        judgeable = outline is not None and (
            not scope or scope.judgeable(outline.covers) or scope.matches(outline.seen)
        )
        if judgeable and outline is not None and not self._in_scope(outline.seen):
            return
        # On a shared server, who has which serial number elsewhere is nothing for our records.
        self._reject(row, reason, named=judgeable)

    def _apps_of(
        self, row: ListingRow, record: KnownRecord | None, apps_hash: bytes | None
    ) -> list[InstalledApp] | None:
        """Return the decoded apps; None when they are the ones we have, or the row has no list."""
        known = record.apps_hash if self._trusted and record is not None else None
        if known is not None and apps_hash == known:
            return None
        apps = row.apps()
        if apps is None and record is not None and record.has_apps:
            self._without_list += 1
        return None if apps is None else list(apps)

    def _is_repeat(self, row: ListingRow) -> bool:
        """Tell whether this very row came before; another one of the same id is staged as well."""
        before = self._seen.get(row.remote_id)
        if before is None:
            self._seen[row.remote_id] = row.whole_hash
            return False
        self._repeated += 1
        self._warn(row.serial, Message("duplicate_row", "The server lists this device twice."))
        if before == row.whole_hash:
            return True
        self._contested[row.remote_id] = self._unmoved.get(before) == row.remote_id
        return False

    def _stage(
        self,
        row: ListingRow,
        record: KnownRecord | None,
        kept: Kept,
        apps_hash: bytes | None,
        apps: list[InstalledApp] | None,
    ) -> None:
        seen = kept.observation
        for message in kept.warnings:
            self._warn(seen.serial, message)
        if apps is not None and not apps and record is not None:
            if record.has_apps:
                self.emptied.add(record.record_id)
            elif record.apps_hash == DOUBTED:
                self.still_doubted.add(record.record_id)
        named, others = (None, 0) if apps is None else apps_to_name(apps, seen.pool, self.ours)
        self._intake.add(
            seen,
            record_id=None if record is None else record.record_id,
            device_id=None if record is None else record.device_id,
            whole_hash=row.whole_hash if kept.settled else None,
            apps_hash=apps_hash,
            apps=named,
            other_apps=others,
            day=activity_day(seen.contact_at, self._policy.zone, seen.pool),
        )
        self._staged += 1

    def _reject(self, row: ListingRow, reason: Message, *, named: bool = True) -> None:
        self._rejected += 1
        if row.remote_id:
            # It is there, we just cannot read it: what we know of it stays, and it is not gone.
            record = self._known.records.get(row.remote_id)
            if record is not None and row.remote_id not in self._seen:
                self.unread.add(record.record_id)
            self._seen.setdefault(row.remote_id, row.whole_hash)
        else:
            self._nameless += 1
        self._warn(row.serial or None if named else None, reason)

    def _warn(self, serial: str | None, message: Message) -> None:
        self.warnings.append(ServerWarning(serial, message))

    def finish(self) -> None:
        """Check that the listing came whole, and keep one row of each id.

        Raises:
            BadAnswer: The server's own count does not agree with the rows that came.
        """
        if self._total is None or self._total in (self.listed, self.listed - self._repeated):
            # Where the unchanged row lost, it was counted for nothing.
            self._unchanged -= self._intake.choose(self._contested)
            return
        raise BadAnswer(
            Message(
                "count_mismatch",
                "The server announces {total} devices and lists {listed}: nothing was changed.",
                total=self._total,
                listed=self.listed,
            ),
            hint=Message(
                "retry_later", "Try again in a few minutes; if it lasts, tell the server's operator."
            ),
        )

    def tell_missing_lists(self) -> None:
        """Warn of app lists that did not come although the server tells them: what is known stays."""
        if self._without_list:
            self._warn(
                None,
                Message(
                    "app_lists_missing",
                    "The app list did not come for {n} devices: what was known of it stays as it was.",
                    n=self._without_list,
                ),
            )

    def absent(self) -> list[int]:
        """Return the ids of the records that the listing no longer holds.

        When rows came that cannot be told apart, nobody is declared gone: it may be one of them.
        """
        absent = [r.record_id for remote, r in self._known.records.items() if remote not in self._seen]
        if absent and self._nameless:
            self._warn(
                None,
                Message(
                    "absence_not_judged",
                    "{count} rows have no identifier: no device is declared absent this time.",
                    count=self._nameless,
                ),
            )
            self.not_judged.update(absent)
            return []
        return absent

    def duplicated(self, serials: tuple[str, ...]) -> None:
        """Warn of serials this server lists under several ids."""
        for serial in serials:
            self._warn(
                serial,
                Message(
                    "duplicate_serial",
                    "Several records carry this serial number: the one with the latest contact is used.",
                ),
            )

    def counts(self, result: MergeResult | None) -> DeviceCounts:
        """Return the figures of the run."""
        merged = result or MergeResult()
        seen = self._unchanged + merged.listed
        return DeviceCounts(
            seen=seen if result else self.accepted,
            new=merged.new,
            changed=merged.changed,
            unchanged=max(seen - merged.new - merged.changed, 0) if result else 0,
            gone=merged.gone,
            returned=merged.returned,
            rejected=self._rejected,
            out_of_scope=self._out_of_scope,
            ignored=self._ignored,
        )


def _apps_mark(row: ListingRow, kept: Kept) -> bytes | None:
    """Return the hash of a row's apps to remember: of whose list it is, and how much of it was named."""
    apps_hash, seen = row.apps_hash, kept.observation
    if apps_hash is None:
        return None
    named = "some" if seen.pool == "ash" else "all"
    return apps_hash[:12] + crc32(f"{named} of {seen.serial}".encode("utf-8", "replace")).to_bytes(4, "big")


def _by_hash(known: Known) -> dict[bytes, str]:
    """Return remote ids by the hash of their row, which covers the id: an equal row is that record."""
    return {r.whole_hash: remote for remote, r in known.records.items() if r.whole_hash is not None}


def _distributed(facts: ServerFacts, known: Known) -> frozenset[str]:
    if facts.apps is None:
        return known.ours | known.ours_elsewhere
    named = {app.bundle_id for app in facts.apps if not app.deleted}
    if "apps" in facts.incomplete:
        named |= known.ours - {app.bundle_id for app in facts.apps if app.deleted}
    return known.ours_elsewhere | named
