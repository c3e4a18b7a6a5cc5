"""A partner's file on a whole stack: scanned, fetched by an officer through the console, and on record twice."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import psycopg
import pytest

from conduit_chassis.clock import DOUBT_SECONDS
from conduit_contracts.kits.http import HttpKit
from conduit_contracts.meaning import content_hash
from conduit_local.demo.register_samples import register_samples
from conduit_local.stack import Options, Stack
from conduit_operate.polling import wait_until
from tests.kits.samples import fields
from tests.kits.test_attachments import credentials, scanned
from tests.security.test_deciding import Officer
from tests.support.stacks import RunStack

pytestmark = pytest.mark.long
SECONDS = 60.0
STATEMENT = b"Synthetic: what the children said.\n"


@pytest.fixture(scope="module")
def stack(run_stack: RunStack) -> Iterator[Stack]:
    options = Options(
        services=("intake", "console"),
        partner_ids=("northlight",),
        force_ids=("norfolk",),
        prepare=register_samples,
        scanner=True,
        pages=True,
    )
    with run_stack("files", options) as started:
        yield started


@pytest.fixture
async def sent(stack: Stack) -> tuple[UUID, UUID, str]:
    """A referral with a file that was scanned, and the hash that its partner has."""
    async with HttpKit("northlight", credentials(stack, "northlight")) as partner:
        referral = partner.referral("FILE-2026-0001", **fields())
        receipt = await partner.submit(referral)
        file = await partner.attach(receipt.referral_id, STATEMENT, "text/plain")
        assert await scanned(partner, file) == "available"
        return receipt.referral_id, file.attachment_id, content_hash(referral).hex()


def rows(stack: Stack, service: str, statement: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(stack.dsns[service]) as connection:
        return connection.execute(statement.encode()).fetchall()


def test_an_officer_fetches_what_the_partner_attached_and_both_services_have_it_on_record(
    stack: Stack, sent: tuple[UUID, UUID, str]
) -> None:
    referral_id, attachment_id, digest = sent
    case, file = f"/cases/{referral_id}", f"/cases/{referral_id}/files/{attachment_id}"
    with httpx.Client(trust_env=False, timeout=30) as client:
        officer = Officer(stack.url("console"), client, "officer")
        wait_until(lambda: file in officer.read(case), "the console does not hear of the file", SECONDS, lambda: None)
        assert digest in officer.read(case), "the hash that the partner has"
        assert "checked: nothing was found" in officer.read(f"{case}/files")
        answer = officer.get(file)
        assert (answer.status_code, answer.content) == (200, STATEMENT)
        assert answer.headers["content-disposition"].startswith("attachment; filename=")
        (looked,) = rows(stack, "console", "SELECT at, officer_id FROM acts WHERE what = 'fetched_file'")
        (given,) = rows(stack, "intake", "SELECT at, actor FROM history WHERE what = 'attachment_consulted'")
        assert given[1] == f"officer:{looked[1]}"
        # Two services look up the database's time, each in its own turn.
        assert looked[0] <= given[0] + timedelta(seconds=DOUBT_SECONDS), "it was on record before it was asked for"
        outside = client.get(f"{stack.url('intake')}/officers{file.replace('files', 'attachments')}")
        assert outside.status_code == 401, "nobody without the console's token"
        stack.service("intake").stop()
        answer = officer.get(file)
        assert answer.status_code == 503
        assert "The file cannot be fetched now" in answer.text
        assert re.search("does not answer", officer.read(f"{case}/files"))
        assert officer.get(case).status_code == 200, "the case's page needs no intake"
