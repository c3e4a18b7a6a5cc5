"""A virus scanner for tests: clamd itself where it is installed, and elsewhere a server that speaks its protocol.

Neither has signatures from outside: both know EICAR's test file, which scanners find by agreement, and nothing else.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from conduit_local.children import Child
from conduit_local.ports import LOOPBACK, free_port, wait_for_port
from services.chassis.tests.clamd_server import fake_clamd
from tests.support.missing import need

# MD5 and length of the file of https://www.eicar.org, in the format of clamd's .hdb databases.
_SIGNATURE = "44d88612fea8a8f36de82e1278abb02f:68:Synthetic-Eicar\n"
_START_SECONDS = 30.0


class Scanner(NamedTuple):
    """Where it listens."""

    host: str
    port: int


def need_clamd() -> None:
    """Without it the test is skipped, or in CI fails."""
    need("clamd", "clamav-daemon")


@contextmanager
def real_clamd(stream_bytes: int = 25_000_000) -> Iterator[Scanner]:
    """clamd, which takes streams of so many bytes."""
    folder = Path(tempfile.mkdtemp(prefix="conduit-clamd-"))
    (folder / "signatures").mkdir()
    (folder / "signatures" / "synthetic.hdb").write_text(_SIGNATURE)
    port = free_port()
    options = {"DatabaseDirectory": folder / "signatures", "TCPAddr": LOOPBACK, "TCPSocket": port, "Foreground": "yes"}
    options |= {"StreamMaxLength": stream_bytes, "MaxThreads": 2, "SelfCheck": 0}
    (folder / "clamd.conf").write_text("".join(f"{name} {value}\n" for name, value in options.items()))
    clamd = Child("clamd", ["clamd", f"--config-file={folder / 'clamd.conf'}"], state_dir=folder)
    try:
        clamd.start()
        wait_for_port(port, _START_SECONDS, clamd.ensure_alive)
        yield Scanner(LOOPBACK, port)
    finally:
        clamd.kill()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def scanner() -> Iterator[Scanner]:
    """The best that this machine has."""
    with real_clamd() if shutil.which("clamd") else _own() as found:
        yield found


@contextmanager
def _own() -> Iterator[Scanner]:
    ready: Future[Scanner] = Future()
    done = threading.Event()

    async def serve() -> None:
        async with fake_clamd() as made:
            ready.set_result(Scanner(made.host, made.port))
            await asyncio.to_thread(done.wait)

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    try:
        yield ready.result(_START_SECONDS)
    finally:
        done.set()
        thread.join(_START_SECONDS)
