"""The hash of what was sent, in the answer that it was taken: an officer at the hub sees the same, and partners compare."""

from typing import Any

from fastapi import Response

CONTENT_HASH = "Conduit-Content-Hash"
CONTENT_HASH_OUT: dict[str, Any] = {
    "description": "SHA-256 of what you sent, by its meaning, in hexadecimal digits: spacing, the order of keys and lists, "
    "time zones and defaults do not count. Officers at the hub see the same. Absent where there is nothing to compare.",
    "schema": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
}
_TAKEN = frozenset({200, 202})


def hashed(response: Response, digest: bytes) -> Response:
    """The answer with the hash, where what was sent was taken. It follows from that alone: an answer given again has it."""
    if response.status_code in _TAKEN:
        response.headers[CONTENT_HASH] = digest.hex()
    return response
