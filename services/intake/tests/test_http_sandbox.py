"""The sandbox: checked and answered as live, every outcome on request, and nothing of it ever meets live referrals."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from conduit_chassis.periodic import run_tick
from conduit_chassis.testing import ManualClock, Published, record
from conduit_contracts.envelope import dump
from conduit_contracts.ids import uuid7
from conduit_contracts.intake import SandboxOutcome, SandboxStepPlayed, SandboxSubmissionRejected
from conduit_contracts.notification import ReferralState, ReferralStatusUpdated, SandboxStatusUpdated
from conduit_contracts.topics import INTAKE_SANDBOX, NOTIFICATION_SANDBOX
from conduit_intake.problems import REFUSALS
from conduit_intake.sandbox_sweep import FORGET_BATCH, KEPT_FOR
from services.intake.tests.api import Api, added, body, code, keyed, post, refer, referred
from services.intake.tests.samples import CANARY, NORTH, NOW, REFERENCE, SOUTH, reconsideration, sent, submitted, withdrawn

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
    assert [answer.json()["code"] for answer in answers if answer.status_code == 409] == ["reference_reused"]
    rows = [row for row in await left(api) if row not in before]
    assert {row[2] for row in rows} == {"intake.sandbox.v1"}
    assert CANARY not in str(rows)
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


async def ask(client: httpx.AsyncClient, referral_id: str, outcome: str, **more: Any) -> httpx.Response:
    return await post(client, f"/v1/referrals/{referral_id}/sandbox-outcome", {"outcome": outcome, **more})


async def tried(api: Api) -> list[Published]:
    """Everything that left the sandbox so far."""
    return [each for each in await api.intake.published() if each.topic == INTAKE_SANDBOX.name()]


async def steps(api: Api) -> list[str]:
    return [each.message.step.value for each in await tried(api) if isinstance(each.message, SandboxStepPlayed)]


async def test_an_outcome_is_told_with_all_that_lies_between_and_with_what_is_possible_next(
    api: Api, sandbox: httpx.AsyncClient
) -> None:
    referral_id = await referred(sandbox)
    answer = await ask(sandbox, referral_id, "declined", reason="duplicate")
    assert answer.status_code == 202
    told = answer.json()
    assert (told["outcome"], told["facts"]) == ("declined", ["review_opened", "referral_declined"])
    assert (told["possible"], told["sandbox"], told["status_url"]) == (["refused"], True, f"/v1/referrals/{referral_id}")
    assert await steps(api) == ["referral_received", "review_opened", "referral_declined"]
    assert [each.message.reason for each in await tried(api)][-1] == "duplicate"
    assert {(each.key, each.message.partner_id) for each in await tried(api)} == {(referral_id, NORTH)}


async def test_a_whole_life_goes_from_step_to_step_and_what_the_partner_does_has_its_own_effect(
    api: Api, sandbox: httpx.AsyncClient
) -> None:
    referral_id = await referred(sandbox)
    for outcome in ("information_requested", None, "accepted", "force_received", "force_acknowledged"):
        answer = await (
            post(sandbox, f"/v1/referrals/{referral_id}/information", added())
            if outcome is None
            else ask(sandbox, referral_id, outcome)
        )
        assert answer.status_code == 202, answer.text
    await post(sandbox, f"/v1/referrals/{referral_id}/withdrawal", dump(withdrawn()))
    assert await steps(api) == [
        *("referral_received", "review_opened", "information_requested", "information_supplied"),
        *("referral_accepted", "case_routed", "handoff_received", "handoff_acknowledged", "case_handed_over"),
        *("referral_withdrawn", "case_withdrawn"),
    ]


@pytest.mark.parametrize("outcome", SandboxOutcome)
async def test_every_outcome_can_be_had(api: Api, sandbox: httpx.AsyncClient, outcome: SandboxOutcome) -> None:
    referral_id = await referred(sandbox)
    before = "no_force" if outcome == "force_named" else "accepted" if outcome.startswith("force_") else None
    if before:
        await ask(sandbox, referral_id, before)
    assert (await ask(sandbox, referral_id, outcome)).status_code == 202


async def test_what_could_not_happen_to_a_real_referral_is_refused_with_what_is_possible_now(
    api: Api, sandbox: httpx.AsyncClient
) -> None:
    referral_id = await referred(sandbox)
    await ask(sandbox, referral_id, "declined")
    before = await left(api)
    answer = await ask(sandbox, referral_id, "accepted")
    assert code(answer) == (409, "outcome_not_possible")
    (error,) = answer.json()["errors"]
    assert (error["field"], error["message"]) == (
        "outcome",
        "This cannot happen to a referral in this state. Possible now: refused.",
    )
    assert await left(api) == before
    await post(sandbox, f"/v1/referrals/{referral_id}/reconsideration", dump(reconsideration()))
    assert (await ask(sandbox, referral_id, "accepted")).status_code == 202


async def test_a_reason_or_a_force_that_does_not_fit_is_refused_with_those_that_do(sandbox: httpx.AsyncClient) -> None:
    referral_id = await referred(sandbox)
    refused = [
        await ask(sandbox, referral_id, "declined", reason="bored"),
        await ask(sandbox, referral_id, "accepted", reason="not_complex"),
        await ask(sandbox, referral_id, "declined", force_id="essex"),
    ]
    await ask(sandbox, referral_id, "accepted")
    refused.append(await ask(sandbox, referral_id, "force_received", force_id="essex"))
    assert [code(each) for each in refused] == [(409, "outcome_not_possible")] * 4
    fields = [error["field"] for each in refused for error in each.json()["errors"]]
    assert fields == ["reason", "reason", "force_id", "force_id"]
    assert "not_complex" in refused[0].text
    assert "bored" not in refused[0].text
    assert code(await ask(sandbox, referral_id, "eaten")) == (422, "body_invalid")


async def test_no_live_client_may_ask_for_an_outcome_whatever_it_names(
    api: Api, north: httpx.AsyncClient, sandbox: httpx.AsyncClient
) -> None:
    live, tried_id = await referred(north), await referred(sandbox)
    before = await left(api)
    for referral_id in (live, tried_id):
        assert code(await ask(north, referral_id, "accepted")) == (403, "sandbox_only")
    assert code(await post(north, f"/v1/referrals/{live}/sandbox-outcome", b"not json")) == (403, "sandbox_only")
    assert code(await ask(sandbox, live, "accepted")) == (404, "referral_not_found")
    other = await api.client(f"{SOUTH}.sandbox")
    assert code(await ask(other, tried_id, "accepted")) == (404, "referral_not_found")
    assert await left(api) == before


async def test_an_outcome_asked_for_again_under_its_key_happens_once(api: Api, sandbox: httpx.AsyncClient) -> None:
    referral_id = await referred(sandbox)
    path, body_of_it = f"/v1/referrals/{referral_id}/sandbox-outcome", {"outcome": "information_requested"}
    first, again = [await post(sandbox, path, body_of_it, "the-same-key") for _ in range(2)]
    assert (first.status_code, first.json()) == (again.status_code, again.json())
    assert again.headers["idempotent-replayed"] == "true"
    assert await steps(api) == ["referral_received", "review_opened", "information_requested"]


@pytest.mark.parametrize("reason", [None, *REFUSALS])
async def test_a_refusal_on_request_leaves_the_referral_as_it_was(
    api: Api, sandbox: httpx.AsyncClient, reason: str | None
) -> None:
    referral_id = await referred(sandbox)
    answer = await ask(sandbox, referral_id, "refused", **({"reason": reason} if reason else {}))
    assert (answer.status_code, answer.json()["facts"]) == (202, [])
    told = (await tried(api))[-1].message
    assert isinstance(told, SandboxSubmissionRejected)
    assert (str(told.referral_id), told.problems[0].code) == (referral_id, reason or "partner_suspended")


async def test_a_refusal_by_a_rule_is_told_as_live(api: Api, sandbox: httpx.AsyncClient) -> None:
    assert code(await refer(sandbox, mou_reference="MOU-UNKNOWN")) == (422, "mou_unknown")
    (told,) = await tried(api)
    assert (told.key, told.message.problems[0].code) == (f"{NORTH}:{REFERENCE}", "mou_unknown")


async def test_a_referral_that_an_earlier_release_took_begins_with_its_receipt(api: Api, sandbox: httpx.AsyncClient) -> None:
    referral_id = await referred(sandbox, immediate_danger=True)
    await api.intake.pool.execute("DELETE FROM sandbox.lives")
    before = len(await steps(api))
    await ask(sandbox, referral_id, "under_review")
    assert (await steps(api))[before:] == [
        *("referral_received", "immediate_danger_raised", "case_routed", "review_opened"),
    ]


def told(referral_id: str, revision: int, **fields: Any) -> SandboxStatusUpdated:
    update = ReferralStatusUpdated(
        partner_id=NORTH,
        partner_reference=REFERENCE,
        referral_id=uuid.UUID(referral_id),
        revision=revision,
        happened_at=NOW,
        **fields,
    )
    return SandboxStatusUpdated(referral_id=update.referral_id, partner_id=NORTH, update=update)


async def test_updates_of_the_sandbox_are_shown_there_and_nowhere_else(
    api: Api, north: httpx.AsyncClient, sandbox: httpx.AsyncClient
) -> None:
    referral_id = await referred(sandbox)
    received = told(referral_id, 1, state=ReferralState.RECEIVED, fact="referral_received")
    asked = told(referral_id, 2, state=ReferralState.INFORMATION_REQUESTED, fact="information_requested", comment="Words.")
    await api.intake.deliver(
        *(record(NOTIFICATION_SANDBOX.name(), referral_id, each) for each in (asked, received))  # in any order
    )
    shown = (await sandbox.get(f"/v1/referrals/{referral_id}")).json()
    assert (shown["state"], shown["revision"], shown["sandbox"]) == ("information_requested", 2, True)
    assert [(each["fact"], each.get("comment")) for each in shown["updates"]] == [
        ("referral_received", None),
        ("information_requested", "Words."),
    ]
    listed = (await sandbox.get("/v1/referrals", params={"state": "information_requested"})).json()["items"]
    assert [item["referral_id"] for item in listed] == [referral_id]
    assert code(await north.get(f"/v1/referrals/{referral_id}")) == (404, "referral_not_found")
    live = await api.intake.pool.fetchrow("SELECT (SELECT count(*) FROM public.updates), (SELECT count(*) FROM standings)")
    assert tuple(live) == (0, 0)


async def test_a_second_look_asked_for_too_early_may_be_asked_for_again(api: Api, sandbox: httpx.AsyncClient) -> None:
    referral_id = await referred(sandbox)
    path = f"/v1/referrals/{referral_id}/reconsideration"
    assert (await post(sandbox, path, dump(reconsideration()))).status_code == 202
    refusal = told(
        referral_id,
        4,
        state=ReferralState.UNDER_REVIEW,
        fact="reconsideration_refused",
        reason="not_declined_but_under_review",
    )
    assert code(await post(sandbox, path, dump(reconsideration()))) == (409, "reconsideration_already_requested")
    await api.intake.deliver(record(NOTIFICATION_SANDBOX.name(), referral_id, refusal))
    await ask(sandbox, referral_id, "declined")
    assert (await post(sandbox, path, dump(reconsideration()))).status_code == 202


COPY = """
INSERT INTO sandbox.referrals
    (referral_id, partner_id, partner_reference, content_hash, received_at, place_ids, person_ids, body)
SELECT $1, partner_id, $2, content_hash, received_at, place_ids, person_ids, body FROM sandbox.referrals LIMIT 1
"""
HELD = ("referrals", "supplements", "attachments", "lives", "updates", "standings")


async def held(api: Api, schema: str = "sandbox") -> dict[str, int]:
    tables = [each for each in HELD if schema == "sandbox" or each != "lives"]
    return {each: await api.intake.pool.fetchval(f"SELECT count(*) FROM {schema}.{each}") for each in tables}  # noqa: S608


async def sweep(api: Api) -> None:
    tick = next(each for each in api.intake.runtime.service.ticks if each.name == "forget_sandbox")
    while (await run_tick(api.intake.runtime, tick) or 0) >= tick.batch:
        """As often as the service itself would."""


async def test_what_was_tried_goes_after_thirty_days_with_all_of_it_and_nothing_live_does(
    api: Api, clock: ManualClock
) -> None:
    clock.advance(datetime.now(UTC) - clock.now())  # an id has the machine's time in it
    north, sandbox = await api.client(NORTH), await api.client(f"{NORTH}.sandbox")
    for client in (north, sandbox):
        referral_id = await referred(client)
        path = f"/v1/referrals/{referral_id}"
        await post(client, f"{path}/information", added())
        await client.post(f"{path}/attachments", content=b"text", headers=keyed() | {"content-type": "text/plain"})
    await ask(sandbox, referral_id, "accepted")
    received = told(referral_id, 1, state=ReferralState.RECEIVED, fact="referral_received")
    await api.intake.deliver(record(NOTIFICATION_SANDBOX.name(), referral_id, received))
    live, filled = await held(api, "public"), await held(api)
    assert all(filled.values()), filled
    clock.advance(KEPT_FOR - timedelta(minutes=1))
    await sweep(api)
    assert await held(api) == filled
    clock.advance(timedelta(minutes=2))
    await api.intake.pool.execute(COPY, uuid7(clock.now()), "NL-2")
    await sweep(api)
    assert await held(api) == dict.fromkeys(HELD, 0) | {"referrals": 1}
    assert await held(api, "public") == live
    await api.intake.deliver(record(NOTIFICATION_SANDBOX.name(), referral_id, received))
    await sweep(api)
    assert (await held(api))["updates"] == 0
    assert (await refer(await api.client(f"{NORTH}.sandbox"))).status_code == 202, "the reference is free again"


async def test_much_that_was_tried_goes_bit_by_bit(api: Api, clock: ManualClock) -> None:
    clock.advance(datetime.now(UTC) - clock.now())
    await referred(await api.client(f"{NORTH}.sandbox"))
    moment = clock.now()
    more = [(uuid7(moment), f"NL-{number + 10}") for number in range(FORGET_BATCH + 20)]
    await api.intake.pool.executemany(COPY, more)
    clock.advance(KEPT_FOR + timedelta(minutes=1))
    await sweep(api)
    assert await held(api) == dict.fromkeys(HELD, 0)
