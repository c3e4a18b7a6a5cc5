"""The HTTP API without a socket, and clients of it, for tests."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack
from datetime import datetime
from typing import Any
from uuid import uuid4

import httpx
import psycopg
from starlette.types import ASGIApp

from conduit_chassis.testing import Harness
from conduit_contracts.envelope import dump
from conduit_intake.access import clients
from conduit_intake.access.credentials import Secret
from conduit_intake.api.app import create_api, create_app
from conduit_intake.api.paths import Paths
from services.intake.tests.samples import NORTH, referral, supplied

JSON = {"content-type": "application/json"}
BASE = "http://hub.example"
PROBLEM = "application/problem+json"
DOCUMENT: dict[str, Any] = json.loads(create_app().state.document)
_PATHS = Paths(DOCUMENT)


class Api:
    """Clients of one running intake. `app` may be replaced by another replica on the same database."""

    def __init__(self, intake: Harness, dsn: str, stack: AsyncExitStack) -> None:
        self.intake = intake
        self.app: ASGIApp = create_api(intake.runtime)
        self._dsn = dsn
        self._stack = stack

    def secret(self, client_id: str = NORTH, scope: str | None = None, now: datetime | None = None) -> Secret:
        with psycopg.connect(self._dsn, autocommit=True) as connection:
            return clients.add(connection, client_id, now or self.intake.runtime.clock.now(), scope=scope)

    def administer(self, act: Any, *arguments: Any, **more: Any) -> Any:
        """Call one of the functions of `clients` with a connection."""
        with psycopg.connect(self._dsn, autocommit=True) as connection:
            return act(connection, *arguments, **more)

    async def anybody(self, app: ASGIApp | None = None) -> httpx.AsyncClient:
        """A client without a token."""
        transport = httpx.ASGITransport(app=app or self.app)  # type: ignore[arg-type]  # the same protocol
        made = httpx.AsyncClient(transport=transport, base_url=BASE, event_hooks={"response": [is_documented]})
        return await self._stack.enter_async_context(made)

    async def client(self, client_id: str = NORTH, app: ASGIApp | None = None) -> httpx.AsyncClient:
        """A client with a token of its own."""
        secret = await asyncio.to_thread(self.secret, client_id)
        made = await self.anybody(app)
        given = await token(made, client_id, secret.text)
        made.headers["authorization"] = f"Bearer {given.json()['access_token']}"
        return made


async def is_documented(answer: httpx.Response) -> None:
    """Every answer in every test stands in the OpenAPI document: its status, and its code where it is a problem."""
    template = _PATHS.template(answer.request.url.path)
    method = answer.request.method.lower()
    operation = DOCUMENT["paths"].get(template, {}).get("get" if method == "head" else method)
    if operation is None:
        assert template == "/openapi.json" or answer.status_code in {404, 405} or not answer.url.path.startswith("/v1")
        return
    described = operation["responses"][str(answer.status_code)]
    await answer.aread()
    if answer.headers["content-type"] == PROBLEM:
        assert answer.json()["code"] in described["content"][PROBLEM]["examples"]


async def token(client: httpx.AsyncClient, client_id: str, secret: str, **more: str) -> httpx.Response:
    form = {"grant_type": "client_credentials"} | more
    return await client.post("/oauth/token", data=form, auth=(client_id, secret))


def body(**changes: Any) -> bytes:
    """A referral as JSON."""
    return dump(referral(**changes))  # type: ignore[arg-type]  # any model can be dumped


def added(**changes: Any) -> bytes:
    """A supplement as JSON."""
    return dump(supplied(**changes).supplement)  # type: ignore[arg-type]


def keyed(key: str | None = None, **more: str) -> dict[str, str]:
    return {"idempotency-key": key or str(uuid4()), **JSON, **more}


async def post(
    client: httpx.AsyncClient, path: str, content: bytes | dict[str, Any], key: str | None = None
) -> httpx.Response:
    """POST JSON under a key, by default a new one."""
    data = json.dumps(content).encode() if isinstance(content, dict) else content
    return await client.post(path, content=data, headers=keyed(key))


async def refer(client: httpx.AsyncClient, **changes: Any) -> httpx.Response:
    return await post(client, "/v1/referrals", body(**changes))


async def referred(client: httpx.AsyncClient, **changes: Any) -> str:
    """The id of a referral just sent."""
    answer = await refer(client, **changes)
    assert answer.status_code == 202, answer.text
    referral_id: str = answer.json()["referral_id"]
    return referral_id


def code(answer: httpx.Response) -> tuple[int, str]:
    """Status and problem code. The answer is checked to be a problem through and through."""
    assert answer.headers["content-type"] == PROBLEM
    told = answer.json()
    assert told["status"] == answer.status_code
    assert told["type"].endswith(f"/{told['code']}")
    assert told["title"]
    assert told["detail"]
    assert told["origin"] in {"sender", "hub", "receiver"}
    assert isinstance(told["retryable"], bool)
    return answer.status_code, told["code"]


def fields(answer: httpx.Response) -> list[tuple[str, str]]:
    """Field and code of every error."""
    return [(error["field"], error["code"]) for error in answer.json()["errors"]]
