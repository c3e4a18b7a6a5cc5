"""Lists: what is in them, in which order, and page by page without a gap or a repeat."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from conduit_chassis.testing import Harness
from conduit_console import desk
from conduit_console.queries import audit, duties, lists
from conduit_console.queries import case as cases
from conduit_console.queries.search import search
from conduit_contracts import routing
from conduit_contracts.ids import uuid7
from conduit_contracts.notification import ReferralState
from conduit_web.lists import ROWS, ListPage
from services.console.tests import builders as b
from services.console.tests.builders import HOME, NOW, OFFICER, OTHER, REFERRAL

MANY = 2 * ROWS + 3
IDS = [uuid7(NOW + timedelta(seconds=number)) for number in range(MANY)]

Pager = Callable[[Any, str | None], Awaitable[ListPage[Any]]]


def _questions(connection: Any, after: str | None) -> Any:
    return lists.questions(connection, lists.Whose.UNCLAIMED, OFFICER, after)


def _of_force(connection: Any, after: str | None) -> Any:
    return lists.cases(connection, lists.CaseFilter(force_id=HOME, state=ReferralState.WITH_FORCES), after)


def _silent(connection: Any, after: str | None) -> Any:
    return lists.silent_forces(connection, NOW + timedelta(days=1), after)


@pytest.mark.parametrize(
    "pager",
    [
        _questions,
        lists.cases,
        lists.without_force,
        _of_force,
        _silent,
        lists.failed_notices,
        duties.waiting,
        audit.who_has_what,
        audit.acts,
    ],
    ids=lambda pager: pager.__name__,
)
async def test_page_by_page_every_row_comes_once(console: Harness, pager: Callable[..., Any]) -> None:
    for number, each in enumerate(IDS):
        said = [
            b.received(each, danger=number % 7 == 0),
            b.review_opened(each, danger=number % 7 == 0),
            b.notice_failed(number, each),
        ]
        said += [b.duty(number + 1, danger=number % 7 == 0)]
        said += [] if pager is lists.without_force else [b.routed(referral_id=each), b.overdue(referral_id=each)]
        said += [b.accepted(each)] if pager is lists.without_force else []
        await console.processor.process(b.records(*said, apart=0))
    if pager in (audit.who_has_what, audit.acts):
        for each in IDS:
            await desk.claim(console.pool, each, OFFICER, NOW)
    found, after = [], None
    async with console.pool.acquire() as connection:
        for _ in range(4):
            page = await (
                pager(connection, lists.EVERY_CASE, after) if pager is lists.cases else _page(pager, connection, after)
            )
            found += page.rows
            after = page.after
            if after is None:
                break
    assert len(found) == len(set(map(repr, found))) == MANY


def _page(pager: Callable[..., Any], connection: Any, after: str | None) -> Any:
    return pager(connection, audit.EVERY_ACT, after) if pager is audit.acts else pager(connection, after)


async def test_a_timeline_goes_on_where_it_ended_with_the_time_since_the_line_before(console: Harness) -> None:
    await console.deliver(*b.records(b.received(), *[b.supplied() for _ in range(ROWS + 4)]))
    async with console.pool.acquire() as connection:
        first = await cases.timeline(connection, REFERRAL)
        second = await cases.timeline(connection, REFERRAL, first.after)
    assert (len(first.rows), len(second.rows), second.after) == (ROWS, 5, None)
    assert {step.after for step in second.rows} == {timedelta(seconds=1)}


@pytest.mark.parametrize(
    ("narrowed", "expected"),
    [
        (lists.CaseFilter(), 3),
        (lists.CaseFilter(state=ReferralState.WITH_FORCES), 2),
        (lists.CaseFilter(partner_id=b.PARTNER), 3),
        (lists.CaseFilter(partner_id=b.PARTNER, state=ReferralState.DECLINED), 1),
        (lists.CaseFilter(partner_id="nobody"), 0),
        (lists.CaseFilter(force_id=OTHER), 1),
        (lists.CaseFilter(force_id=OTHER, state=ReferralState.DECLINED), 0),
        (lists.CaseFilter(danger=True), 1),
    ],
)
async def test_cases_are_narrowed_by_one_party_and_by_state(
    console: Harness, narrowed: lists.CaseFilter, expected: int
) -> None:
    one, two, three = IDS[:3]
    said = [b.received(one, danger=True), b.routed(HOME, referral_id=one), b.received(two), b.routed(OTHER, referral_id=two)]
    await console.deliver(*b.records(*said, b.received(three), b.declined(three)))
    async with console.pool.acquire() as connection:
        assert len((await lists.cases(connection, narrowed)).rows) == expected


def test_what_no_index_answers_is_not_asked() -> None:
    for given in ({"partner_id": "a", "force_id": "b"}, {"danger": True, "state": ReferralState.DECLINED}):
        with pytest.raises(ValueError, match="narrowed"):
            lists.CaseFilter(**given)
    with pytest.raises(ValueError, match="narrowed"):
        audit.ActFilter(officer_id=OFFICER, referral_id=REFERRAL)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("eh-2026", 2),
        ("EH-2026-0001", 1),
        ("wm/0001", 1),
        (" EH-2026-0002 ", 1),
        ("eh", 0),
        ("%2026", 0),
        ("nothing-such", 0),
        ("eh-2026\0", 0),
        pytest.param(str(IDS[1]), 1, id="its id"),
        pytest.param(str(uuid7()), 0, id="another id"),
    ],
)
async def test_a_case_is_found_by_what_its_reference_begins_with(console: Harness, text: str, expected: int) -> None:
    acknowledged = b.about_force(routing.HandoffAcknowledged, HOME, IDS[0], force_reference="WM/0001")
    said = [b.received(IDS[0], reference="EH-2026-0001"), b.routed(referral_id=IDS[0]), acknowledged]
    await console.deliver(*b.records(*said, b.received(IDS[1], reference="EH-2026-0002")))
    async with console.pool.acquire() as connection:
        found, more = await search(connection, text)
    assert (len(found), more) == (expected, False)


@pytest.mark.parametrize("after", ["", "x", "W10", "WyJhIl0", "WzEsMiwzLDRd"])
async def test_an_address_that_cannot_be_read_leads_to_the_beginning(console: Harness, after: str) -> None:
    await console.deliver(*b.records(b.received(), b.review_opened(), b.notice_failed(1)))
    async with console.pool.acquire() as connection:
        assert (await lists.cases(connection, lists.EVERY_CASE, after)).rows
        assert (await _questions(connection, after)).rows
        assert (await lists.failed_notices(connection, after)).rows
    assert UUID(int=0) not in IDS
