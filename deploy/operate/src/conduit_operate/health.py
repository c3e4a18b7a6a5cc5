"""Whether something listens, and whether a service says that it is ready for work."""

from __future__ import annotations

import socket
from functools import cache

import httpx


def accepts_at(address: str) -> bool:
    """Whether something listens at `host:port`."""
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host, int(port)), timeout=1):
            return True
    except OSError:
        return False


def is_ready(url: str) -> bool:
    try:
        return _client().get(f"{url}/readyz").status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


@cache
def _client() -> httpx.Client:
    """Made once: its TLS setup costs more than the request. A proxy of the surroundings has no business on the loopback."""
    return httpx.Client(timeout=2, trust_env=False, verify=False)  # noqa: S501  plain HTTP on the loopback
