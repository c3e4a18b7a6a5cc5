"""A clock that is set while cases go on: nothing that is healthy is put aside, and every case ends as it would."""

from datetime import timedelta
from random import Random
from uuid import UUID

import pytest

from conduit_chassis.testing import Harness, ManualClock
from conduit_contracts.envelope import Message
from conduit_contracts.ids import uuid7
from services.routing.tests.builders import (
    accepted,
    acknowledged,
    danger,
    declined,
    informed,
    name_home,
    place,
    received,
    referral,
    reroute,
    standing_of,
    supplement,
    withdrawn,
)
from services.routing.tests.test_store import deliver, stored

KENT, ESSEX, SURREY = "kent", "essex", "surrey"
TIED = (place("L1", KENT), place("L2", ESSEX))
CLEAR = (place("L1", KENT), place("L2", KENT), place("L3", ESSEX))


def life(random: Random, referral_id: UUID) -> list[Message]:
    """Some case's records, in an order in which they may come."""
    told = referral(random.choice((TIED, CLEAR)), immediate_danger=random.random() < 0.5)
    first: list[Message] = [danger(told, referral_id)] if told.immediate_danger else []
    rest: list[Message] = [
        received(referral_id, KENT),
        received(referral_id, ESSEX),
        acknowledged(referral_id, KENT),
        acknowledged(referral_id, ESSEX),
        name_home(referral_id, ESSEX),
        declined(referral_id, KENT, SURREY),
        reroute(referral_id, ESSEX, SURREY),
        informed(referral_id, supplement(immediate_danger=True)),
        acknowledged(referral_id, SURREY),
    ]
    chosen = sorted(random.sample(range(len(rest)), random.randint(4, len(rest))))
    end: list[Message] = [withdrawn(referral_id)] if random.random() < 0.5 else []
    return [*first, accepted(told, referral_id), *(rest[index] for index in chosen), *end]


@pytest.mark.parametrize("seed", range(12))
async def test_a_clock_that_is_set_puts_no_record_aside_and_changes_no_end(
    routing: Harness, clock: ManualClock, seed: int
) -> None:
    steady, unsteady = uuid7(), uuid7()
    for message in life(Random(seed), steady):
        clock.advance(timedelta(seconds=1))
        await deliver(routing, message)
    steps = Random(-seed)
    for message in life(Random(seed), unsteady):
        clock.advance(timedelta(seconds=steps.choice((-86_400, -3_700, -301, 1, 301, 3_700))))
        await deliver(routing, message)
    assert await routing.dead_letters() == []
    one, other = await stored(routing, steady), await stored(routing, unsteady)
    assert (one.state, one.home_force, one.interim_owner) == (other.state, other.home_force, other.interim_owner)
    assert standing_of(one) == standing_of(other)
