"""A database file on a network share is refused; a local disk is not."""

from __future__ import annotations

import pytest

from mdm_bridge.errors import StorageError
from mdm_bridge.storage.network_share import Mount, mount_table, network_kind, refuse_network_share

MOUNTS = [
    Mount("/", "ext4"),
    Mount("/net", "nfs4"),
    Mount("/net/local", "xfs"),
    Mount("/media/share", "cifs"),
    Mount("/media/c", "9p", "rw,aname=drvfs;path=C:\\"),
    Mount("/sandbox", "9p", "rw,trans=fd"),
    Mount("/over", "nfs"),
    Mount("/over", "ext4"),
]


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/srv/mdm.db", None),
        ("/net/a/mdm.db", "nfs4"),
        ("/network/mdm.db", None),
        ("/net/local/mdm.db", None),
        ("/media/share/mdm.db", "cifs"),
        ("/media/c/mdm.db", "9p"),
        ("/sandbox/mdm.db", None),
        ("/over/mdm.db", None),
    ],
)
def test_the_deepest_last_mount_decides(path: str, kind: str | None) -> None:
    assert network_kind(path, MOUNTS) == kind


def test_refused_with_its_cure() -> None:
    with pytest.raises(StorageError) as error:
        refuse_network_share("/media/share/mdm.db", MOUNTS, windows=False)
    assert error.value.code == "database_on_network_share"
    assert "PostgreSQL" in str(error.value.hint)
    refuse_network_share("/srv/mdm.db", MOUNTS, windows=False)


def test_a_link_does_not_hide_a_share(tmp_path) -> None:
    share = tmp_path / "share"
    share.mkdir()
    (tmp_path / "link").symlink_to(share)
    with pytest.raises(StorageError):
        refuse_network_share(str(tmp_path / "link" / "m.db"), [Mount(str(share), "nfs")], windows=False)


def test_a_windows_share_is_seen_by_its_name() -> None:
    with pytest.raises(StorageError):
        refuse_network_share("\\\\server\\share\\mdm.db", [], windows=True)


def test_the_machine_tells_its_mounts() -> None:
    assert any(mount.point == "/" for mount in mount_table())


def test_a_store_refuses_to_open_one(tmp_path, monkeypatch) -> None:
    from mdm_bridge.storage import network_share, open_store

    monkeypatch.setattr(network_share, "mount_table", lambda: [Mount(str(tmp_path), "nfs")])
    store = open_store(f"sqlite:///{tmp_path / 'm.db'}")
    for attempt in (store.ensure_ready, store.upgrade):
        with pytest.raises(StorageError, match="network share"):
            attempt()
    assert not (tmp_path / "m.db").exists()
