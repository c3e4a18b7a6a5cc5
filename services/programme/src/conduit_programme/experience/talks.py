"""SQL of conversations with contributors, and of the wellbeing checks before and after each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID, uuid4

from conduit_chassis.postgres import Connection, Row, affected
from conduit_programme.experience.rules import (
    PaymentState,
    WellbeingMoment,
    WellbeingOutcome,
    check_days,
    draw_reference,
)
from conduit_programme.rules import HowMany
from conduit_web.keys import FIRST_ID, day_numbered, identity
from conduit_web.lists import FETCH, ListPage, list_page, read_key

_PLAN = """
INSERT INTO conversations (conversation_id, contributor_id, reference, planned_on, planned_by, planned_at)
VALUES ($1, $2, $3, $4, $5, $6)
"""
_PLAN_CHECK = "INSERT INTO wellbeing_checks (conversation_id, moment, owner, due_on) VALUES ($1, $2, $3, $4)"
_OF = """
SELECT conversation_id, contributor_id, reference, planned_on, held_on FROM conversations
WHERE contributor_id = $1 ORDER BY planned_on DESC, conversation_id
"""
_HELD = "UPDATE conversations SET held_on = $3 WHERE conversation_id = $1 AND contributor_id = $2 AND held_on IS NULL"
_CHECKS = """
SELECT conversation_id, moment, owner, due_on, outcome, done_by, done_at FROM wellbeing_checks
WHERE conversation_id = ANY($1::uuid[])
"""
_DONE = """
UPDATE wellbeing_checks SET outcome = $3, done_by = $4, done_at = $5
WHERE conversation_id = $1 AND moment = $2 AND outcome IS NULL
"""
_GIVE = "UPDATE wellbeing_checks SET owner = $3 WHERE conversation_id = $1 AND moment = $2 AND outcome IS NULL"
# What was to follow a conversation that never was is not due: it becomes so when the conversation is held.
_DUE = f"""
SELECT conversation_id, moment, owner, due_on, contributor_id, reference
FROM wellbeing_checks JOIN conversations USING (conversation_id) JOIN contributors USING (contributor_id)
WHERE outcome IS NULL AND forgotten_at IS NULL AND (moment = 'before' OR held_on IS NOT NULL) {{whose}}
AND (due_on, conversation_id, moment) > ($1, $2, $3) ORDER BY due_on, conversation_id, moment LIMIT {FETCH}
"""  # noqa: S608 - constants
_ALL_DUE, _MY_DUE = _DUE.format(whose=""), _DUE.format(whose="AND owner = $4")
_HOW_MANY_DUE = """
SELECT owner = $1 AS mine, count(*) AS number, count(*) FILTER (WHERE due_on < $2) AS late
FROM wellbeing_checks JOIN conversations USING (conversation_id) JOIN contributors USING (contributor_id)
WHERE outcome IS NULL AND forgotten_at IS NULL AND (moment = 'before' OR held_on IS NOT NULL) GROUP BY 1
"""
_AFTER_BY = "UPDATE wellbeing_checks SET due_on = $2 WHERE conversation_id = $1 AND moment = 'after' AND outcome IS NULL"
_OWE = "INSERT INTO payments (payment_id, conversation_id, state, since) VALUES ($1, $2, $3, $4)"


@dataclass(frozen=True, slots=True)
class KnownConversation:
    """When somebody talks, or talked, with a contributor. The reference says nothing of who."""

    conversation_id: UUID
    contributor_id: UUID
    reference: str
    planned_on: date
    held_on: date | None


@dataclass(frozen=True, slots=True)
class WellbeingCheck:
    """Somebody asks how the contributor is."""

    owner: str
    due_on: date
    outcome: WellbeingOutcome | None
    done_by: str | None
    done_at: datetime | None


@dataclass(frozen=True, slots=True)
class DueCheck:
    """One that nobody has done yet."""

    conversation_id: UUID
    moment: WellbeingMoment
    owner: str
    due_on: date
    contributor_id: UUID
    reference: str


Checks = Mapping[tuple[UUID, WellbeingMoment], WellbeingCheck]
Owners = Mapping[WellbeingMoment, str]


async def plan(
    connection: Connection, contributor_id: UUID, planned_on: date, owners: Owners, by: str, now: datetime
) -> UUID:
    """Somebody will talk with them, and somebody asks before and after how they are."""
    conversation_id = uuid4()
    await connection.execute(_PLAN, conversation_id, contributor_id, draw_reference(), planned_on, by, now)
    for moment, due_on in check_days(planned_on).items():
        await connection.execute(_PLAN_CHECK, conversation_id, moment.value, owners[moment], due_on)
    return conversation_id


async def of(connection: Connection, contributor_id: UUID) -> list[KnownConversation]:
    """With one contributor, the newest first."""
    return [KnownConversation(**row) for row in await connection.fetch(_OF, contributor_id)]


async def held(connection: Connection, conversation: KnownConversation, held_on: date, now: datetime) -> bool:
    """It took place, after the limits were explained: from that day counts when somebody asks how they are, and finance has
    a payment to offer. False if it was noted before."""
    found = await connection.execute(_HELD, conversation.conversation_id, conversation.contributor_id, held_on)
    if not affected(found):
        return False
    await connection.execute(_AFTER_BY, conversation.conversation_id, check_days(held_on)[WellbeingMoment.AFTER])
    await connection.execute(_OWE, uuid4(), conversation.conversation_id, PaymentState.DUE.value, now)
    return True


async def checks(connection: Connection, conversation_ids: Sequence[UUID]) -> Checks:
    """Both of each conversation."""
    rows = await connection.fetch(_CHECKS, list(conversation_ids))
    return {(row["conversation_id"], WellbeingMoment(row["moment"])): _check(row) for row in rows}


async def check_done(
    connection: Connection,
    conversation_id: UUID,
    moment: WellbeingMoment,
    outcome: WellbeingOutcome,
    by: str,
    now: datetime,
) -> bool:
    """Somebody asked. False if it was noted before."""
    done = await connection.execute(_DONE, conversation_id, moment.value, outcome.value, by, now)
    return affected(done) > 0


async def give_check(connection: Connection, conversation_id: UUID, moment: WellbeingMoment, owner: str) -> bool:
    """Somebody else asks. False if it is done."""
    return affected(await connection.execute(_GIVE, conversation_id, moment.value, owner)) > 0


async def due(connection: Connection, owner: str | None, after: str | None) -> ListPage[DueCheck]:
    """Checks that nobody has done yet, of one person or of all, the first due first."""
    ordinal, last, moment = read_key(after, int, str, str) or (1, str(FIRST_ID), "")
    since = day_numbered(int(ordinal))
    asked = _ALL_DUE if owner is None else _MY_DUE
    rows = await connection.fetch(asked, since, identity(str(last)), moment, *([] if owner is None else [owner]))
    found = [DueCheck(**{**row, "moment": WellbeingMoment(row["moment"])}) for row in rows]
    return list_page(found, lambda each: (each.due_on.toordinal(), str(each.conversation_id), each.moment.value))


async def how_many_due(connection: Connection, owner: str, today: date) -> tuple[HowMany, HowMany]:
    """How many checks nobody has done yet, of this person and of all others."""
    rows = await connection.fetch(_HOW_MANY_DUE, owner, today)
    found = {row["mine"]: HowMany(row["number"], row["late"]) for row in rows}
    return found.get(True, HowMany(0, 0)), found.get(False, HowMany(0, 0))


def _check(row: Row) -> WellbeingCheck:
    outcome = WellbeingOutcome(row["outcome"]) if row["outcome"] else None
    return WellbeingCheck(row["owner"], row["due_on"], outcome, row["done_by"], row["done_at"])
