"""The catalogs and profiles we bring along, for a new installation to begin with."""

from __future__ import annotations

from pathlib import Path

__all__ = ["STARTER_FOLDERS", "starter_dir"]

#: Folders a new installation receives a copy of.
STARTER_FOLDERS = ("app_catalog", "profiles")


def starter_dir() -> Path:
    """Return the folder that holds ``app_catalog`` and ``profiles``.

    The wheel carries it inside the package; in a checkout it is the repository itself.
    """
    # A wheel is always unpacked by pip and uv: a plain path is enough, and one can copy from it.
    package = Path(__file__).resolve().parents[1]
    shipped = package / "starter"
    return shipped if shipped.is_dir() else package.parent
