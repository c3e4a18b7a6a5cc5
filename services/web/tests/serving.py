"""A desk on the services' own server, for what an answer in memory cannot show: streams, and stopping."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from starlette.types import ASGIApp

from conduit_chassis.health import Health
from conduit_chassis.http.server import Router, Server, create_server, listen
from conduit_chassis.settings import Settings
from conduit_local.ports import LOOPBACK


@dataclass
class Serving:
    url: str
    server: Server
    task: asyncio.Task[None]


@asynccontextmanager
async def serving(app: ASGIApp) -> AsyncIterator[Serving]:
    """Stops when it is left, if it has not been stopped before."""
    settings = Settings(kafka_bootstrap_servers="unused:9092", postgres_dsn="postgresql://unused", http_port=0)
    router = Router(Health(), app, {})
    router.serve([("/", app)])
    socket = listen(settings)
    server = create_server(settings, router)
    task = asyncio.create_task(server.serve(sockets=[socket]))
    try:
        yield Serving(f"http://{LOOPBACK}:{socket.getsockname()[1]}", server, task)
    finally:
        server.should_exit = True
        await task
