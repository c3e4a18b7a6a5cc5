"""Attachments: what is taken, what becomes of it, and that nothing is available before it was scanned."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from conduit_chassis import media
from conduit_chassis.clamd import Clamd, ScannerError
from conduit_chassis.file_check import scanner_of
from conduit_chassis.testing import Harness, ManualClock
from conduit_contracts.envelope import dump
from conduit_contracts.intake import AttachmentCleared
from conduit_intake import scanning
from conduit_intake.api.app import create_api
from services.chassis.tests.clamd_server import EICAR, FakeClamd, fake_clamd
from services.intake.tests.api import DOCUMENT, Api, code, keyed, post, referred
from services.intake.tests.conftest import intake_with
from services.intake.tests.samples import CANARY, NORTH, registered, sent, withdrawn

PDF = b"%PDF-1.7\nsynthetic\n%%EOF\n"
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(17) + b"\x00\x00\x00\x00IEND\xaeB`\x82"
JPEG = b"\xff\xd8\xff\xe0synthetic\xff\xd9 and a camera's own data"
TEXT = "Synthetic: café\r\n".encode()
GOOD = {media.PDF: PDF, media.PNG: PNG, media.JPEG: JPEG, media.TEXT: TEXT}


@pytest.fixture
async def clamd() -> AsyncIterator[FakeClamd]:
    async with fake_clamd() as made:
        yield made


@asynccontextmanager
async def scanned_by(api: Api, database: str, clamd: FakeClamd, **more: Any) -> AsyncIterator[Harness]:
    """Intake with a scanner; the API's clients speak to it from here on."""
    settings = {"clamd_host": clamd.host, "clamd_port": clamd.port, "clamd_seconds": 2.0} | more
    async with intake_with(database, api.intake.runtime.clock, **settings) as made:
        api.app = create_api(made.runtime)
        yield made


async def attach(
    client: httpx.AsyncClient, referral_id: str, content: bytes = TEXT, media_type: str = media.TEXT, key: str | None = None
) -> httpx.Response:
    headers = keyed(key) | {"content-type": media_type}
    return await client.post(f"/v1/referrals/{referral_id}/attachments", content=content, headers=headers)


async def scan(intake: Harness, times: int = 1) -> list[bool]:
    """Let the worker take its turns on the live side."""
    live, _ = scanning.sides(intake.runtime)
    scanner = scanner_of(intake.runtime.settings)  # type: ignore[arg-type]  # intake's own
    return [await scanning.decide_next(intake.runtime, live, scanner) for _ in range(times)]


async def state(client: httpx.AsyncClient, answer: httpx.Response) -> tuple[str, str | None]:
    shown = (await client.get(answer.headers["location"])).json()
    return shown["state"], shown.get("reason")


class TestTaking:
    async def test_it_is_stored_and_pending(self, api: Api, north: httpx.AsyncClient) -> None:
        referral_id, seen = await referred(north), []
        for media_type, content in GOOD.items():
            answer = await attach(north, referral_id, content, media_type)
            assert answer.status_code == 202
            shown = answer.json()
            seen.append(shown)
            assert answer.headers["location"] == shown["url"]
            assert (shown["state"], shown["media_type"], shown["size"]) == ("pending", media_type, len(content))
            assert shown["sha256"] == hashlib.sha256(content).hexdigest()
            assert (await north.get(shown["url"])).json() == shown
        assert (await north.get(f"/v1/referrals/{referral_id}/attachments")).json() == {"items": seen}
        stored = await api.intake.pool.fetch("SELECT content FROM attachments ORDER BY attachment_id")
        assert [row["content"] for row in stored] == list(GOOD.values())

    async def test_the_same_file_again_is_the_same_attachment(self, north: httpx.AsyncClient) -> None:
        referral_id = await referred(north)
        first, again = await attach(north, referral_id), await attach(north, referral_id)
        other = await attach(north, referral_id, TEXT + b".")
        assert [each.status_code for each in (first, again, other)] == [202, 200, 202]
        assert first.json() == again.json()
        assert first.json()["attachment_id"] != other.json()["attachment_id"]

    async def test_the_same_request_again_gets_the_answer_that_it_had(self, north: httpx.AsyncClient) -> None:
        referral_id = await referred(north)
        first, again = [await attach(north, referral_id, key="1") for _ in range(2)]
        assert (again.status_code, again.content) == (202, first.content)
        assert code(await attach(north, referral_id, b"other", key="1")) == (422, "idempotency_key_reused")

    async def test_another_media_type_is_refused(self, north: httpx.AsyncClient) -> None:
        referral_id = await referred(north)
        for media_type in ["application/zip", "image/svg+xml", "text/html", "multipart/form-data", ""]:
            answer = await attach(north, referral_id, media_type=media_type)
            assert code(answer) == (415, "media_type_unsupported")
            assert answer.headers["accept"] == ", ".join(GOOD)

    @pytest.mark.parametrize("media_type", GOOD)
    @pytest.mark.parametrize("content", [*GOOD.values(), b'"/tmp/statement.pdf"', b"{}", b"\x00", b"PK\x03\x04"])
    async def test_what_is_not_of_its_media_type_is_refused_at_once_and_nothing_is_stored(
        self, api: Api, north: httpx.AsyncClient, media_type: str, content: bytes
    ) -> None:
        referral_id = await referred(north)
        fits = media.is_what_it_says(media_type, content)
        answer = await attach(north, referral_id, content, media_type, key="1")
        assert answer.status_code == (202 if fits else 422)
        if not fits:
            assert code(answer) == (422, "content_is_not_of_its_media_type")
            assert await api.intake.pool.fetchval("SELECT count(*) FROM attachments") == 0
            mended = await attach(north, referral_id, GOOD[media_type], media_type, key="1")
            assert mended.status_code == 202

    async def test_the_description_names_every_type_that_is_taken_and_no_length_of_bytes(self) -> None:
        operation = DOCUMENT["paths"]["/v1/referrals/{referral_id}/attachments"]["post"]
        taken = operation["requestBody"]["content"]
        assert list(taken) == list(media.LOOKS)
        assert {str(each["schema"]) for each in taken.values()} == {str({"type": "string", "format": "binary"})}
        assert all(
            word in operation["description"] for word in ("PDF", "PNG", "JPEG", "plain text", "UTF-8", "Content-Type")
        )

    async def test_nothing_is_no_attachment(self, north: httpx.AsyncClient) -> None:
        assert code(await attach(north, await referred(north), b"")) == (400, "body_missing")

    async def test_a_file_that_is_too_large_is_refused(self, api: Api, database: str, clamd: FakeClamd) -> None:
        async with scanned_by(api, database, clamd, max_attachment_bytes=1_024):
            client = await api.client()
            referral_id = await referred(client)
            assert (await attach(client, referral_id, b"x" * 1_024)).status_code == 202
            assert code(await attach(client, referral_id, b"x" * 1_025)) == (413, "body_too_large")

    async def test_a_referral_has_so_many_at_most(self, api: Api, database: str, clamd: FakeClamd) -> None:
        async with scanned_by(api, database, clamd, max_attachments=3):
            client = await api.client()
            referral_id = await referred(client)
            answers = [await attach(client, referral_id, b"%d" % number) for number in range(8)]
            assert sorted(answer.status_code for answer in answers) == [202] * 3 + [409] * 5
            assert {code(answer) for answer in answers if answer.status_code == 409} == {(409, "too_many_attachments")}
            assert (await attach(client, await referred(client, partner_reference="NL-2"))).status_code == 202

    async def test_a_withdrawn_referral_takes_none(self, north: httpx.AsyncClient) -> None:
        referral_id = await referred(north)
        await post(north, f"/v1/referrals/{referral_id}/withdrawal", dump(withdrawn()))
        assert code(await attach(north, referral_id)) == (409, "referral_withdrawn")

    async def test_a_suspended_partner_adds_none(self, api: Api, north: httpx.AsyncClient) -> None:
        referral_id = await referred(north)
        await api.intake.deliver(sent(registered(suspended=True)))
        assert code(await attach(north, referral_id)) == (403, "partner_suspended")

    async def test_anothers_attachment_is_not_found(self, north: httpx.AsyncClient, south: httpx.AsyncClient) -> None:
        referral_id = await referred(north)
        answer = await attach(north, referral_id)
        assert code(await south.get(answer.headers["location"])) == (404, "referral_not_found")
        path = f"/v1/referrals/{referral_id}/attachments"
        assert [code(await north.get(f"{path}/{each}")) for each in (uuid4(), "x")] == [(404, "attachment_not_found")] * 2
        other = await referred(north, partner_reference="NL-2")
        moved = answer.headers["location"].replace(referral_id, other)
        assert code(await north.get(moved)) == (404, "attachment_not_found")


class TestScanning:
    async def test_a_clean_file_is_available_and_is_published_without_a_name(
        self, api: Api, database: str, clamd: FakeClamd
    ) -> None:
        async with scanned_by(api, database, clamd) as intake:
            client = await api.client()
            referral_id = await referred(client)
            answer = await attach(client, referral_id, PDF, media.PDF)
            before = await intake._last_id()
            assert await scan(intake, 2) == [True, False]
            assert clamd.scanned == [PDF]
            assert await state(client, answer) == ("available", None)
            (published,) = await intake.published(before)
            assert published.key == referral_id
            assert published.message == AttachmentCleared.model_validate(
                {
                    "referral_id": published.message.referral_id,
                    "partner_id": NORTH,
                    "attachment_id": published.message.attachment_id,
                    "media_type": media.PDF,
                    "size": len(PDF),
                    "sha256": answer.json()["sha256"],
                }
            )
            assert str(published.message.attachment_id) == answer.json()["attachment_id"]

    async def test_a_threat_is_found_and_its_content_goes(self, api: Api, database: str, clamd: FakeClamd) -> None:
        async with scanned_by(api, database, clamd) as intake:
            client = await api.client()
            answer = await attach(client, await referred(client), EICAR)
            before = await intake._last_id()
            assert await scan(intake) == [True]
            assert await state(client, answer) == ("threat_found", "threat_found")
            assert await intake.published(before) == []
            assert await intake.pool.fetchval("SELECT content FROM attachments") is None

    @pytest.mark.parametrize("with_scanner", [True, False])
    async def test_one_that_an_earlier_release_stored_under_another_type_is_refused_unscanned(
        self, api: Api, database: str, clamd: FakeClamd, with_scanner: bool
    ) -> None:
        more = {} if with_scanner else {"clamd_host": None}
        async with scanned_by(api, database, clamd, **more) as intake:
            client = await api.client()
            answer = await attach(client, await referred(client), PNG, media.PNG)
            await intake.pool.execute("UPDATE attachments SET media_type = $1", media.PDF)
            assert await scan(intake) == [True]
            assert await state(client, answer) == ("validation_failed", "content_is_not_of_its_media_type")
            assert clamd.scanned == []
            assert await intake.pool.fetchval("SELECT content FROM attachments") is None

    async def test_without_a_scanner_it_stays_pending_and_says_so(self, api: Api, north: httpx.AsyncClient) -> None:
        answer = await attach(north, await referred(north))
        before = await api.intake._last_id()
        assert await scan(api.intake) == [False]
        assert await state(north, answer) == ("pending", "scanner_not_configured")
        assert await api.intake.published(before) == []

    @pytest.mark.parametrize("reply", [b"INSTREAM size limit exceeded. ERROR\0", b"stream: OK", b"\0", b"", b"x" * 9_999])
    async def test_without_a_verdict_it_stays_pending_and_is_tried_again(
        self, api: Api, database: str, clamd: FakeClamd, clock: ManualClock, reply: bytes
    ) -> None:
        async with scanned_by(api, database, clamd) as intake:
            client = await api.client()
            answer = await attach(client, await referred(client))
            assert await state(client, answer) == ("pending", "scan")
            clamd.reply = reply
            for _ in range(2):
                assert await scan(intake, 2) == [False, False]
                assert (await state(client, answer))[0] == "pending"
                clock.advance(timedelta(minutes=5))
            assert len(clamd.scanned) == 2
            clamd.reply = None
            assert await scan(intake) == [True]
            assert (await intake.pool.fetchval("SELECT state FROM attachments")) == "available"

    async def test_two_processes_decide_one_attachment_once(self, api: Api, database: str, clamd: FakeClamd) -> None:
        async with scanned_by(api, database, clamd) as intake:
            client = await api.client()
            referral_id = await referred(client)
            for number in range(5):
                await attach(client, referral_id, b"%d" % number)
            before = await intake._last_id()
            await asyncio.gather(*(scan(intake, 5) for _ in range(2)))
            assert len(await intake.published(before)) == 5

    async def test_a_lease_that_ran_out_leaves_one_decision(
        self, api: Api, database: str, clamd: FakeClamd, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The first process is slow; the second one has decided when it comes back."""
        async with scanned_by(api, database, clamd) as intake:
            client = await api.client()
            await attach(client, await referred(client))
            before = await intake._last_id()
            judge = scanning.judge

            async def slow(*arguments: Any) -> Any:
                monkeypatch.setattr(scanning, "judge", judge)
                clock.advance(timedelta(minutes=3))
                assert await scan(intake) == [True]
                return await judge(*arguments)

            monkeypatch.setattr(scanning, "judge", slow)
            await scan(intake)
            assert len(await intake.published(before)) == 1
            assert await intake.pool.fetchval("SELECT count(*) FROM history WHERE what = 'attachment_available'") == 1

    async def test_its_way_is_told_in_history_without_words(self, api: Api, database: str, clamd: FakeClamd) -> None:
        async with scanned_by(api, database, clamd) as intake:
            client = await api.client()
            referral_id = await referred(client)
            for content in (CANARY.encode(), EICAR):
                await attach(client, referral_id, content)
                await scan(intake)
            rows = await intake.pool.fetch(
                "SELECT actor, what, why, event_id IS NOT NULL FROM history WHERE attachment_id IS NOT NULL ORDER BY id"
            )
            assert [tuple(row) for row in rows] == [
                (f"partner:{NORTH}", "attached", "", False),
                ("scanner", "attachment_available", "", True),
                (f"partner:{NORTH}", "attached", "", False),
                ("scanner", "attachment_threat_found", "threat_found", False),
            ]
            assert await intake.pool.fetchval("SELECT count(*) FROM submissions") == 1

    async def test_the_sandboxs_are_scanned_and_not_published(self, api: Api, database: str, clamd: FakeClamd) -> None:
        async with scanned_by(api, database, clamd) as intake:
            client = await api.client(f"{NORTH}.sandbox")
            answer = await attach(client, await referred(client))
            before = await intake._last_id()
            live, sandbox = scanning.sides(intake.runtime)
            scanner = scanner_of(intake.runtime.settings)  # type: ignore[arg-type]  # intake's own
            assert await scanning.decide_next(intake.runtime, live, scanner) is False
            assert await scanning.decide_next(intake.runtime, sandbox, scanner) is True
            assert await state(client, answer) == ("available", None)
            assert await intake.published(before) == []

    async def test_the_worker_takes_what_comes(self, api: Api, database: str, clamd: FakeClamd) -> None:
        async with scanned_by(api, database, clamd) as intake:
            client = await api.client()
            answer = await attach(client, await referred(client))
            worker = asyncio.create_task(scanning.scan_attachments(intake.runtime))
            try:
                for _ in range(200):
                    await asyncio.sleep(0.05)
                    if (await state(client, answer))[0] != "pending":
                        break
            finally:
                worker.cancel()
            assert await state(client, answer) == ("available", None)


class TestTheProtocol:
    async def test_content_of_many_chunks_arrives_whole(self, clamd: FakeClamd) -> None:
        content = bytes(range(256)) * 1_000
        assert await Clamd(clamd.host, clamd.port, 5).finds_threat(content) is False
        assert clamd.scanned == [content]

    async def test_nobody_there_is_no_verdict(self, clamd: FakeClamd) -> None:
        with pytest.raises(ScannerError):
            await Clamd(clamd.host, 1, 5).finds_threat(b"x")

    async def test_a_scanner_that_says_nothing_is_not_waited_for(self) -> None:
        async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read()
            writer.close()

        async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
            host, port = server.sockets[0].getsockname()
            with pytest.raises(ScannerError, match="TimeoutError"):
                await Clamd(host, port, 0.1).finds_threat(b"x")


class TestTheForms:
    @pytest.mark.parametrize("media_type", GOOD)
    def test_each_form_is_told_from_the_others(self, media_type: str) -> None:
        assert [each for each, content in GOOD.items() if media.is_what_it_says(media_type, content)] == [media_type]

    @pytest.mark.parametrize(
        ("media_type", "content"),
        [
            (media.PDF, PDF[1:]),
            (media.PDF, b"%PDF-1.7 cut off"),
            (media.PNG, PNG[:-1]),
            (media.PNG, PNG + b"<script>"),
            (media.JPEG, JPEG[:20].replace(b"\xff\xd9", b"")[:10]),
            (media.TEXT, b"\x00"),
            (media.TEXT, b"\xff\xfe"),
            (media.TEXT, "café".encode("latin-1")),
            (media.TEXT, b"bell\x07"),
            ("application/zip", b"PK"),
        ],
    )
    def test_what_is_cut_off_or_disguised_is_refused(self, media_type: str, content: bytes) -> None:
        assert not media.is_what_it_says(media_type, content)

    def test_text_may_begin_with_a_mark(self) -> None:
        assert media.is_what_it_says(media.TEXT, b"\xef\xbb\xbftext\n")


async def test_the_table_takes_no_half_state(api: Api, north: httpx.AsyncClient) -> None:
    referral_id = await referred(north)
    columns = "state, reason, decided_at, next_attempt_at, content"
    for values in [
        "'available', NULL, now(), NULL, NULL",
        "'pending', NULL, now(), now(), 'x'",
        "'pending', NULL, NULL, NULL, 'x'",
        "'threat_found', NULL, now(), NULL, NULL",
        "'threat_found', 'threat_found', now(), NULL, 'x'",
        "'lost', NULL, now(), NULL, NULL",
    ]:
        with pytest.raises(Exception, match="check constraint"):
            await api.intake.pool.execute(
                f"INSERT INTO attachments (attachment_id, referral_id, media_type, size, sha256, received_at, {columns}) "  # noqa: S608
                f"VALUES ('{uuid4()}', '{referral_id}', 'text/plain', 1, repeat('x', 32)::bytea, now(), {values})"
            )
