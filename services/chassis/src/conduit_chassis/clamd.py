"""clamd's INSTREAM command over TCP: the content goes in length-prefixed chunks, one line comes back."""

import asyncio
from dataclasses import dataclass

_CHUNK = 65_536
_LONGEST_REPLY = 4_096


class ScannerError(Exception):
    """The scanner could not be reached, or did not say whether there is a threat. The content is neither clean nor not."""


@dataclass(frozen=True)
class Clamd:
    """A clamd, or anything that speaks its protocol. One connection per scan; `seconds` limits the whole of it."""

    host: str
    port: int
    seconds: float

    async def finds_threat(self, content: bytes) -> bool:
        """Whether the scanner finds a threat. The threat's name stays unread: no decision hangs on it.

        Raises:
            ScannerError: there is no verdict.
        """
        try:
            async with asyncio.timeout(self.seconds):
                reply = await self._ask(content)
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
            raise ScannerError(type(error).__name__) from None
        if reply.endswith(b" FOUND"):
            return True
        if reply == b"stream: OK":
            return False
        raise ScannerError("no verdict")

    async def _ask(self, content: bytes) -> bytes:
        reader, writer = await asyncio.open_connection(self.host, self.port, limit=_LONGEST_REPLY)
        try:
            writer.write(b"zINSTREAM\0")
            for start in range(0, len(content), _CHUNK):
                chunk = content[start : start + _CHUNK]
                writer.write(len(chunk).to_bytes(4, "big") + chunk)
                await writer.drain()
            writer.write(bytes(4))
            await writer.drain()
            return (await reader.readuntil(b"\0")).removesuffix(b"\0")
        finally:
            writer.close()
