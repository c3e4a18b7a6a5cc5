"""Lists by what is asked of people: questions, cases without a force, silent forces, failed notices, cases."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from conduit_chassis.postgres import Connection, Row
from conduit_console.cases import CALM, DANGER, AskedBy, FailedNotice
from conduit_contracts.ids import moment_of
from conduit_contracts.notification import ReferralState
from conduit_contracts.referral import Urgency
from conduit_contracts.routing import HandoffState
from conduit_web.keys import FIRST_ID, FIRST_MOMENT, LAST_ID, LAST_MOMENT, identity, microseconds, moment
from conduit_web.lists import FETCH, ListPage, SmallInt, list_page, read_key

_QUESTION = """
questions.referral_id, partner_id, partner_reference, asked_by, reasons, about, questions.urgency, questions.rank, opened_at,
due_at, waits_for_partner, claimed_by, state, kept_from IS NOT NULL AS restricted
"""
_ASKED = f"""
SELECT {_QUESTION} FROM questions JOIN cases ON cases.referral_id = questions.referral_id
WHERE {{whose}} AND (questions.rank, due_at, questions.referral_id, asked_by) > ($1, $2, $3, $4)
ORDER BY questions.rank, due_at, questions.referral_id, asked_by LIMIT {FETCH}
"""  # noqa: S608 - constants
_ASKED_OF = {
    "mine": _ASKED.format(whose="claimed_by = $5"),
    "unclaimed": _ASKED.format(whose="claimed_by IS NULL"),
    "everybody": _ASKED.format(whose="true"),
}
_CASE = """
cases.referral_id, cases.partner_id, partner_reference, received_at, cases.urgency, cases.rank, state, home_force,
interim_owner, kept_from IS NOT NULL AS restricted, without_force
"""
_NEWEST_CASES = f"""
SELECT {_CASE} FROM cases WHERE {{which}} AND referral_id < $1 ORDER BY referral_id DESC LIMIT {FETCH}
"""  # noqa: S608 - constants
_NARROWED_CASES = f"""
SELECT {_CASE} FROM cases WHERE {{which}} AND (begun_at, referral_id) < ($2, $1)
ORDER BY begun_at DESC, referral_id DESC LIMIT {FETCH}
"""  # noqa: S608 - constants
_CASES = {
    (): _NEWEST_CASES.format(which="true"),
    ("danger",): _NEWEST_CASES.format(which="rank = 0"),
    ("state",): _NARROWED_CASES.format(which="state = $3"),
    ("partner_id",): _NARROWED_CASES.format(which="partner_id = $3"),
    ("partner_id", "state"): _NARROWED_CASES.format(which="partner_id = $3 AND state = $4"),
}
_BY_MOMENT = {("state",), ("partner_id",), ("partner_id", "state")}
"""Those that are also asked for the moment in the id."""
_CASES_OF_FORCE = f"""
SELECT {_CASE} FROM (
    SELECT referral_id FROM handoffs WHERE force_id = $2 {{which}} AND referral_id < $1
    ORDER BY referral_id DESC LIMIT {FETCH}
) AS found JOIN cases USING (referral_id) ORDER BY referral_id DESC
"""  # noqa: S608 - constants
_CASES |= {
    ("force_id",): _CASES_OF_FORCE.format(which=""),
    ("force_id", "state"): _CASES_OF_FORCE.format(which="AND case_state = $3"),
}
_WITHOUT_FORCE = f"""
SELECT {_CASE} FROM cases WHERE without_force AND (rank, referral_id) > ($1, $2) ORDER BY rank, referral_id LIMIT {FETCH}
"""  # noqa: S608 - constants
_LATE_COLUMNS = """
rank, due_at, referral_id, force_id, state, chases, level, reminded_at, disseminated_at, received_at, acknowledged_at
"""
# The place in each rank by itself: compared with rank and all, an index asked for one rank is read from its beginning.
_LATE = """
(SELECT {columns} FROM handoffs WHERE rank = {rank} AND due_at <= $1 AND (due_at, referral_id, force_id) > ({place})
ORDER BY due_at, referral_id, force_id LIMIT {most})
"""
_LATE_IN_DANGER = _LATE.format(rank=DANGER, place="$2, $3, $4", most=FETCH, columns=_LATE_COLUMNS)
_LATE_CALM = _LATE.format(rank=CALM, place="$5, $6, $7", most=FETCH, columns=_LATE_COLUMNS)
_SILENT = f"""
SELECT found.referral_id, force_id, partner_id, partner_reference, found.rank, cases.urgency, found.state, due_at, chases,
       level, reminded_at, disseminated_at, found.received_at, acknowledged_at, home_force, cases.state AS case_state,
       kept_from IS NOT NULL AS restricted
FROM (
    SELECT {_LATE_COLUMNS} FROM ({_LATE_IN_DANGER} UNION ALL {_LATE_CALM}) AS late
    ORDER BY rank, due_at, referral_id, force_id LIMIT {FETCH}
) AS found JOIN cases ON cases.referral_id = found.referral_id
ORDER BY found.rank, due_at, found.referral_id, force_id
"""  # noqa: S608 - constants
_FAILED = f"""
SELECT notice_id, audience, channel, template, referral_id, attempts, code, failed_at FROM failed_notices
WHERE (failed_at, notice_id) < ($1, $2) ORDER BY failed_at DESC, notice_id DESC LIMIT {FETCH}
"""  # noqa: S608 - constants
_DANGERS = f"""
SELECT event_id, partner_id, partner_reference, referral_id, codes, waits_until, reported_at FROM dangers
WHERE (reported_at, event_id) < ($1, $2) ORDER BY reported_at DESC, event_id DESC LIMIT {FETCH}
"""  # noqa: S608 - constants
_ANYWHERE, _NOWHERE = (FIRST_MOMENT, FIRST_ID, ""), (LAST_MOMENT, LAST_ID, "")


class Whose(StrEnum):
    """Whose questions a list shows."""

    MINE = "mine"
    """Those of cases that the officer has claimed."""
    UNCLAIMED = "unclaimed"
    """Those that nobody has claimed."""
    EVERYBODY = "everybody"


@dataclass(frozen=True, slots=True)
class QuestionRow:
    """One question to an officer."""

    referral_id: UUID
    partner_id: str
    partner_reference: str
    asked_by: AskedBy
    reasons: tuple[str, ...]
    about: tuple[str, ...]
    """The forces to choose from, or those that are silent."""
    urgency: Urgency
    danger: bool
    opened_at: datetime
    due_at: datetime
    waits_for_partner: bool
    claimed_by: str | None
    state: ReferralState
    """Of the case."""
    restricted: bool


@dataclass(frozen=True, slots=True)
class CaseRow:
    """One case."""

    referral_id: UUID
    partner_id: str
    partner_reference: str
    received_at: datetime | None
    """None until intake's own record was read, which may be later than another's."""
    urgency: Urgency | None
    danger: bool
    state: ReferralState
    home_force: str | None
    interim_owner: str | None
    restricted: bool
    without_force: bool


@dataclass(frozen=True, slots=True)
class SilentForce:
    """A force that has let its deadline pass."""

    referral_id: UUID
    force_id: str
    partner_id: str
    partner_reference: str
    danger: bool
    urgency: Urgency | None
    state: HandoffState
    due_at: datetime
    chases: int
    level: int
    reminded_at: datetime | None
    disseminated_at: datetime | None
    received_at: datetime | None
    acknowledged_at: datetime | None
    """When a person took it on in a call, where the connector has confirmed nothing since."""
    home_force: str | None
    case_state: ReferralState
    restricted: bool


@dataclass(frozen=True, slots=True)
class DangerRow:
    """Danger in something that the hub could not take. Who to call stands with the duty task."""

    event_id: str
    partner_id: str
    partner_reference: str | None
    referral_id: UUID | None
    codes: tuple[str, ...]
    waits_until: datetime | None
    reported_at: datetime


@dataclass(frozen=True, slots=True)
class CaseFilter:
    """What a list of cases is narrowed to, by one party and by state; or danger by itself."""

    state: ReferralState | None = None
    partner_id: str | None = None
    force_id: str | None = None
    danger: bool = False

    def __post_init__(self) -> None:
        if self.given not in _CASES:
            raise ValueError("a list is narrowed by a partner or a force, each with a state; danger stands by itself")

    @property
    def given(self) -> tuple[str, ...]:
        """Which of them are given."""
        return tuple(name for name in ("danger", "force_id", "partner_id", "state") if getattr(self, name))

    @property
    def values(self) -> Sequence[str]:
        """What they are narrowed to, without danger, which has no value."""
        return [str(getattr(self, name)) for name in self.given if name != "danger"]


EVERY_CASE = CaseFilter()


async def questions(
    connection: Connection, whose: Whose, officer_id: str, after: str | None = None
) -> ListPage[QuestionRow]:
    """What waits for an officer: danger first, then by the time that is left."""
    rank, due, referral, asked_by = read_key(after, SmallInt, int, str, str) or (-1, None, None, "")
    where = [rank, FIRST_MOMENT if due is None else moment(int(due)), identity(str(referral)), asked_by]
    more = [officer_id] if whose is Whose.MINE else []
    rows = await connection.fetch(_ASKED_OF[whose.value], *where, *more)
    return list_page(
        [_question(row) for row in rows],
        lambda each: (_rank(each), microseconds(each.due_at), str(each.referral_id), each.asked_by.value),
    )


async def cases(connection: Connection, narrowed: CaseFilter = EVERY_CASE, after: str | None = None) -> ListPage[CaseRow]:
    """Cases, the newest first."""
    (last,) = read_key(after, str) or (str(LAST_ID),)
    before = identity(str(last), LAST_ID)
    begun = [_begun(before)] if narrowed.given in _BY_MOMENT else []
    rows = await connection.fetch(_CASES[narrowed.given], before, *begun, *narrowed.values)
    return list_page([_case(row) for row in rows], lambda each: (str(each.referral_id),))


async def without_force(connection: Connection, after: str | None = None) -> ListPage[CaseRow]:
    """Cases that a force must have and none has: danger first, then the oldest."""
    rank, referral = read_key(after, SmallInt, str) or (-1, str(FIRST_ID))
    rows = await connection.fetch(_WITHOUT_FORCE, rank, identity(str(referral)))
    return list_page([_case(row) for row in rows], lambda each: (_rank(each), str(each.referral_id)))


async def silent_forces(connection: Connection, now: datetime, after: str | None = None) -> ListPage[SilentForce]:
    """Forces that have let a deadline pass: danger first, then by how long ago."""
    rank, due, referral, force_id = read_key(after, SmallInt, int, str, str) or (DANGER, None, None, "")
    place = (FIRST_MOMENT if due is None else moment(int(due)), identity(str(referral)), force_id)
    in_danger = place if rank == DANGER else _NOWHERE
    rows = await connection.fetch(_SILENT, now, *in_danger, *(_ANYWHERE if rank == DANGER else place))
    return list_page(
        [_silent(row) for row in rows],
        lambda each: (_rank(each), microseconds(each.due_at), str(each.referral_id), each.force_id),
    )


async def failed_notices(connection: Connection, after: str | None = None) -> ListPage[FailedNotice]:
    """Notices that the hub gave up on, the newest first."""
    failed_at, notice_id = read_key(after, int, str) or (microseconds(LAST_MOMENT), str(LAST_ID))
    rows = await connection.fetch(_FAILED, moment(int(failed_at)), identity(str(notice_id), LAST_ID))
    found = [FailedNotice(**row) for row in rows]
    return list_page(found, lambda each: (microseconds(each.failed_at), str(each.notice_id)))


async def dangers(connection: Connection, after: str | None = None) -> ListPage[DangerRow]:
    """Danger in what could not be taken, the newest first."""
    reported_at, event_id = read_key(after, int, str) or (microseconds(LAST_MOMENT), "")
    rows = await connection.fetch(_DANGERS, moment(int(reported_at)), event_id)
    found = [DangerRow(**{**row, "codes": tuple(row["codes"])}) for row in rows]
    return list_page(found, lambda each: (microseconds(each.reported_at), each.event_id))


def _begun(referral_id: UUID) -> datetime:
    return LAST_MOMENT if referral_id == LAST_ID else min(moment_of(referral_id), LAST_MOMENT)


def _rank(row: QuestionRow | CaseRow | SilentForce) -> int:
    return DANGER if row.danger else 1


def _question(row: Row) -> QuestionRow:
    made = {"reasons": tuple(row["reasons"]), "about": tuple(row["about"]), "asked_by": AskedBy(row["asked_by"])}
    return QuestionRow(**_typed(row) | made)


def _case(row: Row) -> CaseRow:
    return CaseRow(**_typed(row))


def _silent(row: Row) -> SilentForce:
    made = {"state": HandoffState(row["state"]), "case_state": ReferralState(row["case_state"])}
    given: Mapping[str, Any] = {name: value for name, value in row.items() if name not in {"rank", *made}}
    urgency = Urgency(row["urgency"]) if row["urgency"] else None
    return SilentForce(**{**given, **made, "danger": row["rank"] == DANGER, "urgency": urgency})


def _typed(row: Row) -> dict[str, Any]:
    """What rows of cases and of questions have in common."""
    given = {name: value for name, value in row.items() if name != "rank"}
    urgency = Urgency(row["urgency"]) if row["urgency"] else None
    return given | {"danger": row["rank"] == DANGER, "urgency": urgency, "state": ReferralState(row["state"])}
