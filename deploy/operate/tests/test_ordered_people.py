"""Who will stand in the registers of people once what was ordered is carried out."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from conduit_contracts.envelope import Attributes, encode
from conduit_contracts.programme import (
    HubPersonRegistered,
    HubRole,
    PartnerPersonRegistered,
    PartnerRole,
    PersonRegistered,
    RemovePerson,
    RightsRevoked,
)
from conduit_contracts.registering_people import people_register_of, registering
from conduit_operate.onboarding import MisuseError, UnknownError
from conduit_operate.people import OrderedPeople, check_new, known

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
HUB, THEIRS = "https://login.hub.example", "https://login.northlight.example"


def officer(number: int = 1, subject: str = "anna", **more: Any) -> HubPersonRegistered:
    about = {"issuer": HUB, "roles": (HubRole.OFFICER,), "valid_from": NOW} | more
    return HubPersonRegistered.model_validate({"person_id": f"p-000000000000000{number}", "subject": subject, **about})


def manager(number: int = 2, subject: str = "mara") -> PartnerPersonRegistered:
    return PartnerPersonRegistered(
        person_id=f"p-000000000000000{number}",
        issuer=THEIRS,
        subject=subject,
        roles=(PartnerRole.MANAGER,),
        partner_id="northlight",
        valid_from=NOW,
    )


LEAD = officer(roles=(HubRole.LEAD,))


def world(*stand: PersonRegistered) -> OrderedPeople:
    made = OrderedPeople()
    for each in stand:
        headers, value = encode(each, Attributes("x", "/conduit/programme", each.type, NOW))
        made.book.take(people_register_of(each).name(), each.person_id.encode(), headers, value)
    return made


def registers(entry: PersonRegistered, stood: PersonRegistered | None = None) -> Any:
    return registering(entry, stood, "jo.smith", "a test")


def removes(person: PersonRegistered) -> RemovePerson:
    return RemovePerson(person_id=person.person_id, ordered_by="jo.smith", reason="a test")


def test_what_waits_is_planned_on_and_what_was_refused_or_carried_out_is_not() -> None:
    found = world(officer())
    found.orders = [("1", registers(LEAD, officer())), ("2", registers(manager()))]
    assert found.entries() == {LEAD.person_id: LEAD, manager().person_id: manager()}
    found.refused = {"1"}
    assert found.entries()[LEAD.person_id] == officer()
    found.refused, found.last = set(), {LEAD.person_id: "1"}
    assert found.entries()[LEAD.person_id] == officer(), "the register has it, and somebody changed it since"
    found.orders.append(("3", removes(officer())))
    assert LEAD.person_id not in found.entries()
    found.last = {LEAD.person_id: "3, which the topic has forgotten"}
    assert LEAD.person_id not in found.entries(), "whoever was removed comes back by no order from before"


def test_nobody_is_added_whom_an_order_that_waits_leaves_no_place_for() -> None:
    found = world()
    found.orders = [("1", registers(manager()))]
    with pytest.raises(MisuseError, match="an issuer has one organisation"):
        check_new(found, officer(7, "eve", issuer=THEIRS))
    with pytest.raises(MisuseError, match="has this sign-in already"):
        check_new(found, manager(7))
    found.orders.append(("2", removes(manager())))
    check_new(found, manager(7))


def test_one_whose_removal_waits_is_not_there_any_more() -> None:
    found = world(officer())
    assert known(found, officer().person_id) == officer()
    found.book.revoked[officer().person_id] = RightsRevoked(person_id=officer().person_id, removed=True)
    assert found.everybody() == []
    with pytest.raises(UnknownError):
        known(found, officer().person_id)
