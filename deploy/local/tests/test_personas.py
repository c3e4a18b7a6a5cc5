"""Whom one can sign in as on this machine."""

from __future__ import annotations

import json
import re

from conduit_local.identity_provider import LOGIN_PAGE
from conduit_local.personas import PERSONAS, registered
from conduit_operate.people import organisation_of


def test_every_persona_has_an_id_that_says_nothing_and_an_issuer_vouches_for_one_organisation() -> None:
    made = [registered(each, f"http://127.0.0.1:1/{each.provider.name}") for each in PERSONAS]
    assert len({each.person_id for each in made}) == len(PERSONAS)
    assert {(each.issuer.rpartition("/")[2], organisation_of(each)) for each in made} == {
        ("hub", "hub"),
        ("northlight", "partner.northlight"),
        ("west-midlands", "force.west-midlands"),
    }
    assert not [each for each in made if each.subject in each.person_id]


def test_a_persona_is_the_same_person_wherever_the_provider_listens() -> None:
    first, later = (registered(PERSONAS[0], f"http://127.0.0.1:{port}/hub") for port in (1, 2))
    assert first.person_id == later.person_id


def test_the_login_page_offers_them() -> None:
    page = LOGIN_PAGE.read_text(encoding="utf-8")
    assert [each.name for each in PERSONAS if f'<option value="{each.name}">' not in page] == []


def test_the_login_page_says_of_everybody_that_there_were_two_factors_and_what_that_is_called_here() -> None:
    (claims,) = re.findall(r'<textarea id="claims"[^>]*>([^<]*)</textarea>', LOGIN_PAGE.read_text(encoding="utf-8"))
    assert json.loads(claims) == {"amr": ["mfa"], "acr": "two-factors"}
