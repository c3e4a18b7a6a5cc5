"""What forces may fetch: the home force, as routing says, and nobody else; each fetching stands in history."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest

from conduit_chassis import media
from conduit_chassis.testing import Harness, record
from conduit_contracts.ids import uuid7
from conduit_contracts.routing import AttachmentClosed, AttachmentOpened
from conduit_contracts.topics import INTAKE_ATTACHMENTS, ROUTING_ATTACHMENTS
from conduit_intake.access import clients
from conduit_intake.access.accounts import CASES, Client
from conduit_intake.access.clients import ClientError
from services.chassis.tests.clamd_server import EICAR, fake_clamd
from services.intake.tests.api import Api, body, code, post, referred
from services.intake.tests.samples import NORTH
from services.intake.tests.test_http_attachments import PDF, attach, scan, scanned_by

KENT, ESSEX = "kent", "essex"


@dataclass
class Case:
    """A referral with one available attachment, and clients of two forces."""

    api: Api
    intake: Harness
    partner: httpx.AsyncClient
    kent: httpx.AsyncClient
    essex: httpx.AsyncClient
    referral_id: UUID
    attachment_id: UUID

    @property
    def path(self) -> str:
        return f"/v1/cases/{self.referral_id}/attachments"

    @property
    def file(self) -> str:
        return f"{self.path}/{self.attachment_id}"

    async def open_to(self, force_id: str) -> None:
        await self._say(AttachmentOpened, force_id)

    async def close_to(self, force_id: str) -> None:
        await self._say(AttachmentClosed, force_id)

    async def _say(self, kind: type[AttachmentOpened | AttachmentClosed], force_id: str) -> None:
        message = kind(referral_id=self.referral_id, attachment_id=self.attachment_id, force_id=force_id)
        assert await self.api.intake.deliver(record(ROUTING_ATTACHMENTS.name(), str(self.referral_id), message)) == []

    async def history(self) -> list[tuple[str, str, str | None]]:
        rows = await self.intake.pool.fetch(
            "SELECT actor, what, force_id FROM history WHERE attachment_id = $1 ORDER BY id", self.attachment_id
        )
        return [tuple(row) for row in rows][2:]  # attached and scanned


@pytest.fixture
async def case(api: Api, database: str) -> AsyncIterator[Case]:
    async with fake_clamd() as clamd, scanned_by(api, database, clamd) as intake:
        partner = await api.client()
        referral_id = await referred(partner)
        before = await intake._last_id()
        answer = await attach(partner, referral_id, PDF, media.PDF)
        assert await scan(intake) == [True]
        (published,) = await intake.published(before)
        assert published.topic == INTAKE_ATTACHMENTS.name()
        forces = [await api.client(f"{force_id}.force") for force_id in (KENT, ESSEX)]
        yield Case(api, intake, partner, *forces, UUID(referral_id), UUID(answer.json()["attachment_id"]))


async def test_the_force_that_routing_names_fetches_what_the_partner_sent(case: Case) -> None:
    await case.open_to(KENT)
    (listed,) = (await case.kent.get(case.path)).json()["items"]
    assert (listed["url"], listed["size"], listed["media_type"]) == (case.file, len(PDF), media.PDF)
    answer = await case.kent.get(listed["url"])
    assert (answer.status_code, answer.content, answer.headers["content-type"]) == (200, PDF, media.PDF)
    assert answer.headers["content-disposition"] == "attachment"
    assert answer.headers["cache-control"] == "no-store"


async def test_for_any_other_force_it_is_not_there_and_neither_before_nor_after(case: Case) -> None:
    async def refused(force: httpx.AsyncClient) -> bool:
        answers = [await force.get(path) for path in (case.path, case.file)]
        return {code(answer) for answer in answers} == {(404, "attachment_not_open")}

    assert await refused(case.kent)
    await case.open_to(KENT)
    assert await refused(case.essex)
    nowhere = await case.essex.get(f"/v1/cases/{uuid4()}/attachments/{uuid4()}")
    assert nowhere.json() == (await case.essex.get(case.file)).json()
    await case.close_to(KENT)
    await case.open_to(ESSEX)
    assert await refused(case.kent)
    assert (await case.essex.get(case.file)).content == PDF


async def test_an_id_of_another_case_or_none_opens_nothing(case: Case) -> None:
    await case.open_to(KENT)
    other = f"/v1/cases/{uuid7()}/attachments/{case.attachment_id}"
    assert code(await case.kent.get(other)) == (404, "attachment_not_open")
    assert code(await case.kent.get("/v1/cases/x/attachments")) == (404, "referral_not_found")
    assert code(await case.kent.get(f"{case.path}/x")) == (404, "attachment_not_found")


async def test_who_opened_closed_and_fetched_stands_in_history_once_each(case: Case) -> None:
    await case.open_to(KENT)
    await case.open_to(KENT)
    await case.kent.get(case.file)
    await case.essex.get(case.file)
    await case.close_to(ESSEX)
    await case.close_to(KENT)
    assert await case.history() == [
        ("routing", "attachment_opened", KENT),
        (f"force:{KENT}", "attachment_fetched", KENT),
        ("routing", "attachment_closed", KENT),
    ]


async def test_a_forces_client_does_nothing_that_partners_do_and_a_partners_fetches_nothing(case: Case) -> None:
    await case.open_to(KENT)
    refused = (403, "scope_insufficient")
    for path in (case.path, case.file):
        assert code(await case.partner.get(path)) == refused
    for path in ("", f"/{case.referral_id}", f"/{case.referral_id}/attachments"):
        assert code(await case.kent.get(f"/v1/referrals{path}")) == refused
    answer = await post(case.kent, "/v1/referrals", body())
    assert code(answer) == refused
    assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]
    sandbox = await case.api.client(f"{NORTH}.sandbox")
    assert code(await sandbox.get(case.file)) == refused


async def test_a_partner_and_a_force_of_one_name_have_nothing_in_common(case: Case) -> None:
    await case.open_to(KENT)
    namesake = await case.api.client(KENT)
    assert code(await namesake.get(case.file)) == (403, "scope_insufficient")
    for force, known in ((False, [KENT]), (True, [f"{KENT}.force"])):
        listed = case.api.administer(clients.list_secrets, KENT, force=force)
        assert [each.client_id for each in listed] == known


async def test_what_is_not_available_opens_to_nobody(api: Api, database: str) -> None:
    async with fake_clamd() as clamd, scanned_by(api, database, clamd) as intake:
        partner, kent = await api.client(), await api.client(f"{KENT}.force")
        referral_id = await referred(partner)
        for content in (PDF, EICAR):
            answer = await attach(partner, referral_id, content, media.PDF if content == PDF else media.TEXT)
            if content == EICAR:
                assert await scan(intake) == [True]
            message = AttachmentOpened(
                referral_id=UUID(referral_id), attachment_id=UUID(answer.json()["attachment_id"]), force_id=KENT
            )
            await api.intake.deliver(record(ROUTING_ATTACHMENTS.name(), referral_id, message))
        assert code(await kent.get(f"/v1/cases/{referral_id}/attachments")) == (404, "attachment_not_open")
        with pytest.raises(Exception, match="only_available_ones_are_open"):
            await intake.pool.execute("UPDATE attachments SET opened_to = 'kent'")


@pytest.mark.parametrize(("client_id", "scope"), [("kent.force", "referrals"), ("kent", CASES), ("kent.x", CASES)])
async def test_a_clients_name_says_whether_it_is_a_forces(api: Api, client_id: str, scope: str) -> None:
    with pytest.raises(ClientError, match="suffix force is for forces"):
        api.secret(client_id, scope)


@pytest.mark.parametrize("row", ["('kent.force', 'kent', 'referrals'", "('kent', 'kent', 'cases'"])
async def test_the_table_holds_to_it(database: str, row: str) -> None:
    values = f"{row}, repeat('x', 16)::bytea, now())"
    with psycopg.connect(database) as connection, pytest.raises(psycopg.errors.CheckViolation):
        connection.execute(f"INSERT INTO clients (client_id, owner_id, scope, salt, created_at) VALUES {values}")  # type: ignore[arg-type]  # noqa: S608


def test_no_code_for_partners_ever_takes_a_forces_client() -> None:
    with pytest.raises(LookupError):
        _ = Client("kent.force", KENT, CASES).partner_id
    with pytest.raises(LookupError):
        _ = Client(NORTH, NORTH, "referrals").force_id
