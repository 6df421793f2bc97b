"""What a database says of itself, for ``doctor``."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["DatabaseHealth"]


class DatabaseHealth(NamedTuple):
    """The state of a database that answers.

    ``product`` with its version; ``write_ahead_log`` None where it does not apply; ``free_bytes``
    on the disk of a database file, None when unknown.
    """

    product: str
    write_ahead_log: bool | None
    free_bytes: int | None
