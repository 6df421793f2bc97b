"""The invented material of a fleet: models, apps, people, places. Nothing here is a real person.

Every free text a server could hold carries a rare invented word (:data:`INVENTED_NAMES`), so that
a search for these words proves whether anything of it was kept.
"""

from __future__ import annotations

import unicodedata

from mdm_bridge.simulator.models import Group, Location, Model, Person, Profile, StoreApp

__all__ = [
    "ASH_GROUP",
    "CATALOGUE_SIZE",
    "GROUPS",
    "INVENTED_NAMES",
    "IPADS",
    "IPHONE",
    "LOCATIONS",
    "MAC",
    "NEED_GROUP",
    "OS_LADDER",
    "PLACE_GROUP",
    "PROFILES",
    "REGION",
    "SMART_GROUP",
    "TELLING_APPS",
    "TRAINING_GROUP",
    "UNMANAGED_APPS",
    "make_apps",
    "make_people",
]

_PERSONS = (
    ("Léa", "Zzyzxova"),
    ("Noé", "Brizoukhan"),
    ("Inès", "Quorvaline"),
    ("Malo", "Trezgwenn"),
    ("Zoé", "Plouvéjik"),
    ("Elio", "Vramontsky"),
    ("Jade", "Oxquerelle"),
    ("Nils", "Kwardoune"),
    ("Anouk", "Fjolzebart"),
    ("Tom", "Gwizdelaar"),
    ("Lina", "Hurkvandiou"),
    ("Sacha", "Jixpolteau"),
)

#: Rare invented words; each free text of the simulated server holds at least one of them.
INVENTED_NAMES: tuple[str, ...] = (
    *(last for _, last in _PERSONS),
    "Wqyzelba",
    "Xanthoquille",
    "Vizuquel",
    "Dysphorzique",
    "Bwalquist",
    "Krindolfe",
    "Mlopzerie",
    "Malentendants",
)

IPADS = (
    Model("iPad (9th generation)", "iPad12,1", "iPad", 64.0),
    Model("iPad (10th generation)", "iPad13,18", "iPad", 64.0),
    Model("iPad (8th generation)", "iPad11,6", "iPad", 32.0, newest_os="18.7.1"),
    Model("iPad Air (5th generation)", "iPad13,16", "iPad", 256.0),
    Model("iPad mini (6th generation)", "iPad14,1", "iPad", 64.0),
    Model("iPad Pro 11-inch (3rd generation)", "iPad13,4", "iPad", 128.0),
)
IPHONE = Model("iPhone SE (2nd generation)", "iPhone12,8", "iPhone", 64.0)
MAC = Model("MacBook Air (M1, 2020)", "MacBookAir10,1", "Mac", 256.0)

#: Versions a device climbs, one step an update.
OS_LADDER = ("17.7.10", "18.5", "18.6", "18.6.2", "18.7.1", "26.0.1", "26.1", "26.2", "26.3")

ASH_GROUP, TRAINING_GROUP, NEED_GROUP, PLACE_GROUP, SMART_GROUP = 3, 4, 9, 11, 12
GROUPS = (
    Group(ASH_GROUP, "ASH", description="Matériel de Mme Bwalquist", information="Voir Wqyzelba"),
    Group(TRAINING_GROUP, "Formation", description="Valise tenue par M. Krindolfe"),
    Group(NEED_GROUP, "Malentendants", 1, description="Élèves suivis à l'école Xanthoquille"),
    Group(PLACE_GROUP, "Groupe Wqyzelba", 2, information="Élève Zzyzxova : trouble Vizuquel"),
    Group(SMART_GROUP, "Plus vus depuis 7 jours (Mlopzerie)", smart=True),
)
LOCATIONS = (
    Location(0, "Circonscription de Wqyzelba", "Wqyzelba"),
    Location(1, "École Xanthoquille", "Bwalquist", "0000001X"),
    Location(2, "Collège Krindolfe", "Mlopzerie", "0000002Y"),
)
PROFILES = (
    Profile(4, "fr.exemple.wifi", "Wi-Fi Xanthoquille", "Réseau de l'école Xanthoquille"),
    Profile(5, "fr.exemple.restrictions", "Restrictions Krindolfe", ""),
    Profile(7, "fr.exemple.accessibilite", "Élève Brizoukhan", "Réglages pour trouble Vizuquel"),
)
#: A network region as a console defines it: a label and the coordinates of the place.
REGION = ("Réseau Bwalquist", "12.3456,-7.8901")

#: Apps a user installs alone; on no list of the server.
UNMANAGED_APPS = (
    ("fr.exemple.jeu.billes", "Billes et rebonds", "Exemple Jeux"),
    ("fr.exemple.video", "Vidéos courtes", "Exemple Media"),
    ("fr.exemple.dessin.libre", "Dessin libre", "Exemple Studio"),
)
#: Unmanaged apps whose name says something about a pupil; on adapted tablets only.
TELLING_APPS = (
    ("fr.exemple.suivi.dysphorzique", "Suivi Dysphorzique", "Exemple Santé"),
    ("fr.exemple.carnet.vizuquel", "Carnet Vizuquel", "Exemple Santé"),
)

_KNOWN_APPS = (
    ("com.apple.Keynote", "Keynote", "Apple", 361285480),
    ("com.apple.Pages", "Pages", "Apple", 361309726),
    ("com.apple.Numbers", "Numbers", "Apple", 361304891),
    ("com.apple.iMovie", "iMovie", "Apple", 377298193),
    ("com.apple.mobilegarageband", "GarageBand", "Apple", 408709785),
    ("com.microsoft.officelens", "Microsoft Lens", "Microsoft Corporation", 975925059),
    ("fr.exemple.lecteur", "Lecteur à voix haute", "Exemple Lecture", 9000000001),
    ("fr.exemple.syllabes", "Syllabes en couleurs", "Exemple Lecture", 9000000002),
    ("fr.exemple.pictos", "Pictogrammes", "Exemple Image", 9000000003),
    ("fr.exemple.dictee", "Dictée vocale", "Exemple Voix", 9000000004),
    ("fr.exemple.loupe", "Grande loupe", "Exemple Image", 9000000005),
    ("fr.exemple.calme", "Minuteur calme", "Exemple Temps", 9000000006),
    ("fr.exemple.calcul", "Calcul posé", "Exemple Nombres", 9000000007),
    ("fr.exemple.album", "Album sonore", "Exemple Son", 9000000008),
)
_VERBS = ("Lire", "Écrire", "Compter", "Écouter", "Dessiner", "Chanter", "Observer", "Classer")
_THEMES = ("les saisons", "la ville", "les animaux", "le corps", "la mer", "les métiers", "le temps")
CATALOGUE_SIZE = len(_KNOWN_APPS) + len(_VERBS) * len(_THEMES)


def make_apps() -> tuple[StoreApp, ...]:
    """Return the server's own app list: bought ones, two without counts, three in-house, one withdrawn."""
    known = [
        StoreApp(12 + place, bundle, name, vendor, adam, deleted=bundle == "com.microsoft.officelens")
        for place, (bundle, name, vendor, adam) in enumerate(_KNOWN_APPS)
    ]
    made = []
    for place in range(len(_VERBS) * len(_THEMES)):
        verb, theme = _VERBS[place % len(_VERBS)], _THEMES[place // len(_VERBS)]
        in_house = place % 20 == 6
        kind = "in_house" if in_house else "store" if place % 30 == 3 else "licensed"
        made.append(
            StoreApp(
                12 + len(known) + place,
                f"fr.exemple.atelier.{plain(verb)}.{plain(theme)}",
                f"{verb} : {theme}",
                "Exemple Ateliers",
                None if in_house else 9000000100 + place,
                kind,
                spare=0 if place == 0 else 5,
            )
        )
    return (*known, *made)


def make_people() -> tuple[Person, ...]:
    """Return the invented pupils and teachers, with ids from 41."""
    people = []
    for place, (first, last) in enumerate(_PERSONS):
        login = plain(first[0] + last)
        people.append(
            Person(
                41 + place,
                first,
                last,
                login,
                f"{plain(first)}.{plain(last)}@exemple.invalid",
                f"{first} {last} : trouble Dysphorzique, dossier suivi",
                1 + place % 2,
            )
        )
    return tuple(people)


def plain(text: str) -> str:
    """Return a text in lower-case ASCII letters only."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in letters if letter.isascii() and letter.isalnum())
