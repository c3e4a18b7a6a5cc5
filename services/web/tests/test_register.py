"""The register of people at a desk: as the topics have it, or nobody is let in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from conduit_chassis.people import RegisterBehindError
from conduit_chassis.testing import ManualClock
from conduit_contracts.programme import (
    ForcePersonRegistered,
    ForceRole,
    HubPersonRegistered,
    HubRole,
    PartnerPersonRegistered,
    PartnerRole,
    PersonRegistered,
)
from conduit_web.people import Identity, Organisation, Person, RegisteredPeople, Role, person_of
from conduit_web.troubles import Trouble, TroubleError
from services.web.tests.browser import Browser
from services.web.tests.sample import OFFICER, People

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
ABOUT = {"person_id": "p-0000000000000001", "issuer": "https://login.example", "subject": "anna", "valid_from": NOW}
HUBS = HubPersonRegistered.model_validate({**ABOUT, "roles": (HubRole.OFFICER,), "officer_id": "a.okafor"})


class Known:
    """A register that knows one person, or nothing for certain."""

    def __init__(self, person: PersonRegistered | None, *, behind: bool = False) -> None:
        self._person, self._behind = person, behind

    def find(self, issuer: str, subject: str) -> PersonRegistered | None:
        if self._behind:
            raise RegisterBehindError
        held = self._person
        return held if held and (held.issuer, held.subject) == (issuer, subject) else None


async def test_a_person_of_the_register_is_one_at_a_desk() -> None:
    found = await RegisteredPeople(Known(HUBS)).find(Identity("https://login.example", "anna"))
    assert found == Person("a.okafor", frozenset({Role.OFFICER}))
    assert await RegisteredPeople(Known(HUBS)).find(Identity("https://other.example", "anna")) is None


async def test_where_it_is_not_known_how_the_register_stands_nobody_is_let_in() -> None:
    with pytest.raises(TroubleError) as met:
        await RegisteredPeople(Known(HUBS, behind=True)).find(Identity("https://login.example", "anna"))
    assert met.value.trouble is Trouble.UNAVAILABLE


def test_partners_and_forces_people_belong_to_them() -> None:
    partners = PartnerPersonRegistered.model_validate(
        {**ABOUT, "roles": (PartnerRole.MANAGER,), "partner_id": "northlight", "shown_as": "Manager"}
    )
    forces = ForcePersonRegistered.model_validate({**ABOUT, "roles": (ForceRole.TEAM,), "force_id": "kent"})
    assert (person_of(partners).partner_id, person_of(partners).shown_as) == ("northlight", "Manager")
    assert (person_of(forces).force_id, person_of(forces).roles) == ("kent", {Role.FORCE_TEAM})


def test_the_registers_roles_are_those_of_the_rules() -> None:
    for kind, organisation in (
        (HubRole, Organisation.HUB),
        (PartnerRole, Organisation.PARTNER),
        (ForceRole, Organisation.FORCE),
    ):
        assert {each.value for each in kind} == {role.value for role in Role if role.organisation is organisation}


async def test_sessions_that_began_before_they_were_revoked_are_over_and_a_new_one_is_not(
    browser: Browser, people: People, clock: ManualClock
) -> None:
    await browser.sign_in("anna", path="/sign-in")
    assert (await browser.get("/cases")).text == "cases"
    (identity,) = (each for each, person in people.known.items() if person == OFFICER)
    clock.advance(timedelta(seconds=1))
    people.known[identity] = Person(OFFICER.person_id, OFFICER.roles, sessions_from=clock.now())
    clock.advance(timedelta(seconds=1))
    answer = await browser.get("/cases")
    assert (answer.status_code, answer.text.split()[0]) == (401, "session_ended")
    await browser.sign_in("anna", path="/sign-in")
    assert (await browser.get("/cases")).text == "cases"
