"""Free ports on the loopback address, kept per state directory so that a second start listens where the first one did."""

from __future__ import annotations

import json
import random
import socket
from collections.abc import Callable
from pathlib import Path

from conduit_operate.health import accepts_at
from conduit_operate.polling import wait_until

LOOPBACK = "127.0.0.1"
FIRST, LAST = 15_000, 32_000
"""Below the ports that Linux and macOS give to outgoing connections, which could take one that was just chosen."""


def keep_port(state_dir: Path, name: str) -> int:
    """The port noted under this name if it is free, else a new one, noted."""
    path = state_dir / "ports" / name
    if path.exists():
        noted = int(json.loads(path.read_text()))
        if is_free(noted):
            return noted
    port = free_port()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(port))
    return port


def free_port() -> int:
    for _ in range(1000):
        port = random.randint(FIRST, LAST)  # noqa: S311  not a secret
        if is_free(port):
            return port
    raise RuntimeError(f"no free port between {FIRST} and {LAST} on {LOOPBACK}")


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def wait_for_port(port: int, timeout: float, check: Callable[[], None]) -> None:
    """Until something listens; `check` raises when waiting has become pointless."""
    wait_until(lambda: accepts(port), f"nothing listens on {LOOPBACK}:{port}", timeout, check)


def accepts(port: int) -> bool:
    return accepts_at(f"{LOOPBACK}:{port}")
