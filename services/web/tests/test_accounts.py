"""Everybody by account: what pages call them, and who may be given something to do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from conduit_chassis.people import RegisterBehindError
from conduit_contracts.programme import ForcePersonRegistered, ForceRole, HubPersonRegistered, HubRole, PersonRegistered
from conduit_web.access import Action
from conduit_web.accounts import Accounts, accounts_of
from conduit_web.troubles import Trouble, TroubleError

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def person(number: int, shown_as: str | None, role: HubRole = HubRole.LEAD, **more: Any) -> PersonRegistered:
    about = {"person_id": f"p-{number:016d}", "issuer": "https://login.example", "subject": f"s-{number}"}
    given = {**about, "shown_as": shown_as, "valid_from": NOW - DAY, "roles": (role,), **more}
    return HubPersonRegistered.model_validate(given)


class Known:
    def __init__(self, *people: PersonRegistered, behind: bool = False) -> None:
        self._people, self._behind = list(people), behind

    def everybody(self) -> list[PersonRegistered]:
        if self._behind:
            raise RegisterBehindError
        return self._people


def accounts(*people: PersonRegistered) -> Accounts:
    return accounts_of(Known(*people), NOW)


def test_people_are_called_by_what_they_do_and_by_their_account_where_several_do_the_same() -> None:
    known = accounts(person(1, "Lead"), person(2, "Officer"), person(3, "Officer"), person(4, None))
    assert [known.name(f"p-{number:016d}") for number in range(1, 6)] == [
        "Lead",
        "Officer (p-0000000000000002)",
        "Officer (p-0000000000000003)",
        "p-0000000000000004",
        "p-0000000000000005",
    ]


def test_whoever_may_be_given_something_may_do_it_and_may_come_in_now() -> None:
    force = {"person_id": f"p-{9:016d}", "issuer": "https://login.example", "subject": "kim", "valid_from": NOW - DAY}
    known = accounts(
        person(1, "Lead"),
        person(2, "Engagement officer", HubRole.ENGAGEMENT_OFFICER),
        person(3, "Triage officer", HubRole.OFFICER),
        person(4, "Who has left", valid_to=NOW),
        person(5, "Who is yet to come", valid_from=NOW + DAY),
        person(6, "Who leaves tomorrow", valid_to=NOW + DAY),
        ForcePersonRegistered.model_validate({**force, "roles": (ForceRole.TEAM,), "force_id": "kent"}),
    )
    assert [name for _, name in known.who_may(Action.MANAGE_ENGAGEMENT)] == [
        "Engagement officer",
        "Lead",
        "Who leaves tomorrow",
    ]
    assert known.who_may(Action.CLAIM_REVIEW) == [("p-0000000000000003", "Triage officer")]


def test_where_it_is_not_known_who_is_who_the_page_says_that_it_is_unavailable() -> None:
    with pytest.raises(TroubleError) as met:
        accounts_of(Known(behind=True), NOW)
    assert met.value.trouble is Trouble.UNAVAILABLE
