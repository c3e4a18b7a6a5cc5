"""When a call that an officer records can have been: the same of triage and of routing."""

from datetime import datetime, timedelta

from conduit_contracts.geography import forces
from conduit_contracts.routing import RecordCall
from conduit_contracts.triage import NoteCall

MINUTE = timedelta(minutes=1)
"""Officers write the minute in which they spoke, not the second."""
SPOKEN_LATER = "spoken_later"


def call_misfit(command: NoteCall | RecordCall, now: datetime) -> str | None:
    """Why a call cannot be recorded, or None where it can: in whatever state the case is, somebody spoke."""
    if command.force_id is not None and command.force_id not in forces():
        return "force_unknown"
    return SPOKEN_LATER if command.spoken_at > now + MINUTE else None
