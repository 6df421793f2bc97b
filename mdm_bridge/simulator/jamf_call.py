"""What a route of Jamf School is given to work on."""

from __future__ import annotations

from dataclasses import dataclass

from mdm_bridge.simulator.answers import Request
from mdm_bridge.simulator.models import Snapshot
from mdm_bridge.simulator.world import World

__all__ = ["Call", "number_in"]


@dataclass(frozen=True, slots=True)
class Call:
    """One call: the request, the state reads are answered from, the world writes go to.

    ``subject`` is the variable part of the address; ``number`` the place of this call in the
    server's life.
    """

    request: Request
    snapshot: Snapshot
    world: World
    subject: str
    number: int


def number_in(text: str) -> int:
    """Return the number a part of an address holds, -1 if it holds none."""
    return int(text) if text.isascii() and text.isdigit() else -1
