"""Publishes how duty tasks stand, on a topic of their own. Who to call is never among it."""

from conduit_chassis.outbox import Outbox
from conduit_chassis.postgres import Connection
from conduit_contracts.notification import DutyTaskUpdated
from conduit_contracts.topics import DUTIES

AT_ONCE = 200
_CHANGED = """
UPDATE duty_tasks SET to_tell = false WHERE task_id IN (
    SELECT task_id FROM duty_tasks WHERE to_tell ORDER BY opened_at, task_id LIMIT $1 FOR UPDATE SKIP LOCKED
)
RETURNING task_id, kind, danger, partner_id, partner_reference, referral_id, force_id, codes, said, opened_at, unanswered_at,
    taken_at, taken_by, next_call_at
"""


async def tell(connection: Connection, outbox: Outbox) -> int:
    """Publish the tasks that changed since they were last published; returns how many."""
    rows = await connection.fetch(_CHANGED, AT_ONCE)
    for row in rows:
        task = DutyTaskUpdated(**dict(row) | {"codes": tuple(row["codes"])})
        outbox.publish(DUTIES.name(), str(task.task_id), task)
    return len(rows)
