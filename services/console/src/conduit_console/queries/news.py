"""What is new to somebody since their page was made. One look serves everybody who listens."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from conduit_chassis.postgres import Connection
from conduit_web.lists import ROWS

_MOST = 200
_NEWEST = f"""
(SELECT 'question' AS what, opened_at AS at, claimed_by AS whose, NULL AS by FROM questions
    ORDER BY opened_at DESC LIMIT {_MOST})
UNION ALL
(SELECT 'duty_task', opened_at, NULL, NULL FROM duty_tasks WHERE taken_at IS NULL ORDER BY opened_at DESC LIMIT {_MOST})
UNION ALL
(SELECT 'opinion', asked_at, asked_of, asked_by FROM second_opinions WHERE answer IS NULL
    ORDER BY asked_at DESC LIMIT {_MOST})
UNION ALL
(SELECT 'answer', answered_at, asked_by, answered_by FROM second_opinions WHERE answer IN ('agrees', 'disagrees')
    ORDER BY answered_at DESC LIMIT {_MOST})
UNION ALL
(SELECT 'glass', at, NULL, officer_id FROM acts WHERE what = 'broke_glass' ORDER BY at DESC LIMIT {_MOST})
"""  # noqa: S608 - constants
_FOR_SUPERVISORS = frozenset({"glass"})
_FOR_ITS_ASKER = frozenset({"answer"})


class NewThing(NamedTuple):
    """One thing that may be news to somebody."""

    what: str
    at: datetime
    whose: str | None
    """The account that it waits for; None: everybody's."""
    by: str | None
    """Who did it, to whom it is no news."""

    def concerns(self, officer_id: str, *, supervises: bool) -> bool:
        """Whether this officer's first page has it."""
        if self.by == officer_id or (self.what in _FOR_SUPERVISORS and not supervises):
            return False
        return self.whose == officer_id or (self.whose is None and self.what not in _FOR_ITS_ASKER)


Newest = Sequence[NewThing]
"""What came last of each kind."""


async def newest(connection: Connection) -> Newest:
    """The one look."""
    return [NewThing(**row) for row in await connection.fetch(_NEWEST)]


def number_since(found: Newest, since: datetime, officer_id: str, *, supervises: bool) -> int:
    """How many of these are later and of this officer's concern; no more than a page's rows are counted."""
    mine = (each for each in found if each.at > since and each.concerns(officer_id, supervises=supervises))
    return min(sum(1 for _ in mine), ROWS)
