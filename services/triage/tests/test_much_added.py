"""However much is added to one referral, an addition costs triage what it adds, and what does not fit in memory is read bit
by bit."""

import sys
from typing import Any
from uuid import UUID

import pytest

from conduit_chassis import outbox
from conduit_chassis.outbox import Outbox
from conduit_chassis.testing import Harness
from conduit_contracts.referral import Person, Pseudonymous, Role
from conduit_contracts.triage import ImmediateDangerRaised, InformationForwarded, ReferralAccepted
from conduit_triage import acts, batch, store
from services.triage.tests.builders import READER, Desk, accepting, as_record, received, supplied


def witness(number: int) -> Person:
    return Person(person_id=f"W{number}", role=Role.WITNESS, identity=Pseudonymous(pseudonym=f"Synthetic {number}"))


def addition(referral_id: UUID, number: int, text: int = 100, **changes: Any) -> Any:
    return supplied(referral_id, text=f"{number} ".ljust(text, "x"), persons=(witness(number),), **changes)


def calls_of(desk: Desk, additions: int) -> int:
    """The calls that Python makes, which no machine's speed changes."""
    referral_id = desk.open()
    batch = [READER.read(as_record(addition(referral_id, number))).content for number in range(additions)]
    calls = 0

    def note(_frame: Any, event: str, _argument: Any) -> None:
        nonlocal calls
        calls += event in {"call", "c_call"}

    sys.setprofile(note)
    try:
        desk.handle(batch)
    finally:
        sys.setprofile(None)
    return calls


def test_the_four_hundredth_addition_takes_no_more_steps_than_the_hundredth(desk: Desk) -> None:
    assert calls_of(desk, 400) <= 4 * calls_of(desk, 100) * 1.15


async def fill(triage: Harness, count: int, text: int = 3_000) -> UUID:
    message = received()
    await triage.deliver(as_record(message))
    for first in range(0, count, 50):
        said = [addition(message.referral_id, number, text) for number in range(first, min(first + 50, count))]
        await triage.deliver(*map(as_record, said))
    return message.referral_id


@pytest.mark.parametrize("danger", [False, True])
async def test_what_does_not_fit_one_event_follows_in_order_and_is_never_all_in_memory(
    triage: Harness, monkeypatch: pytest.MonkeyPatch, danger: bool
) -> None:
    monkeypatch.setattr(acts, "MOST_BYTES", 30_000)
    monkeypatch.setattr(outbox, "MOST_WAITING", 20_000)
    referral_id = await fill(triage, 60)
    waiting: list[int] = []
    add = Outbox.add

    def watched(self: Outbox, *row: Any, **more: Any) -> None:
        add(self, *row, **more)
        waiting.append(self.waiting_bytes)

    monkeypatch.setattr(Outbox, "add", watched)
    last = addition(referral_id, 60, 3_000, immediate_danger=True) if danger else accepting(referral_id)
    sent = [each.message for each in await triage.deliver(as_record(last))]
    first = next(each for each in sent if isinstance(each, ImmediateDangerRaised | ReferralAccepted))
    told = [*first.supplements, *(each.supplement for each in sent if isinstance(each, InformationForwarded))]
    assert 0 < len(first.supplements) < 10
    assert [each.text.split()[0] for each in told] == [str(number) for number in range(61 if danger else 60)]
    assert max(waiting) < 80_000


async def test_of_an_accepted_referral_no_words_are_read(triage: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    referral_id = await fill(triage, 3)
    await triage.deliver(as_record(accepting(referral_id)))
    asked: list[int] = []
    load = store.load_told

    async def watched(connection: Any, cases: Any, room: int) -> None:
        asked.append(len(cases))
        await load(connection, cases, room)

    monkeypatch.setattr(store, "load_told", watched)
    (forwarded,) = await triage.deliver(as_record(addition(referral_id, 9)))
    assert isinstance(forwarded.message, InformationForwarded)
    assert set(asked) == {0}


async def test_a_batch_about_many_large_referrals_reads_them_a_few_at_a_time(
    triage: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [await fill(triage, 3) for _ in range(6)]
    monkeypatch.setattr(batch, "MOST_TOLD", 25_000)
    asked: list[int] = []
    load = store.load_told

    async def watched(connection: Any, cases: Any, room: int) -> None:
        asked.append(len(cases))
        await load(connection, cases, room)

    monkeypatch.setattr(store, "load_told", watched)
    await triage.deliver(*(as_record(addition(referral_id, number)) for number in (8, 9) for referral_id in ids))
    assert max(asked) < 6
    assert await triage.pool.fetchval("SELECT count(*) FROM supplements") == 6 * 5
