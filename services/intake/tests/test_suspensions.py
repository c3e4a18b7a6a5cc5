"""A partner is suspended from the order on, whatever the register says yet."""

from __future__ import annotations

from typing import Any

from conduit_chassis.records import Record
from conduit_chassis.testing import Harness, record
from conduit_contracts import topics
from conduit_contracts.programme import PartnerRegistered, RegisterPartner, ResumePartner, SuspendPartner
from conduit_contracts.registering import RegisterOrder
from services.intake.tests.samples import MOU, NORTH, registered, sent, submitted

BY: dict[str, Any] = {"ordered_by": "canary.operator", "reason": "canary reason"}
WHOLLY: dict[str, Any] = {"partner_id": NORTH, "wholly": True, **BY}


def ordered(order: RegisterOrder) -> Record:
    return record(topics.REGISTER_COMMANDS.name(), NORTH, order)


async def refusals(intake: Harness, reference: str) -> list[str]:
    """The codes with which a new referral is refused; none where it is taken."""
    (answer,) = await intake.deliver(sent(submitted(partner_reference=reference)))
    return [problem.code for problem in getattr(answer.message, "problems", ())]


async def test_a_suspension_holds_from_its_order_on_and_over_every_record_that_has_not_heard_of_it(intake: Harness) -> None:
    assert await refusals(intake, "NL-1") == []
    await intake.deliver(ordered(SuspendPartner(**WHOLLY)))
    assert await refusals(intake, "NL-2") == ["partner_suspended"]
    await intake.deliver(sent(registered()))
    assert await refusals(intake, "NL-3") == ["partner_suspended"], "a record that was on its way lifts nothing"


async def test_it_ends_once_it_is_lifted_by_order_and_the_register_says_so_too(intake: Harness) -> None:
    await intake.deliver(ordered(SuspendPartner(**WHOLLY)))
    await intake.deliver(sent(registered(suspended=True)))
    await intake.deliver(ordered(ResumePartner(**WHOLLY)))
    assert await refusals(intake, "NL-1") == ["partner_suspended"], "the register has it still"
    await intake.deliver(sent(registered()))
    assert await refusals(intake, "NL-2") == []
    assert await intake.pool.fetchval("SELECT count(*) FROM partner_suspensions") == 0


async def test_one_mou_is_suspended_by_its_reference_and_stays_so_when_it_is_renewed(intake: Harness) -> None:
    await intake.deliver(ordered(SuspendPartner(partner_id=NORTH, mous=(MOU,), **BY)))
    assert await refusals(intake, "NL-1") == ["mou_not_in_force"]
    await intake.deliver(sent(registered()))
    assert await refusals(intake, "NL-2") == ["mou_not_in_force"]
    await intake.deliver(ordered(ResumePartner(partner_id=NORTH, mous=(MOU,), **BY)), sent(registered()))
    assert await refusals(intake, "NL-3") == []


async def test_somebody_who_is_registered_later_is_suspended_from_the_first_record_on(empty_intake: Harness) -> None:
    await empty_intake.deliver(ordered(SuspendPartner(**WHOLLY)))
    await empty_intake.deliver(sent(registered()))
    assert await refusals(empty_intake, "NL-1") == ["partner_suspended"]


async def test_an_order_for_an_entry_changes_nothing_here_and_nothing_of_an_order_is_kept_but_what_is_suspended(
    intake: Harness,
) -> None:
    entry = PartnerRegistered(partner_id=NORTH, name="canary name", suspended=True)
    await intake.deliver(ordered(RegisterPartner(entry=entry, **BY)))
    assert await refusals(intake, "NL-1") == []
    await intake.deliver(ordered(SuspendPartner(**WHOLLY)))
    for table in ("partners", "partner_suspensions", "history"):
        rows = await intake.pool.fetch(f"SELECT kept::text AS row FROM {table} AS kept")  # noqa: S608 - constants
        assert "canary" not in str([row["row"] for row in rows])
