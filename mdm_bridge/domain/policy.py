"""Which devices of a server are ours, in which pool, and what of their free text may be kept.

A :class:`ServerPolicy` is what the settings say of one server, as a value: the rules are pure and
a change of them changes :meth:`ServerPolicy.digest`, so that rows already read are judged again.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from zoneinfo import ZoneInfo

from mdm_bridge.domain.inventory import Covers, Sighting

__all__ = ["DEFAULT_NAME_PATTERN", "POOLS", "Criteria", "PoolRule", "ServerPolicy"]

#: The pools a rule or a person can put a device in.
POOLS = ("training", "ash")

#: Device names that say nothing of a person: one or two words of a list, then a number ("FORM-07",
#: "iPad 12", "Tablette formation 3"); a name proposed by us ("TAB-K7Q2"); an inventory number in one
#: or two parts ("0042", "12-0042"): three would be a date of birth as well. A number that people give
#: to a child ("iPad 12" for the twelfth of the class) cannot be told from one they give to a tablet.
DEFAULT_NAME_PATTERN = (
    r"(?i:(?:ipad|form(?:ation)?|pr[eê]t|tab(?:lette|let)?|mpa|ash|inv|num|valise)[ _.-]?){1,2}[0-9]{1,6}"
    r"|TAB-(?=[A-Z]*[0-9])[A-Z0-9]{4}|[0-9]{1,6}(?:[-/.][0-9]{1,6})?"
)

#: A short series and its number ("PN-001", "F 07"). Initials with a number, or a first name of four
#: letters ("LEA 12"), look the same and cannot be caught: a pattern of one's own can be narrower.
_TAG = re.compile(r"[A-Z]{1,4}[ ._/#-]?[0-9](?:[ ._/#-]?[0-9])+")

#: What may follow a tag prefix that the settings name.
_NUMBER = re.compile(r"[ ._/#-]?[0-9](?:[ ._/#-]?[0-9])*")


def _fold(names: Iterable[str]) -> frozenset[str]:
    return frozenset([name.casefold() for name in names])


@dataclass(frozen=True, slots=True)
class Criteria:
    """Ways to recognise a device; one that fits is enough.

    ``groups`` are names, compared without regard to case; ``locations`` are the server's ids (or
    names where it lists names); ``tag_prefix`` is the beginning of the asset tag; ``url_params``
    are enrolment parameters that must all be equal.
    """

    groups: tuple[str, ...] = ()
    locations: tuple[str, ...] = ()
    tag_prefix: str | None = None
    url_params: Mapping[str, str] = field(default_factory=dict)
    # Made once: every device of a fleet is compared with it.
    _folded: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_folded", _fold(self.groups))

    def matches(self, seen: Sighting) -> bool:
        """Tell whether one of the criteria fits this device."""
        if self.groups and seen.groups and not self._folded.isdisjoint(_fold(seen.groups)):
            return True
        if self.locations and seen.location is not None and seen.location in self.locations:
            return True
        if self.tag_prefix and seen.asset_tag and seen.asset_tag.startswith(self.tag_prefix):
            return True
        return bool(self.url_params) and all(
            seen.url_params.get(key) == value for key, value in self.url_params.items()
        )

    def __bool__(self) -> bool:
        return bool(self.groups or self.locations or self.tag_prefix or self.url_params)

    def judgeable(self, covers: Covers) -> bool:
        """Tell whether a listing that speaks of these parts shows all that the criteria look at."""
        return not (
            (self.groups and Covers.GROUPS not in covers)
            or (self.locations and Covers.LOCATION not in covers)
            or (self.tag_prefix and Covers.ASSET_TAG not in covers)
        )

    def canonical(self) -> str:
        """Return a text that is equal for equal criteria."""
        return repr((self.groups, self.locations, self.tag_prefix, sorted(self.url_params.items())))


@dataclass(frozen=True, slots=True)
class PoolRule:
    """Devices that fit ``criteria`` belong to ``pool``."""

    pool: str
    criteria: Criteria


@dataclass(frozen=True, slots=True)
class ServerPolicy:
    """Everything the settings say about reading one server.

    Args:
        scope: Devices we look after on a shared server; None = all of them.
        rules: Pool rules in file order; the first that fits wins.
        name_pattern: A device name is kept only if this matches it whole.
        zone: Zone of the organisation, for « the day of the last contact ».
        mentioned_groups: Group names other files speak of (catalogs); names in rules and scope are
            added by :meth:`kept_groups`.
        classes: Device classes wanted, lower case; a device of unknown class is wanted.
        shrink_percent: A listing that loses more than this is refused.
    """

    zone: ZoneInfo
    scope: Criteria | None = None
    rules: tuple[PoolRule, ...] = ()
    name_pattern: str = DEFAULT_NAME_PATTERN
    mentioned_groups: tuple[str, ...] = ()
    classes: frozenset[str] = frozenset({"ipad"})
    shrink_percent: int = 30
    # Made once, as in Criteria.
    _kept_groups: frozenset[str] = field(init=False, repr=False, compare=False)
    _neutral: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        criteria = [self.scope, *(rule.criteria for rule in self.rules)]
        named = [name for one in criteria if one for name in one.groups]
        object.__setattr__(self, "_kept_groups", _fold([*named, *self.mentioned_groups]))
        object.__setattr__(self, "_neutral", re.compile(self.name_pattern))

    def in_scope(self, seen: Sighting) -> bool:
        """Tell whether this device is ours to look after."""
        return self.scope is None or not self.scope or self.scope.matches(seen)

    def judges_pools(self, covers: Covers) -> bool:
        """Tell whether a listing that speaks of these parts decides the pools by itself."""
        return all(rule.criteria.judgeable(covers) for rule in self.rules)

    def for_listing(self, covers: Covers) -> ServerPolicy:
        """Return this policy without a scope that such a listing cannot show.

        A list kept by hand, without groups or places, holds the devices its keeper looks after.
        """
        if self.scope is None or self.scope.judgeable(covers):
            return self
        return replace(self, scope=None)

    def wants_class(self, seen: Sighting) -> bool:
        """Tell whether this kind of device is wanted at all."""
        return seen.device_class is None or seen.device_class in self.classes

    def pools_of(self, seen: Sighting) -> tuple[str, ...]:
        """Return the pools whose rules fit, in file order, each once."""
        return tuple(dict.fromkeys([rule.pool for rule in self.rules if rule.criteria.matches(seen)]))

    def kept_groups(self) -> frozenset[str]:
        """Return the group names, case-folded, that may be kept."""
        return self._kept_groups

    def digest(self) -> str:
        """Return a digest that changes when a row must be judged again."""
        text = repr(
            (
                2,  # raised when the same settings come to mean something else
                self.scope.canonical() if self.scope else None,
                [(rule.pool, rule.criteria.canonical()) for rule in self.rules],
                self.name_pattern,
                sorted(self.kept_groups()),
                sorted(self.classes),
                self.zone.key,
            )
        )
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    def name_is_neutral(self, name: str) -> bool:
        """Tell whether a device name may be kept."""
        return self._neutral.fullmatch(name) is not None

    def tag_is_neutral(self, tag: str) -> bool:
        """Tell whether an asset tag may be kept: a name that may, a short series, or a prefix of ours."""
        if self.name_is_neutral(tag) or _TAG.fullmatch(tag):
            return True
        criteria = (self.scope, *(rule.criteria for rule in self.rules))
        prefixes = (one.tag_prefix for one in criteria if one is not None and one.tag_prefix)
        return any(tag.startswith(prefix) and _NUMBER.fullmatch(tag[len(prefix) :]) for prefix in prefixes)
