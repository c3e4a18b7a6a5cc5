"""For supervisors: who has what. For auditors: every view and act, grouped and filtered."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from conduit_chassis.postgres import Connection
from conduit_console.cases import DANGER
from conduit_contracts.notification import ReferralState
from conduit_web.keys import FIRST_ID, FIRST_MOMENT, LAST_MOMENT, identity, microseconds, moment
from conduit_web.lists import FETCH, ROWS, ListPage, list_page, read_key

_CLAIMS = f"""
SELECT found.officer_id, found.claimed_at, found.referral_id, partner_id, partner_reference, cases.rank, state,
       asked.first_due, coalesce(asked.questions, 0) AS questions, kept_from IS NOT NULL AS restricted, ARRAY(
           SELECT named.officer_id FROM officers_named AS named
           WHERE named.referral_id = found.referral_id AND named.officer_id <> named.named_by
       ) AS named
FROM (
    SELECT officer_id, claimed_at, referral_id FROM claims WHERE (officer_id, claimed_at, referral_id) > ($1, $2, $3)
    ORDER BY officer_id, claimed_at, referral_id LIMIT {FETCH}
) AS found JOIN cases USING (referral_id) LEFT JOIN LATERAL (
    SELECT min(due_at) AS first_due, count(*) AS questions FROM questions WHERE questions.referral_id = found.referral_id
) AS asked ON true
ORDER BY found.officer_id, found.claimed_at, found.referral_id
"""  # noqa: S608 - constants
_BURDEN = """
SELECT claimed_by AS officer_id, count(*) AS questions, count(*) FILTER (WHERE rank = 0) AS in_danger,
       count(*) FILTER (WHERE due_at <= $1) AS late, min(due_at) AS first_due
FROM questions GROUP BY claimed_by ORDER BY claimed_by NULLS FIRST LIMIT 500
"""
_ACT = "act_id, at, officer_id, kind, what, referral_id, why, about"
_NEWEST_ACTS = f"""
SELECT {_ACT} FROM acts WHERE {{which}} AND (at, act_id) < ($1, $2) ORDER BY at DESC, act_id DESC LIMIT {FETCH}
"""  # noqa: S608 - constants
_ACTS = {
    (): _NEWEST_ACTS.format(which="true"),
    ("officer_id",): _NEWEST_ACTS.format(which="officer_id = $3"),
    ("referral_id",): _NEWEST_ACTS.format(which="referral_id = $3"),
    ("kind",): _NEWEST_ACTS.format(which="kind = $3"),
    ("kind", "officer_id"): _NEWEST_ACTS.format(which="kind = $3 AND officer_id = $4"),
}
_GLASS_BROKEN = f"""
SELECT {_ACT} FROM acts WHERE what = 'broke_glass' AND at > $1 ORDER BY at DESC, act_id DESC LIMIT {ROWS}
"""  # noqa: S608 - constants
_GROUPED = """
SELECT officer_id, kind, what, count(*) AS times, count(DISTINCT referral_id) AS cases, max(at) AS last_at
FROM acts WHERE act_id > (SELECT coalesce(max(act_id), 0) FROM acts) - $1
GROUP BY officer_id, kind, what ORDER BY officer_id, kind, what LIMIT 1000
"""
MOST_GROUPED = 5_000
"""How many of the newest acts are grouped at once, so that grouping costs the same however many there are."""


@dataclass(frozen=True, slots=True)
class ClaimRow:
    """A case that an officer has in hand."""

    officer_id: str
    claimed_at: datetime
    referral_id: UUID
    partner_id: str
    partner_reference: str
    danger: bool
    state: ReferralState
    first_due: datetime | None
    """When the first of its questions is due; None where nothing is asked any more."""
    questions: int
    restricted: bool
    named: frozenset[str]
    """The officers to whom it is open where it is restricted."""


@dataclass(frozen=True, slots=True)
class Burden:
    """How much waits for one officer."""

    officer_id: str | None
    """None: for nobody in particular."""
    questions: int
    in_danger: int
    late: int
    first_due: datetime


@dataclass(frozen=True, slots=True)
class ActRow:
    """Who looked at what, or did what, at the console."""

    act_id: int
    at: datetime
    officer_id: str
    kind: str
    what: str
    referral_id: UUID | None
    why: str | None
    about: str | None


@dataclass(frozen=True, slots=True)
class ActGroup:
    """The same act of the same officer, counted."""

    officer_id: str
    kind: str
    what: str
    times: int
    cases: int
    last_at: datetime


@dataclass(frozen=True, slots=True)
class ActFilter:
    """Whose acts, of which kind; or all of one case."""

    officer_id: str | None = None
    kind: str | None = None
    referral_id: UUID | None = None

    def __post_init__(self) -> None:
        if self.given not in _ACTS:
            raise ValueError("acts are narrowed by officer, by kind, by both, or by a case")

    @property
    def given(self) -> tuple[str, ...]:
        """Which of them are given."""
        return tuple(name for name in ("kind", "officer_id", "referral_id") if getattr(self, name) is not None)

    @property
    def values(self) -> Sequence[Any]:
        """What they are narrowed to."""
        return [getattr(self, name) for name in self.given]


EVERY_ACT = ActFilter()


async def who_has_what(connection: Connection, after: str | None = None) -> ListPage[ClaimRow]:
    """Every case that somebody has in hand, by officer, the one that was claimed first first."""
    officer_id, claimed_at, referral = read_key(after, str, int, str) or ("", None, str(FIRST_ID))
    since = FIRST_MOMENT if claimed_at is None else moment(int(claimed_at))
    rows = await connection.fetch(_CLAIMS, officer_id, since, identity(str(referral)))
    found = [
        ClaimRow(
            **{name: value for name, value in row.items() if name not in {"rank", "state", "named"}},
            danger=row["rank"] == DANGER,
            state=ReferralState(row["state"]),
            named=frozenset(row["named"]),
        )
        for row in rows
    ]
    return list_page(found, lambda each: (each.officer_id, microseconds(each.claimed_at), str(each.referral_id)))


async def burdens(connection: Connection, now: datetime) -> list[Burden]:
    """How much waits for each officer, and first what nobody has claimed. It reads every open question once."""
    return [Burden(**row) for row in await connection.fetch(_BURDEN, now)]


async def acts(connection: Connection, narrowed: ActFilter = EVERY_ACT, after: str | None = None) -> ListPage[ActRow]:
    """Views and acts, the newest first."""
    at, last = read_key(after, int, int) or (microseconds(LAST_MOMENT), 0)
    rows = await connection.fetch(_ACTS[narrowed.given], moment(int(at)), last, *narrowed.values)
    return list_page([ActRow(**row) for row in rows], lambda each: (microseconds(each.at), each.act_id))


async def glass_broken(connection: Connection, since: datetime) -> Sequence[ActRow]:
    """Who opened a restricted case since then without being named for it, the latest first."""
    return [ActRow(**row) for row in await connection.fetch(_GLASS_BROKEN, since)]


async def grouped_acts(connection: Connection, newest: int = MOST_GROUPED) -> list[ActGroup]:
    """The newest acts, counted by officer, kind and act."""
    return [ActGroup(**row) for row in await connection.fetch(_GROUPED, min(newest, MOST_GROUPED))]
