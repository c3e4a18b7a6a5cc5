"""The hand-offs, cases and questions to officers that wait in routing. Of content it names nothing."""

from conduit_chassis.outstanding import Outstanding
from conduit_chassis.postgres import Connection

# Of a withdrawn case no hand-off has a priority, and nobody is chased for it.
_HANDOFFS = """
SELECT priority, CASE state WHEN 'received' THEN 'a person''s acknowledgement' ELSE 'a connector''s receipt' END AS what,
       force_id AS who, referral_id, disseminated_at AS since,
       CASE state WHEN 'received' THEN acknowledgement_due_at ELSE receipt_due_at END AS due,
       concat('chased ', chases, ' times, level ', level,
              CASE WHEN next_action_at IS NULL THEN ', no step left' END) AS about
FROM handoffs
WHERE (state IN ('disseminated', 'received') OR state = 'acknowledged' AND received_at IS NULL) AND priority IS NOT NULL
    AND (NOT $2 OR state <> 'acknowledged' AND acknowledgement_due_at < now()
         OR state <> 'received' AND receipt_due_at < now())
    AND (NOT $3 OR next_action_at IS NULL)
ORDER BY array_position(ARRAY['immediate_danger', 'urgent', 'priority', 'routine'], priority), since, who LIMIT $1
"""
_QUESTIONS = """
SELECT CASE WHEN cases.immediate_danger THEN 'immediate_danger' ELSE cases.urgency END AS priority,
       'an officer' AS what, '' AS who, referral_id, waiting.opened_at AS since, waiting.about
FROM (
    SELECT referral_id, opened_at, concat_ws(' ', reason, nullif(about, '')) AS about FROM routing_reviews
    WHERE closed_at IS NULL
    UNION ALL
    SELECT referral_id, opened_at, 'no force has it' FROM cases
    WHERE interim_owner IS NULL AND state = 'open' AND position('=standards_told' IN marks) = 0
) AS waiting JOIN cases USING (referral_id)
ORDER BY immediate_danger DESC, array_position(ARRAY['urgent', 'priority', 'routine'], urgency), since LIMIT $1
"""


async def handoffs(connection: Connection, most: int, *, late: bool, exhausted: bool) -> list[Outstanding]:
    """Those that a force has not answered, danger first: all of them, those past a deadline, those with no step left."""
    return [Outstanding(**row) for row in await connection.fetch(_HANDOFFS, most, late, exhausted)]


async def questions(connection: Connection, most: int) -> list[Outstanding]:
    """What officers are asked, and the cases that no force has, danger first."""
    return [Outstanding(**row) for row in await connection.fetch(_QUESTIONS, most)]
