"""All SQL of the registers' copy. What people keep on the pages is with its part, as in `organisations/store.py`."""

import json

from conduit_chassis.columns import Columns
from conduit_chassis.postgres import Connection
from conduit_programme.feedback import store as feedback
from conduit_programme.organisations import store as organisations
from conduit_programme.work import ProgrammeWork

_PARTNERS = Columns(partner_id="text", name="text", suspended="boolean", mous="jsonb", registered_at="timestamptz")
_REGISTER = f"""
INSERT INTO partners ({_PARTNERS.names}) SELECT {_PARTNERS.values("now")} FROM {_PARTNERS.rows("now")} ORDER BY partner_id
ON CONFLICT (partner_id) DO UPDATE SET {_PARTNERS.changes("excluded", "partner_id")}
"""  # noqa: S608 - constants
_FORCES = Columns(force_id="text", registered_at="timestamptz")
_REGISTER_FORCES = f"""
INSERT INTO forces ({_FORCES.names}) SELECT {_FORCES.values("now")} FROM {_FORCES.rows("now")} ORDER BY force_id
ON CONFLICT (force_id) DO NOTHING
"""  # noqa: S608 - constants


async def save(connection: Connection, work: ProgrammeWork) -> None:
    """Write the last record of each partner and force, and hand-overs. Each partner has an organisation of its name."""
    if work.partners:
        rows = [
            {
                "partner_id": each.partner_id,
                "name": each.name,
                "suspended": each.suspended,
                "mous": json.dumps([mou.model_dump(mode="json") for mou in each.mous]),
                "registered_at": work.now,
            }
            for each in work.partners.values()
        ]
        await connection.execute(_REGISTER, *_PARTNERS.arrays(rows))
        await organisations.follow(connection, {each.partner_id: each.name for each in work.partners.values()}, work.now)
    await feedback.know(connection, work.handovers.values(), work.now)
    if work.forces:
        forces = [{"force_id": force_id, "registered_at": work.now} for force_id in work.forces]
        await connection.execute(_REGISTER_FORCES, *_FORCES.arrays(forces))
