"""What was added to a case too large for one record follows it bit by bit, read from the store and written there at once.

So a case takes no more memory than a record, however much was added to it and however many forces are given it.
"""

from conduit_chassis.postgres import Connection
from conduit_routing import extract, store
from conduit_routing.turn import Turn
from conduit_routing.work import RoutingWork

MOST_LINES = 2_000
"""Lines of a case's history that wait in memory before they are written."""


async def follow(connection: Connection, work: RoutingWork) -> None:
    """Send what was added before to the forces that the last turn gave such a case, and write events where many wait."""
    turn, work.latest = work.latest, None
    if turn is not None and turn.to_follow:
        await _send_all(connection, turn)
    await work.outbox.spill(connection)


async def _send_all(connection: Connection, turn: Turn) -> None:
    case = turn.case
    parts = [(case.handoffs[force_id], why) for force_id, why in turn.to_follow.items()]
    scoped = [(handoff, why, extract.scope_for(case, handoff)) for handoff, why in parts]
    async for supplement in store.supplements_of(connection, case):
        for handoff, why, scope in scoped:
            message = extract.information_for(case, handoff, supplement, scope)
            turn.note("disseminated", why, handoff.force_id, turn.send(handoff.force_id, message))
        await turn.outbox.spill(connection)
        if len(case.new_history) > MOST_LINES:
            await store.save_history(connection, [case])
