"""Clients of the HTTP API: `python -m conduit_intake.access.clients add|rotate|list|revoke PARTNER`.

A client id is a partner's id, or that and a suffix for one more of its systems: `northlight`, `northlight.sandbox`. The
suffix `force` is for forces alone: `essex.force`, which fetches attachments. A client may have several live secrets, so that
a new one comes into use before the old one ends. A secret's text is printed once.
Reads POSTGRES_DSN and POSTGRES_PASSWORD_FILE.
"""

import argparse
import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
from psycopg.rows import class_row

from conduit_intake.access.credentials import Secret, hash_secret, new_salt, new_secret, partner_of, quick_hash

LIVE, SANDBOX, CASES = "referrals", "sandbox", "cases"
_SUFFIX, _FORCE_SUFFIX = ".sandbox", ".force"

_ADD_CLIENT = """
INSERT INTO clients (client_id, owner_id, scope, salt, created_at) VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (client_id) DO NOTHING
"""
_CLIENT = "SELECT scope, salt FROM clients WHERE client_id = %s FOR UPDATE"
_ADD_HASH = "INSERT INTO client_secrets (secret_id, client_id, hash, quick_hash, created_at) VALUES (%s, %s, %s, %s, %s)"
_EXPIRE = """
UPDATE client_secrets SET expires_at = %(at)s
WHERE client_id = %(client_id)s AND secret_id <> %(except)s AND revoked_at IS NULL
    AND (expires_at IS NULL OR expires_at > %(at)s)
"""
_REVOKE = """
UPDATE client_secrets SET revoked_at = %(at)s
WHERE client_id = %(client_id)s AND revoked_at IS NULL AND (%(secret_id)s::text IS NULL OR secret_id = %(secret_id)s)
"""
_LIST = """
SELECT client_id, scope, secret_id, client_secrets.created_at, expires_at, revoked_at
FROM clients JOIN client_secrets USING (client_id) WHERE owner_id = %s AND (scope = 'cases') = %s
ORDER BY client_id, client_secrets.created_at
"""


class ClientError(ValueError):
    """It cannot be done as asked; the text says why."""


class Listed(NamedTuple):
    """A secret as it is listed: without its text, which nobody has but the partner."""

    client_id: str
    scope: str
    secret_id: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None

    def live(self, now: datetime) -> bool:
        """Whether it still opens."""
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > now)


def add(connection: psycopg.Connection[Any], client_id: str, now: datetime, *, scope: str | None = None) -> Secret:
    """One more live secret for a client, which is made where it is new. Those it has stay live.

    A client is live, in the sandbox or a force's for good: by `scope`, or by its name, where it ends in `.sandbox`. One that
    ends in `.force` is a force's, and no other is.

    Raises:
        ClientError: this is no client id, or the client has another scope.
    """
    owner_id = partner_of(client_id)
    if owner_id is None:
        raise ClientError("a client id is a partner's id, or that and a dot and a suffix of letters, digits and hyphens")
    wanted = CASES if client_id.endswith(_FORCE_SUFFIX) else scope or (SANDBOX if client_id.endswith(_SUFFIX) else None)
    if scope not in (None, wanted) or (wanted == CASES) != client_id.endswith(_FORCE_SUFFIX):
        raise ClientError("the suffix force is for forces' clients, which fetch attachments and do nothing else")
    with connection.transaction():
        connection.execute(_ADD_CLIENT, (client_id, owner_id, wanted or LIVE, new_salt(), now))
        found, salt = _client(connection, client_id)
        if wanted not in (None, found):
            raise ClientError(f"{client_id} is a client of scope {found}; give the other scope a client of its own")
        secret = new_secret()
        hashes = (hash_secret(secret.text, salt), quick_hash(secret.text, salt))
        connection.execute(_ADD_HASH, (secret.secret_id, client_id, *hashes, now))
    return secret


def rotate(connection: psycopg.Connection[Any], client_id: str, now: datetime, overlap: timedelta) -> Secret:
    """A new secret; those before it end after the overlap, or sooner where they were to end sooner.

    Raises:
        ClientError: there is no such client.
    """
    with connection.transaction():
        _client(connection, client_id)
        secret = add(connection, client_id, now)
        connection.execute(_EXPIRE, {"client_id": client_id, "except": secret.secret_id, "at": now + overlap})
    return secret


def revoke(connection: psycopg.Connection[Any], client_id: str, now: datetime, secret_id: str | None = None) -> int:
    """End one secret, or all the client's, with every token that was given for it; returns how many ended."""
    named = {"client_id": client_id, "secret_id": secret_id, "at": now}
    return connection.execute(_REVOKE, named).rowcount


def list_secrets(connection: psycopg.Connection[Any], owner_id: str, *, force: bool = False) -> list[Listed]:
    """Every secret of a partner's clients, or of a force's, that ever was, oldest first."""
    with connection.cursor(row_factory=class_row(Listed)) as cursor:
        return cursor.execute(_LIST, (owner_id, force)).fetchall()


def _client(connection: psycopg.Connection[Any], client_id: str) -> tuple[str, bytes]:
    row = connection.execute(_CLIENT, (client_id,)).fetchone()
    if row is None:
        raise ClientError(f"there is no client {client_id}")
    scope, salt = row
    return scope, salt


def main(arguments: list[str] | None = None) -> int:
    """Returns 0 where it was done, 1 where it cannot be, with the reason on stderr."""
    chosen = _parser().parse_args(arguments)
    with _connect() as connection:
        try:
            sys.stdout.write(_perform(chosen, connection, datetime.now(UTC)))
        except ClientError as error:
            sys.stderr.write(f"{error}\n")
            return 1
    return 0


def _perform(chosen: argparse.Namespace, connection: psycopg.Connection[Any], now: datetime) -> str:
    client_id: str = chosen.client_id
    match chosen.action:
        case "add":
            return _shown(client_id, add(connection, client_id, now, scope=SANDBOX if chosen.sandbox else None))
        case "rotate":
            return _shown(client_id, rotate(connection, client_id, now, timedelta(hours=chosen.overlap_hours)))
        case "revoke":
            return f"{revoke(connection, client_id, now, chosen.secret_id)} revoked\n"
        case _:
            found = (each for force in (False, True) for each in list_secrets(connection, client_id, force=force))
            return "".join(_line(each, now) for each in found)


def _shown(client_id: str, secret: Secret) -> str:
    return f"client_id={client_id}\nclient_secret={secret.text}\nsecret_id={secret.secret_id}\n"


def _line(secret: Listed, now: datetime) -> str:
    state = "live" if secret.live(now) else "ended"
    until = f" until {secret.expires_at:%Y-%m-%dT%H:%MZ}" if secret.expires_at and secret.live(now) else ""
    return f"{secret.client_id} {secret.scope} {secret.secret_id} {state}{until} since {secret.created_at:%Y-%m-%dT%H:%MZ}\n"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m conduit_intake.access.clients", description=__doc__)
    actions = parser.add_subparsers(dest="action", required=True)
    add_parser = actions.add_parser("add", help="one more live secret; makes the client where it is new")
    add_parser.add_argument("--sandbox", action="store_true", help="a client whose referrals go nowhere")
    rotate_parser = actions.add_parser("rotate", help="a new secret; the old ones end after the overlap")
    rotate_parser.add_argument("--overlap-hours", type=float, default=168.0, help="by default a week")
    revoke_parser = actions.add_parser("revoke", help="end secrets, and their tokens, at once")
    revoke_parser.add_argument(
        "--secret-id", help="only this one, as list shows it; --secret-id=ID where an old one begins with a hyphen"
    )
    list_parser = actions.add_parser("list", help="every secret of the partner's clients, without its text")
    for each in (add_parser, rotate_parser, revoke_parser, list_parser):
        each.add_argument("client_id", metavar="PARTNER" if each is list_parser else "PARTNER[.SUFFIX]")
    return parser


def _connect() -> psycopg.Connection[Any]:
    path = os.environ.get("POSTGRES_PASSWORD_FILE")
    extra: dict[str, Any] = {"password": Path(path).read_text(encoding="utf-8").strip()} if path else {}
    return psycopg.connect(
        os.environ["POSTGRES_DSN"],
        autocommit=True,
        application_name="conduit.intake.clients",
        options="-c timezone=UTC",
        **extra,
    )


if __name__ == "__main__":
    raise SystemExit(main())
