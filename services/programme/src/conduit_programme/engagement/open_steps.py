"""SQL of next steps that are still to be done, whosever they are: by key, the soonest first."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from conduit_chassis.postgres import Connection
from conduit_programme.engagement.rules import NextStep, Side
from conduit_programme.engagement.store import STEP, step_of
from conduit_web.keys import FIRST_ID, day_numbered, identity
from conduit_web.lists import FETCH, ListPage, list_page, read_key

MOST_AT_ONCE = 500
"""So many are read at once where there are no pages, as for a calendar."""
_OPEN = f"""
SELECT {STEP} FROM steps WHERE state = 'open' AND {{whose}} AND (due_on, steps.step_id) > ($1, $2)
ORDER BY due_on, steps.step_id LIMIT {{most}}
"""  # noqa: S608 - constants
_OWNED = {
    "account": "owner_account = $3",
    "organisations": "owner_organisation = ANY($3::uuid[])",
    "force": "owner_force = $3",
    "others_at_hub": "owner_account IS NOT NULL AND owner_account <> $3",
    "outside_the_hub": "owner_account IS NULL",
    "organisations_join": """
        joint AND NOT coalesce(owner_organisation = ANY($3::uuid[]), false)
        AND activity_id IN (SELECT activity_id FROM activity_organisations WHERE organisation_id = ANY($3::uuid[]))
    """,
    "force_joins": """
        joint AND owner_force IS DISTINCT FROM $3
        AND activity_id IN (SELECT activity_id FROM activities WHERE force_ids @> ARRAY[$3::text])
    """,
}
_BY_KEY = {whose: _OPEN.format(whose=which, most=FETCH) for whose, which in _OWNED.items()}
_AT_ONCE = {whose: _OPEN.format(whose=which, most=MOST_AT_ONCE + 1) for whose, which in _OWNED.items()}


@dataclass(frozen=True, slots=True)
class StepsOf:
    """Whose steps are asked for."""

    which: str
    values: tuple[Any, ...] = ()


OUTSIDE_THE_HUB = StepsOf("outside_the_hub")
"""What organisations and forces do."""


def by_account(account: str) -> StepsOf:
    """What this person at the hub does."""
    return StepsOf("account", (account,))


def by_others_at_hub(account: str) -> StepsOf:
    """What anybody else at the hub does."""
    return StepsOf("others_at_hub", (account,))


def by_side(side: Side) -> StepsOf:
    """What this side does."""
    return StepsOf("force", (side.force_id,)) if side.force_id else StepsOf("organisations", (list(side.organisation_ids),))


def open_to_side(side: Side) -> StepsOf:
    """What others do and this side may join, since it takes part."""
    if side.force_id:
        return StepsOf("force_joins", (side.force_id,))
    return StepsOf("organisations_join", (list(side.organisation_ids),))


async def listed(connection: Connection, whose: StepsOf, after: str | None) -> ListPage[NextStep]:
    """A page of them."""
    ordinal, last = read_key(after, int, str) or (1, str(FIRST_ID))
    since = day_numbered(int(ordinal))
    rows = await connection.fetch(_BY_KEY[whose.which], since, identity(str(last)), *whose.values)
    return list_page([step_of(row) for row in rows], lambda each: (each.due_on.toordinal(), str(each.step_id)))


async def due_from(connection: Connection, whose: StepsOf, first: date) -> list[NextStep]:
    """Those that are due on this day or later, one more than `MOST_AT_ONCE` at most."""
    rows = await connection.fetch(_AT_ONCE[whose.which], first, FIRST_ID, *whose.values)
    return [step_of(row) for row in rows]
