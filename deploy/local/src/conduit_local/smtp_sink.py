"""A real SMTP server that keeps every message as a file and delivers none.

`python -m conduit_local.smtp_sink FOLDER PORT`. A file appears under its final name only when it is complete. So that
refusals can be tried, recipients at a domain beginning with `bounce.` are refused for good (550), at `defer.` for now (451).
A message for one at `slow.` is taken after two seconds, as a mail server at its limits would.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import sys
import time
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default as modern
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

from conduit_local.ports import LOOPBACK

MAX_BYTES = 2 * 1024 * 1024
SLOW_SECONDS = 2.0


class FolderHandler:
    """aiosmtpd calls these by name for each recipient and each message."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = itertools.count()
        (folder / "tmp").mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)  # what is written to forces and partners is nobody else's; also where the folder stood before

    async def handle_RCPT(  # noqa: N802  aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        domain = address.rpartition("@")[2]
        if domain.startswith("bounce."):
            return "550 5.1.1 no such mailbox"
        if domain.startswith("defer."):
            return "451 4.3.0 try again later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802  aiosmtpd's name
        if any(address.rpartition("@")[2].startswith("slow.") for address in envelope.rcpt_tos):
            await asyncio.sleep(SLOW_SECONDS)
        # Sorted by name is sorted by arrival, across restarts too.
        name = f"{time.time_ns():020d}-{os.getpid()}-{next(self._numbers)}.eml"
        recipients = ", ".join(envelope.rcpt_tos)
        head = f"X-Envelope-From: {envelope.mail_from}\r\nX-Envelope-To: {recipients}\r\n".encode()
        content = envelope.content or b""
        draft = self._folder / "tmp" / name
        draft.write_bytes(head + (content if isinstance(content, bytes) else content.encode()))
        draft.rename(self._folder / name)
        return "250 OK"


def message_paths(folder: Path) -> list[Path]:
    """The files of all messages kept so far, in order of arrival."""
    return sorted(folder.glob("*.eml"))


def read_messages(folder: Path) -> list[EmailMessage]:
    """All messages kept so far, in order of arrival; `X-Envelope-To` has the recipients that the sender named."""
    return [read_message(path) for path in message_paths(folder)]


def read_message(path: Path) -> EmailMessage:
    """One message that was kept."""
    return BytesParser(EmailMessage, policy=modern).parsebytes(path.read_bytes())


async def serve(folder: Path, port: int) -> None:
    """Until SIGTERM or SIGINT."""
    loop = asyncio.get_running_loop()
    handler = FolderHandler(folder)
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    server = await loop.create_server(
        lambda: SMTP(handler, data_size_limit=MAX_BYTES, enable_SMTPUTF8=True, loop=loop), LOOPBACK, port, backlog=1024
    )
    async with server:
        await ended.wait()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), int(sys.argv[2])))
