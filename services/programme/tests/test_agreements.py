"""When an agreement lapses, when somebody is reminded, and what stops: as intake judges it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from conduit_contracts import agreements as judged
from conduit_contracts.ids import uuid7
from conduit_intake.submissions import Mou as MouOfIntake
from conduit_programme.organisations import rules
from conduit_programme.organisations.rules import AgreementState, KeptAgreement, OrganisationOffer, Stops

TODAY = date(2026, 11, 30)
HERE, ELSEWHERE = uuid7(), uuid7()


def kept(
    last: int = 200, *, organisation_id: UUID = HERE, first: int = -300, register: bool = True, **more: Any
) -> KeptAgreement:
    """An agreement that holds from one day to another, counted from today."""
    days = (TODAY + timedelta(days=first), TODAY + timedelta(days=last))
    given = {"reference": "MOU-1", "agreement_id": None, **more}
    return KeptAgreement(
        organisation_id=organisation_id, from_register=register, valid_from=days[0], valid_to=days[1], **given
    )


@pytest.mark.parametrize(
    ("first", "last"), [(first, last) for first in (-500, 0, 1) for last in (-400, -1, 0, 1, 90) if first <= last]
)
@pytest.mark.parametrize("suspended", [False, True])
def test_it_is_in_force_exactly_where_intake_takes_referrals_under_it(first: int, last: int, *, suspended: bool) -> None:
    here = kept(last, first=first, suspended=suspended)
    there = MouOfIntake(reference="MOU-1", valid_from=here.valid_from, valid_to=here.valid_to, suspended=suspended)
    assert (here.state(TODAY) is AgreementState.IN_FORCE) == judged.in_force(there, TODAY)
    assert (here.state(TODAY) is AgreementState.LAPSED) == judged.has_lapsed(there, TODAY)


@pytest.mark.parametrize(
    ("days", "within"),
    [(91, None), (90, 90), (31, 90), (30, 30), (8, 30), (7, 7), (1, 7), (0, 7), (-1, 0), (-400, 0)],
)
def test_one_is_reminded_at_ninety_thirty_and_seven_days_and_not_let_off_afterwards(days: int, within: int | None) -> None:
    found = rules.reminders([kept(days)], TODAY)
    assert [(each.days, each.within, each.stops) for each in found] == (
        [] if within is None else [(days, within, Stops.REFERRALS)]
    )


def test_what_stops_is_referrals_under_the_register_and_sharing_elsewhere() -> None:
    (register,), (noted,) = (rules.reminders([kept(5, register=each)], TODAY) for each in (True, False))
    assert (register.stops, noted.stops) == (Stops.REFERRALS, Stops.SHARING)


def test_nobody_is_reminded_of_what_another_agreement_takes_up_without_a_day_between() -> None:
    old, new = kept(5), kept(400, first=6, reference="MOU-2")
    assert rules.reminders([old, new], TODAY) == []
    gap = kept(400, first=7, reference="MOU-2")
    assert [each.agreement.reference for each in rules.reminders([old, gap], TODAY)] == ["MOU-1"]
    another = kept(400, first=6, reference="MOU-2", organisation_id=ELSEWHERE)
    assert [each.agreement.reference for each in rules.reminders([old, another], TODAY)] == ["MOU-1"]


def test_what_is_suspended_has_no_reminder_since_it_stopped_already() -> None:
    assert rules.reminders([kept(5, suspended=True), kept(5, partner_suspended=True)], TODAY) == []


@pytest.mark.parametrize(
    ("due", "reviewed", "within"),
    [
        (31, None, None),
        (30, None, 30),
        (-1, None, 0),
        (-1, -1, None),
        (-1, -31, None),
        (-1, -32, 0),
        (10, 0, None),
        (30, -1, 30),
    ],
)
def test_a_review_is_due_until_both_have_looked_again(due: int, reviewed: int | None, within: int | None) -> None:
    done = None if reviewed is None else TODAY + timedelta(days=reviewed)
    found = rules.reminders([kept(review_on=TODAY + timedelta(days=due), reviewed_on=done)], TODAY)
    assert [(each.within, each.stops) for each in found] == ([] if within is None else [(within, Stops.REVIEW)])


@pytest.mark.parametrize(("following", "within"), [(31, None), (20, 30), (-1, 0)])
def test_a_review_that_both_agreed_on_when_they_last_looked_is_the_next_one(following: int, within: int | None) -> None:
    agreed = kept(review_on=TODAY - timedelta(days=5), reviewed_on=TODAY - timedelta(days=5))
    found = rules.reminders([replace(agreed, next_on=TODAY + timedelta(days=following))], TODAY)
    assert [each.within for each in found] == ([] if within is None else [within])


def test_the_most_pressing_comes_first() -> None:
    known = [kept(80, reference="MOU-1"), kept(-3, organisation_id=ELSEWHERE, reference="MOU-2"), kept(7, reference="MOU-3")]
    assert [each.agreement.reference for each in rules.reminders(known, TODAY)] == ["MOU-2", "MOU-1"], "MOU-1 outlives MOU-3"


def test_what_became_one_brings_all_of_it_together() -> None:
    first = OrganisationOffer(services=("therapy",), youngest=11, oldest=17, languages=("en",), force_ids=("kent",))
    second = OrganisationOffer(services=("helpline", "therapy"), youngest=5, oldest=25, everywhere=True)
    made = rules.together([first, second])
    assert made == OrganisationOffer(("therapy", "helpline"), (), ("kent",), True, 5, 25, ("en",))
    assert rules.together([first, OrganisationOffer(services=("helpline",))]).youngest is None, "the other takes every age"
    assert rules.together([]) == OrganisationOffer()
    assert rules.together([first, OrganisationOffer()]) == first, "who says nothing takes nobody of another age"
