"""Whatever a partner or a force writes is accepted, rejected to it, or put aside; each record once, and nothing stops.

FUZZ_RECORDS says how many records (`make fuzz`: 6,000). The few of a plain test run are the same ones every time.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from conduit_contracts import danger, partner, topics
from conduit_contracts.envelope import Attributes, encode_headers
from conduit_contracts.ids import uuid7
from conduit_local.stack import Stack
from conduit_operate.lag import Lag
from contracts.tests.support import examples
from tests.fuzz import accounts
from tests.fuzz.conftest import UNHEARD_OF
from tests.fuzz.faults import CANARY
from tests.fuzz.sending import Sent, send
from tests.fuzz.shapes import Sender, Wire, wires

RECORDS = int(os.environ.get("FUZZ_RECORDS", "400"))
EVERY_TIME_THE_SAME = "FUZZ_RECORDS" not in os.environ
WAVE = 500
STILL = 4
"""So many looks in a row must find nothing moving."""
MOST_PROBLEMS = 20
"""Nobody is told more at once."""
PARTNERS = ("northlight", "harbour-trust", "lanterns", "stillwater")
"""In order, with a reference of another form, with a lapsed agreement, suspended."""
FORCES = ("west-midlands", "surrey")

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800 if RECORDS > 1000 else 600)]


def generated(strategy: st.SearchStrategy[Wire], number: int) -> list[Wire]:
    """So many different records from hypothesis."""
    found: list[Wire] = []

    @settings(
        max_examples=number,
        database=None,
        derandomize=EVERY_TIME_THE_SAME,
        phases=[Phase.generate],
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def collect(wire: Wire) -> None:
        found.append(wire)

    collect()
    return found


def good_referral(partner_id: str, reference: str) -> Wire:
    """One that plainly qualifies, about the area of the first of FORCES."""
    value = json.loads(examples()[partner.ReferralSubmitted.type].raw_value)
    value["referral"] |= {
        "partner_id": partner_id,
        "partner_reference": reference,
        "mou_reference": f"MOU-{partner_id.upper()}",
        "reported_at": (datetime.now(UTC) - timedelta(days=1)).isoformat(),
        "numbers": {"victims_known": 20, "suspects_known": 9},
        "immediate_danger": False,
    }
    attributes = Attributes(str(uuid7()), f"/partners/{partner_id}", partner.ReferralSubmitted.type, datetime.now(UTC))
    headers = tuple((name.encode(), text) for name, text in encode_headers(attributes))
    topic = topics.PARTNER_REFERRALS.name(partner_id)
    return Wire(topic, 0, reference.encode(), headers, json.dumps(value).encode())


async def settled(stack: Stack) -> None:
    """Until no service has anything left to read or to send, and not only because it is between two hands."""
    lag, quiet = Lag(stack.broker), 0

    def nothing_left() -> bool:
        nonlocal quiet
        busy = accounts.early(stack) or accounts.unsent(stack) or lag.of_all(stack.options.services)
        quiet = 0 if busy else quiet + 1
        return quiet == STILL

    await accounts.until(nothing_left, "lag 0 and empty outboxes")


@pytest.fixture(scope="module")
async def fuzzed(stack: Stack) -> dict[str, Any]:
    """Everything that was sent, after the services have dealt with it."""
    pids = {name: stack.service(name).pid for name in stack.options.services}
    first = await send(stack.broker, [good_referral("northlight", f"KNOWN-{number}") for number in range(3)])
    await accounts.until(lambda: len(accounts.cases_of(stack, FORCES[0])) >= 3, "the cases that forces answer about")
    known = ("KNOWN-0", "KNOWN-1", "KNOWN-2")
    senders = [Sender(topics.PARTNER_REFERRALS, each, known) for each in (*PARTNERS, UNHEARD_OF)]
    senders += [Sender(topics.FORCE_RESPONSES, each, tuple(accounts.cases_of(stack, FORCES[0]))) for each in FORCES]
    records = generated(st.one_of([wires(sender) for sender in senders]), RECORDS)
    sent: list[Sent] = list(first)
    for start in range(0, len(records), WAVE):
        sent += await send(stack.broker, records[start : start + WAVE])
        await settled(stack)
    return {"sent": sent, "pids": pids, "records": records}


def of(sent: Sequence[Sent], topic: topics.Topic) -> list[Sent]:
    return [each for each in sent if topic.match(each.record.topic) is not None]


def test_hypothesis_gave_as_many_records_as_were_asked_for_and_of_every_kind(fuzzed: dict[str, Any]) -> None:
    records = fuzzed["records"]
    assert len(records) == RECORDS
    assert {wire.topic for wire in records} == {
        *(topics.PARTNER_REFERRALS.name(each) for each in (*PARTNERS, UNHEARD_OF)),
        *(topics.FORCE_RESPONSES.name(each) for each in FORCES),
    }
    if RECORDS < 400:
        return  # too few to hold everything
    names = [name for wire in records for name, _ in wire.headers]
    assert any(b"\xff" in name or not name.isascii() for name in names)
    assert any(value is None for wire in records for _, value in wire.headers)
    assert any(len(dict(wire.headers)) < len(wire.headers) for wire in records)
    assert any(wire.value is None for wire in records)
    assert any(b"cloudevents+json" in (value or b"") for wire in records for _, value in wire.headers)


async def test_every_record_of_a_partner_has_one_outcome(stack: Stack, fuzzed: dict[str, Any]) -> None:
    expected = accounts.Expected()
    sent = of(fuzzed["sent"], topics.PARTNER_REFERRALS)
    expected.add(accounts.INTAKE, sent)
    seen, aside = accounts.submissions(stack), accounts.dead_letters(stack, "intake")
    assert {place: found for place, found in seen.items() if len(found) != 1} == {}
    expected.check_groups(seen.keys() | aside.keys())
    outcome = {place: found[0][0] for place, found in seen.items()}
    strangers = {each.position for each in sent if topics.PARTNER_REFERRALS.match(each.record.topic) == UNHEARD_OF}
    assert aside.keys() <= strangers
    assert set(aside.values()) <= {"unknown_partner", "behind_dead_letter"}
    for place in outcome.keys() - strangers:
        if place in expected.refused:
            assert outcome[place] == "rejected", place
            missing = set(expected.refused[place]) - set(seen[place][0][1].split())
            assert not missing or len(expected.refused[place]) >= MOST_PROBLEMS, place
        else:
            assert outcome[place] in {*accounts.ACCEPTED, "rejected"}, place
    effective = len(outcome.keys() - strangers) + len(aside)
    assert len(sent) == effective + expected.duplicates


async def test_every_rejection_reaches_its_partner_and_nobody_else(stack: Stack, fuzzed: dict[str, Any]) -> None:
    expected, sent = accounts.Expected(), of(fuzzed["sent"], topics.PARTNER_REFERRALS)
    expected.add(accounts.INTAKE, sent)
    values = {each.position: each.record.value for each in sent}
    seen = accounts.submissions(stack)
    for each in PARTNERS:
        topic = topics.PARTNER_REFERRALS.name(each)
        own = {place for place, found in seen.items() if found[0][0] == "rejected" and place.startswith(f"{topic}/")}
        told = await accounts.told_partner(stack.broker, each)
        assert told.keys() == own
        assert own, "some of what was made up must be wrong"
        for place in own & expected.refused.keys():
            first = ("partner_suspended",) if each == "stillwater" else ()
            says_danger = (danger.CODE,) if danger.heard(values[place] or b"") else ()
            assert told[place] == (*says_danger, *first, *expected.refused[place])[:MOST_PROBLEMS]


async def test_every_record_of_a_force_has_one_outcome(stack: Stack, fuzzed: dict[str, Any]) -> None:
    expected = accounts.Expected()
    sent = of(fuzzed["sent"], topics.FORCE_RESPONSES)
    expected.add(accounts.ROUTING, sent)
    assert accounts.dead_letters(stack, "routing") == {}
    rejected: dict[str, tuple[str, ...]] = {}
    for each in FORCES:
        told = await accounts.told_force(stack.broker, each)
        assert all(place.startswith(f"{topics.FORCE_RESPONSES.name(each)}/") for place in told)
        rejected |= told
    accepted = expected.positions - rejected.keys()
    assert rejected.keys() <= expected.positions
    assert rejected.keys() & accounts.causes(stack) == set()
    held = {name: set(accounts.cases_of(stack, name)) for name in FORCES}
    for place in accepted:
        delivery = expected.delivered.get(place)
        assert delivery is not None, f"unreadable and not answered: {place}"
        repeated = any(place in group and len(group) > 1 for group in expected.groups.values())
        own = (
            delivery.message.force_id == delivery.principal and str(delivery.message.referral_id) in held[delivery.principal]
        )
        assert own or repeated, place
    for place, codes in expected.refused.items():
        assert rejected[place] == codes
    counted = accounts.consumed(stack, "routing", topics.FORCE_RESPONSES)
    assert counted["refused"] == len(expected.refused)
    assert counted["handled"] == len(expected.groups) - len(expected.refused)
    assert counted.total() == len(sent)


def test_intakes_own_count_agrees(stack: Stack, fuzzed: dict[str, Any]) -> None:
    sent = of(fuzzed["sent"], topics.PARTNER_REFERRALS)
    counted = accounts.consumed(stack, "intake", topics.PARTNER_REFERRALS)
    aside = counted["dead_letter"]  # noted beside `handled` or `refused`, as the handler put it aside
    assert counted.total() - aside == len(sent)
    assert counted["parked"] + aside == len(accounts.dead_letters(stack, "intake"))


def test_no_handler_failed_anywhere(stack: Stack, fuzzed: dict[str, Any]) -> None:
    for name in ("triage", "routing", "notification"):
        assert accounts.dead_letters(stack, name) == {}
    for name in stack.options.services:
        log = stack.service(name).log_path.read_text(encoding="utf-8", errors="replace")
        assert [line[:400] for line in log.splitlines() if '"level": "critical"' in line or "handler_failed" in line] == []


def test_nothing_that_was_made_up_stands_in_a_log(stack: Stack, fuzzed: dict[str, Any]) -> None:
    assert any(CANARY.encode() in (wire.value or b"") for wire in fuzzed["records"])
    for name in stack.options.services:
        log = stack.service(name).log_path.read_text(encoding="utf-8", errors="replace")
        assert log
        assert CANARY.lower() not in log.lower()


async def test_every_service_is_the_same_process_alive_and_takes_the_next_good_record(
    stack: Stack, fuzzed: dict[str, Any]
) -> None:
    assert {name: stack.service(name).pid for name in stack.options.services} == fuzzed["pids"]
    async with httpx.AsyncClient(trust_env=False) as client:
        for name in stack.options.services:
            for path in ("/livez", "/readyz"):
                answer = await client.get(f"{stack.url(name)}{path}")
                assert (answer.status_code, answer.text) == (200, "ok")
    before = set(accounts.cases_of(stack, FORCES[0]))
    (last,) = await send(stack.broker, [good_referral("northlight", "LAST")])
    await accounts.until(lambda: last.position in accounts.submissions(stack), "intake's outcome")
    assert accounts.submissions(stack)[last.position] == [("received", "")]
    await accounts.until(lambda: set(accounts.cases_of(stack, FORCES[0])) - before, "the case at its force")
    await settled(stack)
