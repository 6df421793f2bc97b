"""What a database says of itself, for ``doctor``."""

from __future__ import annotations

from typing import Literal, NamedTuple

__all__ = ["DatabaseHealth"]


class DatabaseHealth(NamedTuple):
    """The state of a database that answers.

    ``product`` with its version; ``schema`` as in ``ports.database.SchemaState``; ``by_itself``: the
    next command makes or upgrades its tables, nobody has to; ``write_ahead_log`` None where it does
    not apply; ``free_bytes`` on the disk of a database file, None when unknown.
    """

    product: str
    schema: Literal["empty", "current", "behind", "newer"]
    by_itself: bool = False
    write_ahead_log: bool | None = None
    free_bytes: int | None = None
