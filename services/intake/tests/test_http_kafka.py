"""The whole of it on a real broker: uvicorn, Kafka and PostgreSQL, started as `python -m conduit_intake` starts them."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx
import psycopg

from conduit_chassis.app import serve
from conduit_chassis.testing import record
from conduit_contracts import topics
from conduit_contracts.envelope import decode
from conduit_contracts.intake import ReferralReceived
from conduit_contracts.notification import ReferralState, ReferralStatusUpdated
from conduit_intake.access import clients
from conduit_intake.app import create_service
from conduit_intake.settings import IntakeSettings
from conduit_local.ports import free_port
from conduit_operate.topics import create_topics
from services.chassis.tests.world import World, eventually
from services.intake.tests.api import body, is_documented, post, token
from services.intake.tests.conftest import POLICY_FILE
from services.intake.tests.samples import registered, sent


async def test_a_referral_sent_by_http_reaches_the_topic_and_its_state_comes_back(
    kafka_bootstrap: str, database: str
) -> None:
    partner_id = f"p{uuid4().hex[:12]}"
    create_topics(kafka_bootstrap, topics.specs((partner_id,)))
    world = World(kafka_bootstrap, database)
    port, stop = free_port(), asyncio.Event()
    settings = IntakeSettings(
        kafka_bootstrap_servers=kafka_bootstrap,
        postgres_dsn=database,
        http_port=port,
        policy_file=POLICY_FILE,
        metadata_max_age_ms=500,
        # It reads what every partner's topic holds, and here nobody registered the partners that other tests made.
        dead_letter_limit=1000,
    )
    running = asyncio.create_task(serve(create_service(), settings, stop))
    today = datetime.now(UTC).date()
    await world.send(sent(registered(partner_id, valid_to=today + timedelta(days=1)), partner_id))
    url = f"http://127.0.0.1:{port}"
    async with httpx.AsyncClient(base_url=url, event_hooks={"response": [is_documented]}) as client:

        async def ready() -> bool:
            try:
                return (await client.get("/readyz")).status_code == 200
            except httpx.TransportError:
                return False

        await eventually(ready, "readiness", 60)
        with psycopg.connect(database, autocommit=True) as connection:
            secret = clients.add(connection, partner_id, datetime.now(UTC))
        given = await token(client, partner_id, secret.text)
        client.headers["authorization"] = f"Bearer {given.json()['access_token']}"
        content = body(partner_id=partner_id, reported_at=datetime.now(UTC) - timedelta(hours=1))

        async def taken() -> httpx.Response | None:
            answer = await post(client, "/v1/referrals", content)
            return answer if answer.status_code == 202 else None

        receipt = (await eventually(taken, "the register", 30)).json()
        assert (await client.get(receipt["status_url"])).json()["state"] == "received"

        async def published() -> list[ReferralReceived]:
            found = [each for each in await world.read("intake.referrals.v1") if each.key == receipt["referral_id"].encode()]
            accept = {ReferralReceived.type: ReferralReceived}
            return [decode(each.headers, each.value, accept)[1] for each in found]  # type: ignore[misc]  # as accepted

        (event,) = await eventually(published, "ReferralReceived", 30)
        assert (event.partner_id, str(event.referral_id)) == (partner_id, receipt["referral_id"])
        update = ReferralStatusUpdated(
            partner_id=partner_id,
            partner_reference=event.partner_reference,
            referral_id=event.referral_id,
            revision=1,
            state=ReferralState.UNDER_REVIEW,
            fact="review_opened",
            happened_at=datetime.now(UTC),
        )
        await world.send(record(topics.PARTNER_UPDATES.name(partner_id), receipt["referral_id"], update))

        async def told() -> bool:
            state: str = (await client.get(receipt["status_url"])).json()["state"]
            return state == "under_review"

        await eventually(told, "the update", 30)
    stop.set()
    assert await running == 0
