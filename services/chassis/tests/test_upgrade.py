"""A client that asks for another protocol is answered in HTTP/1.1, and nobody is advised to install anything."""

from __future__ import annotations

import asyncio
import logging

import pytest
from starlette.responses import PlainTextResponse

from conduit_chassis.health import Health
from conduit_chassis.http.server import Router, create_server
from conduit_chassis.settings import Settings


@pytest.mark.parametrize("protocol", ["h2c", "websocket", "TLS/1.3"])
async def test_an_upgrade_is_not_made_and_no_log_speaks_of_it(protocol: str, caplog: pytest.LogCaptureFixture) -> None:
    router = Router(Health(stall_seconds=1, dead_seconds=1), PlainTextResponse("own"), {})
    router.serve([("/things", PlainTextResponse("made", 201))])
    server = create_server(
        Settings(
            kafka_bootstrap_servers="nowhere:1", postgres_dsn="postgresql://nowhere", http_host="127.0.0.1", http_port=0
        ),
        router,
    )
    with caplog.at_level(logging.WARNING):
        running = asyncio.create_task(server.serve())
        while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        head = f"GET /things HTTP/1.1\r\nHost: here\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: {protocol}\r\n\r\n"
        writer.write(head.encode())
        assert (await reader.readline()).startswith(b"HTTP/1.1 201")
        writer.close()
        server.should_exit = True
        await running
    assert caplog.messages == []
