"""All SQL of clients' secrets and tokens, as the HTTP API uses it. `clients.py` makes and revokes secrets."""

from datetime import datetime
from typing import NamedTuple

from conduit_chassis.postgres import Connection, affected

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


async def secrets(connection: Connection, client_id: str, now: datetime) -> Secrets | None:
    """The client's live secrets; None where it has none, or is none."""
    rows = await connection.fetch(_SECRETS, client_id, now)
    if not rows:
        return None
    quick = tuple((row["secret_id"], row["quick_hash"]) for row in rows if row["quick_hash"] is not None)
    slow = tuple((row["secret_id"], row["hash"]) for row in rows if row["quick_hash"] is None)
    return Secrets(rows[0]["salt"], rows[0]["scope"], quick, slow)


async def learn(connection: Connection, secret_id: str, quick_hash: bytes) -> None:
    """Note the quick hash of a secret that was found by its slow one."""
    await connection.execute(_LEARN, secret_id, quick_hash)


async def issue(connection: Connection, digest: bytes, secret_id: str, expires_at: datetime) -> None:
    """Note a token, which ends with its secret if not before."""
    await connection.execute(_ISSUE, digest, secret_id, expires_at)


async def client(connection: Connection, digest: bytes, now: datetime) -> Client | None:
    """Whose token this is; None where it is nobody's, has expired, or its secret has ended."""
    row = await connection.fetchrow(_CLIENT, digest, now)
    return Client(**row) if row else None


async def forget(connection: Connection, now: datetime) -> int:
    """Delete tokens that nobody can use any more; returns how many."""
    return affected(await connection.execute(_FORGET_TOKENS, now, FORGET_BATCH))
