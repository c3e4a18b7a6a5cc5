"""Secrets that browsers hold, and what is derived from them. Only hashes are stored."""

import hashlib
import hmac
import secrets

_BYTES = 32
_LONGEST = 200
"""Longer than any secret that was given out."""


def new_secret() -> str:
    """256 random bits, as text that fits in a cookie and in an address."""
    return secrets.token_urlsafe(_BYTES)


def hashed(secret: str) -> bytes:
    """What is stored. A random secret needs no salt."""
    return hashlib.sha256(secret[:_LONGEST].encode("utf-8", "replace")).digest()


def form_token(session_secret: str) -> str:
    """What a form of this session carries: no other session has it, and the session's secret cannot be read from it."""
    return hmac.new(session_secret.encode("utf-8", "replace"), b"form", hashlib.sha256).hexdigest()


def is_form_token(given: str, session_secret: str) -> bool:
    """Whether a form was made for this session."""
    return hmac.compare_digest(given.encode("utf-8", "replace"), form_token(session_secret).encode())
