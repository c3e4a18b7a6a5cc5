"""However much is added to one referral, an addition costs what it adds: in steps, in bytes sent, and in memory."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest

from conduit_chassis.outbox import Outbox
from conduit_chassis.testing import Harness, record
from conduit_contracts.concerned import content
from conduit_contracts.envelope import dump
from conduit_contracts.referral import Supplement
from conduit_contracts.routing import CaseDisseminated, InformationDisseminated
from conduit_routing import follow, store
from services.routing.tests.builders import (
    Desk,
    accepted,
    acknowledged,
    informed,
    name_home,
    person,
    place,
    referral,
    supplement,
    topic_of,
)

KENT, ESSEX, SURREY = "kent", "essex", "surrey"


def addition(number: int, text: int = 1_500, persons: int = 1) -> Supplement:
    """Added information with persons who are tied to the home force's area."""
    tied = [person(f"V{number}x{each}", "L1") for each in range(persons)]
    return supplement(persons=tied, text=f"{number} ".ljust(text, "x"))


@contextmanager
def counting() -> Iterator[Callable[[], int]]:
    """Counts the calls that Python makes meanwhile, which no machine's speed changes."""
    calls = 0

    def note(_frame: Any, event: str, _argument: Any) -> None:
        nonlocal calls
        calls += event in {"call", "c_call"}

    sys.setprofile(note)
    try:
        yield lambda: calls
    finally:
        sys.setprofile(None)


def calls_of(desk: Desk, additions: int) -> int:
    message = accepted(referral([place("L1", KENT), place("L2", ESSEX), place("L3", KENT)]))
    desk.deliver(message)
    added = [informed(message.referral_id, addition(number)) for number in range(additions)]
    with counting() as calls:
        for each in added:
            desk.deliver(each)
        return calls()


def test_the_four_hundredth_addition_takes_no_more_steps_than_the_hundredth(desk: Desk) -> None:
    few, many = calls_of(desk, 100), calls_of(desk, 400)
    assert many <= 4 * few * 1.15


def test_what_is_sent_of_many_additions_is_what_they_say_and_little_more(desk: Desk) -> None:
    message = accepted(referral([place("L1", KENT), place("L2", ESSEX), place("L3", KENT)]))
    sent = desk.deliver(message, acknowledged(message.referral_id, KENT)).sent
    said = [informed(message.referral_id, addition(number, 3_900, 40)) for number in range(80)]
    for each in said:
        sent += desk.deliver(each).sent
    to_kent = sum(len(dump(each)) for topic, _, each in sent if topic == f"force.{KENT}.cases.v1")
    supplied = sum(len(dump(each)) for each in said)
    assert desk.case(message.referral_id).told.size > content.ROOMY
    assert to_kent <= 1.5 * supplied + 10 * 64_000


async def fill(routing: Harness, additions: int, text: int = 3_900, persons: int = 40) -> UUID:
    """A case of which much was told, and which Kent leads."""
    message = accepted(referral([place("L1", KENT), place("L2", ESSEX), place("L3", KENT)]))
    told = [informed(message.referral_id, addition(number, text, persons)) for number in range(additions)]
    key = str(message.referral_id)
    await routing.processor.process([record(topic_of(each), key, each) for each in (message, *told)])  # type: ignore[arg-type]
    return message.referral_id


async def test_a_force_that_joins_a_large_case_is_sent_all_of_it_without_all_of_it_in_memory(
    routing: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    referral_id = await fill(routing, 80)
    monkeypatch.setattr("conduit_chassis.outbox.MOST_WAITING", 100_000)
    monkeypatch.setattr(follow, "MOST_LINES", 10)
    waiting: list[int] = []
    add = Outbox.add

    def watched(self: Outbox, *row: Any, **more: Any) -> None:
        add(self, *row, **more)
        waiting.append(self.waiting_bytes)

    monkeypatch.setattr(Outbox, "add", watched)
    sent = await routing.deliver(record("routing.reviews.v1", str(referral_id), name_home(referral_id, SURREY)))
    to_surrey = [each.message for each in sent if each.topic == f"force.{SURREY}.cases.v1"]
    assert [type(each) for each in to_surrey] == [CaseDisseminated, *[InformationDisseminated] * 80]
    assert [each.text.split()[0] for each in to_surrey[1:]] == [str(number) for number in range(80)]
    assert max(waiting) < 150_000
    lines = await routing.pool.fetch("SELECT version FROM history WHERE referral_id = $1 ORDER BY version", referral_id)
    assert [line[0] for line in lines] == list(range(1, len(lines) + 1))


async def test_of_a_large_case_the_words_are_not_kept(routing: Harness) -> None:
    referral_id = await fill(routing, 80)
    async with routing.runtime.transaction() as (connection, _):
        cases = await store.load(connection, [referral_id])
        await store.load_content(connection, cases)
    told = cases[referral_id].told
    assert len(told.victims) == 80 * 40
    with pytest.raises(LookupError):
        _ = told.supplements


async def test_a_batch_about_many_large_cases_loads_them_a_few_at_a_time(
    routing: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [await fill(routing, 3, 3_900, 40) for _ in range(6)]
    monkeypatch.setattr("conduit_routing.batch.MOST_TOLD", 150_000)
    loaded: list[int] = []
    load = store.load_content

    async def watched(connection: Any, cases: Any) -> None:
        loaded.append(len(cases))
        await load(connection, cases)

    monkeypatch.setattr(store, "load_content", watched)
    said = [informed(referral_id, addition(number)) for number in (9, 10) for referral_id in ids]
    sent = await routing.deliver(*(record(topic_of(each), str(each.referral_id), each) for each in said))
    assert max(loaded) < 6
    assert sum(loaded) == 6
    assert all(news_of(sent, referral_id) == ["9", "10"] for referral_id in ids)


def news_of(sent: Any, referral_id: UUID) -> list[str]:
    return [
        each.message.text.split()[0]
        for each in sent
        if isinstance(each.message, InformationDisseminated)
        and each.message.text
        and each.message.referral_id == referral_id
    ]
