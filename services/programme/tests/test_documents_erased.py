"""A document that was wrongly attached is erased on a page, and a partner's manager fetches their own agreement's."""

from __future__ import annotations

from datetime import timedelta
from hashlib import sha256

import asyncpg
import pytest

from conduit_chassis.testing import Harness, ManualClock
from conduit_contracts.ids import uuid7
from services.chassis.tests.clamd_server import FakeClamd
from services.programme.tests import experience as ex
from services.programme.tests.pages import Enter, account, change, hidden_of, send, text_of
from services.programme.tests.test_documents import LATER, PDF, address_of, attach, clamd, deeds, kept, scan
from services.web.tests.browser import Browser

__all__ = ["clamd"]
WHY = {"why": "wrong_agreement"}


async def files(held: Harness) -> int:
    async with held.pool.acquire() as connection:
        found: int = await connection.fetchval("SELECT count(*) FROM contents WHERE kind = 'file'")
        return found


async def attached(enter: Enter, held: Harness, clock: ManualClock, clamd: FakeClamd) -> tuple[Browser, str, str]:
    """A scanned document, with who attached it, its organisation and where it is fetched."""
    emma, organisation = await enter("emma", scans=True), await ex.partner_organisation(held)
    await attach(emma, organisation)
    assert await scan(held, clock, clamd)
    return emma, organisation, await address_of(held, organisation)


async def test_its_bytes_are_gone_and_its_line_says_who_and_why(
    enter: Enter, held: Harness, clock: ManualClock, clamd: FakeClamd
) -> None:
    emma, organisation, fetched = await attached(enter, held, clock, clamd)
    page = text_of((await emma.get(f"{fetched}/erase")).text)
    for seen in ("MOU-NORTHLIGHT", sha256(PDF).hexdigest(), "Engagement officer", "no, it is the one that holds", "scanned"):
        assert seen in page
    assert await files(held) == 1
    answer = await change(emma, f"{fetched}/erase", WHY)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/organisations/{organisation}")
    assert await files(held) == 0
    assert (await emma.get(fetched)).status_code == 404
    text = text_of((await emma.get(f"/organisations/{organisation}")).text)
    assert "Erased by Engagement officer on" in text
    assert "It belongs to another agreement." in text
    assert f"SHA-256 {sha256(PDF).hexdigest()}" in text
    assert await deeds(held) == ["attached_document", "viewed_document", "viewed_document", "erased_document"]
    async with held.pool.acquire() as connection:
        line = await connection.fetchrow("SELECT account, kind, why FROM acts WHERE what = 'erased_document'")
    assert tuple(line) == (account("emma"), "alteration", "wrong_agreement")
    assert (await attach(emma, organisation)).status_code == 303, "the same can be attached again"
    assert await files(held) == 1


async def test_it_asks_why_and_erases_what_was_looked_at_and_nothing_else(
    enter: Enter, held: Harness, clock: ManualClock, clamd: FakeClamd
) -> None:
    emma, organisation, fetched = await attached(enter, held, clock, clamd)
    assert (await change(emma, f"{fetched}/erase")).status_code == 400
    assert (await send(emma, f"{fetched}/erase", WHY)).status_code == 409, "without having looked"
    form = (await emma.get(f"{fetched}/erase")).text
    await attach(emma, organisation, LATER)
    second = await emma.post(f"{fetched}/erase", hidden_of(form) | WHY)
    assert (second.status_code, "This has changed since you opened the page" in second.text) == (409, True)
    assert await files(held) == 2
    assert (await change(emma, f"{fetched}/erase", WHY)).status_code == 303, "one that was replaced is erased, too"
    assert await files(held) == 1
    assert (await emma.get(f"{fetched}/erase")).status_code == 303, "there is nothing to be erased any more"


async def test_what_waits_for_its_scan_is_erased_and_no_scanner_asks_for_it(
    enter: Enter, held: Harness, clock: ManualClock, clamd: FakeClamd
) -> None:
    emma, organisation = await enter("emma", scans=True), await ex.partner_organisation(held)
    await attach(emma, organisation)
    clamd.reply = b"INSTREAM size limit exceeded. ERROR\0"
    assert not await scan(held, clock, clamd)
    assert (await change(emma, f"{await address_of(held, organisation)}/erase", WHY)).status_code == 303
    clock.advance(timedelta(hours=1))
    assert not await scan(held, clock, clamd)
    ((row,), asked) = (await kept(held), len(clamd.scanned))
    assert (row["state"], row["erased_why"], asked) == ("waiting", "wrong_agreement", 1)
    async with held.pool.acquire() as connection:
        with pytest.raises(asyncpg.CheckViolationError):
            await connection.execute("UPDATE agreement_documents SET erased_by = NULL")


async def test_nobody_erases_it_who_may_not_attach_it(
    enter: Enter, held: Harness, clock: ManualClock, clamd: FakeClamd
) -> None:
    _, organisation, fetched = await attached(enter, held, clock, clamd)
    for who in ("mara", "cara", "anna", "kim", "fred", "audrey"):
        browser = await enter(who)
        assert (await browser.get(f"{fetched}/erase")).status_code == 403, who
        assert (await send(browser, f"{fetched}/erase", WHY)).status_code == 403, who
    emma = await enter("emma")
    assert (await emma.get(f"/organisations/{organisation}/documents/{uuid7()}/erase")).status_code == 404
    assert await files(held) == 1


async def test_a_partners_manager_fetches_their_own_agreements_and_each_fetch_is_recorded(
    enter: Enter, held: Harness, clock: ManualClock, clamd: FakeClamd
) -> None:
    emma, organisation = await enter("emma", scans=True), await ex.partner_organisation(held)
    mara = await enter("mara", scans=True)
    await attach(emma, organisation)
    own = f"/ours/documents/{(await kept(held))[-1]['document_id']}"
    assert "Its signed document opens once it is scanned." in text_of((await mara.get("/ours")).text)
    assert (await mara.get(own)).status_code == 404
    await scan(held, clock, clamd)
    assert own in (await mara.get("/ours")).text
    answer = await mara.get(own)
    assert (answer.status_code, answer.content) == (200, PDF)
    assert answer.headers["content-disposition"].startswith('attachment; filename="signed-agreement-')
    async with held.pool.acquire() as connection:
        lines = await connection.fetch("SELECT account, belongs_to FROM acts WHERE what = 'fetched_document'")
    assert [tuple(each) for each in lines] == [(account("mara"), "partner.northlight")]
    theirs, missing = await (await enter("hanna")).get(own), await (await enter("hanna")).get(f"/ours/documents/{uuid7()}")
    assert theirs.status_code == missing.status_code == 404
    assert text_of(theirs.text) == text_of(missing.text)
    assert (await (await enter("kim")).get(own)).status_code == 404, "a force has no agreement here"
    assert (await (await enter("cara")).get(own)).status_code == 403


@pytest.mark.parametrize("how", ["replaced", "erased"])
async def test_what_does_not_hold_any_more_a_partner_does_not_fetch(
    enter: Enter, held: Harness, clock: ManualClock, clamd: FakeClamd, how: str
) -> None:
    emma, organisation, fetched = await attached(enter, held, clock, clamd)
    if how == "replaced":
        clock.advance(timedelta(minutes=1))
        await attach(emma, organisation, LATER)
    else:
        await change(emma, f"{fetched}/erase", WHY)
    mara = await enter("mara")
    assert (await mara.get(f"/ours/documents/{fetched.rsplit('/', 1)[1]}")).status_code == 404
    assert "Fetch the signed document" not in (await mara.get("/ours")).text
