"""Who has the next turn where more waits than can be sent."""

import asyncio
from collections import Counter
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conduit_notification.shares import FOLDED, WEIGHTS, DueNotice, NoticeKind, Shares, kind_of
from conduit_notification.templates import IN_DANGER, Template
from conduit_notification.turns import Turns

KINDS = st.sampled_from(NoticeKind)
WAITING = st.lists(st.tuples(KINDS, st.sampled_from("abcdef"), st.booleans()), max_size=60).map(
    lambda found: [
        DueNotice(UUID(int=number), kind, audience, (audience, "t", 0) if fold and kind is NoticeKind.REMINDER else None)
        for number, (kind, audience, fold) in enumerate(found)
    ]
)


def many(kind: NoticeKind, number: int, audience: str = "a") -> list[DueNotice]:
    return [DueNotice(uuid4(), kind, audience) for _ in range(number)]


@given(WAITING, st.integers(0, 20), st.integers(1, 5))
def test_room_is_used_and_no_audience_has_more_than_its_share(waiting: list[DueNotice], room: int, most: int) -> None:
    chosen = Shares().choose(waiting, room, {"a": most}, most)
    assert len({each.notice_id for each in chosen}) == len(chosen) <= room
    assert all(number <= most for number in Counter(each.audience for each in chosen).values())
    assert not any(each.audience == "a" for each in chosen)
    folds = [each.fold for each in chosen if each.fold]
    assert len(folds) == len(set(folds))
    left = [each for each in waiting if each not in chosen and each.fold not in folds and each.audience != "a"]
    held = Counter(each.audience for each in chosen)
    assert len(chosen) == room or all(held[each.audience] >= most for each in left)


def test_kinds_have_turns_by_their_weights_one_at_a_time_or_many_at_once() -> None:
    waiting = [each for kind in NoticeKind for each in many(kind, 100)]
    rounds = sum(WEIGHTS.values())
    for room in (1, 4, rounds):
        shares, had, left = Shares(), Counter[NoticeKind](), list(waiting)
        while sum(had.values()) < 4 * rounds:
            chosen = shares.choose(left, room, {}, 100)
            had.update(each.kind for each in chosen)
            left = [each for each in left if each not in chosen]
        for kind, weight in WEIGHTS.items():
            assert abs(had[kind] - 4 * weight) <= 2, f"{room} at a time: {had}"


def test_a_kind_that_waited_for_nothing_gets_no_arrears_and_what_it_leaves_the_others_get() -> None:
    shares = Shares()
    assert len(shares.choose(many(NoticeKind.REMINDER, 50), 40, {}, 100)) == 40
    both = [*many(NoticeKind.REMINDER, 30), *many(NoticeKind.NEW, 30)]
    had = Counter(each.kind for each in shares.choose(both, 20, {}, 100))
    assert abs(had[NoticeKind.NEW] - 16) <= 1
    assert abs(had[NoticeKind.REMINDER] - 4) <= 1


def test_the_audience_that_had_the_last_turn_of_a_kind_is_remembered() -> None:
    shares = Shares()
    shares.choose([*many(NoticeKind.NEW, 1, "b"), *many(NoticeKind.NEW, 1, "c")], 2, {}, 9)
    assert shares.after[NoticeKind.NEW] == "c"
    assert shares.after[NoticeKind.REMINDER] == ""


def test_what_is_read_by_itself_is_not_folded() -> None:
    assert not IN_DANGER.intersection(FOLDED)
    assert {kind_of(each, sandbox=False) for each in FOLDED} == {NoticeKind.REMINDER}
    assert {kind_of(each, sandbox=True) for each in Template} == {NoticeKind.SANDBOX}


@pytest.mark.parametrize("urgent", [True, False])
async def test_a_notice_of_danger_has_a_turn_while_all_others_are_taken_and_another_has_not(urgent: bool) -> None:
    turns, release, begun = Turns(2, 1), asyncio.Event(), []

    async def attempt(name: str, urgent: bool) -> None:
        async with turns.one(urgent=urgent):
            begun.append(name)
            await release.wait()

    tasks = [asyncio.create_task(attempt(name, False)) for name in ("first", "second", "third")]
    await asyncio.sleep(0.01)
    assert begun == ["first", "second"]
    tasks += [asyncio.create_task(attempt(name, urgent)) for name in ("late", "later")]
    await asyncio.sleep(0.01)
    assert begun == (["first", "second", "late"] if urgent else ["first", "second"])
    release.set()
    await asyncio.gather(*tasks)
    assert begun == ["first", "second", *(["late", "later", "third"] if urgent else ["third", "late", "later"])]


async def test_one_that_is_cancelled_while_it_waits_keeps_nobody_waiting() -> None:
    turns, release = Turns(1, 0), asyncio.Event()

    async def attempt(urgent: bool) -> None:
        async with turns.one(urgent=urgent):
            await release.wait()

    first, danger, last = (asyncio.create_task(attempt(urgent)) for urgent in (False, True, False))
    await asyncio.sleep(0.01)
    danger.cancel()
    release.set()
    await asyncio.wait_for(asyncio.gather(first, last), 5)
