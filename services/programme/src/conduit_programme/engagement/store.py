"""All SQL of activities and next steps. Words go through `content`.

An organisation is read as it stands now: what became part of another takes part as that one.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from conduit_chassis.postgres import Connection, Row, affected
from conduit_contracts.ids import uuid7
from conduit_programme import content
from conduit_programme.engagement.rules import (
    Activity,
    ActivityKind,
    ActivityState,
    NextStep,
    Side,
    StepOwner,
    StepState,
)
from conduit_programme.engagement.said import ActivityWords, StepWords
from conduit_programme.four_ps import FourPs
from conduit_web.keys import FIRST_ID, LAST_ID, day_numbered, identity
from conduit_web.lists import FETCH, ListPage, RowKey, list_page, read_key

_PUT = """
INSERT INTO activities (activity_id, kind, held_on, state, ps, themes, force_ids, proposed_by, words_id, logged_by,
                        logged_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
ON CONFLICT (activity_id) DO UPDATE
SET kind = excluded.kind, held_on = excluded.held_on, state = excluded.state, ps = excluded.ps, themes = excluded.themes,
    force_ids = excluded.force_ids, words_id = excluded.words_id
"""
_LEAVE = "DELETE FROM activity_organisations WHERE activity_id = $1"
_TAKE_PART = "INSERT INTO activity_organisations (activity_id, organisation_id) VALUES ($1, $2) ON CONFLICT DO NOTHING"
_COLUMNS = """
activity_id, kind, held_on, state, ps, themes, force_ids, proposed_by, words_id, logged_by,
ARRAY(SELECT DISTINCT coalesce(merged_into, organisations.organisation_id)
      FROM activity_organisations AS part JOIN organisations USING (organisation_id)
      WHERE part.activity_id = activities.activity_id) AS organisation_ids
"""
_FIND = f"SELECT {_COLUMNS} FROM activities WHERE activity_id = $1"  # noqa: S608 - constants
_HOLD = "SELECT FROM activities WHERE activity_id = $1 FOR UPDATE"
_NEWEST = f"""
SELECT {_COLUMNS} FROM activities WHERE (held_on, activity_id) < ($1, $2)
ORDER BY held_on DESC, activity_id DESC LIMIT {FETCH}
"""  # noqa: S608 - constants
_BETWEEN = f"""
SELECT {_COLUMNS} FROM activities WHERE held_on BETWEEN $1 AND $2 ORDER BY held_on DESC, activity_id DESC LIMIT $3
"""  # noqa: S608 - constants
_AGREED_BETWEEN = f"""
SELECT {_COLUMNS} FROM activities WHERE state = 'agreed' AND held_on BETWEEN $1 AND $2 {{with_whom}}
ORDER BY held_on DESC, activity_id DESC LIMIT $3
"""  # noqa: S608 - constants
_AGREED = _AGREED_BETWEEN.format(with_whom="")
_AGREED_WITH_FORCE = _AGREED_BETWEEN.format(with_whom="AND force_ids @> ARRAY[$4::text]")
_AGREED_WITH = _AGREED_BETWEEN.format(
    with_whom="""
        AND activity_id IN (SELECT activity_id FROM activity_organisations WHERE organisation_id = ANY($4::uuid[]))
    """
)
_PROPOSED = f"""
SELECT {_COLUMNS} FROM activities WHERE state = 'proposed' AND (held_on, activity_id) > ($1, $2)
ORDER BY held_on, activity_id LIMIT {FETCH}
"""  # noqa: S608 - constants
_WITH_ORGANISATIONS = f"""
SELECT {_COLUMNS} FROM activities
WHERE activity_id IN (SELECT activity_id FROM activity_organisations WHERE organisation_id = ANY($1::uuid[]))
ORDER BY held_on DESC, activity_id DESC LIMIT $2
"""  # noqa: S608 - constants
_WITH_FORCE = f"""
SELECT {_COLUMNS} FROM activities WHERE force_ids @> ARRAY[$1::text]
ORDER BY held_on DESC, activity_id DESC LIMIT $2
"""  # noqa: S608 - constants
_ABOUT_P = f"""
SELECT {_COLUMNS} FROM activities
WHERE ps @> ARRAY[$1::text] AND state = 'agreed' AND held_on BETWEEN $2 AND $3 ORDER BY held_on, activity_id
"""  # noqa: S608 - constants
_STATE = "UPDATE activities SET state = $3 WHERE activity_id = $1 AND state = ANY($2::text[])"
STEP = """
steps.step_id, activity_id, steps.words_id, owner_account, owner_force, joint, due_on, steps.state, ended_on,
(SELECT coalesce(merged_into, organisation_id) FROM organisations WHERE organisation_id = owner_organisation)
    AS owner_organisation,
ARRAY(SELECT member FROM step_members AS joined WHERE joined.step_id = steps.step_id ORDER BY joined_at, member) AS members
"""
_ADD_STEP = """
INSERT INTO steps (step_id, activity_id, words_id, owner_account, owner_organisation, owner_force, joint, due_on, state,
                   begun_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'open', $9)
"""
_FIND_STEP = f"SELECT {STEP} FROM steps WHERE step_id = $1"  # noqa: S608 - constants
_STEPS_OF = f"""
SELECT {STEP} FROM steps WHERE activity_id = ANY($1::uuid[]) ORDER BY due_on, step_id
"""  # noqa: S608 - constants
_STEPS_ABOUT_P = f"""
SELECT {STEP} FROM steps JOIN activities USING (activity_id)
WHERE ps @> ARRAY[$1::text] AND coalesce(ended_on, due_on) BETWEEN $2 AND $3 ORDER BY due_on, step_id
"""  # noqa: S608 - constants
_END_STEP = "UPDATE steps SET state = $2, ended_on = $3 WHERE step_id = $1 AND state = 'open'"
_JOIN = """
INSERT INTO step_members (step_id, member, joined_by, joined_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING
"""
MOST_WITH = 200
"""So many activities with one organisation or force are looked at."""


async def put(connection: Connection, activity: Activity, said: ActivityWords, by: str, now: datetime) -> Activity:
    """Keep an activity, new or changed, with what was said of it; returns it as it is kept."""
    kept = said if said != ActivityWords() else None
    words_id = await content.replace(connection, [activity.words_id], kept, now)
    lists = ([*activity.ps], list(activity.themes), list(activity.force_ids))
    about = (activity.activity_id, activity.kind.value, activity.held_on, activity.state.value)
    await connection.execute(_PUT, *about, *lists, activity.proposed_by, words_id, by, now)
    await connection.execute(_LEAVE, activity.activity_id)
    await connection.executemany(_TAKE_PART, [(activity.activity_id, each) for each in activity.organisation_ids])
    return await _the(connection, activity.activity_id)


async def find(connection: Connection, activity_id: UUID) -> Activity | None:
    """The activity of this id."""
    row = await connection.fetchrow(_FIND, activity_id)
    return _activity(row) if row else None


async def hold(connection: Connection, activity_id: UUID) -> Activity | None:
    """The same, and nobody else changes it until the transaction ends."""
    await connection.execute(_HOLD, activity_id)
    return await find(connection, activity_id)


async def newest(connection: Connection, after: str | None = None) -> ListPage[Activity]:
    """All activities, those that come last first."""
    ordinal, last = read_key(after, int, str) or (date.max.toordinal(), str(LAST_ID))
    rows = await connection.fetch(_NEWEST, day_numbered(int(ordinal)), identity(str(last), LAST_ID))
    return list_page([_activity(row) for row in rows], _place)


async def between(connection: Connection, first: date, last: date, most: int) -> list[Activity]:
    """Those of these days, the latest first."""
    return [_activity(row) for row in await connection.fetch(_BETWEEN, first, last, most)]


async def agreed(
    connection: Connection, first: date, last: date, most: int, with_whom: Side | None = None
) -> list[Activity]:
    """What takes place on these days, with this side or with anybody, the latest first."""
    if with_whom is None:
        return [_activity(row) for row in await connection.fetch(_AGREED, first, last, most)]
    whom = with_whom.force_id or with_whom.organisation_ids
    asked = _AGREED_WITH_FORCE if with_whom.force_id else _AGREED_WITH
    return [_activity(row) for row in await connection.fetch(asked, first, last, most, whom)]


async def proposed(connection: Connection, after: str | None = None) -> ListPage[Activity]:
    """What waits for the hub's answer, the soonest first."""
    ordinal, last = read_key(after, int, str) or (1, str(FIRST_ID))
    rows = await connection.fetch(_PROPOSED, day_numbered(int(ordinal)), identity(str(last)))
    return list_page([_activity(row) for row in rows], _place)


async def with_organisations(connection: Connection, organisation_ids: Sequence[UUID]) -> list[Activity]:
    """What was and will be done with any of these, the latest first."""
    return [_activity(row) for row in await connection.fetch(_WITH_ORGANISATIONS, list(organisation_ids), MOST_WITH)]


async def with_force(connection: Connection, force_id: str) -> list[Activity]:
    """What was and will be done with this force, the latest first."""
    return [_activity(row) for row in await connection.fetch(_WITH_FORCE, force_id, MOST_WITH)]


async def move(connection: Connection, activity_id: UUID, to: ActivityState, *before: ActivityState) -> bool:
    """From one of these states to another; False where it is in none of them."""
    return affected(await connection.execute(_STATE, activity_id, [*before], to.value)) > 0


async def words(connection: Connection, activities: Iterable[Activity]) -> dict[UUID, ActivityWords]:
    """What was said of these, by the activity."""
    known = {each.words_id: each.activity_id for each in activities if each.words_id}
    return {known[words_id]: said for words_id, said in (await content.read(connection, ActivityWords, known)).items()}


async def add_step(
    connection: Connection, activity_id: UUID, what: str, owner: StepOwner, due_on: date, *, joint: bool, now: datetime
) -> UUID:
    """What is to be done next."""
    step_id, words_id = uuid7(now), await content.write(connection, StepWords(what=what), now)
    whose = (owner.account, owner.organisation_id, owner.force_id)
    await connection.execute(_ADD_STEP, step_id, activity_id, words_id, *whose, joint, due_on, now)
    return step_id


async def about_p(connection: Connection, p: FourPs, first: date, last: date) -> list[Activity]:
    """What was or will be done on these days about one of the four Ps."""
    return [_activity(row) for row in await connection.fetch(_ABOUT_P, p.value, first, last)]


async def steps_about_p(connection: Connection, p: FourPs, first: date, last: date) -> list[NextStep]:
    """What ended on these days, or is due on them and has not, of whatever was done about one of the four Ps."""
    return [step_of(row) for row in await connection.fetch(_STEPS_ABOUT_P, p.value, first, last)]


async def find_step(connection: Connection, step_id: UUID) -> NextStep | None:
    """The next step of this id."""
    row = await connection.fetchrow(_FIND_STEP, step_id)
    return step_of(row) if row else None


async def steps_of(connection: Connection, activities: Iterable[Activity]) -> list[NextStep]:
    """What follows from these, the soonest first."""
    ids = [each.activity_id for each in activities]
    return [step_of(row) for row in await connection.fetch(_STEPS_OF, ids)] if ids else []


async def step_words(connection: Connection, steps: Iterable[NextStep]) -> dict[UUID, str]:
    """What is to be done, by the step."""
    known = {each.words_id: each.step_id for each in steps}
    return {known[words_id]: said.what for words_id, said in (await content.read(connection, StepWords, known)).items()}


async def end_step(connection: Connection, step_id: UUID, state: StepState, on: date) -> bool:
    """It is done, or dropped; False where it was ended before."""
    return affected(await connection.execute(_END_STEP, step_id, state.value, on)) > 0


async def join(connection: Connection, step_id: UUID, member: str, by: str, now: datetime) -> bool:
    """A partner or a force joins; False where it had joined before."""
    return affected(await connection.execute(_JOIN, step_id, member, by, now)) > 0


def _place(activity: Activity) -> RowKey:
    return activity.held_on.toordinal(), str(activity.activity_id)


async def _the(connection: Connection, activity_id: UUID) -> Activity:
    found = await find(connection, activity_id)
    if found is None:
        raise AssertionError("what was written is not there")
    return found


def _activity(row: Row) -> Activity:
    given: dict[str, Any] = dict(row)
    given |= {"kind": ActivityKind(row["kind"]), "state": ActivityState(row["state"])}
    given |= {"ps": tuple(FourPs(each) for each in row["ps"])}
    given |= {name: tuple(row[name]) for name in ("themes", "force_ids", "organisation_ids")}
    return Activity(**given)


def step_of(row: Row) -> NextStep:
    """A row of `STEP`."""
    return NextStep(
        step_id=row["step_id"],
        activity_id=row["activity_id"],
        words_id=row["words_id"],
        owner=StepOwner(row["owner_account"], row["owner_organisation"], row["owner_force"]),
        joint=row["joint"],
        due_on=row["due_on"],
        state=StepState(row["state"]),
        ended_on=row["ended_on"],
        members=tuple(row["members"]),
    )
