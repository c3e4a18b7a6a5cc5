"""A scanner that speaks clamd's protocol over TCP, for tests. It finds EICAR's test file, and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"


@dataclass
class FakeClamd:
    """`reply` stands for a verdict where it is set."""

    host: str = ""
    port: int = 0
    reply: bytes | None = None
    scanned: list[bytes] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            assert await reader.readuntil(b"\0") == b"zINSTREAM\0"
            content = b""
            while size := int.from_bytes(await reader.readexactly(4), "big"):
                content += await reader.readexactly(size)
            self.scanned.append(content)
            verdict = b"stream: Eicar-Signature FOUND" if EICAR in content else b"stream: OK"
            writer.write(verdict + b"\0" if self.reply is None else self.reply)
            await writer.drain()
        finally:
            writer.close()


@asynccontextmanager
async def fake_clamd() -> AsyncIterator[FakeClamd]:
    clamd = FakeClamd()
    server = await asyncio.start_server(clamd.serve, "127.0.0.1", 0)
    async with server:
        clamd.host, clamd.port = server.sockets[0].getsockname()[:2]
        yield clamd
