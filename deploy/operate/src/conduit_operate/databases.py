"""One database and one role per service; no role may connect to another's. `deploy/postgres/` has the same as plain SQL."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import quote, urlsplit

import psycopg
from psycopg import sql

from conduit_chassis.preflight import why_too_old
from conduit_operate.paths import keep_secret

_SELF_GRANT = 160_000
"""The release from which on a role may be told to join the roles that it makes."""

Connection = psycopg.Connection[tuple[object, ...]]


def database_of(service: str) -> str:
    """The name of the service's database and of its role."""
    return f"conduit_{service}"


def keep_passwords(state_dir: Path, services: Iterable[str]) -> dict[str, str]:
    """A random password per service, the same on every call for this state directory."""
    return {service: keep_secret(state_dir / "secrets" / service) for service in services}


def provision(admin_dsn: str, passwords: Mapping[str, str]) -> dict[str, str]:
    """Make what is missing for each service, set its password, and return its DSN. May be repeated.

    Raises:
        ValueError: no service could work on this server.
    """
    with psycopg.connect(admin_dsn, autocommit=True) as connection:
        if too_old := why_too_old(connection.info.server_version // 10_000):
            raise ValueError(too_old)
        if connection.info.server_version >= _SELF_GRANT:
            connection.execute("SET createrole_self_grant = 'set, inherit'")
        for service, password in passwords.items():
            ensure_role(connection, database_of(service), password)
            _join(connection, database_of(service))
            ensure_database(connection, database_of(service), database_of(service))
    return {service: service_dsn(admin_dsn, service, password) for service, password in passwords.items()}


def _join(connection: Connection, role: str) -> None:
    """Let an administrator who is no superuser give databases to the roles that it made; of late it joins them by itself."""
    names = sql.Identifier(role)
    if connection.execute("SELECT pg_has_role(%s, 'MEMBER')", [role]).fetchone() == (False,):
        connection.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(names))


def service_dsn(admin_dsn: str, service: str, password: str) -> str:
    name = database_of(service)
    admin = urlsplit(admin_dsn)
    host = admin.netloc.rpartition("@")[2]
    return admin._replace(netloc=f"{name}:{quote(password, safe='')}@{host}", path=f"/{name}").geturl()


def ensure_role(connection: Connection, name: str, password: str) -> None:
    """Make the role, or give it this password: by its SCRAM verifier, so that the password itself never reaches a log."""
    found = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [name]).fetchone()
    verb = sql.SQL("ALTER" if found else "CREATE")
    verifier = connection.pgconn.encrypt_password(password.encode(), name.encode(), b"scram-sha-256").decode()
    connection.execute(sql.SQL("{} ROLE {} LOGIN PASSWORD {}").format(verb, sql.Identifier(name), sql.Literal(verifier)))


def ensure_database(connection: Connection, name: str, owner: str) -> None:
    """Make the database where it is missing; nobody but its owner may connect to it."""
    if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone() is None:
        names = sql.Identifier(name), sql.Identifier(owner)
        connection.execute(sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE template0").format(*names))
    connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(name)))
