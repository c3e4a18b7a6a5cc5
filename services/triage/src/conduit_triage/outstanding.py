"""The reviews that wait in triage. Of content it names nothing."""

from conduit_chassis.outstanding import Outstanding
from conduit_chassis.postgres import Connection

_REVIEWS = """
SELECT CASE WHEN immediate_danger THEN 'immediate_danger' ELSE urgency END AS priority,
       CASE WHEN waiting_for_partner THEN 'the partner''s answer' ELSE 'an officer' END AS what, '' AS who, referral_id,
       opened_at AS since, due_at AS due, array_to_string(reasons, ' ') AS about
FROM reviews WHERE NOT $2 OR due_at < now()
ORDER BY immediate_danger DESC, urgency_rank, due_at, opened_at, referral_id LIMIT $1
"""


async def reviews(connection: Connection, most: int, *, late: bool) -> list[Outstanding]:
    """All of them, or those past their deadline, danger first."""
    return [Outstanding(**row) for row in await connection.fetch(_REVIEWS, most, late)]
