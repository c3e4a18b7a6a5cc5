"""A partner's webhook endpoint: takes signed notices, and refuses whatever is not signed with its secret."""

from __future__ import annotations

import asyncio
import base64
import secrets
from pathlib import Path
from typing import Self, cast

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from conduit_local.ports import LOOPBACK
from conduit_operate.paths import write_private


class WebhookSink:
    """`async with WebhookSink(folder, name) as sink:`; makes the secret `name` in `folder` where there is none."""

    def __init__(self, folder: Path, name: str) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = folder / name
        if not path.exists():
            write_private(path, base64.b64encode(secrets.token_bytes(32)).decode())
        self._webhook = Webhook(path.read_text(encoding="ascii").strip())
        self.taken: dict[str, str] = {}
        """Bodies by the id of the notice. The same notice may come twice."""
        self.refused = 0
        self._open: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, LOOPBACK, 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for writer in self._open.values():
            writer.close()
        await asyncio.gather(*self._open)

    @property
    def url(self) -> str:
        """Where notices are to be sent."""
        return f"http://{LOOPBACK}:{self._server.sockets[0].getsockname()[1]}/notices"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = cast("asyncio.Task[None]", asyncio.current_task())
        self._open[task] = writer
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines = head.decode("latin-1").split("\r\n")[1:-2]
                headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
                body = (await reader.readexactly(int(headers.get("content-length", 0)))).decode()
                status = "204 No Content" if self._take(headers, body) else "401 Unauthorized"
                writer.write(f"HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n".encode())
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the other side is done, or this one
        finally:
            self._open.pop(task)
            writer.close()

    def _take(self, headers: dict[str, str], body: str) -> bool:
        try:
            self._webhook.verify(body, headers)
        except WebhookVerificationError:
            self.refused += 1
            return False
        self.taken[headers["webhook-id"]] = body
        return True
