"""Stands in for a virus scanner on one machine: speaks clamd's protocol and knows EICAR's test file, and nothing else.

So that an attachment comes all the way on a laptop. It protects nobody: a real hub has clamd.
"""

from __future__ import annotations

import asyncio
import signal
import sys

from conduit_local.ports import LOOPBACK

EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
SCAN = b"zINSTREAM\0"


async def scan(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One connection, one file: chunks behind their length, and an empty one at the end."""
    try:
        if await reader.readuntil(b"\0") != SCAN:
            return
        content = bytearray()
        while size := int.from_bytes(await reader.readexactly(4), "big"):
            content += await reader.readexactly(size)
        writer.write((b"stream: Eicar-Signature FOUND" if EICAR in content else b"stream: OK") + b"\0")
        await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass  # whoever asked has gone
    finally:
        writer.close()


async def serve(port: int) -> None:
    """Until SIGTERM or SIGINT."""
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    async with await asyncio.start_server(scan, LOOPBACK, port):
        await ended.wait()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
