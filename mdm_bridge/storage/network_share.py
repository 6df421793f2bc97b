"""SQLite on a network share loses data sooner or later: refused, with its cure.

Locks are not reliable there, and the write-ahead log needs memory shared by all who write.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path, PureWindowsPath
from typing import NamedTuple

from mdm_bridge.errors import StorageError
from mdm_bridge.messages import Message

__all__ = ["Mount", "mount_table", "network_kind", "refuse_network_share"]

_NETWORK = frozenset(
    {
        "afpfs", "afs", "beegfs", "ceph", "cifs", "coda", "davfs", "fuse.ceph", "fuse.davfs",
        "fuse.davfs2", "fuse.glusterfs", "fuse.gvfsd-fuse", "fuse.rclone", "fuse.s3fs", "fuse.smbnetfs",
        "fuse.sshfs", "glusterfs", "lustre", "ncpfs", "nfs", "nfs3", "nfs4", "smb2", "smb3", "smbfs",
        "webdav",
    }
)  # fmt: skip

_PLATFORM: str = sys.platform
_DRIVE_REMOTE = 4  # GetDriveTypeW


class Mount(NamedTuple):
    """A mounted file system."""

    point: str
    kind: str
    options: str = ""


def mount_table() -> list[Mount]:
    """Return what is mounted on this machine; empty where that cannot be told."""
    if _PLATFORM == "linux":
        return _linux_mounts(Path("/proc/self/mounts"))
    if _PLATFORM == "win32":
        return []
    import psutil

    return [Mount(part.mountpoint, part.fstype, part.opts) for part in psutil.disk_partitions(all=True)]


def _linux_mounts(file: Path) -> list[Mount]:
    try:
        lines = file.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return []
    fields = (line.split(" ") for line in lines)
    return [Mount(_unescaped(part[1]), part[2], part[3]) for part in fields if len(part) >= 4]


def _unescaped(text: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), text)


def network_kind(path: str, mounts: Sequence[Mount]) -> str | None:
    """Return the kind of network file system a path is on, None when it is on a local disk."""
    on = [mount for mount in mounts if _contains(mount.point, path)]
    if not on:
        return None
    # The last of equally deep ones hides the others.
    nearest = max(enumerate(on), key=lambda pair: (len(pair[1].point.rstrip("/")), pair[0]))[1]
    if nearest.kind == "9p":
        # A Windows drive seen from its Linux; elsewhere 9p is how a machine sees its own root.
        return "9p" if "aname=drvfs" in nearest.options else None
    return nearest.kind if nearest.kind.lower() in _NETWORK else None


def _contains(point: str, path: str) -> bool:
    base = point.rstrip("/")
    return path == base or path.startswith(f"{base}/")


def _windows_kind(path: str) -> str | None:
    drive = PureWindowsPath(path).drive
    if drive.startswith("\\\\"):
        return "smb"
    if _PLATFORM == "win32":
        import ctypes

        kernel = ctypes.windll.kernel32  # type: ignore[attr-defined, unused-ignore]
        if kernel.GetDriveTypeW(f"{drive}\\") == _DRIVE_REMOTE:
            return "smb"
    return None


def refuse_network_share(
    file: str, mounts: Sequence[Mount] | None = None, *, windows: bool = _PLATFORM == "win32"
) -> None:
    """Refuse a database file on a network share.

    Args:
        file: Path of the database; it need not exist.
        mounts: What is mounted, by default on this machine.
        windows: Whether the path is one of Windows.

    Raises:
        StorageError: It is on one.
    """
    if windows:
        kind = _windows_kind(os.path.abspath(file) if _PLATFORM == "win32" else file)
    else:
        kind = network_kind(os.path.realpath(file), mount_table() if mounts is None else mounts)
    if kind is not None:
        raise StorageError(
            Message(
                "database_on_network_share",
                "The database file {file} is on a network share ({kind}): sooner or later it is damaged.",
                file=file,
                kind=kind,
            ),
            hint=Message(
                "local_disk_or_server",
                "Put it on a local disk of this machine, or use PostgreSQL: [database] url.",
            ),
        )
