"""Who looked at what and did what here: a line for each, in the same transaction.

A view's line is committed before anything is shown: make the page after `acting` has ended, of what was read within it.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from conduit_chassis import postgres
from conduit_chassis.postgres import Connection, Pool
from conduit_programme import metrics
from conduit_programme.rules import LastChange
from conduit_web.acts import ActKind
from conduit_web.keys import LAST_MOMENT, microseconds, moment
from conduit_web.lists import FETCH, ListPage, list_page, read_key
from conduit_web.people import Person

HUB = "hub"
_NOTE = """
INSERT INTO acts (at, account, belongs_to, kind, what, about, about_id, why) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
"""
_NEWEST = f"""
SELECT act_id, at, account, belongs_to, kind, what, about, about_id, why FROM acts
WHERE {{which}} AND (at, act_id) < ($1, $2) ORDER BY at DESC, act_id DESC LIMIT {FETCH}
"""  # noqa: S608 - constants
_LAST = """
SELECT account, what, at FROM acts
WHERE about_id = $1 AND kind <> 'consultation' AND ($2::text[] IS NULL OR belongs_to = ANY($2))
    AND (cardinality($3::text[]) = 0 OR what = ANY($3))
ORDER BY at DESC, act_id DESC LIMIT 1
"""
_WHO = """
SELECT account, belongs_to FROM acts WHERE about_id = $1 AND (what = ANY($2) OR (what = $3 AND belongs_to = $4))
ORDER BY at DESC, act_id DESC LIMIT 1
"""
_ACTS = {
    (): _NEWEST.format(which="true"),
    ("account",): _NEWEST.format(which="account = $3"),
    ("about_id",): _NEWEST.format(which="about_id = $3"),
    ("kind",): _NEWEST.format(which="kind = $3"),
    ("account", "kind"): _NEWEST.format(which="account = $3 AND kind = $4"),
}


@dataclass(frozen=True, slots=True)
class Deed:
    """What somebody does: codes and ids, never anybody's words."""

    kind: ActKind
    what: str
    about: str | None = None
    """What sort of thing it concerns, such as `organisation`."""
    about_id: UUID | None = None
    why: str | None = None


@dataclass(frozen=True, slots=True)
class DeedsAbout:
    """Lines about things of one sort."""

    about: str

    def looking(self, what: str, about_id: UUID | None = None) -> Deed:
        """A view of one, or of a list."""
        return Deed(ActKind.CONSULTATION, what, self.about if about_id else None, about_id)

    def changing(self, what: str, about_id: UUID) -> Deed:
        """A change of one, or that there is one."""
        return Deed(ActKind.ALTERATION, what, self.about, about_id)

    def trying(self, what: str, about_id: UUID, problems: Mapping[str, str] | None) -> Deed:
        """A change, or no more than a view where the form is not in order."""
        return self.looking(f"viewed_{self.about}", about_id) if problems else self.changing(what, about_id)


@dataclass(frozen=True, slots=True)
class DeedRow:
    """A line of the trail."""

    act_id: int
    at: datetime
    account: str
    belongs_to: str
    kind: str
    what: str
    about: str | None
    about_id: UUID | None
    why: str | None


@dataclass(frozen=True, slots=True)
class DeedFilter:
    """Whose acts, of which kind; or all about one thing."""

    account: str | None = None
    kind: str | None = None
    about_id: UUID | None = None

    def __post_init__(self) -> None:
        if self.given not in _ACTS:
            raise ValueError("acts are narrowed by account, by kind, by both, or by what they are about")

    @property
    def given(self) -> tuple[str, ...]:
        """Which of them are given."""
        return tuple(name for name in ("account", "kind", "about_id") if getattr(self, name) is not None)

    @property
    def values(self) -> Sequence[Any]:
        """What they are narrowed to."""
        return [getattr(self, name) for name in self.given]


EVERY_DEED = DeedFilter()


@dataclass(frozen=True, slots=True)
class WhoDid:
    """One of these, whoever it was; or this, of this side."""

    what: Sequence[str]
    or_this: str | None = None
    of: str | None = None


def belongs_to(person: Person) -> str:
    """Whose people somebody is one of: `hub`, `partner.ID` or `force.ID`."""
    if person.partner_id:
        return f"partner.{person.partner_id}"
    return f"force.{person.force_id}" if person.force_id else HUB


class UnchangedError(Exception):
    """Nothing had to be changed, as where somebody presses twice: `acting` then ends well, and leaves no line."""


class OvertakenError(Exception):
    """What somebody wants to change has changed since they looked at it."""

    def __init__(
        self,
        leads_to: str,
        *,
        again: str = "",
        by: Sequence[str] = (),
        last: LastChange | None = None,
        as_wanted: bool = False,
    ) -> None:
        """`leads_to` is where one sees how it stands now, and `again` where its form is, if there still is one.

        Who was first is `last`, or else the last in the trail that did one of `by`, or anything. `as_wanted` says that it
        stands as it would if this had been done: then whoever did that themselves is answered as the first time.
        """
        super().__init__("somebody was first")
        self.leads_to, self.again, self.by, self.last, self.as_wanted = leads_to, again, by, last, as_wanted


async def note(connection: Connection, person: Person, deed: Deed, now: datetime) -> None:
    """Write who did what, in the caller's transaction."""
    about = (deed.about, deed.about_id, deed.why)
    await connection.execute(_NOTE, now, person.person_id, belongs_to(person), deed.kind.value, deed.what, *about)


@asynccontextmanager
async def acting(pool: Pool, person: Person, deed: Deed, now: datetime) -> AsyncIterator[Connection]:
    """A transaction in which somebody looks at something or changes it, with its line. At the end both are committed."""
    with suppress(UnchangedError):
        async with postgres.transaction(pool) as connection:
            await note(connection, person, deed, now)
            yield connection
    metrics.ACTS.labels(deed.kind.value).inc()


async def last_change(connection: Connection, about_id: UUID | None, side: str, by: Sequence[str] = ()) -> LastChange | None:
    """Who did one of these to it last, or anything. A partner's and a force's people are told of the hub and their side."""
    row = await connection.fetchrow(_LAST, about_id, None if side == HUB else [HUB, side], list(by))
    return LastChange(**row) if row else None


async def who_did(connection: Connection, about_id: UUID, did: WhoDid) -> tuple[str, str] | None:
    """Who did that to it last, and whose people they are one of; None where nobody did."""
    row = await connection.fetchrow(_WHO, about_id, list(did.what), did.or_this, did.of)
    return (row["account"], row["belongs_to"]) if row else None


async def deeds(connection: Connection, narrowed: DeedFilter = EVERY_DEED, after: str | None = None) -> ListPage[DeedRow]:
    """Lines of the trail, the newest first."""
    at, last = read_key(after, int, int) or (microseconds(LAST_MOMENT), 0)
    rows = await connection.fetch(_ACTS[narrowed.given], moment(int(at)), last, *narrowed.values)
    return list_page([DeedRow(**row) for row in rows], lambda each: (microseconds(each.at), each.act_id))
