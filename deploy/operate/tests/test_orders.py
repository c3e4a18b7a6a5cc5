"""What is ordered of the registers for a change, and what will stand once it is carried out."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

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
from conduit_contracts.registering import RegisterEntry, carried_out, subject_of
from conduit_operate.audit import By
from conduit_operate.broker import external_broker
from conduit_operate.onboarding import onboard
from conduit_operate.orders import OrderBook, orders_for, place
from conduit_operate.plans import Standing
from conduit_operate.register import RegisterError

BY = By("jo.smith", "a test")
DAYS: dict[str, Any] = {"signed_on": date(2026, 1, 5), "valid_from": date(2026, 1, 5), "valid_to": date(2027, 1, 5)}
MOU = Mou(reference="M-1", scope="all", review_on=date(2026, 12, 1), legal_ground=LegalGround.PUBLIC_TASK, **DAYS)
ENTRY = PartnerRegistered(partner_id="example-haven", name="Example Haven", mous=(MOU,))
PAUSED = ENTRY.model_copy(update={"mous": (MOU.model_copy(update={"suspended": True}),)})
MOVED = ENTRY.model_copy(update={"contact": Contact(email="team@example-haven.example")})
SHUT_OUT = PartnerRegistered(partner_id="example-haven", name="example-haven", suspended=True)
FORCE = ForceRegistered(force_id="kent")


@pytest.mark.parametrize(
    ("entry", "stood", "kinds"),
    [
        (ENTRY, None, [RegisterPartner]),
        (PAUSED, None, [RegisterPartner]),
        (ENTRY.model_copy(update={"suspended": True}), None, [RegisterPartner]),
        (SHUT_OUT, None, [SuspendPartner]),
        (MOVED, ENTRY, [RegisterPartner]),
        (ENTRY, ENTRY, [RegisterPartner]),
        (PAUSED, ENTRY, [SuspendPartner]),
        (ENTRY, PAUSED, [ResumePartner]),
        (MOVED.model_copy(update={"suspended": True}), ENTRY, [SuspendPartner, RegisterPartner]),
        (FORCE, None, [RegisterForce]),
        (FORCE, FORCE, [RegisterForce]),
        (PAUSED, PAUSED, [RegisterPartner]),
    ],
)
def test_a_change_is_ordered_by_what_changes_and_leads_to_the_entry(
    entry: RegisterEntry, stood: RegisterEntry | None, kinds: list[type[Any]]
) -> None:
    made = list(orders_for(entry, stood, BY))
    assert [type(each) for each in made] == kinds
    stands = stood
    for each in made:
        done = carried_out(each, stands)
        assert done.problems == ()
        stands = done.entry
    assert stands == entry


def book(*orders: tuple[str, Any], carried: str = "", refused: tuple[str, ...] = ()) -> OrderBook:
    subject = subject_of(ENTRY)
    return OrderBook({subject: list(orders)}, {subject: carried}, set(refused))


def test_what_waits_is_planned_on_and_what_was_refused_is_not() -> None:
    (moving,) = orders_for(MOVED, ENTRY, BY)
    (pausing,) = orders_for(PAUSED, ENTRY, BY)
    subject = subject_of(ENTRY)
    waits = book(("1", moving), ("2", pausing)).after(subject, ENTRY)
    assert waits == MOVED.model_copy(update={"mous": PAUSED.mous})
    assert book(("1", moving), ("2", pausing), carried="1").after(subject, MOVED) == waits
    assert book(("1", moving), ("2", pausing), refused=("1",)).after(subject, ENTRY) == PAUSED
    assert book(("1", moving), ("2", pausing), carried="2").after(subject, ENTRY) == ENTRY
    assert book(("2", pausing), carried="1, which is forgotten").after(subject, ENTRY) == PAUSED


def test_a_users_number_that_any_order_wrote_down_is_never_given_again() -> None:
    (numbering,) = orders_for(ENTRY.model_copy(update={"generation": 7}), ENTRY, BY)
    subject = subject_of(ENTRY)
    assert book(("1", numbering), refused=("1",)).newest(subject) == 7
    refused = Standing(*subject, entry=ENTRY, numbered=7)
    planned = onboard(refused, ENTRY)
    assert planned.users == ("partner.example-haven.8",)
    assert planned.entry is not None
    assert planned.entry.generation == 8


def test_an_entry_that_shows_nothing_is_refused_at_its_field_before_anything_is_ordered(tmp_path: Path) -> None:
    nowhere = external_broker(tmp_path, {"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"})
    nameless = PartnerRegistered(partner_id="example-haven", name="\u200b")
    with pytest.raises(RegisterError, match=r"entry\.name: This contains only spaces"):
        place(nowhere, orders_for(nameless, None, BY))
