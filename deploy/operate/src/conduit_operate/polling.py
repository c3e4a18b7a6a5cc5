"""Waiting for something to become true."""

from __future__ import annotations

import time
from collections.abc import Callable


def wait_until(ready: Callable[[], bool], otherwise: str, timeout: float, check: Callable[[], None]) -> None:
    """Poll every 50 ms; raises TimeoutError saying `otherwise` after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while not ready():
        check()
        if time.monotonic() > deadline:
            raise TimeoutError(f"{otherwise} after {timeout:.0f} s")
        time.sleep(0.05)
