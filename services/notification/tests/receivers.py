"""What receives notices in tests: a real SMTP server and a real HTTP server on loopback, in this process."""

import asyncio
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from types import TracebackType
from typing import Any, Self

import uvicorn
from aiosmtpd.smtp import SMTP

Reply = Callable[[int], str]


class MailServer:
    """Takes e-mails. `on_rcpt` and `on_data` say what it answers to the n-th of their kind."""

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []
        self.raw: list[bytes] = []
        self.recipients: list[str] = []
        self.connections = 0
        self.on_rcpt: Reply = lambda _number: "250 OK"
        self.on_data: Reply = lambda _number: "250 OK"
        self.hang_up_before_mail = False
        self._rcpts = 0
        self._datas = 0
        self._sessions: list[asyncio.Transport] = []

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._session, "127.0.0.1", 0)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        self._server.close()
        self.hang_up()
        await asyncio.sleep(0.01)

    def hang_up(self) -> None:
        """End every connection."""
        for transport in self._sessions:
            transport.close()
        self._sessions.clear()

    def _session(self) -> SMTP:
        self.connections += 1
        outer = self

        class Session(SMTP):
            def connection_made(self, transport: Any) -> None:
                outer._sessions.append(transport)
                super().connection_made(transport)

        return Session(self, hostname="mail.example", enable_SMTPUTF8=False)

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:  # noqa: N802 - aiosmtpd's name
        self._rcpts += 1
        reply = self.on_rcpt(self._rcpts)
        if reply.startswith("250"):
            envelope.rcpt_tos.append(address)
        return reply

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        self._datas += 1
        reply = self.on_data(self._datas)
        if reply.startswith("250"):
            self.recipients += envelope.rcpt_tos
            self.raw.append(envelope.content)
            self.messages.append(BytesParser(EmailMessage, policy=default).parsebytes(envelope.content))
        return reply


@dataclass
class Request:
    """A request that the endpoint got."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Endpoint:
    """Takes webhooks. `on_request` gives the n-th request's status, headers and body; a body may be a generator."""

    requests: list[Request] = field(default_factory=list)
    on_request: Callable[[int], tuple[int, list[tuple[bytes, bytes]], bytes]] = lambda _number: (204, [], b"")
    hang: bool = False
    released: asyncio.Event = field(default_factory=asyncio.Event)

    async def __aenter__(self) -> Self:
        listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = listening.getsockname()[1]
        self._server = uvicorn.Server(uvicorn.Config(self._app, interface="asgi3", log_level="critical", lifespan="off"))
        self._task = asyncio.create_task(self._server.serve(sockets=[listening]))
        while not self._server.started:  # noqa: ASYNC110 - uvicorn sets a flag, not an event
            await asyncio.sleep(0.005)
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        self.released.set()
        self._server.should_exit = True
        self._server.force_exit = True
        await self._task

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}/conduit"

    async def _app(self, scope: Any, receive: Any, send: Any) -> None:
        body = (await receive())["body"]
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self.requests.append(Request(scope["path"], headers, body))
        if self.hang:
            await self.released.wait()
        status, extra, content = self.on_request(len(self.requests))
        await send({"type": "http.response.start", "status": status, "headers": extra})
        await send({"type": "http.response.body", "body": content})
