"""Reading a distant server's inventory.

Two ways of reading exist. A server that *lists* its devices is a :class:`ListingSource`: pages
of rows, complete or worthless. A server without an inventory of its own must be *asked*, device
by device, and answers later: it will be a second port beside this one. Both end in the same
``Observation`` and share :class:`Capabilities`, :class:`Probe` and ``ServerFacts``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from mdm_bridge.domain.inventory import Covers, InstalledApp, ServerFacts, Sighting
from mdm_bridge.messages import Message

__all__ = ["Capabilities", "ListingRow", "ListingSource", "Outline", "Page", "Probe"]


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a product can tell and do; declared, never guessed from its name.

    ``covers``: the parts of an observation its listing speaks of. ``facts``: which of ``apps``,
    ``groups``, ``profiles`` it lists beside the devices. ``licences``: it counts licences.
    """

    covers: Covers
    facts: frozenset[str] = frozenset()
    licences: bool = False


@dataclass(frozen=True, slots=True)
class Probe:
    """The answer of one cheap question: does the server answer, and with these rights?

    ``proxy`` is the proxy it went through, without credentials; ``details`` are sentences for
    ``doctor``.
    """

    ok: bool
    message: Message
    hint: Message | None = None
    proxy: str | None = None
    details: Sequence[Message] = field(default_factory=tuple)


@dataclass(frozen=True, slots=True)
class Outline:
    """What can still be read of a malformed row, to tell whose device it is.

    ``seen`` holds the parts that could be read (the device's class, if the row tells one, is among
    them); ``covers`` says which parts these are.
    """

    seen: Sighting
    covers: Covers


class ListingRow(Protocol):
    """One device of a listing, not yet decoded.

    An unchanged row is asked for its ``whole_hash`` and nothing else, which must be cheap;
    ``remote_id``, ``serial`` and ``apps_hash`` are asked only for a row whose ``whole_hash`` is not
    known, ``sighting`` then, and ``apps`` only when ``apps_hash`` is not known either.
    """

    @property
    def remote_id(self) -> str:
        """The server's own id of the device ("" if the row has none)."""
        ...

    @property
    def serial(self) -> str:
        """The serial number, upper case, "" when the row has none or not a valid one."""
        ...

    @property
    def whole_hash(self) -> bytes:
        """16 bytes that change whenever anything in the row changes, its id included."""
        ...

    @property
    def apps_hash(self) -> bytes | None:
        """16 bytes that change whenever the app list changes; None: the row has no app list."""
        ...

    def sighting(self) -> Sighting:
        """Decode everything but the apps.

        Raises:
            BadAnswer: The row is malformed; the message says which field and never quotes it.
        """
        ...

    def apps(self) -> Sequence[InstalledApp] | None:
        """Decode the app list; None: the row speaks of no apps (which is not an empty list).

        Raises:
            BadAnswer: The list is malformed.
        """
        ...

    def outline(self) -> Outline | None:
        """Read what can be read of a row whose ``sighting`` failed; never raises.

        None: not even the class of the device can be told.
        """
        ...


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows of a listing. ``total``: how many the server says there are in all, if it says."""

    rows: Sequence[ListingRow]
    total: int | None = None


class ListingSource(Protocol):
    """A distant server that lists its devices.

    An implementer promises: every network call has a timeout; ``pages`` yields each device once
    and raises rather than stop early; a row that cannot be read is still yielded (it fails on
    ``sighting``), so that it is counted; nothing is ever written to the server; no secret appears
    in an error, a log or a repr.
    """

    @property
    def name(self) -> str:
        """Name of the server in the settings."""
        ...

    @property
    def kind(self) -> str:
        """Kind of the server, as in the settings (``jamf-school``, ``file`` …)."""
        ...

    @property
    def capabilities(self) -> Capabilities:
        """What this source can tell."""
        ...

    @property
    def requests(self) -> int:
        """How many requests were sent so far, retries included."""
        ...

    @property
    def warnings(self) -> Sequence[Message]:
        """What a person should know of the last reading (a part the key may not read …)."""
        ...

    def probe(self) -> Probe:
        """Ask one cheap question; never raises a ``ServerError``."""
        ...

    def facts(self) -> ServerFacts:
        """Fetch what the server says beside its devices.

        Raises:
            ServerError: It did not answer, or not usably.
        """
        ...

    def pages(self) -> Iterator[Page]:
        """Fetch the whole listing.

        Raises:
            ServerError: A page did not come whole.
        """
        ...

    def close(self) -> None:
        """Release connections and buffers; may be called twice."""
        ...
