"""Codes as people read them."""

from __future__ import annotations

import io

import pytest

from mdm_bridge.delivery.cli.labels import FIELD_LABELS, written
from mdm_bridge.delivery.i18n import Phrases, using_language
from mdm_bridge.documents.columns import Column
from mdm_bridge.documents.render import render


@pytest.mark.parametrize(
    ("fmt", "shown"), [("table", "Application fr.exemple.calcul"), ("csv", "app:fr.exemple.calcul")]
)
def test_the_field_of_an_app_is_a_label_for_people_and_a_code_for_programs(fmt: str, shown: str) -> None:
    column = Column("field", "Field", "enum", labels=FIELD_LABELS)
    out = io.StringIO()
    with using_language("fr"):
        render([{"field": "app:fr.exemple.calcul"}], [column], fmt, out, words=Phrases())
    assert shown in out.getvalue()
    assert ("app:" in out.getvalue()) is (fmt == "csv")


def test_a_text_with_a_colon_stays_as_it_is() -> None:
    column = Column("field", "Field", "enum", labels=FIELD_LABELS)
    out = io.StringIO()
    render([{"field": "other:x"}], [column], "table", out, words=Phrases())
    assert "other:x" in out.getvalue()


def test_only_fields_that_hold_dates_are_read_as_dates() -> None:
    assert written("new")({"field": "funding", "new": "2026-01-01"}) == "2026-01-01"
    assert str(written("new")({"field": "warranty_until", "new": "2026-01-01"})) == "2026-01-01"
    assert written("new")({"field": "warranty_until", "new": "soon"}) == "soon"
