"""Opaque cursors: where a page ended, and of which list. Nothing in one is trusted: whose list it is, the token says."""

import base64
import binascii
from hashlib import sha256
from uuid import UUID

from conduit_intake.api.refusals import Refused

_VERSION = b"\x01"
_MARK_BYTES = 8
LONGEST = 40


def make(of: str, after: UUID) -> str:
    """The cursor behind `after` in the list that `of` describes."""
    return base64.urlsafe_b64encode(_VERSION + _mark(of) + after.bytes).decode().rstrip("=")


def read(cursor: str, of: str) -> UUID:
    """Where the previous page ended.

    Raises:
        Refused: this is no cursor of ours, or one of another list.
    """
    try:
        packed = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise Refused("cursor_invalid") from None
    head = _VERSION + _mark(of)
    if len(packed) != len(head) + 16 or not packed.startswith(head):
        raise Refused("cursor_invalid")
    return UUID(bytes=packed[len(head) :])


def _mark(of: str) -> bytes:
    return sha256(of.encode()).digest()[:_MARK_BYTES]
