"""What headings are taken to mean, and which are never read."""

from __future__ import annotations

import pytest

from mdm_bridge.domain.columns import FIELDS
from mdm_bridge.files.headings import announces_person, guess_columns, looks_like_data


@pytest.mark.parametrize(
    ("heading", "field"),
    [
        ("N° de série", "serial"),
        ("n°série", "serial"),
        ("Nº de serie", "serial"),
        ("NUMERO DE SERIE", "serial"),
        ("Serial Number", "serial"),
        ("SerialNumber", "serial"),
        ("serial_number", "serial"),
        ("serial", "serial"),
        ("S/N", "serial"),
        ("Modèle", "model"),
        ("N° d'inventaire", "inventory_no"),
        ("N° d’inventaire", "inventory_no"),
        ("inventory_no", "inventory_no"),
        ("Étiquette", "asset_tag"),
        ("Étiquette sur le serveur", "asset_tag"),
        ("Asset Tag", "asset_tag"),
        ("Nom", "name"),
        ("Nom de l'iPad", "name"),
        ("Version", "os_version"),
        ("OS", "os_version"),
        ("Version iOS", "os_version"),
        ("OSVersion", "os_version"),
        ("Dernière connexion", "last_seen_at"),
        ("Dernier contact avec le serveur", "last_seen_at"),
        ("Last Check-in", "last_seen_at"),
        ("last_seen_at", "last_seen_at"),
        ("Capacité (Go)", "capacity_gb"),
        ("available_gb", "available_gb"),
        ("Batterie %", "battery_percent"),
        ("battery_percent", "battery_percent"),
        ("Date d'achat", "purchased_on"),
        ("Fin de garantie", "warranty_until"),
        ("Valise", "kit"),
        ("Lieu", "place"),
        ("Financement", "funding"),
        ("Réf. fournisseur", "supplier_ref"),
        ("model_identifier", "model_identifier"),
        ("Parc", "pool"),
    ],
)
def test_usual_headings_are_known(heading: str, field: str) -> None:
    assert guess_columns([heading]).columns == {field: heading}


@pytest.mark.parametrize("field", sorted(set(FIELDS) - {"remote_id"}))
def test_our_own_keys_are_known(field: str) -> None:
    assert guess_columns([field]).columns == {field: field}


def test_a_more_telling_heading_wins() -> None:
    assert guess_columns(["OS", "Version"]).columns == {"os_version": "Version"}
    assert guess_columns(["Nom", "Nom de l'appareil"]).columns == {"name": "Nom de l'appareil"}


def test_two_equal_headings_are_doubtful() -> None:
    guess = guess_columns(["Serial Number", "N° de série", "Modèle"])
    assert guess.doubtful == {"serial": ("Serial Number", "N° de série")}
    assert guess.columns == {"model": "Modèle"}


@pytest.mark.parametrize("beside", ["Prénom", "First name", "Élève"])
def test_a_bare_name_beside_a_first_name_is_a_persons(beside: str) -> None:
    assert "name" not in guess_columns(["Nom", beside, "N° de série"]).columns


def test_the_name_of_a_device_may_stand_beside_its_owner() -> None:
    assert guess_columns(["Name", "OwnerFirstName"]).columns == {"name": "Name"}


@pytest.mark.parametrize(
    "heading",
    [
        "ActivationLockBypassCode", "BluetoothMAC", "CurrentIPAddress", "EthernetMAC", "Notes", "OwnerEmail",
        "OwnerFirstName", "OwnerLastName", "OwnerUsername", "Region", "WiFiMAC", "Adresse IP", "E-mail",
        "Courriel", "Propriétaire", "Élève", "Prénom", "Remarques", "Commentaire", "Utilisateur", "Téléphone",
        "Full Name", "Date de naissance", "Bénéficiaire",
    ],
)  # fmt: skip
def test_headings_that_announce_a_person(heading: str) -> None:
    assert announces_person(heading)
    assert not guess_columns([heading]).columns


@pytest.mark.parametrize(
    "heading", ["N° de série", "Name", "Model", "Lieu", "MemberOf", "Management ID", "Machine"]
)
def test_headings_that_do_not(heading: str) -> None:
    assert not announces_person(heading)


@pytest.mark.parametrize(
    "line", [["DMPX1234ABCD", "iPad"], ["iPad de Léa", "12/03/2026"], ["a@exemple.invalid"], ["x", "0042"]]
)
def test_a_device_is_no_heading(line: list[str]) -> None:
    assert looks_like_data(line)


@pytest.mark.parametrize("line", [["SERIE", "MODELE"], ["N° de série", "iPad 9", ""], ["IP", "OWNER"]])
def test_headings_are_no_device(line: list[str]) -> None:
    assert not looks_like_data(line)
