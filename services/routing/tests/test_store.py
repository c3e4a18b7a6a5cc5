"""Routing on a real PostgreSQL: what is stored is what was decided, in few statements, and half-states do not exist."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from conduit_chassis.errors import FailureCause, classify
from conduit_chassis.postgres import InsertedMeanwhileError
from conduit_chassis.records import Record
from conduit_chassis.testing import Harness, ManualClock, Published, record
from conduit_contracts.envelope import Message
from conduit_contracts.ids import uuid7
from conduit_contracts.referral import OffencePlace
from conduit_contracts.routing import CaseDisseminated, CaseRouted
from conduit_routing import gauges, metrics, store
from conduit_routing.case import Case
from services.routing.tests.builders import (
    accepted,
    acknowledged,
    danger,
    declined,
    informed,
    name_home,
    person,
    place,
    received,
    referral,
    reroute,
    stand_down,
    supplement,
    topic_of,
    withdrawn,
)

KENT, ESSEX, SURREY = "kent", "essex", "surrey"
KENT_LEADS = (place("L1", KENT), place("L2", KENT), place("L3", ESSEX))


def records(*messages: Message) -> list[Record]:
    return [record(topic_of(message), str(message.referral_id), message) for message in messages]  # type: ignore[attr-defined]


async def deliver(routing: Harness, *messages: Message) -> list[Published]:
    return await routing.deliver(*records(*messages))


def kinds(published: list[Published]) -> list[str]:
    return [type(each.message).__name__ for each in published]


async def stored(routing: Harness, referral_id: UUID, *, content: bool = True) -> Case:
    async with routing.runtime.transaction() as (connection, _):
        cases = await store.load(connection, [referral_id])
        if content:
            await store.load_content(connection, cases)
        return cases[referral_id]


class Statements:
    """Counts what a connection is asked, without its transaction."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self.seen: list[str] = []

    async def fetch(self, statement: str, *arguments: Any) -> Any:
        self.seen.append(statement)
        return await self._connection.fetch(statement, *arguments)

    async def execute(self, statement: str, *arguments: Any) -> Any:
        self.seen.append(statement)
        return await self._connection.execute(statement, *arguments)

    async def copy_records_to_table(self, table: str, **arguments: Any) -> Any:
        self.seen.append(f"COPY {table}")
        return await self._connection.copy_records_to_table(table, **arguments)


async def test_a_case_is_stored_as_it_was_decided(routing: Harness) -> None:
    message = accepted(referral(KENT_LEADS, [person("V1", "L1")]), supplements=(supplement(days=1),))
    added = supplement(place("M1", SURREY), days=2, text="more")
    await deliver(routing, message, received(message.referral_id, KENT))
    await deliver(routing, informed(message.referral_id, added), acknowledged(message.referral_id, KENT, "KP/1"))
    case = await stored(routing, message.referral_id)
    assert case.told.referral == message.referral
    assert case.told.supplements == (*message.supplements, added)
    assert (case.home_force, case.basis, case.interim_owner, case.state) == (KENT, "most_offence_places", KENT, "open")
    assert {force: handoff.state.value for force, handoff in case.handoffs.items()} == {
        KENT: "acknowledged",
        ESSEX: "disseminated",
        SURREY: "disseminated",
    }
    assert case.handoffs[KENT].force_reference == "KP/1"
    lines = await routing.pool.fetch("SELECT version FROM history ORDER BY version")
    assert [line[0] for line in lines] == list(range(1, case.version + 1))


async def test_what_was_added_is_read_again_in_the_order_in_which_it_arrived(routing: Harness) -> None:
    referral_id, told = uuid7(), referral(KENT_LEADS, immediate_danger=True)
    early, late, last, after = (supplement(days=days, text=f"said on day {days}") for days in (7, 5, 3, 1))
    await deliver(routing, danger(told, referral_id), informed(referral_id, late))
    await deliver(routing, accepted(told, referral_id, supplements=(early, late, last)))
    sent = await deliver(routing, informed(referral_id, after), name_home(referral_id, SURREY))
    copy = next(each.message for each in sent if isinstance(each.message, CaseDisseminated))
    assert copy.supplements == (early, late, last, after)
    assert (await stored(routing, referral_id)).told.supplements == (early, late, last, after)


async def test_what_was_accepted_in_one_batch_keeps_that_order_too(routing: Harness) -> None:
    referral_id, told = uuid7(), referral(KENT_LEADS, immediate_danger=True)
    early, late = (supplement(days=days, text=f"said on day {days}") for days in (7, 5))
    batch = (danger(told, referral_id), informed(referral_id, late), accepted(told, referral_id, supplements=(early,)))
    sent = await deliver(routing, *batch, name_home(referral_id, SURREY))
    copies = [each.message for each in sent if isinstance(each.message, CaseDisseminated)]
    assert copies[-1].supplements == (early, late)
    assert (await stored(routing, referral_id)).told.supplements == (early, late)


async def test_a_force_that_is_asked_again_is_stored_with_what_it_said_before(routing: Harness, clock: ManualClock) -> None:
    message = accepted(referral(KENT_LEADS), home_force=KENT)
    referral_id = message.referral_id
    await deliver(routing, message)
    await deliver(routing, acknowledged(referral_id, KENT, "KP/1", part=1), acknowledged(referral_id, ESSEX, part=1))
    first = clock.now()
    clock.advance(timedelta(hours=1))
    sent = await deliver(routing, informed(referral_id, supplement(immediate_danger=True)))
    assert kinds(sent) == [
        *("CaseDisseminated", "CaseDisseminated", "InformationDisseminated", "InformationDisseminated", "CaseRouted")
    ]
    case = await stored(routing, referral_id)
    assert (case.state, case.immediate_danger, case.named_home) == ("open", True, KENT)
    kent = case.handoffs[KENT]
    assert (kent.state, kent.part, kent.first_acknowledged_at) == ("disseminated", 2, first)
    assert (kent.force_reference, kent.acknowledged_at) == ("KP/1", None)
    assert kent.acknowledgement_due_at == clock.now() + timedelta(seconds=900)
    await deliver(routing, acknowledged(referral_id, KENT, part=1))
    done = await deliver(routing, acknowledged(referral_id, KENT, part=2), acknowledged(referral_id, ESSEX, part=2))
    assert kinds(done) == ["HandoffAcknowledged", "HandoffAcknowledged", "CaseHandedOver", "HandoverCompleted"]
    assert (await stored(routing, referral_id)).state == "handed_over"


async def test_a_case_goes_through_its_whole_life_from_the_database(routing: Harness) -> None:
    referral_id, told = uuid7(), referral(KENT_LEADS, immediate_danger=True)
    assert kinds(await deliver(routing, danger(told, referral_id))) == ["CaseDisseminated", "CaseRouted"]
    await deliver(routing, accepted(told, referral_id))
    routed = await deliver(routing, declined(referral_id, KENT, SURREY))
    assert kinds(routed) == ["HandoffDeclined", "CaseDisseminated", "HomeForceChanged", "ForcesChanged", "CaseRouted"]
    copy = next(each.message for each in routed if isinstance(each.message, CaseDisseminated))
    assert (copy.force_id, copy.referral, copy.interim_safeguarding_owner) == (SURREY, told, KENT)
    done = await deliver(routing, acknowledged(referral_id, SURREY), acknowledged(referral_id, ESSEX))
    assert kinds(done) == [
        "HandoffAcknowledged",
        "HandoffClosed",
        "HandoffAcknowledged",
        "CaseHandedOver",
        "HandoverCompleted",
    ]
    assert kinds(await deliver(routing, reroute(referral_id, ESSEX, "sussex"))) == ["CommandIgnored"]
    await deliver(routing, name_home(referral_id, ESSEX), stand_down(referral_id, SURREY))
    assert kinds(await deliver(routing, withdrawn(referral_id))) == ["WithdrawalDisseminated", "CaseWithdrawn"]
    case = await stored(routing, referral_id)
    assert (case.state, case.home_force, case.open_reviews()) == ("withdrawn", ESSEX, [])


async def test_what_the_inbox_lets_through_again_has_no_second_effect(routing: Harness) -> None:
    message = accepted(referral(KENT_LEADS))
    made = records(message, received(message.referral_id, KENT), acknowledged(message.referral_id, KENT))
    await routing.deliver(*made)
    assert await routing.handle_again(*made) == []


async def test_a_batch_of_500_acceptances_is_a_handful_of_statements(routing: Harness) -> None:
    made = records(*(accepted(referral(KENT_LEADS, [person("V1", "L1")])) for _ in range(500)))
    batch = [routing.delivery(each) for each in made]
    async with routing.runtime.transaction() as (connection, outbox):
        counting = Statements(connection)
        await routing.runtime.service.handle(routing.runtime, counting, batch, outbox)
        assert len(outbox.rows) == 1500
    assert len(counting.seen) == 5
    assert await routing.pool.fetchval("SELECT count(*) FROM handoffs") == 1000


async def test_a_batch_of_answers_is_a_handful_of_statements_and_does_not_read_what_cases_say(routing: Harness) -> None:
    cases = [accepted(referral(KENT_LEADS)) for _ in range(50)]
    await deliver(routing, *cases)
    answers = [acknowledged(each.referral_id, force) for each in cases for force in (KENT, ESSEX)]
    batch = [routing.delivery(each) for each in records(*answers)]
    async with routing.runtime.transaction() as (connection, outbox):
        counting = Statements(connection)
        await routing.runtime.service.handle(routing.runtime, counting, batch, outbox)
    assert len(counting.seen) == 7
    assert not any("body" in statement for statement in counting.seen[:3])


async def test_only_what_changed_is_written(routing: Harness) -> None:
    message = accepted(referral(KENT_LEADS))
    await deliver(routing, message)
    rows = "SELECT force_id, xmin::text FROM handoffs"
    before = dict(await routing.pool.fetch(rows))
    await deliver(routing, acknowledged(message.referral_id, KENT))
    after = dict(await routing.pool.fetch(rows))
    assert after[ESSEX] == before[ESSEX]
    assert after[KENT] != before[KENT]


async def test_a_case_made_meanwhile_by_a_twin_is_tried_again_not_lost(routing: Harness) -> None:
    message = accepted(referral(KENT_LEADS))
    (delivery,) = [routing.delivery(each) for each in records(message)]

    async def made_twice() -> None:
        async with routing.runtime.transaction() as (connection, outbox):
            await routing.runtime.service.handle(routing.runtime, connection, [delivery], outbox)
            case = Case(**{name: getattr(await stored_in(connection, message.referral_id), name) for name in Case.__slots__})
            case.stored, case.new_body = None, b"{}"
            await store.save(connection, [case])

    with pytest.raises(InsertedMeanwhileError) as caught:
        await made_twice()
    assert classify(caught.value) is FailureCause.TRANSIENT


async def stored_in(connection: Any, referral_id: UUID) -> Case:
    cases = await store.load(connection, [referral_id])
    await store.load_content(connection, cases)
    return cases[referral_id]


async def test_two_batches_about_one_case_wait_for_each_other(routing: Harness) -> None:
    message = accepted(referral(KENT_LEADS))
    await deliver(routing, message)
    answers = [records(acknowledged(message.referral_id, force)) for force in (KENT, ESSEX)]
    await asyncio.gather(*(routing.processor.process(each) for each in answers))
    case = await stored(routing, message.referral_id)
    assert case.state == "handed_over"


async def test_the_clock_takes_each_step_once_and_leaves_what_is_locked(routing: Harness, clock: ManualClock) -> None:
    first, second = accepted(referral((place("L1", KENT),))), accepted(referral((place("L1", KENT),)))
    await deliver(routing, first, second)
    assert await routing.tick("clocks") == []
    clock.advance(timedelta(hours=1))
    async with routing.runtime.transaction() as (connection, _):
        await stored_in(connection, first.referral_id)
        overdue = await routing.tick("clocks")
        assert {each.message.referral_id for each in overdue} == {second.referral_id}
    overdue = await routing.tick("clocks")
    assert kinds(overdue) == ["HandoffOverdue", "HandoffChased"]
    assert overdue[0].message.referral_id == first.referral_id
    assert await routing.tick("clocks") == []


async def test_the_clock_ends_with_an_open_review_and_never_closes_anything(routing: Harness, clock: ManualClock) -> None:
    message = accepted(referral((place("L1", KENT),)))
    await deliver(routing, message)
    seen = []
    for _ in range(8):
        clock.advance(timedelta(hours=4))
        seen += kinds(await routing.tick("clocks"))
    assert [kind for kind in seen if kind != "HandoffChased"] == [
        *["HandoffOverdue"] * 2,
        *["HandoffEscalated"] * 2,
        "RoutingReviewOpened",
    ]
    case = await stored(routing, message.referral_id)
    assert [review.about for review in case.open_reviews()] == [KENT]
    assert case.handoffs[KENT].waiting


async def test_information_about_no_case_is_a_dead_letter(routing: Harness) -> None:
    await deliver(routing, informed(uuid7(), supplement()))
    assert [each["reason"] for each in await routing.dead_letters()] == ["referral_unknown"]


@pytest.mark.parametrize("statement", ["UPDATE history SET what = 'x'", "DELETE FROM history", "TRUNCATE history"])
async def test_history_cannot_be_changed(routing: Harness, statement: str) -> None:
    await deliver(routing, accepted(referral(KENT_LEADS)))
    with pytest.raises(asyncpg.RaiseError, match="append-only"):
        await routing.pool.execute(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE cases SET interim_owner = NULL",
        "UPDATE cases SET home_force = NULL",
        "UPDATE cases SET state = 'declined'",
        "UPDATE cases SET state = 'handed_over', provisional = true",
        "UPDATE cases SET version = 0",
        "UPDATE handoffs SET state = 'received'",
        "UPDATE handoffs SET state = 'acknowledged', next_action_at = NULL",
        "UPDATE handoffs SET state = 'declined', next_action_at = NULL",
        "UPDATE handoffs SET state = 'stood_down', next_action_at = NULL",
        "UPDATE handoffs SET state = 'acknowledged', received_at = now(), acknowledged_at = now()",
        "UPDATE handoffs SET areas = '{surrey}'",
        "INSERT INTO history (referral_id, version, at, actor, what, why, policy_version)"
        " SELECT referral_id, 99, now(), 'officer:x', 'said', 'Somebody''s words', 'x' FROM cases",
    ],
)
async def test_half_states_and_words_are_refused_by_the_database(routing: Harness, statement: str) -> None:
    await deliver(routing, accepted(referral(KENT_LEADS)))
    with pytest.raises(asyncpg.CheckViolationError):
        await routing.pool.execute(statement)


async def test_what_a_case_says_stands_in_the_bodies_alone(routing: Harness) -> None:
    message = accepted(referral((*KENT_LEADS, place("L4", SURREY)), [person("V1", "L1")]))
    await deliver(routing, message, declined(message.referral_id, ESSEX), name_home(message.referral_id, ESSEX))
    await deliver(routing, informed(message.referral_id, supplement()), withdrawn(message.referral_id))
    rows = [
        await routing.pool.fetch("SELECT to_jsonb(cases) - 'body' FROM cases"),
        await routing.pool.fetch("SELECT to_jsonb(handoffs) FROM handoffs"),
        await routing.pool.fetch("SELECT to_jsonb(routing_reviews) FROM routing_reviews"),
        await routing.pool.fetch("SELECT to_jsonb(history) FROM history"),
    ]
    assert all(rows)
    assert "canary" not in repr(rows)


async def test_the_gauges_show_who_waits_and_what_nobody_holds(routing: Harness, clock: ManualClock) -> None:
    await deliver(routing, accepted(referral(KENT_LEADS)), accepted(referral([OffencePlace(place_id="X", description="x")])))
    clock.advance(timedelta(hours=2))
    await gauges.measure(routing.pool, clock.now())
    assert metrics.HANDOFFS.labels("disseminated")._value.get() == 2
    assert metrics.HANDOFFS.labels("received")._value.get() == 0
    assert metrics.OLDEST_HANDOFF.labels("disseminated")._value.get() == 7200
    assert metrics.OLDEST_UNACKNOWLEDGED.labels("priority")._value.get() == 7200
    assert metrics.BREACHED.labels("receipt")._value.get() == 2
    assert metrics.BREACHED.labels("acknowledgement")._value.get() == 0
    assert metrics.ROUTED_TO_NOBODY._value.get() == 1
    assert metrics.OPEN_REVIEWS.labels("no_force")._value.get() == 1
    assert metrics.OPEN_REVIEWS.labels("tie")._value.get() == 0


async def test_the_gauges_follow_a_case_whose_priority_is_raised_and_forget_one_that_is_withdrawn(
    routing: Harness, clock: ManualClock
) -> None:
    message = accepted(referral((*KENT_LEADS, place("L4", SURREY))))
    await deliver(routing, message)
    await deliver(routing, informed(message.referral_id, supplement(immediate_danger=True)))
    clock.advance(timedelta(hours=2))
    await gauges.measure(routing.pool, clock.now())
    assert metrics.OLDEST_UNACKNOWLEDGED.labels("priority")._value.get() == 0
    assert metrics.OLDEST_UNACKNOWLEDGED.labels("immediate_danger")._value.get() == 7200
    assert metrics.BREACHED.labels("receipt")._value.get() == 3
    # Nobody is left to escalate to, so that the withdrawal finds no clock to stop.
    await routing.pool.execute("UPDATE handoffs SET next_action_at = NULL WHERE force_id = $1", SURREY)
    await deliver(routing, withdrawn(message.referral_id))
    await gauges.measure(routing.pool, clock.now())
    assert metrics.OLDEST_UNACKNOWLEDGED.labels("immediate_danger")._value.get() == 0
    assert metrics.BREACHED.labels("receipt")._value.get() == 0


async def test_only_what_may_be_sent_again_is_loaded(routing: Harness) -> None:
    message = accepted(referral(KENT_LEADS))
    await deliver(routing, message)
    assert not store.may_pass_on(await stored(routing, message.referral_id, content=False))
    await deliver(routing, declined(message.referral_id, ESSEX))
    assert store.may_pass_on(await stored(routing, message.referral_id, content=False))


async def test_published_facts_carry_on_the_trace_and_name_the_case(routing: Harness) -> None:
    message = accepted(referral(KENT_LEADS))
    published = await deliver(routing, message)
    assert {each.key for each in published} == {each.attributes.subject for each in published} == {str(message.referral_id)}
    assert {type(each.message) for each in published} == {CaseRouted, CaseDisseminated}
