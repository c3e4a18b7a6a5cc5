"""A backup: each service's database, and how far its consumer group had come when the dump began.

The offsets are read before the dump, so that what stands before them is in it. What stands behind them is read again after
a restore, and the inbox drops what the dump holds already. The databases of those who read come before those of whom they
read: nobody knows of a referral that the services before it have lost.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Literal

import psycopg
from pydantic import BaseModel, ConfigDict, ValidationError

from conduit_contracts.programme import (
    ForcePersonRegistered,
    ForceRegistered,
    HubPersonRegistered,
    PartnerPersonRegistered,
    PartnerRegistered,
    RightsRevoked,
)
from conduit_contracts.topics import SERVICES
from conduit_operate import groups, postgres_programs
from conduit_operate.broker import Broker
from conduit_operate.health import PATIENCE
from conduit_operate.onboarding import OnboardingError, UnknownError
from conduit_operate.paths import write_private
from conduit_operate.people import read_people
from conduit_operate.register import read_registers

MANIFEST = "manifest.json"
_SETTINGS = """
SELECT unnest(setconfig) FROM pg_db_role_setting
JOIN pg_database ON pg_database.oid = setdatabase AND datname = current_database() WHERE setrole = 0
"""


class Kept(BaseModel):
    """One service's part of a backup."""

    model_config = ConfigDict(extra="forbid")

    file: str
    sha256: str
    size: int
    settings: tuple[str, ...]
    """Of the database itself, which a dump leaves out: `name=value`."""
    offsets: dict[str, dict[int, int]]
    """By topic and partition: where the service goes on after a restore, at the latest."""


class Manifest(BaseModel):
    """What a backup holds."""

    model_config = ConfigDict(extra="forbid")

    format: Literal[1] = 1
    release: str
    begun_at: datetime
    services: dict[str, Kept]
    partners: tuple[PartnerRegistered, ...]
    forces: tuple[ForceRegistered, ...]
    people: tuple[HubPersonRegistered | PartnerPersonRegistered | ForcePersonRegistered, ...] = ()
    """Who stood in the registers of people. Earlier releases did not keep them."""
    revoked: tuple[RightsRevoked, ...] = ()
    """What had been taken from people."""


def take(broker: Broker, dsns: Mapping[str, str], folder: Path) -> Manifest:
    """Back all of it up into a folder that is not there yet. Cut short, it leaves nothing there.

    Raises:
        OnboardingError: the folder holds something, or a database cannot be dumped.
    """
    if folder.exists() and any(folder.iterdir()):
        raise OnboardingError(f"{folder} is not empty: every backup needs a folder of its own")
    draft = folder.with_name(f".{folder.name}.draft")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700, parents=True)
    try:
        begun_at = datetime.now(UTC)
        registers, people = read_registers(broker), read_people(broker).book
        kept = {service: _keep(broker, service, dsns[service], draft) for service in reversed(SERVICES)}
        manifest = Manifest(
            release=version("conduit-operate"),
            begun_at=begun_at,
            services=kept,
            partners=tuple(registers.partners.values()),
            forces=tuple(registers.forces.values()),
            people=tuple(people.entries()),
            revoked=tuple(people.revoked.values()),
        )
        write_private(draft / MANIFEST, manifest.model_dump_json(indent=1))
        draft.rename(folder)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    return manifest


def read(folder: Path) -> Manifest:
    """What the backup in this folder holds, each file of it looked at.

    Raises:
        UnknownError: it is none.
        OnboardingError: a file is not as it was written.
    """
    try:
        manifest = Manifest.model_validate_json((folder / MANIFEST).read_bytes())
    except FileNotFoundError:
        raise UnknownError(f"{folder} holds no backup: there is no {MANIFEST}") from None
    except ValidationError:
        raise OnboardingError(f"{folder / MANIFEST} cannot be read: it is damaged, or of another release") from None
    for each in manifest.services.values():
        path = folder / each.file
        if not path.exists() or (path.stat().st_size, _digest(path)) != (each.size, each.sha256):
            raise OnboardingError(f"{path} is not as it was written: do not restore from this backup")
    return manifest


def settings_of(dsn: str) -> Sequence[str]:
    """What is set for the database itself."""
    with psycopg.connect(dsn, connect_timeout=PATIENCE) as connection:
        return [str(value) for (value,) in connection.execute(_SETTINGS)]


def _keep(broker: Broker, service: str, dsn: str, folder: Path) -> Kept:
    where: dict[str, dict[int, int]] = {}
    for (topic, number), offset in sorted(groups.committed(broker, service)[service].items()):
        where.setdefault(topic, {})[number] = offset
    path = folder / f"{service}.dump"
    path.touch(mode=0o600)
    arguments = ["--format=custom", "--no-owner", "--no-privileges", f"--file={path}"]
    postgres_programs.run("pg_dump", dsn, arguments, broker.state_dir / "logs" / f"pg_dump-{service}.log")
    settings = tuple(settings_of(dsn))
    return Kept(file=path.name, sha256=_digest(path), size=path.stat().st_size, settings=settings, offsets=where)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
