"""All SQL of clients' secrets, tokens and kept answers, as the HTTP API uses it. `clients.py` makes and revokes secrets."""

from datetime import datetime, timedelta
from typing import Any, NamedTuple

_SECRETS = """
SELECT clients.salt, clients.scope, secret_id, hash, quick_hash FROM clients JOIN client_secrets USING (client_id)
WHERE client_id = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2)
"""
_LEARN = "UPDATE client_secrets SET quick_hash = $2 WHERE secret_id = $1 AND quick_hash IS NULL"
_ISSUE = "INSERT INTO tokens (hash, secret_id, expires_at) VALUES ($1, $2, $3)"
_CLIENT = """
SELECT client_id, owner_id, scope
FROM tokens JOIN client_secrets AS secret USING (secret_id) JOIN clients USING (client_id)
WHERE tokens.hash = $1 AND tokens.expires_at > $2 AND secret.revoked_at IS NULL
    AND (secret.expires_at IS NULL OR secret.expires_at > $2)
"""
_FORGET_TOKENS = """
DELETE FROM tokens WHERE hash IN (SELECT hash FROM tokens WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)
"""
_LOCK = "SELECT pg_try_advisory_xact_lock(hashtextextended($1 || ' ' || $2, 0))"
_FIND = """
SELECT fingerprint, meaning, status, location, media_type, body FROM kept_answers WHERE client_id = $1 AND key = $2
"""
_KEEP = """
INSERT INTO kept_answers (client_id, key, fingerprint, meaning, status, location, media_type, body, at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""
_FORGET_ANSWERS = """
DELETE FROM kept_answers WHERE (client_id, key) IN
    (SELECT client_id, key FROM kept_answers WHERE at < $1 ORDER BY at LIMIT $2)
"""

KEPT_FOR = timedelta(days=60)
"""How long the answer to a request stands under its key."""
SANDBOX, CASES = "sandbox", "cases"
FORGET_BATCH = 500


class Client(NamedTuple):
    """Who asks: a system of `owner_id`, a partner, or with the scope `cases` a force. It is authenticated."""

    client_id: str
    owner_id: str
    scope: str

    @property
    def partner_id(self) -> str:
        """The partner.

        Raises:
            LookupError: it is a force's client, and no route for partners may ever see one.
        """
        if self.scope == CASES:
            raise LookupError("a force's client has no partner")
        return self.owner_id

    @property
    def force_id(self) -> str:
        """The force.

        Raises:
            LookupError: it is a partner's client.
        """
        if self.scope != CASES:
            raise LookupError("a partner's client has no force")
        return self.owner_id

    @property
    def sandbox(self) -> bool:
        """Whether what it sends goes nowhere."""
        return self.scope == SANDBOX


class Secrets(NamedTuple):
    """A client's salt and live secrets, each in one of two lists: by its quick hash, or by the slow one alone."""

    salt: bytes
    scope: str
    quick: tuple[tuple[str, bytes], ...]
    slow: tuple[tuple[str, bytes], ...]


class Asked(NamedTuple):
    """What tells a request under a key from another, by two digests of 32 bytes."""

    fingerprint: bytes
    """Of its bytes."""
    meaning: bytes | None
    """Of what it means. None where an earlier release kept the answer."""

    def is_same(self, other: "Asked") -> bool:
        """Whether both say the same: to the letter, or in another spelling."""
        return self.fingerprint == other.fingerprint or (self.meaning is not None and self.meaning == other.meaning)


class Kept(NamedTuple):
    """An answer that is given again to the same request."""

    status: int
    location: str | None
    media_type: str
    body: bytes


async def secrets(connection: Any, client_id: str, now: datetime) -> Secrets | None:
    """The client's live secrets; None where it has none, or is none."""
    rows = await connection.fetch(_SECRETS, client_id, now)
    if not rows:
        return None
    quick = tuple((row["secret_id"], row["quick_hash"]) for row in rows if row["quick_hash"] is not None)
    slow = tuple((row["secret_id"], row["hash"]) for row in rows if row["quick_hash"] is None)
    return Secrets(rows[0]["salt"], rows[0]["scope"], quick, slow)


async def learn(connection: Any, secret_id: str, quick_hash: bytes) -> None:
    """Note the quick hash of a secret that was found by its slow one."""
    await connection.execute(_LEARN, secret_id, quick_hash)


async def issue(connection: Any, digest: bytes, secret_id: str, expires_at: datetime) -> None:
    """Note a token, which ends with its secret if not before."""
    await connection.execute(_ISSUE, digest, secret_id, expires_at)


async def client(connection: Any, digest: bytes, now: datetime) -> Client | None:
    """Whose token this is; None where it is nobody's, has expired, or its secret has ended."""
    row = await connection.fetchrow(_CLIENT, digest, now)
    return Client(*row) if row else None


async def lock_key(connection: Any, client_id: str, key: str) -> bool:
    """Hold a client's Idempotency-Key until the transaction ends; False where another request holds it.

    A request that dies lets go of it with its connection, so no key is ever stuck.
    """
    held: bool = await connection.fetchval(_LOCK, client_id, key)
    return held


async def kept(connection: Any, client_id: str, key: str) -> tuple[Asked, Kept] | None:
    """The request that the key was used for, and its answer."""
    row = await connection.fetchrow(_FIND, client_id, key)
    return (Asked(*row[:2]), Kept(*row[2:])) if row else None


async def keep(connection: Any, client_id: str, key: str, asked: Asked, answer: Kept, now: datetime) -> None:
    """Keep an answer with the work that it tells of."""
    await connection.execute(_KEEP, client_id, key, *asked, *answer, now)


async def forget(connection: Any, tokens_before: datetime, answers_before: datetime) -> int:
    """Delete what nobody can use any more; returns the larger of the two numbers."""
    tokens = await connection.execute(_FORGET_TOKENS, tokens_before, FORGET_BATCH)
    answers = await connection.execute(_FORGET_ANSWERS, answers_before, FORGET_BATCH)
    return max(int(status.rpartition(" ")[2]) for status in (tokens, answers))
