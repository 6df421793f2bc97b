"""What headings mean: the usual French and English ones, and those that announce a person."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

__all__ = ["Guess", "announces_person", "guess_columns", "looks_like_data", "same"]

_HUMPS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_NUMBER_WORDS = frozenset({"n", "no", "num", "numero", "number", "nr"})
_SMALL_WORDS = frozenset({"de", "du", "des", "d", "la", "le", "l", "les", "of", "the", "en"})

#: A column whose heading holds one of these words is never read, whatever a mapping says.
_PERSON_WORDS = frozenset({
    "owner", "proprietaire", "email", "mail", "courriel", "mel", "note", "notes", "remarque",
    "remarques", "commentaire", "commentaires", "comment", "comments", "observation",
    "observations", "ip", "mac", "region", "bypass", "prenom", "firstname", "lastname", "surname",
    "username", "utilisateur", "utilisatrice", "user", "eleve", "eleves", "pupil", "pupils",
    "student", "students", "enfant", "child", "naissance", "birth", "telephone", "phone", "tel",
    "responsable", "beneficiaire", "beneficiaires", "emprunteur", "borrower", "ine", "imei",
    "iccid", "passcode",
})  # fmt: skip
#: Beside one of these, unless it is the owner's, a bare "Nom" is a person's.
_FIRST_NAME_WORDS = frozenset(
    {"prenom", "firstname", "first", "eleve", "eleves", "pupil", "student", "enfant", "child"}
)
_PERSON_PAIRS = (("first", "name"), ("last", "name"), ("full", "name"), ("user", "name"), ("wi", "fi"))

#: Headings by field; within a field the first tier that finds a column is used.
_KNOWN: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "serial": (
        ("numéro de série", "serial number", "serial no", "device serial number", "hardware serial number",
         "numéro de série de l'appareil", "numéro de série de la tablette", "numéro de série de l'iPad",
         "numéro série tablette", "numéro série iPad"),
        ("serial", "série", "sn", "s/n"),
    ),
    "udid": (("udid", "device udid", "udid de l'appareil", "identifiant unique udid"),),
    "remote_id": (("remote id", "device id", "mdm id", "identifiant sur le serveur", "id de l'appareil"),),
    "name": (
        ("device name", "display name", "computer name", "nom de l'appareil", "nom de la tablette",
         "nom de l'iPad", "nom tablette", "nom iPad", "nom appareil", "nom affiché"),
        ("name", "nom"),
    ),
    "asset_tag": (
        ("asset tag", "tag", "étiquette sur le serveur", "étiquette d'inventaire", "étiquette"),
    ),
    "inventory_no": (
        ("numéro d'inventaire", "inventory number", "inventory no", "numéro inventaire", "code inventaire"),
        ("inventaire", "inventory"),
    ),
    "model": (
        ("modèle", "model", "model name", "device model", "nom du modèle", "modèle de l'appareil",
         "modèle de tablette", "modèle iPad", "own model"),
        ("type d'appareil", "device type", "matériel"),
    ),
    "model_identifier": (
        ("model identifier", "model id", "identifiant du modèle", "identifiant de modèle", "product name"),
    ),
    "os_version": (
        ("os version", "operating system version", "system version", "iOS version", "iPadOS version",
         "version iOS", "version iPadOS", "version du système", "version système", "version OS",
         "version d'iPadOS", "version d'iOS", "version du système d'exploitation"),
        ("version",),
        ("os", "système", "système d'exploitation", "iOS", "iPadOS", "operating system"),
    ),
    "supervised": (("supervised", "is supervised", "supervisé", "supervisée", "supervision"),),
    "managed": (("managed", "is managed", "géré", "gérée", "géré par le serveur", "gestion", "inscrite"),),
    "capacity_gb": (
        ("capacity gb", "capacity", "total capacity", "device capacity", "storage", "storage gb", "capacité",
         "capacité Go", "capacité totale", "capacité (en Go)", "stockage", "stockage Go", "mémoire"),
    ),
    "available_gb": (
        ("available gb", "available capacity", "available storage", "free space", "free storage",
         "espace libre", "espace disponible", "espace libre Go", "capacité disponible", "stockage disponible",
         "stockage libre"),
    ),
    "battery_percent": (
        ("battery", "battery level", "battery percent", "battery %", "batterie", "batterie %",
         "niveau de batterie", "niveau de la batterie", "charge de la batterie"),
    ),
    "last_seen_at": (
        ("last seen", "last seen at", "last contact", "last connected", "last check in", "last checkin",
         "last connection", "last inventory update", "dernier contact", "dernier contact avec le serveur",
         "dernière connexion", "dernière synchronisation", "dernière communication",
         "vu pour la dernière fois", "vue pour la dernière fois"),
    ),
    "enrolled_at": (
        ("enrolled at", "enrolment date", "enrollment date", "enrolled on", "last enrollment",
         "date d'inscription",
         "date d'enrôlement", "inscrite le", "inscrit le"),
    ),
    "groups": (
        ("groups", "device groups", "member of", "group", "groupes", "groupe", "groupes d'appareils"),
    ),
    "location": (("location", "location id"),),
    "purchased_on": (
        ("purchased on", "purchase date", "date of purchase", "po date", "date d'achat",
         "acheté le", "achetée le",
         "date d'acquisition", "acquis le"),
    ),
    "funding": (("funding", "financement", "financeur", "source de financement", "budget"),),
    "supplier_ref": (
        ("supplier ref", "supplier reference", "référence fournisseur", "référence du fournisseur",
         "réf fournisseur", "numéro de commande", "bon de commande", "order number", "po number"),
    ),
    "warranty_until": (
        ("warranty until", "warranty expires", "warranty expiration", "warranty end", "fin de garantie",
         "fin de la garantie", "garantie jusqu'au", "date de fin de garantie", "garantie"),
    ),
    "kit": (("kit", "case", "valise", "mallette"),),
    "place": (("place", "lieu", "emplacement", "lieu de stockage", "lieu de rangement"),),
    "pool": (("pool", "parc"),),
}  # fmt: skip


def _plain(heading: str) -> str:
    """Return a heading without accents, capitals and marks."""
    text = unicodedata.normalize("NFKD", heading.replace("°", " ").replace("œ", "oe"))
    text = "".join(char for char in text if not unicodedata.combining(char))
    return _HUMPS.sub(" ", text)


def _words(heading: str) -> list[str]:
    return re.findall(r"[a-z0-9%]+", _plain(heading).casefold())


def _keys(heading: str) -> frozenset[str]:
    """Return the forms under which a heading is recognised: "N° de série" is "noserie"."""
    words = [word for word in _words(heading) if word not in _SMALL_WORDS]
    numbered = ["no" if word in _NUMBER_WORDS else word for word in words]
    return frozenset({"".join(words), "".join(numbered)}) - {""}


def same(heading: str) -> str:
    """Return what two headings share that a person would call the same: accents and case aside."""
    return " ".join(_words(heading))


def announces_person(heading: str) -> bool:
    """Tell whether a column may hold what is said of a person, or a secret of the device.

    Owner, e-mail, notes, addresses of the network, bypass code and the like: never read.
    """
    words = _words(heading)
    pairs = set(pairwise(words))
    return not _PERSON_WORDS.isdisjoint(words) or not pairs.isdisjoint(_PERSON_PAIRS)


def _names_someone(heading: str) -> bool:
    words = _words(heading)
    return not _FIRST_NAME_WORDS.isdisjoint(words) and "owner" not in words


_DATA = re.compile(
    r".*@.*|[0-9 .,/:%-]+|[0-9A-Fa-f]{8}-[0-9A-Fa-f-]{16,}|(?=[A-Z0-9]*[0-9])(?=[A-Z0-9]*[A-Z])[A-Z0-9]{8,14}"
)


def looks_like_data(headings: Sequence[str]) -> bool:
    """Tell whether a first line is a device rather than headings: it must then not be quoted."""
    return any(_DATA.fullmatch(heading) for heading in headings if heading)


@dataclass(frozen=True, slots=True)
class Guess:
    """What headings seem to mean: one heading by field, and the fields that several could feed."""

    columns: Mapping[str, str]
    doubtful: Mapping[str, tuple[str, ...]]


def guess_columns(headings: Sequence[str]) -> Guess:
    """Guess which heading feeds which field.

    A bare "Nom" beside a first name is a person's, and is not taken for the name of a device.
    """
    with_person = any(_names_someone(heading) for heading in headings)
    usable = [heading for heading in headings if heading and not announces_person(heading)]
    columns: dict[str, str] = {}
    doubtful: dict[str, tuple[str, ...]] = {}
    for name, tiers in _KNOWN.items():
        found = _first_tier(tiers[:1] if name == "name" and with_person else tiers, usable)
        if len(found) == 1:
            columns[name] = found[0]
        elif found:
            doubtful[name] = tuple(found)
    return Guess(columns, doubtful)


def _first_tier(tiers: Sequence[Sequence[str]], headings: Sequence[str]) -> list[str]:
    for tier in tiers:
        known = frozenset().union(*(_keys(known) for known in tier))
        found = [heading for heading in headings if not known.isdisjoint(_keys(heading))]
        if found:
            return found
    return []
