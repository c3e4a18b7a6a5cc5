"""What a register holds after an order: what was decided on what stood, and suspensions whatever stands."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conduit_contracts.programme import (
    Contact,
    ForceRegistered,
    Mou,
    PartnerRegistered,
    RegisterForce,
    RegisterPartner,
    ResumePartner,
    SuspendPartner,
)
from conduit_contracts.referral import LegalGround
from conduit_contracts.registering import carried_out, terms_of

BY: dict[str, Any] = {"ordered_by": "jo.smith", "reason": "a test"}


def mou(reference: str = "M-1", **changes: Any) -> Mou:
    days = {"signed_on": date(2026, 1, 5), "valid_from": date(2026, 1, 5), "valid_to": date(2027, 1, 5)}
    about = {"scope": "all", "review_on": date(2026, 12, 1), "legal_ground": LegalGround.PUBLIC_TASK}
    return Mou(**{"reference": reference, **days, **about, **changes})


ENTRY = PartnerRegistered(partner_id="example-haven", name="Example Haven", mous=(mou(), mou("M-2")))
MOVED = ENTRY.model_copy(update={"contact": Contact(email="team@example-haven.example")})
RENAMED = ENTRY.model_copy(update={"name": "Example Harbour"})


def register(entry: PartnerRegistered, stood: PartnerRegistered | None) -> RegisterPartner:
    return RegisterPartner(entry=entry, stood=stood, **BY)


def suspend(*mous: str, wholly: bool = False, **more: Any) -> SuspendPartner:
    return SuspendPartner(partner_id="example-haven", mous=mous, wholly=wholly, **more, **BY)


def test_an_entry_takes_the_place_of_the_one_on_which_it_was_decided() -> None:
    assert carried_out(register(MOVED, ENTRY), ENTRY).entry == MOVED
    assert carried_out(register(ENTRY, None), None).entry == ENTRY
    assert carried_out(register(MOVED, ENTRY), MOVED).entry == MOVED, "it stands so already, as after a restore"


def test_where_another_stands_by_then_it_is_refused_at_the_fields_that_changed() -> None:
    done = carried_out(register(MOVED, ENTRY), RENAMED)
    assert done.entry == RENAMED
    assert [(each.code, each.field) for each in done.problems] == [("entry_changed", "entry.name")]
    new = carried_out(register(MOVED, None), ENTRY)
    assert {each.code for each in new.problems} == {"entry_changed"}


def test_where_nothing_is_known_what_the_order_saw_is_what_stood() -> None:
    for_ever = mou(valid_to=date(9999, 12, 31))
    stood = ENTRY.model_copy(update={"mous": (for_ever,)})
    assert carried_out(register(stood, stood), None).problems == ()
    done = carried_out(suspend("M-1", stood=stood), None)
    assert isinstance(done.entry, PartnerRegistered)
    assert [each.suspended for each in done.entry.mous] == [True]
    assert terms_of(done.entry) == terms_of(stood)


def test_what_does_not_meet_the_rules_of_entry_is_refused_but_for_what_stood_already() -> None:
    for_ever = ENTRY.model_copy(update={"mous": (mou(valid_to=date(9999, 12, 31)),)})
    (problem,) = carried_out(register(for_ever, ENTRY), ENTRY).problems
    assert problem.field == "entry.mous[0].valid_to"
    assert carried_out(register(for_ever.model_copy(update={"name": "Other"}), for_ever), for_ever).problems == ()


def test_a_suspension_is_carried_out_whatever_stands_and_no_entry_lifts_it() -> None:
    done = carried_out(suspend("M-1", wholly=True, stood=ENTRY), RENAMED).entry
    assert isinstance(done, PartnerRegistered)
    assert (done.name, done.suspended, [each.suspended for each in done.mous]) == ("Example Harbour", True, [True, False])
    kept = carried_out(register(MOVED.model_copy(update={"name": "Example Harbour"}), RENAMED), done).entry
    assert isinstance(kept, PartnerRegistered)
    assert (kept.contact.email, kept.suspended, kept.mous[0].suspended) == ("team@example-haven.example", True, True)
    lifted = ResumePartner(partner_id="example-haven", wholly=True, mous=("M-1",), **BY)
    assert carried_out(lifted, done).entry == RENAMED


def test_of_whom_nothing_can_be_read_no_more_than_that_is_written() -> None:
    done = carried_out(suspend(wholly=True, generation=3), None).entry
    assert done == PartnerRegistered(partner_id="example-haven", name="example-haven", suspended=True, generation=3)
    for order in (suspend("M-1"), ResumePartner(partner_id="example-haven", **BY)):
        assert [each.code for each in carried_out(order, None).problems] == ["partner_unknown"]


@given(st.lists(st.sampled_from(["register", "suspend", "resume"]), max_size=8), st.lists(st.integers(1, 20), min_size=8))
def test_the_number_of_the_newest_user_only_grows(what: list[str], numbers: list[int]) -> None:
    stands: PartnerRegistered = ENTRY
    for act, number in zip(what, numbers, strict=False):
        before, numbered = stands.generation or 0, stands.model_copy(update={"generation": number})
        order = {
            "register": register(numbered, stands),
            "suspend": suspend("M-1", generation=number),
            "resume": ResumePartner(partner_id="example-haven", mous=("M-1",), generation=number, **BY),
        }[act]
        done = carried_out(order, stands).entry
        assert isinstance(done, PartnerRegistered)
        assert done.generation == max(before, number)
        stands = done


def test_a_force_is_registered_where_there_is_one() -> None:
    kent, nowhere = ForceRegistered(force_id="kent"), ForceRegistered(force_id="nowhere")
    told = kent.model_copy(update={"contact": Contact(email="team@kent.example")})
    assert carried_out(RegisterForce(entry=told, stood=kent, **BY), kent).entry == told
    (problem,) = carried_out(RegisterForce(entry=nowhere, **BY), None).problems
    assert problem.field == "entry.force_id"


def test_an_order_is_about_one_organisation() -> None:
    other = ENTRY.model_copy(update={"partner_id": "example-harbour"})
    with pytest.raises(ValueError, match="about the same organisation"):
        register(ENTRY, other)
    with pytest.raises(ValueError, match="about the same organisation"):
        suspend(wholly=True, stood=other)
