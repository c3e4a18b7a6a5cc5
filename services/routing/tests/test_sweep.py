"""However much is due and whatever is wrong with one case, children in danger come first and every other case is chased."""

from contextlib import suppress
from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conduit_chassis.outbox import Outbox
from conduit_chassis.periodic import run_tick
from conduit_chassis.testing import Harness, ManualClock, record
from conduit_contracts.routing import HandoffChased
from conduit_routing import metrics, sweep
from conduit_routing.clocks import Step
from conduit_routing.turn import Turn
from services.routing.tests.builders import NOW, accepted, place, referral

TWO_FORCES = (place("L1", "kent"), place("L2", "kent"), place("L3", "essex"))


async def due(routing: Harness, clock: ManualClock, cases: int, *, danger: bool = False) -> list[UUID]:
    """Cases of two forces whose receipt is overdue."""
    messages = [accepted(referral(TWO_FORCES, immediate_danger=danger)) for _ in range(cases)]
    await routing.deliver(*(record("triage.decisions.v1", str(each.referral_id), each) for each in messages))
    return [each.referral_id for each in messages]


async def turn(routing: Harness) -> int | None:
    return await run_tick(routing.runtime, routing.runtime.service.ticks[0])


async def chased(routing: Harness, referral_ids: list[UUID]) -> list[int]:
    """How often the forces of each case were chased."""
    rows = await routing.pool.fetch("SELECT referral_id, sum(chases) FROM handoffs GROUP BY referral_id")
    found = dict(rows)
    return [found[each] for each in referral_ids]


async def test_a_full_run_says_so_and_is_called_again_at_once(
    routing: Harness, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep, "BATCH", 6)
    ids = await due(routing, clock, 10)
    clock.advance(timedelta(hours=2))
    runs = [await turn(routing) for _ in range(5)]
    assert [done is not None and done >= 6 for done in runs] == [True, True, True, False, False]
    assert sum(done or 0 for done in runs) == 20
    assert await chased(routing, ids) == [2] * 10


async def test_danger_is_chased_before_all_that_has_been_due_for_longer(
    routing: Harness, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep, "BATCH", 2)
    routine = await due(routing, clock, 4)
    clock.advance(timedelta(hours=2))
    danger = await due(routing, clock, 1, danger=True)
    clock.advance(timedelta(minutes=6))
    await turn(routing)
    assert await chased(routing, danger) == [2]
    assert await chased(routing, routine) == [0] * 4


@pytest.mark.parametrize("broken", [1, 3])
async def test_a_case_whose_event_is_not_valid_holds_up_no_other_and_is_told_of(
    routing: Harness, clock: ManualClock, broken: int
) -> None:
    ids = await due(routing, clock, 8)
    for referral_id in ids[:broken]:
        await routing.pool.execute("UPDATE cases SET partner_reference = $2 WHERE referral_id = $1", referral_id, " \n ")
    clock.advance(timedelta(hours=2))
    before = metrics.NOT_CHASED._value.get()
    sent = await routing.tick("clocks")
    assert await chased(routing, ids) == [0] * broken + [2] * (8 - broken)
    assert {each.message.referral_id for each in sent} == set(ids[broken:])
    assert sum(isinstance(each.message, HandoffChased) for each in sent) == 2 * (8 - broken)
    assert metrics.NOT_CHASED._value.get() == before + broken
    assert await routing.tick("clocks") == [], "what failed is not tried again at once"
    for referral_id in ids[:broken]:
        await routing.pool.execute("UPDATE cases SET partner_reference = 'LT-1' WHERE referral_id = $1", referral_id)
    clock.advance(sweep.LATER)
    await routing.tick("clocks")
    assert await chased(routing, ids) == [2] * 8


async def test_a_case_whose_steps_always_take_too_long_holds_up_no_other(
    routing: Harness, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = await due(routing, clock, 5)
    clock.advance(timedelta(hours=2))
    taken = sweep.take_steps

    def slow(one: Turn) -> list[Step]:
        if one.case.referral_id == ids[2]:
            raise TimeoutError
        return taken(one)

    monkeypatch.setattr(sweep, "take_steps", slow)
    before = metrics.NOT_CHASED._value.get()
    for _ in range(30):
        with suppress(TimeoutError):
            await turn(routing)
    assert await chased(routing, ids) == [2, 2, 0, 2, 2]
    assert metrics.NOT_CHASED._value.get() == before + 1


async def test_a_row_that_cannot_be_read_holds_up_no_other(routing: Harness, clock: ManualClock) -> None:
    ids = await due(routing, clock, 5)
    await routing.pool.execute("ALTER TABLE cases DROP CONSTRAINT cases_urgency_check")
    await routing.pool.execute("UPDATE cases SET urgency = 'nonsense' WHERE referral_id = $1", ids[2])
    clock.advance(timedelta(hours=2))
    await routing.tick("clocks")
    assert await chased(routing, ids) == [2, 2, 0, 2, 2]


@given(sizes=st.lists(st.integers(0, 50), max_size=12), keep=st.integers(0, 12))
def test_what_is_taken_back_leaves_an_outbox_as_it_was(sizes: list[int], keep: int) -> None:
    outbox, alike = Outbox("routing", NOW), Outbox("routing", NOW)
    for number, size in enumerate(sizes):
        outbox.add("t", b"k", "a:b", b"x" * size)
        if number < keep:
            alike.add("t", b"k", "a:b", b"x" * size)
    outbox.take_back(min(keep, len(sizes)))
    assert (outbox.rows, outbox.waiting_bytes, outbox._bytes) == (alike.rows, alike.waiting_bytes, alike._bytes)
