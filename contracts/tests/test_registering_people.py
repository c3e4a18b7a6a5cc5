"""Who stands in the registers of people after an order, and what is left to somebody of whom rights were revoked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conduit_contracts.programme import (
    ForcePersonRegistered,
    ForceRole,
    HubPersonRegistered,
    HubRole,
    PartnerPersonRegistered,
    PartnerRole,
    PersonRegistered,
    RemovePerson,
    RightsRevoked,
)
from conduit_contracts.registering_people import person_after, registering, revoked_by, with_rights_left

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
HUB, THEIRS, FORCES = "https://login.hub.example", "https://login.northlight.example", "https://login.kent.example"
OFFICER, SUPERVISOR, AUDITOR = HubRole.OFFICER, HubRole.SUPERVISOR, HubRole.AUDITOR
REMOVING = RemovePerson(person_id="p-0000000000000001", ordered_by="jo.smith", reason="a test")


def officer(number: int = 1, subject: str = "anna", **more: Any) -> HubPersonRegistered:
    about = {"issuer": HUB, "roles": (OFFICER,), "valid_from": NOW} | more
    return HubPersonRegistered.model_validate({"person_id": f"p-000000000000000{number}", "subject": subject, **about})


def caseworker(number: int = 2, subject: str = "anna", **more: Any) -> PartnerPersonRegistered:
    about = {"issuer": THEIRS, "roles": (PartnerRole.CASEWORKER,), "valid_from": NOW, "partner_id": "northlight"} | more
    return PartnerPersonRegistered.model_validate({"person_id": f"p-000000000000000{number}", "subject": subject, **about})


def constable(number: int = 3, **more: Any) -> ForcePersonRegistered:
    about = {"issuer": FORCES, "subject": "anna", "roles": (ForceRole.TEAM,), "valid_from": NOW, "force_id": "kent"} | more
    return ForcePersonRegistered.model_validate({"person_id": f"p-000000000000000{number}", **about})


EVERYBODY = (officer(), caseworker(), constable())
PROMOTED = officer(roles=(OFFICER, SUPERVISOR))
RENAMED = officer(shown_as="Triage officer, nights")


def register(entry: PersonRegistered, stood: PersonRegistered | None = None) -> Any:
    return registering(entry, stood, "jo.smith", "a test")


@pytest.mark.parametrize("entry", EVERYBODY, ids=lambda each: type(each).__name__)
def test_somebody_is_registered_and_what_is_ordered_twice_stands_once(entry: PersonRegistered) -> None:
    others = [each for each in EVERYBODY if each is not entry]
    done = person_after(register(entry), None, others)
    assert done == (entry, ())
    assert person_after(register(entry), entry, EVERYBODY) == (entry, ())


def test_where_another_stands_by_then_it_is_refused_at_the_fields_that_changed() -> None:
    done = person_after(register(PROMOTED, officer()), RENAMED, [RENAMED])
    assert done.entry == RENAMED
    assert [(each.code, each.field) for each in done.problems] == [("entry_changed", "entry.shown_as")]
    assert {each.code for each in person_after(register(PROMOTED), officer(), [officer()]).problems} == {"entry_changed"}


def test_before_the_register_was_read_what_the_order_saw_is_what_stood() -> None:
    assert person_after(register(PROMOTED, officer()), None, ()) == (PROMOTED, ())


def test_one_who_was_removed_stays_removed_whatever_is_ordered_later() -> None:
    assert person_after(REMOVING, RENAMED, EVERYBODY) == (None, ())
    assert person_after(REMOVING, None, EVERYBODY, gone=True) == (None, ())
    done = person_after(register(PROMOTED, officer()), None, (), gone=True)
    assert (done.entry, [each.code for each in done.problems]) == (None, ["person_removed"])


@pytest.mark.parametrize(
    ("entry", "code", "field"),
    [
        (officer(7), "sign_in_taken", "entry.subject"),
        (officer(7, "eve", issuer=THEIRS), "issuer_taken", "entry.issuer"),
        (caseworker(7, "eve", partner_id="harbour"), "issuer_taken", "entry.issuer"),
        (constable(7, subject="eve", issuer=HUB), "issuer_taken", "entry.issuer"),
        (officer(7, "eve", officer_id="a.okafor"), "officer_id_taken", "entry.officer_id"),
    ],
)
def test_an_issuer_vouches_for_one_organisations_people_and_for_each_once(
    entry: PersonRegistered, code: str, field: str
) -> None:
    others = (officer(officer_id="a.okafor"), caseworker(), constable())
    done = person_after(register(entry), None, others)
    assert (done.entry, [(each.code, each.field) for each in done.problems]) == (None, [(code, field)])


def test_who_stood_before_there_was_a_rule_can_be_changed_in_other_respects() -> None:
    twin = officer(7)
    done = person_after(register(twin.model_copy(update={"roles": (AUDITOR,)}), twin), twin, (officer(), twin))
    assert done.problems == ()


def test_an_entry_that_shows_nothing_is_refused_at_its_field() -> None:
    (problem,) = person_after(register(officer(shown_as="\u200b")), None, ()).problems
    assert problem.field == "entry.shown_as"


def test_an_order_is_about_one_person() -> None:
    with pytest.raises(ValueError, match="about the same person"):
        register(officer(), officer(7))


MOMENTS = st.none() | st.integers(0, 9).map(lambda hours: NOW + timedelta(hours=hours))


@given(st.lists(MOMENTS, min_size=1, max_size=6))
def test_sessions_that_have_ended_stay_so_whatever_an_entry_says(moments: list[datetime | None]) -> None:
    stands: PersonRegistered = officer()
    for moment in moments:
        stale = officer(sessions_from=moment)
        done = person_after(register(stale, officer()), stands, [stands])
        assert (done.problems, done.entry is not None) == ((), True)
        stands = done.entry or stands
    assert stands.sessions_from == max((each for each in moments if each), default=None)


ROLES = st.sets(st.sampled_from(HubRole), min_size=1).map(lambda roles: tuple(sorted(roles)))


@given(ROLES, st.none() | ROLES, MOMENTS, MOMENTS, st.booleans())
def test_what_is_revoked_only_takes_away(
    roles: tuple[HubRole, ...],
    left: tuple[HubRole, ...] | None,
    ended: datetime | None,
    ended_before: datetime | None,
    removed: bool,
) -> None:
    person = officer(roles=roles, sessions_from=ended_before)
    revoked = RightsRevoked(person_id=person.person_id, removed=removed, roles_left=left, sessions_from=ended)
    found = with_rights_left(person, revoked)
    kept = [each for each in roles if left is None or each in left]
    if removed or not kept:
        assert found is None
        return
    assert found is not None
    assert list(found.roles) == kept
    assert found.sessions_from == max((each for each in (ended, ended_before) if each), default=None)
    assert found.model_copy(update={"roles": roles, "sessions_from": ended_before}) == person


@given(st.lists(st.tuples(ROLES, MOMENTS), min_size=1, max_size=5))
def test_after_each_change_nobody_may_more_than_it_says_before_the_register_and_all_of_it_after(
    changes: list[tuple[tuple[HubRole, ...], datetime | None]],
) -> None:
    """While the writer of the register is down, and once it has caught up."""
    first: PersonRegistered = officer()
    stands, revoked = first, None
    for roles, ended in changes:
        wanted = stands.model_copy(update={"roles": roles, "sessions_from": ended or stands.sessions_from})
        revoked = revoked_by(wanted, stands, revoked) or revoked
        early, late = with_rights_left(first, revoked), with_rights_left(wanted, revoked)
        assert early is None or set(early.roles) <= set(roles) & set(first.roles)
        assert late is not None
        assert set(late.roles) == set(roles)
        stands = wanted


def test_what_takes_nothing_away_revokes_nothing() -> None:
    assert revoked_by(PROMOTED, officer(), None) is None
    assert revoked_by(RENAMED, officer(), None) is None
    assert revoked_by(officer(), PROMOTED, None) == RightsRevoked(person_id=officer().person_id, roles_left=(OFFICER,))
