"""Distant servers that live: what may happen to their devices between two synchronisations."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from mdm_bridge.domain.inventory import ServerApp, ServerFacts
from mdm_bridge.domain.policy import Criteria, PoolRule, ServerPolicy
from mdm_bridge.errors import ServerUnreachable
from mdm_bridge.messages import Message
from tests.support.clock import FakeClock
from tests.support.listing import FakeSource, device

__all__ = ["APPS", "EDITS", "LISTINGS", "PARIS", "PRIVATE", "RULES", "SERVERS", "Listing", "Rules", "World"]

PARIS = ZoneInfo("Europe/Paris")
SERVERS = ("school", "other")
SERIALS = 12
PRIVATE = "com.private.diary"
APPS = ("com.example.reader", "com.example.Reader", "com.example.notes", "com.example.draw", PRIVATE)


@dataclass(frozen=True)
class Rules:
    """What the settings say of a server: (pool, group) in file order, and the group of the scope."""

    pools: tuple[tuple[str, str], ...]
    scope: str | None = None

    def policy(self) -> ServerPolicy:
        """Return the same as the program wants it."""
        return ServerPolicy(
            zone=PARIS,
            rules=tuple(PoolRule(pool, Criteria(groups=(group,))) for pool, group in self.pools),
            scope=None if self.scope is None else Criteria(groups=(self.scope,)),
        )


RULES = (
    Rules((("training", "Formation"), ("ash", "ASH"))),
    Rules((("ash", "formation"), ("training", "ASH"))),
    Rules((("training", "Formation"), ("ash", "ASH")), scope="FORMATION"),
    Rules(()),
)


@dataclass(frozen=True)
class Listing:
    """How one synchronisation goes. ``again``: a device listed twice, and by how many days later."""

    server: str
    hours: float = 0.0
    seed: int = 0
    page_size: int = 5
    again: tuple[int, int] | None = None
    fault: str = ""
    force: bool = False


# Few devices to choose from: what happens, happens to the same ones again.
_index = st.sampled_from([0, 0, 1, 1, 2, 3, 5, 11])
_number = st.integers(1, SERIALS)
_apps = st.sampled_from(
    [
        None,
        {},
        {APPS[0]: "1.0"},
        {APPS[0]: "1.1", PRIVATE: "1.0"},
        {APPS[0]: "1.1", APPS[1]: "1.0", PRIVATE: "1.1"},
        {APPS[2]: "2.0", PRIVATE: "1.0"},
        {APPS[0]: "1.0", APPS[2]: "2.1", APPS[3]: ""},
        {APPS[1]: "1.0", APPS[2]: "2.0", APPS[3]: "1.0"},
        dict.fromkeys(APPS, "3.0"),
    ]
)
_contact = st.sampled_from(["now", "later", -1.0, -1.5, -2.0, -3.0, -40.0, "future", "none"])
_stable = st.sampled_from(
    [
        ("name", "FORM-77"), ("name", "iPad de Léa"), ("name", None), ("asset_tag", "Léa"),
        ("asset_tag", "A-01"), ("model", "iPad 👩‍🏫 e\u0301"), ("model_identifier", None),
        ("os_version", "18.5"), ("os_version", "26.1"), ("os_version", None), ("supervised", None),
        ("supervised", False), ("managed", False), ("capacity_gb", 128.0), ("capacity_gb", None),
        ("device_class", "mac"), ("device_class", "ipad"), ("device_class", None),
    ]
)  # fmt: skip
_volatile = st.sampled_from(
    [("battery_percent", 5), ("battery_percent", None), ("available_gb", 1.5), ("available_gb", None)]
)
_groups = st.sampled_from([("Formation",), ("ASH", "Malentendants"), ("Formation", "ASH"), (), None])

#: One thing that happens on a server, or that a person does.
EDITS = st.one_of(
    st.tuples(st.just("add"), _number),
    st.tuples(st.just("twin"), _index, st.sampled_from([-30.0, -1.0, 0.0, 1.0, 30.0])),
    st.tuples(st.just("remove"), _index),
    st.tuples(st.just("give_back"), _index),
    st.tuples(st.just("wipe"), _index),
    st.tuples(st.just("serial"), _index, _number),
    st.tuples(st.just("id_of"), _index, _index),
    st.tuples(st.just("set"), _index, st.one_of(_stable, _volatile)),
    *(st.tuples(st.just("set"), _index, st.tuples(st.just("groups"), _groups)) for _ in range(3)),
    *(st.tuples(st.just("contact"), _index, _contact) for _ in range(4)),
    *(st.tuples(st.just("apps"), _index, _apps) for _ in range(3)),
    st.tuples(st.just("bad"), _index),
    st.tuples(st.just("no_serial"), _index),
    st.tuples(st.just("rules"), st.integers(0, len(RULES) - 1)),
    st.tuples(st.just("catalogue"), st.sets(st.sampled_from(APPS[:-1]), max_size=4)),
    st.tuples(st.just("everything"), st.sampled_from(["emptied", "gone", "serials", "touched"])),
    st.tuples(st.just("by_hand"), _number, st.sampled_from(["training", "ash", "none", None])),
)

LISTINGS = st.builds(
    Listing,
    server=st.sampled_from(["school", "school", "other"]),
    hours=st.sampled_from([0.0, 0.5, 3.0, 3.0, 30.0, 200.0]),
    seed=st.integers(0, 1000),
    page_size=st.integers(1, 7),
    again=st.one_of(st.none(), st.none(), st.tuples(_index, st.sampled_from([-2, -1, 0, 1, 2]))),
    fault=st.sampled_from([*[""] * 12, "page", "count"]),
    force=st.sampled_from([False, False, True]),
)


@dataclass
class World:
    """Two servers, the clock, and what people chose by hand.

    Args:
        devices: How many devices the first server begins with.
    """

    devices: int
    clock: FakeClock = field(default_factory=FakeClock)
    rows: dict[str, list[dict[str, Any]]] = field(init=False)
    lost: dict[str, list[dict[str, Any]]] = field(init=False)
    rules: dict[str, Rules] = field(init=False)
    catalogues: dict[str, frozenset[str]] = field(init=False)
    made: int = 0

    def __post_init__(self) -> None:
        first = range(1, self.devices + 1)
        self.rows = {
            "school": [device(n) for n in first],
            "other": [device(n, remote_id=f"O-{n}", os_version="17.0") for n in first[:2]],
        }
        self.lost = {name: [] for name in SERVERS}
        self.rules = dict.fromkeys(SERVERS, RULES[0])
        self.catalogues = {"school": frozenset(APPS[:1]), "other": frozenset(APPS[2:3])}

    def edit(self, server: str, kind: str, *args: Any) -> None:
        """Let one thing happen on a server."""
        if kind in ("rules", "catalogue", "everything"):
            self._whole(server, kind, args[0])
        elif kind == "add":
            self._add(server, *args)
        elif kind == "give_back":
            if self.lost[server]:
                self.rows[server].append(self.lost[server].pop(args[0] % len(self.lost[server])))
        elif self.rows[server]:
            row = self.rows[server][args[0] % len(self.rows[server])]
            self._one(server, row, kind, *args[1:])

    def _whole(self, server: str, kind: str, arg: Any) -> None:
        rows = self.rows[server]
        if kind == "rules":
            self.rules[server] = RULES[arg]
        elif kind == "catalogue":
            self.catalogues[server] = frozenset(arg)
        elif arg == "emptied":
            for row in rows[: len(rows) * 2 // 3]:
                row["apps"] = {}
        elif arg == "gone":
            self.lost[server] += rows[2:]
            del rows[2:]
        elif arg == "serials":
            for row in rows:
                if not row["serial"].startswith("X"):
                    row["serial"] = f"X{row['serial']}"
        else:
            for row in rows:
                row.update(battery_percent=self.made % 100, contact_at=self.clock.now())
                self.made += 1

    def _add(self, server: str, number: int) -> None:
        fresh = device(number, remote_id=self._new_id(number))
        if fresh["serial"] not in {row["serial"] for row in self.rows[server]}:
            self.rows[server].append(fresh)

    def _new_id(self, number: object) -> str:
        self.made += 1
        return f"ID-{number}-{self.made}"

    def _one(self, server: str, row: dict[str, Any], kind: str, arg: Any = None) -> None:
        if kind == "remove":
            self.rows[server].remove(row)
            self.lost[server].append(row)
        elif kind == "twin":
            contact = (row["contact_at"] or self.clock.now()) + timedelta(hours=arg)
            self.rows[server].append(
                {
                    **row,
                    "remote_id": self._new_id("twin"),
                    "os_version": f"9.{self.made}",
                    "contact_at": contact,
                }
            )
        elif kind == "wipe":
            row["remote_id"] = self._new_id("wiped")
        elif kind == "serial":
            row["serial"] = f"SERIAL{arg:04}"
        elif kind == "id_of":
            self._exchange(row, self.rows[server][arg % len(self.rows[server])])
        elif kind == "set":
            row[arg[0]] = arg[1]
        elif kind == "contact":
            self._contact(row, arg)
        elif kind == "apps":
            row.pop("apps", None)
            if arg is not None:
                row["apps"] = dict(arg)
        elif kind == "bad":
            row["bad"] = not row.get("bad")
        elif kind == "no_serial":
            row["serial"] = ""

    @staticmethod
    def _exchange(one: dict[str, Any], two: dict[str, Any]) -> None:
        one["remote_id"], two["remote_id"] = two["remote_id"], one["remote_id"]

    def _contact(self, row: dict[str, Any], how: str | float) -> None:
        before = row["contact_at"] or self.clock.now()
        if isinstance(how, float):
            row["contact_at"] = before + timedelta(hours=how)
        elif how == "later":
            row["contact_at"] = min(before + timedelta(hours=5), self.clock.now())
        else:
            row["contact_at"] = {
                "now": self.clock.now(),
                "future": self.clock.now() + timedelta(hours=20),
                "none": None,
            }[how]

    def listing(self, how: Listing) -> list[dict[str, Any]]:
        """Return the rows of one listing, as the server has them."""
        rows = [dict(row) for row in self.rows[how.server]]
        if how.again is not None and rows:
            again = dict(rows[how.again[0] % len(rows)])
            contact = again["contact_at"]
            if how.again[1] and contact is not None and contact + timedelta(days=3) < self.clock.now():
                again.update(contact_at=contact + timedelta(days=how.again[1]), battery_percent=33)
            rows.append(again)
        return rows

    def source(self, how: Listing, rows: list[dict[str, Any]], *, shuffle: bool) -> FakeSource:
        """Return the server as one synchronisation finds it; shuffled, it is the same listing."""
        source = FakeSource([dict(row) for row in rows], how.server)
        source.page_size = how.page_size
        catalogue = sorted(self.catalogues[how.server])
        source.facts_told = ServerFacts(apps=tuple(ServerApp(b, b, None) for b in catalogue))
        if shuffle:
            random.Random(how.seed).shuffle(source.devices)
            source.page_size = 1 + how.seed % 9
        if how.fault == "page":
            source.fail = ServerUnreachable(
                Message("server_unreachable", "The server does not answer."), hint=Message("wait", "Wait.")
            )
        elif how.fault == "count":
            source.total = len(rows) + 3
        return source
