"""The trail as auditors meet it: from a person or a case that they know by name, and never wider than they asked."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from conduit_chassis.testing import Harness, ManualClock
from conduit_console import desk
from conduit_console.desk import ActKind, DeskAct
from conduit_contracts.ids import uuid7
from services.console.tests import builders as b
from services.console.tests.builders import REFERENCE, REFERRAL
from services.console.tests.pages import ANNA, BEN, Enter

ELSEWHERE = uuid7()
LISTED = "One by one, the newest first"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime.now(UTC))


@pytest.fixture
async def held(console: Harness, clock: ManualClock) -> Harness:
    """Two cases; one officer declined one and had it named to another, and the other looked at the other case."""
    await console.deliver(*b.records(b.received(), b.received(ELSEWHERE, reference="EH-2026-0151")))
    acts = [
        (ANNA, DeskAct(ActKind.ALTERATION, "decided", REFERRAL, "decline", about=BEN)),
        (BEN, DeskAct(ActKind.CONSULTATION, "viewed_case", ELSEWHERE)),
    ]
    async with console.pool.acquire() as connection:
        for officer_id, act in acts:
            await desk.note(connection, officer_id, act, clock.now())
    return console


async def test_people_are_chosen_by_the_name_that_the_rows_show(enter: Enter) -> None:
    audrey = await enter("audrey")
    text = (await audrey.get("/trail")).text
    assert f'<option value="{ANNA}">Triage officer, days</option>' in text
    text = (await audrey.get(f"/trail?officer={ANNA}")).text
    assert f'<option value="{ANNA}" selected>' in text
    assert "declined, " in text, "what was decided and about whom are two things"


@pytest.mark.parametrize("case", [str(REFERRAL), REFERENCE, f" {REFERENCE.lower()} "], ids=["id", "reference", "as typed"])
async def test_a_case_is_found_by_its_id_or_the_partners_reference(enter: Enter, case: str) -> None:
    text = (await (await enter("audrey")).get(f"/trail?case={case}")).text
    assert LISTED in text
    assert f"/trail?case={REFERRAL}" in text
    assert str(ELSEWHERE) not in text


async def test_of_several_cases_with_one_reference_the_auditor_chooses(enter: Enter, held: Harness) -> None:
    await held.deliver(*b.records(b.received(again := uuid7())))
    text = (await (await enter("audrey")).get(f"/trail?case={REFERENCE}")).text
    assert LISTED not in text
    for each in (REFERRAL, again):
        assert f'href="/trail?case={each}"' in text


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ("case=EH-20", "No case has this id or this reference."),
        ("case=%00", "No case has this id or this reference."),
        ("kind=magic", "There is no such kind."),
        ("officer=Triage officer, nights", "There is no such account."),
        (f"officer={ANNA}&case={REFERRAL}", "or a case by itself"),
    ],
    ids=["no such case", "no id", "no such kind", "no such account", "two at once"],
)
async def test_what_cannot_be_narrowed_lists_nothing(enter: Enter, asked: str, says: str) -> None:
    text = (await (await enter("audrey")).get(f"/trail?{asked}")).text
    assert says in text
    assert LISTED not in text
    assert "Nobody did such a thing" not in text
