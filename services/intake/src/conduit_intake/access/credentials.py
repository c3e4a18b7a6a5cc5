"""Secrets and tokens: how they are made and recognised. Pure but for randomness; nothing here is ever logged.

A client's secret and a token have 256 random bits each, so nobody can guess one, and both are kept as SHA-256: comparing it
costs nothing, so that whoever shows wrong secrets takes nothing from those who show right ones. Secrets have a second hash,
scrypt, which the previous release reads; a secret of that release has only that until it is first used.
"""

import re
from collections.abc import Iterable
from hashlib import scrypt, sha256
from hmac import compare_digest
from secrets import token_bytes, token_hex, token_urlsafe
from typing import NamedTuple

SALT_BYTES = 16
LONGEST_SECRET = 256
LONGEST_PART = 40
_SLUG = "[a-z][a-z0-9]*(?:-[a-z0-9]+)*"
_CLIENT = re.compile(rf"(?P<partner>{_SLUG})(?:\.[a-z0-9]+(?:-[a-z0-9]+)*)?")
_MEMORY_BYTES = 32 * 1024 * 1024


class Secret(NamedTuple):
    """A new secret. `text` is shown once, to the one who will use it."""

    secret_id: str
    text: str


def new_secret() -> Secret:
    """A secret and the id by which it is listed and revoked, which says nothing of it.

    The id is typed into a command, where a first hyphen would make an option of it: so it has letters and digits alone.
    """
    return Secret(token_hex(6), token_urlsafe(32))


def new_salt() -> bytes:
    """Of a new client."""
    return token_bytes(SALT_BYTES)


def new_token() -> str:
    """A bearer token."""
    return token_urlsafe(32)


def hash_secret(secret: str, salt: bytes) -> bytes:
    """scrypt with N = 2^14, r = 8, p = 1: 16 MiB and tens of milliseconds."""
    return scrypt(secret.encode(), salt=salt, n=2**14, r=8, p=1, maxmem=_MEMORY_BYTES, dklen=32)


def quick_hash(secret: str, salt: bytes) -> bytes:
    """SHA-256 with the client's salt."""
    return sha256(salt + secret.encode()).digest()


def hash_token(token: str) -> bytes:
    """What a token is found by."""
    return sha256(token.encode()).digest()


def matching(digest: bytes, known: Iterable[tuple[str, bytes]]) -> str | None:
    """The id of the secret with this hash. Every one is compared, so that time says nothing of which."""
    found = None
    for secret_id, expected in known:
        if compare_digest(digest, expected):
            found = secret_id
    return found


def partner_of(client_id: str) -> str | None:
    """The partner of a client id, which is the partner's or begins with it and a dot; None where it is no client id."""
    found = _CLIENT.fullmatch(client_id)
    longest = max(map(len, client_id.split(".")))
    return found["partner"] if found and longest <= LONGEST_PART else None
