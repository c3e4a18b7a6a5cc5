"""Which force may fetch an attachment: the home force alone, since a file may show anybody. Intake holds its content.

An attachment may come before its case, and waits for it here. What follows is decided by how the case stands, not by what
changed: should an attachment and its case be stored at the same moment, the next turn of the case, at the latest the
force's receipt, sees both.
"""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from conduit_chassis.columns import Columns
from conduit_chassis.postgres import Connection
from conduit_contracts.envelope import Message
from conduit_contracts.intake import AttachmentCleared
from conduit_contracts.routing import AttachmentClosed, AttachmentDisseminated, AttachmentOpened
from conduit_contracts.topics import ROUTING_ATTACHMENTS
from conduit_routing.case import AttachedFile, CaseState
from conduit_routing.turn import Turn
from conduit_routing.work import RoutingWork

_OF = """
SELECT attachment_id, referral_id, media_type, size, sha256, opened_to FROM attachments
WHERE referral_id = ANY($1::uuid[]) ORDER BY attachment_id
"""
_ROWS = Columns(attachment_id="uuid", referral_id="uuid", media_type="text", size="integer", sha256="text", opened_to="text")
_PUT = f"""
INSERT INTO attachments ({_ROWS.names}) SELECT {_ROWS.values("now")} FROM {_ROWS.rows("now")}
ON CONFLICT (attachment_id) DO UPDATE SET opened_to = excluded.opened_to
"""  # noqa: S608 - constants


async def load(connection: Connection, work: RoutingWork, referral_ids: Iterable[UUID]) -> None:
    """Let the work know of these referrals' attachments. Lock their cases first."""
    ids = list(referral_ids)
    for row in await connection.fetch(_OF, ids) if ids else ():
        found = AttachedFile(**row)
        work.stored[found.attachment_id] = found
        work.hold(found)


async def save(connection: Connection, changed: Sequence[AttachedFile]) -> None:
    """Write these."""
    if changed:
        await connection.execute(_PUT, *_ROWS.arrays(each._asdict() for each in sorted(changed)))


def cleared(message: AttachmentCleared) -> AttachedFile:
    """An attachment that nobody may fetch yet."""
    return AttachedFile(message.attachment_id, message.referral_id, message.media_type, message.size, message.sha256)


def open_to_home(turn: Turn) -> None:
    """Tell a new home force of the case's attachments, and intake of who may fetch them and who may no longer."""
    case = turn.case
    if case.state is CaseState.WITHDRAWN:
        return
    for each in turn.attachments.values():
        if each.opened_to != case.home_force:
            _close(turn, each)
            _open(turn, each)
            turn.attachments[each.attachment_id] = each._replace(opened_to=case.home_force)


def _close(turn: Turn, attachment: AttachedFile) -> None:
    if attachment.opened_to is not None:
        _tell_intake(turn, AttachmentClosed(**_about(attachment), force_id=attachment.opened_to))
        turn.note("attachment_closed", "home_force_changed", attachment.opened_to)


def _open(turn: Turn, attachment: AttachedFile) -> None:
    home = turn.case.home_force
    if home is None:
        return
    about = _about(attachment) | {"force_id": home}
    _tell_intake(turn, AttachmentOpened(**about))
    told = AttachmentDisseminated(**about, media_type=attachment.media_type, size=attachment.size, sha256=attachment.sha256)
    turn.note("attachment_opened", "home_force", home, turn.send(home, told))


def _about(attachment: AttachedFile) -> dict[str, Any]:
    return {"referral_id": attachment.referral_id, "attachment_id": attachment.attachment_id}


def _tell_intake(turn: Turn, message: Message) -> None:
    key = str(turn.case.referral_id)
    turn.outbox.publish(ROUTING_ATTACHMENTS.name(), key, message, subject=key, cause=turn.cause)
