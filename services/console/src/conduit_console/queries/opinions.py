"""Second opinions: of one case, asked of an officer, and asked by one. No content."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from conduit_chassis.postgres import Connection, Row
from conduit_console.cases import DANGER
from conduit_console.claims import NAMED
from conduit_console.queries.sent import has_news
from conduit_web.lists import ROWS

_OPINION = """
opinion_id, second_opinions.referral_id, about, asked_by, asked_of, second_opinions.asked_at, mark, answered_by, answered_at,
answer, second_opinions.seen_version, partner_id, partner_reference, rank, kept_from IS NOT NULL AS restricted
"""
_FROM = "second_opinions JOIN cases USING (referral_id)"
# What is shut to an officer they can neither answer nor take back: it is on their list once they are named.
_OPEN = f"(kept_from IS NULL OR {NAMED.format(case='cases.referral_id', officer='$1')})"
_OF_CASE = f"""
SELECT {_OPINION} FROM {_FROM} WHERE second_opinions.referral_id = $1
ORDER BY second_opinions.asked_at DESC, opinion_id DESC LIMIT 100
"""  # noqa: S608 - constants
_ASKED_OF = f"""
SELECT {_OPINION} FROM {_FROM} WHERE answer IS NULL AND asked_by <> $1 AND coalesce(asked_of, $1) = $1 AND {_OPEN}
ORDER BY rank, second_opinions.asked_at, opinion_id LIMIT {ROWS}
"""  # noqa: S608 - constants
# What was answered stays until its asker has looked at the case since.
_ASKED_BY = f"""
SELECT {_OPINION} FROM {_FROM}
LEFT JOIN readings ON readings.referral_id = second_opinions.referral_id AND readings.officer_id = second_opinions.asked_by
WHERE asked_by = $1 AND {_OPEN}
    AND (answer IS NULL OR (answer <> 'withdrawn' AND (readings.seen_at IS NULL OR readings.seen_at < answered_at)))
ORDER BY answer IS NULL, rank, second_opinions.asked_at, opinion_id LIMIT {ROWS}
"""  # noqa: S608 - constants


@dataclass(frozen=True, slots=True)
class OpinionRow:
    """A second opinion, asked for and perhaps given."""

    opinion_id: UUID
    referral_id: UUID
    about: str
    """The code of the decision."""
    asked_by: str
    asked_of: str | None
    """None: whoever else decides."""
    asked_at: datetime
    mark: str | None
    """The digest of what the asker would send, as it was then."""
    answered_by: str | None
    answered_at: datetime | None
    answer: str | None
    """`agrees`, `disagrees`, or `withdrawn`."""
    seen_version: int | None
    """How many lines the case had when whoever answered last looked at it. None: not answered, or by an earlier release."""
    partner_id: str
    partner_reference: str
    danger: bool
    restricted: bool

    def waits_for(self, officer_id: str) -> bool:
        """Whether this officer may give it."""
        return self.answer is None and self.asked_by != officer_id and self.asked_of in {None, officer_id}

    def bears(self, about: str, mark: str, officer_id: str) -> bool:
        """Whether somebody else than this officer agrees to this decision, as it is written now. Whether that still
        holds, `covers` says."""
        agreed = self.answer == "agrees" and self.answered_by != officer_id
        return agreed and (self.about, self.mark) == (about, mark)


async def of_case(connection: Connection, referral_id: UUID) -> Sequence[OpinionRow]:
    """Those of a case, the first first. Where there are very many, the latest."""
    return [_opinion(row) for row in reversed(await connection.fetch(_OF_CASE, referral_id))]


async def covers(connection: Connection, opinion: OpinionRow) -> bool:
    """Whether it is about the case as it is: whoever gave it had read all that sends a deciding officer back to the case."""
    if opinion.answered_by is None or opinion.answered_at is None:
        return False
    read, at, by = opinion.seen_version, opinion.answered_at, opinion.answered_by
    return not await has_news(connection, opinion.referral_id, read, at, by)


async def asked_of(connection: Connection, officer_id: str) -> Sequence[OpinionRow]:
    """Those that this officer may give, of cases that are open to them: danger first, then the oldest."""
    return [_opinion(row) for row in await connection.fetch(_ASKED_OF, officer_id)]


async def asked_by(connection: Connection, officer_id: str) -> Sequence[OpinionRow]:
    """Those for which this officer waits, of cases open to them, and before them what was answered since they looked."""
    return [_opinion(row) for row in await connection.fetch(_ASKED_BY, officer_id)]


def _opinion(row: Row) -> OpinionRow:
    given = {name: value for name, value in row.items() if name != "rank"}
    return OpinionRow(**given, danger=row["rank"] == DANGER)
