"""Officers read what a partner is called: as the register says it now, and its id where nobody has said it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from conduit_chassis.testing import Harness, ManualClock
from conduit_console import desk, partners
from conduit_contracts import intake
from conduit_contracts.ids import uuid7
from services.console.tests import builders as b
from services.console.tests.builders import NOW, PARTNER, REFERRAL
from services.console.tests.pages import ANNA, Enter, all_read
from services.console.tests.test_deciding import tell

NAME, RENAMED, ANOTHER = "Example Haven", "Haven and Harbour", "Example Harbour"
TASK = UUID(int=1)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime.now(UTC))


@pytest.fixture
async def held(console: Harness, clock: ManualClock) -> Harness:
    """A case of one partner, with all that lists may show of it, and one of another."""
    failed = b.notice_failed(1).model_copy(update={"audience": f"partner:{PARTNER}"})
    reported = b.fact(intake.DangerReported)
    await tell(console, clock, b.received(), b.review_opened(), b.duty(1), failed, reported)
    await desk.claim(console.pool, REFERRAL, ANNA, clock.now())
    return console


async def named(console: Harness, *partner_ids: str) -> dict[str, str]:
    async with console.pool.acquire() as connection:
        return await partners.names_of(connection, partner_ids)


async def test_the_last_word_of_the_register_holds_and_what_is_read_late_changes_nothing(console: Harness) -> None:
    await console.deliver(*b.records(b.partner(NAME), b.partner(RENAMED), b.partner(ANOTHER, "another")))
    assert await named(console, PARTNER, "another", "nobody") == {PARTNER: RENAMED, "another": ANOTHER}
    late = b.record_of(b.partner(NAME), NOW - timedelta(days=1))
    await console.deliver(late)
    assert await named(console, PARTNER) == {PARTNER: RENAMED}


async def test_a_partner_that_left_keeps_its_last_name(console: Harness) -> None:
    await console.deliver(*b.records(b.partner(NAME), b.partner(NAME, suspended=True, mous=[])))
    assert await named(console, PARTNER) == {PARTNER: NAME}
    shut_out = b.partner(PARTNER, suspended=True)
    await console.deliver(*b.records(shut_out, start=NOW + timedelta(hours=1)))
    assert await named(console, PARTNER) == {PARTNER: NAME}, "an entry without a name of its own"


PAGES = (
    *("/asked", "/asked/everybody", "/cases", "/search?q=EH-", "/notices", "/dangers", "/duties"),
    *(f"/duties/{TASK}", f"/cases/{REFERRAL}", f"/cases/{REFERRAL}/timeline", "/officers"),
    *(f"/cases/{REFERRAL}/decline?seen=0", f"/cases/{REFERRAL}/opinions/ask"),
)


async def test_every_page_says_the_name_at_the_next_read_and_the_id_before(
    enter: Enter, held: Harness, clock: ManualClock
) -> None:
    await tell(held, clock, b.received(uuid7(), reference="EH-2026-0199"))
    sue = await enter("sue")

    async def texts() -> dict[str, str]:
        return {path: (await sue.get(path)).text for path in PAGES}

    assert {path for path, text in (await texts()).items() if PARTNER not in text} == set()
    await tell(held, clock, b.partner(NAME))
    assert {path for path, text in (await texts()).items() if NAME not in text} == set()
    await tell(held, clock, b.partner(RENAMED))
    found = await texts()
    assert {path for path, text in found.items() if RENAMED not in text or NAME in text} == set()
    assert {path for path, text in found.items() if re.search(rf">\s*{PARTNER}\s*<", text)} == set()


async def test_an_auditor_chooses_between_cases_by_the_partners_name(
    enter: Enter, held: Harness, clock: ManualClock
) -> None:
    await tell(held, clock, b.received(uuid7()), b.partner(NAME))
    assert f"from {NAME}" in (await (await enter("audrey")).get(f"/trail?case={b.REFERENCE}")).text


@pytest.mark.parametrize("said", [PARTNER, NAME, "example haven", "HAVEN", " Example Haven "])
async def test_cases_are_narrowed_to_a_partner_by_its_name_or_its_id(
    enter: Enter, held: Harness, clock: ManualClock, said: str
) -> None:
    await tell(held, clock, b.partner(NAME), b.partner("Somebody Else", "somebody-else"))
    anna = await enter("anna")
    text = (await anna.get(f"/cases?narrow=1&partner={said}")).text
    assert "EH-2026-0147" in text
    assert f'name="partner" value="{NAME}"' in text
    assert "EH-2026-0147" not in (await anna.get("/cases?narrow=1&partner=somebody")).text
    await anna.get(f"/cases?narrow=1&partner={said}")
    await tell(held, clock, b.partner(RENAMED))
    assert f'name="partner" value="{RENAMED}"' in (await anna.get("/cases")).text, "what was remembered is the partner"


async def test_of_several_partners_that_are_called_so_one_is_chosen(enter: Enter, held: Harness, clock: ManualClock) -> None:
    await tell(held, clock, b.partner(NAME), b.partner(ANOTHER, "harbour"), b.partner(NAME, "second-haven"))
    anna = await enter("anna")
    text = (await anna.get("/cases?narrow=1&state=under_review&partner=example")).text
    assert "EH-2026-0147" not in text
    leads = [each.replace("&amp;", "&") for each in re.findall(r'href="(/cases\?narrow=1[^"]*partner=[^"]+)"', text)]
    assert [each.rpartition("=")[2] for each in leads] == ["harbour", PARTNER, "second-haven"]
    text = (await anna.get(leads[1])).text
    assert "EH-2026-0147" in text
    assert f'name="partner" value="{PARTNER}"' in text, "the name alone would not say which"
    assert "EH-2026-0147" in (await anna.get("/cases")).text


@pytest.mark.parametrize("said", ["nobody-such", "%00", "Nobody Such"])
async def test_a_partner_that_nobody_knows_is_said_to_be_so_and_nothing_passes_for_narrowed(
    enter: Enter, held: Harness, said: str
) -> None:
    anna = await enter("anna")
    text = (await anna.get(f"/cases?narrow=1&partner={said}")).text
    assert "No partner is called so. Give a part of its name, or its id." in text
    assert 'href="#partner"' in text
    assert "EH-2026-0147" not in text
    assert "EH-2026-0147" in (await anna.get("/cases")).text, "it is not remembered"


async def test_a_search_finds_partners_by_a_part_of_their_name(enter: Enter, held: Harness, clock: ManualClock) -> None:
    await tell(held, clock, b.partner(NAME), b.partner(ANOTHER, "harbour"))
    anna = await enter("anna")
    text = (await anna.get("/search?q=haven")).text
    assert f'href="/cases?narrow=1&amp;partner={PARTNER}"' in text
    assert f"Cases of {NAME}" in text
    assert ANOTHER not in text
    assert "No reference begins like this" not in text
    assert "No partner is called so." in (await anna.get("/search?q=nothing")).text


async def test_what_a_partner_calls_itself_is_text_and_nothing_else(enter: Enter, held: Harness, clock: ManualClock) -> None:
    await tell(held, clock, b.partner('"><script>alert(1)</script>'))
    anna = await enter("anna")
    for path in ("/asked", "/cases", f"/cases/{REFERRAL}", "/search?q=script", f"/cases?narrow=1&partner={PARTNER}"):
        text = (await anna.get(path)).text
        assert "<script>alert" not in text, path


async def test_a_rebuild_takes_no_name_away(console: Harness, clock: ManualClock) -> None:
    from services.console.tests import anew

    await console.deliver(*b.records(b.partner(NAME)))
    await anew.empty(console)
    assert await named(console, PARTNER) == {PARTNER: NAME}
    await all_read(console, clock)


def test_of_the_register_only_the_name_is_read() -> None:
    read: Any = b.read(b.record_of(b.partner(NAME))).message
    assert read.model_dump() == {"partner_id": PARTNER, "name": NAME}
