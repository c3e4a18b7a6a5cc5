"""Puts a backup back: databases, what intake took since, registers, and where the services go on.

In two turns. First everything but the answers of forces, officers and operators: those name referrals that the services only
get to know by reading again, and would be refused. Once the services have caught up, the answers are read again as well.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic, sleep

import psycopg
from confluent_kafka.admin import AdminClient
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from conduit_contracts import topics
from conduit_contracts.programme import PersonRegistered, RightsRevoked
from conduit_contracts.registering import RegisterEntry, subject_of
from conduit_contracts.registering_people import registering
from conduit_contracts.topics import SERVICES
from conduit_operate import groups, offsets, orders, postgres_programs, readmitting
from conduit_operate.audit import By, audited
from conduit_operate.backup import Kept, Manifest
from conduit_operate.broker import Broker
from conduit_operate.databases import ensure_database
from conduit_operate.health import PATIENCE, answering
from conduit_operate.offsets import Place
from conduit_operate.onboarding import OnboardingError
from conduit_operate.people import place_people, read_people
from conduit_operate.readmitting import MARGIN
from conduit_operate.register import read_registers
from conduit_operate.wording import counted

STOP_THEM = (
    "Stop the services, but leave Kafka and PostgreSQL running; on one machine end `conduit up`, and start "
    "`conduit up --servers`"
)
_SINCE = "that intake took since then"
_WRITTEN_LATER = "the programme's service writes them when it is started"
READMISSION = "what intake took since then"
_FIRST = {*SERVICES, topics.PARTNER, topics.REGISTRAR}
"""Whose records need no answer of anybody else's to be understood."""
_HOLDS_TABLES = """
SELECT EXISTS (
    SELECT FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE relkind = 'r' AND nspname NOT IN ('pg_catalog', 'information_schema')
)
"""


@dataclass(frozen=True, slots=True)
class Move:
    """Where a service goes on on one partition."""

    service: str
    place: Place
    before: int | None
    to: int
    gone: int = 0
    """Records that Kafka has deleted meanwhile, and that the database needs."""


@dataclass(frozen=True, slots=True)
class Restore:
    """What is to be done."""

    subject: str
    aside: Mapping[str, str] = field(default_factory=dict)
    """By service, the name that its present database gets."""
    databases: Mapping[str, Kept] = field(default_factory=dict)
    registers: Sequence[RegisterEntry] = ()
    """Entries that the registers on Kafka lack. What these hold is newer, and stays."""
    people: Sequence[PersonRegistered] = ()
    """The same of the registers of people."""
    revoked: Sequence[RightsRevoked] = ()
    """What was taken from people, of whom Kafka says nothing of the kind."""
    moves: Sequence[Move] = ()
    since: datetime | None = None
    """From when on what intake took is taken in again; None where nothing is."""

    @property
    def steps(self) -> list[tuple[str, ...]]:
        return [
            *(("keep aside", "database of", service, f"as {name}") for service, name in self.aside.items()),
            *(("restore", "database of", service) for service in self.databases),
            *(("order", "register entry", subject_of(entry).identity) for entry in self.registers),
            *(("revoke", "rights", f"of {each.person_id}") for each in self.revoked),
            *(("order", "register entry", each.person_id) for each in self.people),
            *(
                ("move", f"group {groups.group_of(each.service)}", f"{each.place[0]}/{each.place[1]}", _from_to(each))
                for each in self.moves
            ),
            *([("readmit", READMISSION)] if self.since else []),
        ]


def must_be_stopped(broker: Broker, patience: float, tell: Callable[[str], None] = lambda _: None) -> None:
    """Wait until no service is in its group, and tell at once, and at every change, who still is.

    One that was killed is in its group until Kafka misses it.

    Raises:
        OnboardingError: one still is after so many seconds.
        TimeoutError: Kafka does not answer.
    """
    answering(broker)
    until = monotonic() + patience
    told: dict[str, int] = {}
    while members := groups.members(broker, SERVICES):
        left = until - monotonic()
        if left < 0:
            raise OnboardingError(f"{', '.join(members)}: still running, or killed in the last minute. {STOP_THEM}")
        if members != told:
            if not told:
                tell(f"{STOP_THEM}. One that was killed leaves its group within a minute")
            tell(f"waiting for {', '.join(map(_group, members.items()))}; up to {left:.0f} s more")
            told = members
        sleep(0.5)
    if told:
        tell("every service has left its group; going on")


def _group(found: tuple[str, int]) -> str:
    service, number = found
    return f"{groups.group_of(service)} ({counted(number, 'member')})"


def plan(broker: Broker, dsns: Mapping[str, str], manifest: Manifest, subject: str, *, answers: bool) -> Restore:
    """What has to be done; `answers` is the second turn."""
    admin = broker.admin()
    now = groups.committed(broker, *manifest.services)
    moves = [
        move
        for name, kept in manifest.services.items()
        for move in _moves(admin, name, now[name], kept.offsets, answers=answers)
    ]
    if answers:
        return Restore(subject, moves=moves)
    people, revoked = _missing_people(broker, manifest)
    stamp = datetime.now(UTC).strftime("%Y%m%d%H%M%S")
    aside = {name: f"{_name(dsns[name])}_before_{stamp}" for name in manifest.services if holds_tables(dsns[name])}
    missing = _missing(broker, manifest)
    return Restore(subject, aside, manifest.services, missing, people, revoked, moves, manifest.begun_at)


def wound_back(broker: Broker, to: datetime, subject: str, *, answers: bool) -> Restore:
    """The same where the databases stand at this time already: all that was written since then is read again.

    No service is moved forward. `answers` is the second turn.
    """
    admin = answering(broker)
    moves, standing = [], groups.committed(broker, *SERVICES)
    for service in SERVICES:
        places = offsets.places_of(admin, _read_by(service))
        now = standing[service]
        known: dict[str, dict[int, int]] = {}
        for place, offset in offsets.written_since(admin, places, to).items():
            known.setdefault(place[0], {})[place[1]] = min(offset, now.get(place, offset))
        moves += _moves(admin, service, standing[service], known, answers=answers)
    return Restore(subject, moves=moves, since=None if answers else to)


def carry_out(
    restore: Restore, broker: Broker, dsns: Mapping[str, str], admin_dsn: str, folder: Path, by: By, command: str = "restore"
) -> list[str]:
    """Do it; returns what a person must look at. Cut short, it is planned and carried out again."""
    notes: list[str] = []
    with audited(broker.state_dir, by, command, restore.subject, restore.steps):
        for service, kept in restore.databases.items():
            _restore(service, kept, dsns[service], admin_dsn, restore.aside.get(service), folder, broker.state_dir)
        if ordered := _order(restore, broker, by):
            notes.append(f"{counted(ordered, 'register entry', many='register entries')} ordered: {_WRITTEN_LATER}")
        for name in SERVICES:
            groups.move(broker, name, {each.place: each.to for each in restore.moves if each.service == name})
        if restore.since is not None:  # when its group stands where it goes on: what it answered from there on is claimed
            lost = readmitting.lacking(broker, dsns["intake"], restore.since - MARGIN)
            found = readmitting.take_in_again(broker, dsns["intake"], lost, by.actor)
            notes.append(
                counted(
                    len(found.done),
                    "submission",
                    f"{_SINCE} was taken in again",
                    rest_of_many=f"{_SINCE} were taken in again",
                )
            )
            notes += [f"event {each} clashes with what intake holds: `conduit trace {each}`" for each in found.clashing]
    return notes


def _order(restore: Restore, broker: Broker, by: By) -> int:
    """Have the entries that Kafka lacks written again, each decided on itself: one that the programme's own database has
    otherwise stays so. Returns how many."""
    if restore.registers:
        orders.place(broker, (order for each in restore.registers for order in orders.orders_for(each, each, by)))
    if restore.people or restore.revoked:
        again = (registering(each, each, by.actor, by.reason) for each in restore.people)
        place_people(broker, again, actor=by.actor, revoked=restore.revoked)
    return len(restore.registers) + len(restore.people)


def _read_by(service: str) -> list[topics.Topic]:
    return [*topics.consumed_by(service), *topics.read_apart(service)]


def _moves(
    admin: AdminClient, service: str, now: Mapping[Place, int], kept: Mapping[str, Mapping[int, int]], *, answers: bool
) -> list[Move]:
    wanted = _read_by(service)
    later = [topic for topic in wanted if not _FIRST.issuperset(topic.producers)]
    places = offsets.places_of(admin, later if answers else wanted)
    waiting = set() if answers else offsets.places_of(admin, later)
    low, high = offsets.begins(admin, places), offsets.ends(admin, places)
    found = []
    for place in sorted(places):
        known = kept.get(place[0], {}).get(place[1])
        to, gone = (high[place], 0) if place in waiting else goes_on(known, low[place], high[place])
        found.append(Move(service, place, now.get(place), to, gone))
    return [each for each in found if each.before != each.to]


def goes_on(known: int | None, low: int, high: int) -> tuple[int, int]:
    """Where a service goes on on a partition that begins at `low` and ends at `high`, and how many records that it needs
    Kafka has deleted. A partition that ends before the known offset was created again, so nothing of it was ever read."""
    if known is None or known > high:
        return low, 0
    return max(known, low), max(0, low - known)


def _missing(broker: Broker, manifest: Manifest) -> list[RegisterEntry]:
    registers = read_registers(broker)
    kept: list[RegisterEntry] = [*manifest.partners, *manifest.forces]
    return [entry for entry in kept if registers.of(*subject_of(entry)) is None]


def _missing_people(broker: Broker, manifest: Manifest) -> tuple[list[PersonRegistered], list[RightsRevoked]]:
    """Who stands in no register on Kafka, and was not removed since; and what was taken that nothing there speaks of."""
    known = read_people(broker)
    stand, revoked = known.entries(), known.book.revoked
    gone = {each.person_id for each in (*manifest.revoked, *revoked.values()) if each.removed}
    people = [each for each in manifest.people if each.person_id not in stand and each.person_id not in gone]
    return people, [each for each in manifest.revoked if each.person_id not in revoked]


def holds_tables(dsn: str) -> bool:
    try:
        with psycopg.connect(dsn, connect_timeout=PATIENCE) as connection:
            return connection.execute(_HOLDS_TABLES).fetchone() == (True,)
    except psycopg.OperationalError as error:
        raise OnboardingError(
            f"the database {_name(dsn)} cannot be reached ({str(error).splitlines()[0]}): have set-up make it first, on one "
            "machine by `conduit up --servers`"
        ) from None


def _name(dsn: str) -> str:
    return str(conninfo_to_dict(dsn)["dbname"])


def _restore(service: str, kept: Kept, dsn: str, admin_dsn: str, aside: str | None, folder: Path, state_dir: Path) -> None:
    name, owner = _name(dsn), str(conninfo_to_dict(dsn)["user"])
    try:
        with psycopg.connect(admin_dsn, autocommit=True, connect_timeout=PATIENCE) as connection:
            if aside is not None:
                rename = sql.SQL("ALTER DATABASE {} RENAME TO {}")
                connection.execute(rename.format(sql.Identifier(name), sql.Identifier(aside)))
            ensure_database(connection, name, owner)
            for setting in kept.settings:
                which, _, value = setting.partition("=")
                told = sql.SQL("ALTER DATABASE {} SET {} = {}")
                connection.execute(told.format(sql.Identifier(name), sql.Identifier(which), sql.Literal(value)))
    except psycopg.Error as error:
        said = error.diag.message_primary or str(error).splitlines()[0]
        raise OnboardingError(f"the database {name} could not be made ready: {said}") from None
    arguments = ["--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction", str(folder / kept.file)]
    postgres_programs.run("pg_restore", dsn, arguments, state_dir / "logs" / f"pg_restore-{service}.log")


def _from_to(move: Move) -> str:
    gone = f"; Kafka has deleted {move.gone} records that are needed" if move.gone else ""
    return f"from {'nowhere' if move.before is None else move.before} to {move.to}{gone}"
