"""A file's way from a partner to the force that leads, and to nobody else: on a secured stack with a real scanner."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from conduit_contracts.envelope import Message
from conduit_contracts.kits import KafkaSettings
from conduit_contracts.kits.force import Delivery, ForceKit
from conduit_contracts.kits.http import Attached, HttpKit, HttpSettings
from conduit_contracts.kits.http_force import AttachmentKit, DamagedError, RefusedError
from conduit_contracts.routing import AttachmentDisseminated, CaseDisseminated
from conduit_intake.access import clients
from conduit_local.stack import Stack
from services.chassis.tests.clamd_server import EICAR
from tests.kits.samples import fields
from tests.kits.test_on_a_stack import read_client

SECONDS = 40.0
STATEMENT = b"Synthetic: what the children said.\n"
# Two places in Bedfordshire, one in Dorset.
PLACES = [
    {"place_id": "L1", "district_code": "E06000055"},
    {"place_id": "L2", "district_code": "E06000056"},
    {"place_id": "L3", "district_code": "E06000059"},
]
HOME, OTHER = "bedfordshire", "dorset"


def credentials(stack: Stack, client_id: str) -> HttpSettings:
    with psycopg.connect(stack.dsns["intake"], autocommit=True) as connection:
        secret = clients.add(connection, client_id, datetime.now(UTC))
    return HttpSettings(stack.url("intake"), client_id, secret.text)


@contextlib.asynccontextmanager
async def hearing(stack: Stack, folder: Path, force_id: str) -> AsyncIterator[asyncio.Queue[Delivery]]:
    """What the force's connector takes in."""
    heard = asyncio.Queue[Delivery]()
    settings = KafkaSettings.from_environment(read_client(stack, f"force.{force_id}"))
    async with ForceKit(force_id, settings, folder / force_id) as kit:
        running = asyncio.create_task(kit.run(heard.put))
        yield heard
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def scanned(partner: HttpKit, attached: Attached) -> str:
    async with asyncio.timeout(SECONDS):
        while True:
            found = {each.attachment_id: each.state for each in await partner.attachments(attached.referral_id)}
            if found[attached.attachment_id] != "pending":
                return found[attached.attachment_id]
            await asyncio.sleep(0.2)


async def next_of(heard: asyncio.Queue[Delivery], kind: type, referral_id: uuid.UUID) -> Delivery:
    """The next of this kind about this case; others of it are passed over."""
    async with asyncio.timeout(SECONDS):
        while True:
            delivery = await heard.get()
            if isinstance(delivery.message, kind) and delivery.message.referral_id == referral_id:
                return delivery


async def test_the_home_force_alone_hears_of_a_clean_file_and_fetches_it(stack: Stack, tmp_path: Path) -> None:
    home_client, other_client = (credentials(stack, f"{force_id}.force") for force_id in (HOME, OTHER))
    async with (
        HttpKit("northlight", credentials(stack, "northlight")) as partner,
        hearing(stack, tmp_path, HOME) as at_home,
        hearing(stack, tmp_path, OTHER) as elsewhere,
        AttachmentKit(home_client) as files,
        AttachmentKit(other_client, retry_seconds=()) as nothing,
    ):
        referral = partner.referral(f"FILE-{uuid.uuid4().hex[:8]}", **fields(persons=[], places=PLACES))
        receipt = await partner.submit(referral)
        assert await scanned(partner, await partner.attach(receipt.referral_id, EICAR, "text/plain")) == "threat_found"
        clean = await partner.attach(receipt.referral_id, STATEMENT, "text/plain")
        assert await scanned(partner, clean) == "available"
        told = (await next_of(at_home, AttachmentDisseminated, receipt.referral_id)).message
        assert isinstance(told, AttachmentDisseminated)
        assert told.attachment_id == clean.attachment_id  # nothing was said of the other
        assert await files.fetch(told) == STATEMENT
        with pytest.raises(DamagedError):
            await files.fetch(told.model_copy(update={"sha256": "0" * 64}))
        with pytest.raises(RefusedError, match="404 attachment_not_open"):
            await nothing.fetch(told)
        await next_of(elsewhere, CaseDisseminated, receipt.referral_id)
        later = await partner.attach(receipt.referral_id, STATEMENT * 2, "text/plain")
        second = (await next_of(at_home, AttachmentDisseminated, receipt.referral_id)).message
        assert getattr(second, "attachment_id", None) == later.attachment_id
        heard = [elsewhere.get_nowait().message for _ in range(elsewhere.qsize())]
        assert not any(isinstance(each, AttachmentDisseminated) for each in heard)
    assert history(stack, clean.attachment_id) == ["attached", "available", "opened", "fetched", "fetched"]


def history(stack: Stack, attachment_id: uuid.UUID) -> list[str]:
    with psycopg.connect(stack.dsns["intake"]) as connection:
        rows = connection.execute("SELECT what FROM history WHERE attachment_id = %s ORDER BY id", [attachment_id])
        return [what.removeprefix("attachment_") for (what,) in rows]


async def test_what_is_tried_in_the_sandbox_reaches_no_force(stack: Stack, tmp_path: Path) -> None:
    """A live referral under the same reference comes after it, and is all that the force hears."""
    reference = f"TRIED-{uuid.uuid4().hex[:8]}"
    async with (
        HttpKit("northlight", credentials(stack, "northlight.sandbox")) as trying,
        HttpKit("northlight", credentials(stack, "northlight")) as live,
        hearing(stack, tmp_path, HOME) as at_home,
    ):
        referral = live.referral(reference, **fields(persons=[], places=PLACES))
        tried = await trying.submit(referral)
        assert tried.sandbox
        assert await scanned(trying, await trying.attach(tried.referral_id, STATEMENT, "text/plain")) == "available"
        receipt = await live.submit(referral)
        heard: list[Message] = []
        async with asyncio.timeout(SECONDS):
            while not heard or getattr(heard[-1], "referral_id", None) != receipt.referral_id:
                heard.append((await at_home.get()).message)
    assert receipt.referral_id != tried.referral_id
    assert tried.referral_id not in {getattr(each, "referral_id", None) for each in heard}
