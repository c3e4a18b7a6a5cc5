"""A signed document opens once a scanner found nothing in it, for who keeps the relationship; each fetch has its line."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

import httpx
import pytest

from conduit_chassis.clamd import Clamd
from conduit_chassis.testing import Harness, ManualClock
from conduit_programme.organisations import documents, scanning, store
from conduit_programme.organisations.said import AgreementWords
from services.chassis.tests.clamd_server import EICAR, FakeClamd, fake_clamd
from services.programme.tests import experience as ex
from services.programme.tests.pages import Enter, account, hidden_of, send, text_of, waiting_or_done
from services.programme.tests.test_what_was_read import unnamed
from services.web.tests.browser import Browser

PDF = b"%PDF-1.7\r\nsynthetic\xff\x00 agreement\n%%EOF\n"
LATER = PDF.replace(b"synthetic", b"a later synthetic")
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(17) + b"\x00\x00\x00\x00IEND\xaeB`\x82"
FROM_HERE = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture
async def clamd() -> AsyncIterator[FakeClamd]:
    async with fake_clamd() as made:
        yield made


async def attach(browser: Browser, organisation: str, content: bytes = PDF, kind: str = "application/pdf") -> httpx.Response:
    """Attach a file to the partner's agreement, as a browser sends it."""
    hidden = hidden_of((await browser.get("/sessions")).text)
    path, files = f"/organisations/{organisation}/document?reference=MOU-NORTHLIGHT", {"document": ("a.pdf", content, kind)}
    return await browser.desk.post(path, data=hidden, files=files, headers=FROM_HERE)


async def scan(held: Harness, clock: ManualClock, clamd: FakeClamd) -> bool:
    """One turn of the worker."""
    return await scanning.decide_next(held.pool, clock, Clamd(clamd.host, clamd.port, 2.0))


async def kept(held: Harness) -> list[Any]:
    async with held.pool.acquire() as connection:
        return list(await connection.fetch("SELECT * FROM agreement_documents ORDER BY attached_at, document_id"))


async def address_of(held: Harness, organisation: str) -> str:
    """Where the last document is fetched."""
    return f"/organisations/{organisation}/documents/{(await kept(held))[-1]['document_id']}"


async def deeds(held: Harness) -> list[str]:
    async with held.pool.acquire() as connection:
        asked = "SELECT what FROM acts WHERE what LIKE '%document' ORDER BY act_id"
        return [row["what"] for row in await connection.fetch(asked)]


async def test_it_opens_once_it_is_scanned_and_not_before(
    enter: Enter, held: Harness, clock: ManualClock, clamd: FakeClamd
) -> None:
    emma, organisation = await enter("emma", scans=True), await ex.partner_organisation(held)
    assert (await attach(emma, organisation)).status_code == 303
    fetched = await address_of(held, organisation)
    assert "It waits for its scan" in text_of((await emma.get(f"/organisations/{organisation}")).text)
    assert (await emma.get(fetched)).status_code == 404
    assert await scan(held, clock, clamd)
    text = (await emma.get(f"/organisations/{organisation}")).text
    assert fetched in text
    assert f"SHA-256 {sha256(PDF).hexdigest()}" in text_of(text)
    answer = await emma.get(fetched)
    assert (answer.status_code, answer.content, clamd.scanned) == (200, PDF, [PDF])
    assert answer.headers["content-disposition"].startswith('attachment; filename="signed-agreement-')
    assert await deeds(held) == ["attached_document", "fetched_document"]
    assert not await scan(held, clock, clamd)


async def test_nobody_fetches_it_who_does_not_keep_the_relationship(
    enter: Enter, held: Harness, clock: ManualClock, clamd: FakeClamd
) -> None:
    organisation = await ex.partner_organisation(held)
    await attach(await enter("emma"), organisation)
    await scan(held, clock, clamd)
    for who in ("mara", "anna", "kim", "fred", "audrey"):
        browser = await enter(who)
        assert (await browser.get(await address_of(held, organisation))).status_code == 403, who
        assert (await attach(browser, organisation, LATER)).status_code == 403, who
    assert await deeds(held) == ["attached_document"]


async def test_without_a_scanner_it_stays_unscanned_and_closed(enter: Enter, held: Harness) -> None:
    emma, organisation = await enter("emma"), await ex.partner_organisation(held)
    await attach(emma, organisation)
    assert (
        "No scanner is set up here"
        in (await emma.get(f"/organisations/{organisation}/document?reference=MOU-NORTHLIGHT")).text
    )
    text = text_of((await emma.get(f"/organisations/{organisation}")).text)
    assert "not scanned" in text
    assert "No scanner is set up here, so it cannot be opened." in text
    assert (await emma.get(await address_of(held, organisation))).status_code == 404


async def test_what_a_scanner_finds_something_in_is_gone(
    enter: Enter, held: Harness, clock: ManualClock, clamd: FakeClamd
) -> None:
    emma, organisation = await enter("emma", scans=True), await ex.partner_organisation(held)
    await attach(emma, organisation, b"%PDF-1.7\n" + EICAR + b"\n%%EOF\n")
    assert await scan(held, clock, clamd)
    assert "The scanner found something in it." in text_of((await emma.get(f"/organisations/{organisation}")).text)
    assert (await emma.get(await address_of(held, organisation))).status_code == 404
    async with held.pool.acquire() as connection:
        assert await connection.fetchval("SELECT count(*) FROM contents WHERE kind = 'file'") == 0


async def test_a_scanner_that_does_not_answer_is_asked_again(
    enter: Enter, held: Harness, clock: ManualClock, clamd: FakeClamd
) -> None:
    emma, organisation = await enter("emma", scans=True), await ex.partner_organisation(held)
    await attach(emma, organisation)
    clamd.reply = b"INSTREAM size limit exceeded. ERROR\0"
    assert [await scan(held, clock, clamd) for _ in range(2)] == [False, False]
    clock.advance(timedelta(minutes=3))
    assert not await scan(held, clock, clamd)
    assert len(clamd.scanned) == 2
    assert "The scanner does not answer." in text_of((await emma.get(f"/organisations/{organisation}")).text)
    clamd.reply = None
    clock.advance(timedelta(minutes=5))
    assert await scan(held, clock, clamd)
    assert (await kept(held))[0]["state"] == "clean"


@pytest.mark.parametrize(
    ("content", "kind", "problem"),
    [
        pytest.param(b"", "application/octet-stream", documents.NO_FILE, id="no file"),
        pytest.param(b"Synthetic", "text/plain", documents.WRONG_KIND, id="text"),
        pytest.param(b"<svg/>", "image/svg+xml", documents.WRONG_KIND, id="a picture that can act"),
        pytest.param(PNG, "application/pdf", documents.DISGUISED, id="a picture called a PDF"),
        pytest.param(PDF, "image/png", documents.DISGUISED, id="a PDF called a picture"),
        pytest.param(PDF.ljust(documents.MOST_BYTES + 1), "application/pdf", documents.TOO_LARGE, id="too large"),
    ],
)
async def test_what_is_no_document_is_not_kept(enter: Enter, held: Harness, content: bytes, kind: str, problem: str) -> None:
    answer = await attach(await enter("emma"), await ex.partner_organisation(held), content, kind)
    assert (answer.status_code, problem in answer.text) == (400, True)
    assert (await kept(held), await deeds(held)) == ([], [])


async def test_what_is_far_too_large_is_not_even_read(enter: Enter, held: Harness) -> None:
    answer = await attach(await enter("emma"), await ex.partner_organisation(held), bytes(3 * documents.MOST_BYTES))
    assert (answer.status_code, await kept(held)) == (413, [])


async def test_where_its_hash_is_noted_no_other_document_is_taken_for_it(enter: Enter, held: Harness) -> None:
    emma, organisation = await enter("emma"), await ex.partner_organisation(held)
    noted = {"document_sha256": sha256(PDF).hexdigest()}
    assert (
        await send(emma, f"/organisations/{organisation}/agreement", noted, reference="MOU-NORTHLIGHT")
    ).status_code == 303
    answer = await attach(emma, organisation, LATER)
    assert (answer.status_code, documents.ANOTHER in answer.text) == (400, True)
    assert (await attach(emma, organisation)).status_code == 303


async def test_what_somebody_notes_of_an_agreement_while_its_document_is_attached_stays(
    enter: Enter, held: Harness, clock: ManualClock
) -> None:
    emma, organisation = await enter("emma"), await ex.partner_organisation(held)
    async with held.pool.acquire() as watching, held.pool.acquire() as other, other.transaction():
        found = await store.hold(other, UUID(organisation))
        assert found is not None
        (agreement,) = await store.agreements(other, [found.organisation_id])
        attaching = asyncio.create_task(attach(emma, organisation))
        await waiting_or_done(watching, attaching)
        said = AgreementWords(parties="Synthetic parties")
        await store.put_agreement(other, agreement, said, account("lena"), clock.now())
    assert (await attaching).status_code == 303
    assert "Synthetic parties" in (await emma.get(f"/organisations/{organisation}")).text
    assert (len(await kept(held)), await unnamed(held)) == (1, 0)


async def test_what_was_replaced_keeps_its_line(enter: Enter, held: Harness, clock: ManualClock, clamd: FakeClamd) -> None:
    emma, organisation = await enter("emma", scans=True), await ex.partner_organisation(held)
    await attach(emma, organisation)
    first = await address_of(held, organisation)
    clock.advance(timedelta(minutes=1))
    await attach(emma, organisation, LATER)
    assert (await attach(emma, organisation, LATER)).status_code == 303
    assert [row["replaced_at"] is None for row in await kept(held)] == [False, True]
    assert [await scan(held, clock, clamd) for _ in range(2)] == [True, True]
    text = (await emma.get(f"/organisations/{organisation}")).text
    now, before = text.split("Earlier documents")
    assert sha256(LATER).hexdigest() in now
    assert sha256(PDF).hexdigest() in before
    assert "Replaced on" in before
    assert (await emma.get(first)).content == PDF
    assert await deeds(held) == ["attached_document", "attached_document", "fetched_document"]


async def test_what_became_part_of_another_brings_its_documents(
    enter: Enter, held: Harness, clock: ManualClock, clamd: FakeClamd
) -> None:
    emma, organisation = await enter("emma"), await ex.partner_organisation(held)
    await attach(emma, organisation)
    await scan(held, clock, clamd)
    async with held.pool.acquire() as connection:
        other = str(
            await connection.fetchval("SELECT organisation_id FROM organisations WHERE partner_id = 'harbour-trust'")
        )
    assert (await emma.get(await address_of(held, other))).status_code == 404
    await send(emma, f"/organisations/{organisation}/merge", {"into": other})
    assert (await emma.get(await address_of(held, other))).content == PDF
