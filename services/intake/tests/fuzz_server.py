"""Intake's HTTP API on a port and an event loop of its own, and what a fuzzer must know to get past the door."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import uvicorn

from conduit_chassis.testing import ManualClock
from conduit_local.ports import LOOPBACK, free_port
from services.intake.tests.api import Api, keyed, referred
from services.intake.tests.conftest import intake_with
from services.intake.tests.samples import NORTH, NOW, registered, sent

FORCE = "kent"
OUTCOME = "sandbox-outcome"
ACTS = ("information", "withdrawal", "reconsideration", "attachments", "")
UNLIMITED = {
    "http_rate_per_second": 1e6,
    "http_burst": 1_000_000,
    "token_rate_per_second": 1e6,
    "token_burst": 1_000_000,
    "token_seconds": 3_600,
    "max_attachments": 1_000_000,
}


@dataclass
class Fuzzed:
    """Where it is, and a token and referrals of the partner whose token it is, one for each thing that can be done.

    `fetching` is a force's token, and the attachment that it may fetch; `sandbox` is the token of the partner's client
    there.
    """

    url: str
    authorization: str
    referrals: dict[str, dict[str, str]]
    fetching: dict[str, str]
    sandbox: str

    def known(self) -> str:
        """For the fuzzer's hooks, which run in another process."""
        return json.dumps({"referrals": self.referrals, "fetching": self.fetching})


@contextmanager
def serving(database: str) -> Iterator[Fuzzed]:
    """The API until the block ends."""
    ready: Future[Fuzzed] = Future()
    done = threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(_serve(database, ready, done)), daemon=True)
    thread.start()
    try:
        yield ready.result(60)
    finally:
        done.set()
        thread.join(30)


async def _serve(database: str, ready: Future[Fuzzed], done: threading.Event) -> None:
    try:
        async with intake_with(database, ManualClock(NOW), **UNLIMITED) as intake:
            service: Any = intake.runtime.service
            ((_, app),) = service.routes(intake.runtime)
            await intake.deliver(sent(registered()))
            port = free_port()
            server = uvicorn.Server(
                uvicorn.Config(app, LOOPBACK, port, lifespan="off", log_config=None, server_header=False)
            )
            task = asyncio.create_task(server.serve())
            ready.set_result(await _prepare(intake, database, f"http://{LOOPBACK}:{port}"))
            await asyncio.to_thread(done.wait)
            server.should_exit = True
            await task
    except BaseException as error:
        if not ready.done():
            ready.set_exception(error)
        raise


async def _prepare(intake: Any, database: str, url: str) -> Fuzzed:
    async with httpx.AsyncClient(base_url=url) as client:
        api = Api.__new__(Api)
        api.intake, api._dsn = intake, database
        live = client.headers["authorization"] = await _authorization(api, client, NORTH)
        made = {act: f"KNOWN-{act or 'look'}" for act in ACTS}
        ids = {act: await referred(client, partner_reference=reference) for act, reference in made.items()}
        attachment_id = await _opened(intake, client, ids["attachments"])
        force = await _authorization(api, client, f"{FORCE}.force")
        sandbox = client.headers["authorization"] = await _authorization(api, client, f"{NORTH}.sandbox")
        made[OUTCOME], ids[OUTCOME] = "KNOWN-outcome", await referred(client, partner_reference="KNOWN-outcome")
    known = {act: {"referral_id": ids[act], "partner_reference": made[act]} for act in made}
    fetching = {"authorization": force, "referral_id": ids["attachments"], "attachment_id": attachment_id}
    return Fuzzed(url, live, known, fetching, sandbox)


async def _authorization(api: Api, client: httpx.AsyncClient, client_id: str) -> str:
    secret = await asyncio.to_thread(api.secret, client_id)
    form = {"grant_type": "client_credentials"}
    for _ in range(100):
        try:
            answer = await client.post("/oauth/token", data=form, auth=(client_id, secret.text))
        except httpx.TransportError:
            await asyncio.sleep(0.05)
        else:
            return f"Bearer {answer.json()['access_token']}"
    raise TimeoutError(f"{client_id} got no token")


async def _opened(intake: Any, client: httpx.AsyncClient, referral_id: str) -> str:
    """An attachment that the force may fetch, without a scanner's delay."""
    answer = await client.post(
        f"/v1/referrals/{referral_id}/attachments", content=b"synthetic", headers=keyed() | {"content-type": "text/plain"}
    )
    attachment_id: str = answer.json()["attachment_id"]
    await intake.pool.execute(
        "UPDATE attachments SET state = 'available', decided_at = now(), next_attempt_at = NULL, opened_to = $1", FORCE
    )
    return attachment_id
