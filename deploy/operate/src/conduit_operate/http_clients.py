"""Partners' and forces' clients of the HTTP API, which intake keeps: this is the one place that reaches into its database.

A new secret is written to `.conduit/clients/http/<client id>.env`, for its owner's eyes, and to nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg

from conduit_contracts.topics import FORCE
from conduit_intake.access import clients
from conduit_operate.env_file import env_text, parse_env
from conduit_operate.health import PATIENCE
from conduit_operate.paths import write_private

Secrets = Mapping[str, tuple[str, ...]]
"""Ids of the live secrets, oldest first, by client id."""
SANDBOX, FORCES = ".sandbox", ".force"


class AwayError(Exception):
    """Intake's database cannot be reached."""

    def __init__(self) -> None:
        super().__init__("intake's database, which keeps the clients of the HTTP API, cannot be reached")


def move_clients(folder: Path, url: str) -> None:
    """Every client's file names the address where intake answers from now on: at the old one somebody else may listen, who
    would be shown the secret."""
    for path in folder.glob("*.env"):
        values = parse_env(path.read_text())
        if values.get("CONDUIT_URL") != url:
            write_private(path, env_text({**values, "CONDUIT_URL": url}))


@dataclass(frozen=True, slots=True)
class HttpClients:
    """Where intake keeps them, and where it answers."""

    dsn: str = field(repr=False)
    url: str
    folder: Path

    def live(self, kind: str, identity: str) -> Secrets:
        """The clients of a partner or force that can come in.

        Raises:
            AwayError: they cannot be asked for now.
        """
        now = datetime.now(UTC)
        with self._connect() as connection:
            found = clients.list_secrets(connection, identity, force=kind == FORCE)
        known = dict.fromkeys(each.client_id for each in found if each.live(now))
        return {name: tuple(each.secret_id for each in found if each.client_id == name and each.live(now)) for name in known}

    def make(self, client_id: str) -> None:
        """One more secret; the client is made where it is new, and those it has stay."""
        with self._connect() as connection:
            secret = clients.add(connection, client_id, datetime.now(UTC))
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        values = {"CONDUIT_URL": self.url, "CONDUIT_CLIENT_ID": client_id, "CONDUIT_CLIENT_SECRET": secret.text}
        write_private(self.path(client_id), env_text({name: value for name, value in values.items() if value}))

    def end(self, client_id: str, secret_id: str) -> None:
        """At once, with every token that was given for it."""
        with self._connect() as connection:
            clients.revoke(connection, client_id, datetime.now(UTC), secret_id)

    def path(self, client_id: str) -> Path:
        """What the partner is handed."""
        return self.folder / f"{client_id}.env"

    def _connect(self) -> psycopg.Connection[Any]:
        try:
            return psycopg.connect(self.dsn, autocommit=True, connect_timeout=PATIENCE, options="-c timezone=UTC")
        except psycopg.OperationalError:
            raise AwayError from None
