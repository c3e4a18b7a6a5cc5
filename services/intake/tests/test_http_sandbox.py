"""The sandbox: checked and answered as live, and nothing of it ever leaves or meets live referrals."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from conduit_contracts.envelope import dump
from services.intake.tests.api import Api, added, body, code, keyed, post, refer, referred
from services.intake.tests.samples import NORTH, REFERENCE, reconsideration, sent, submitted, withdrawn

TWINS = ("referrals", "supplements", "history", "standings", "updates", "attachments")
LIVE_ROWS = "SELECT (SELECT count(*) FROM referrals), (SELECT count(*) FROM supplements), (SELECT count(*) FROM submissions)"
CONSTRAINTS = """
SELECT conname, replace(pg_get_constraintdef(oid), 'sandbox.', '') FROM pg_constraint
WHERE conrelid = ($1 || '.' || $2)::regclass AND contype <> 'n' ORDER BY 2
"""
COLUMNS = """
SELECT column_name, data_type, is_nullable, column_default, is_identity FROM information_schema.columns
WHERE table_schema = $1 AND table_name = $2 ORDER BY ordinal_position
"""
INDEXES = r"""
SELECT regexp_replace(indexdef, 'INDEX \S+ ON \w+\.', '') FROM pg_indexes WHERE schemaname = $1 AND tablename = $2
"""
STORAGE = "SELECT attname, attstorage FROM pg_attribute WHERE attrelid = ($1 || '.' || $2)::regclass AND attnum > 0"
TRIGGERS = "SELECT tgname, tgtype FROM pg_trigger WHERE tgrelid = ($1 || '.' || $2)::regclass AND NOT tgisinternal"
SHAPES = {"columns": COLUMNS, "constraints": CONSTRAINTS, "indexes": INDEXES, "storage": STORAGE, "triggers": TRIGGERS}


@pytest.fixture
async def sandbox(api: Api) -> httpx.AsyncClient:
    return await api.client(f"{NORTH}.sandbox")


async def left(api: Api) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in await api.intake.pool.fetch("SELECT * FROM outbox")]


async def test_nothing_that_a_sandbox_client_does_is_published_or_stands_among_live_referrals(
    api: Api, sandbox: httpx.AsyncClient
) -> None:
    before = await left(api)
    referral_id = await referred(sandbox)
    path = f"/v1/referrals/{referral_id}"
    answers = [
        await refer(sandbox),
        await refer(sandbox, narrative="another"),
        await post(sandbox, f"{path}/information", added()),
        await post(sandbox, f"{path}/reconsideration", dump(reconsideration())),
        await sandbox.post(f"{path}/attachments", content=b"text", headers=keyed() | {"content-type": "text/plain"}),
        await post(sandbox, f"{path}/withdrawal", dump(withdrawn())),
    ]
    assert [answer.status_code for answer in answers] == [200, 409, 202, 202, 202, 202]
    assert await left(api) == before
    assert tuple(await api.intake.pool.fetchrow(LIVE_ROWS)) == (0, 0, 0)


async def test_it_says_of_itself_that_it_is_the_sandbox(sandbox: httpx.AsyncClient) -> None:
    answer = await refer(sandbox)
    shown = await sandbox.get(answer.headers["location"])
    listed = await sandbox.get("/v1/referrals")
    assert (answer.json()["sandbox"], shown.json()["sandbox"], listed.json()["items"][0]["sandbox"]) == (True, True, True)
    assert shown.json()["state"] == "received"


async def test_the_sandbox_and_live_referrals_cannot_see_each_other(
    api: Api, north: httpx.AsyncClient, sandbox: httpx.AsyncClient
) -> None:
    tried, live = await referred(sandbox), await referred(north, narrative="live")
    assert code(await north.get(f"/v1/referrals/{tried}")) == (404, "referral_not_found")
    assert code(await sandbox.get(f"/v1/referrals/{live}")) == (404, "referral_not_found")
    assert code(await post(north, f"/v1/referrals/{tried}/withdrawal", dump(withdrawn()))) == (404, "referral_not_found")
    for client, own in ((north, live), (sandbox, tried)):
        items = (await client.get("/v1/referrals", params={"partner_reference": REFERENCE})).json()["items"]
        assert [item["referral_id"] for item in items] == [own]


async def test_a_reference_tried_in_the_sandbox_is_free_for_a_live_referral_by_kafka(
    api: Api, sandbox: httpx.AsyncClient
) -> None:
    await referred(sandbox)
    (published,) = await api.intake.deliver(sent(submitted()))
    assert type(published.message).__name__ == "ReferralReceived"


async def test_the_sandbox_checks_as_live(sandbox: httpx.AsyncClient) -> None:
    assert code(await refer(sandbox, mou_reference="MOU-UNKNOWN")) == (422, "mou_unknown")
    assert code(await post(sandbox, "/v1/referrals", b"{}")) == (422, "body_invalid")
    assert code(await refer(sandbox, partner_id="southlight")) == (403, "identity_mismatch")


async def test_connections_go_back_to_live_referrals(api: Api, north: httpx.AsyncClient, sandbox: httpx.AsyncClient) -> None:
    """The pool does not reset them, so what a transaction in the sandbox sets must end with it."""
    for number in range(12):
        await referred(sandbox, partner_reference=f"S-{number}")
        await referred(north, partner_reference=f"L-{number}")
    live = {
        row["partner_reference"] for row in await api.intake.pool.fetch("SELECT partner_reference FROM public.referrals")
    }
    tried = {
        row["partner_reference"] for row in await api.intake.pool.fetch("SELECT partner_reference FROM sandbox.referrals")
    }
    assert live == {f"L-{number}" for number in range(12)}
    assert tried == {f"S-{number}" for number in range(12)}


async def test_an_error_in_the_sandbox_leaves_no_connection_in_it(
    api: Api, north: httpx.AsyncClient, sandbox: httpx.AsyncClient
) -> None:
    for _ in range(8):
        assert code(await sandbox.get("/v1/referrals/x")) == (404, "referral_not_found")
        assert code(await post(sandbox, "/v1/referrals", body(mou_reference="X"))) == (422, "mou_unknown")
    paths = {await api.intake.pool.fetchval("SELECT current_schemas(false)::text") for _ in range(6)}
    assert paths == {"{public}"}


async def test_a_table_of_the_sandbox_is_as_its_twin(api: Api) -> None:
    for table in TWINS:
        for shape, query in SHAPES.items():
            found = [await api.intake.pool.fetch(query, schema, table) for schema in ("public", "sandbox")]
            first = 1 if shape == "constraints" else 0  # their names differ
            public, twin = [{tuple(row)[first:] for row in rows} for rows in found]
            assert public == twin


async def test_what_happened_in_the_sandbox_cannot_be_changed_either(api: Api, sandbox: httpx.AsyncClient) -> None:
    await referred(sandbox)
    with pytest.raises(Exception, match="append-only"):
        await api.intake.pool.execute("DELETE FROM sandbox.history")
