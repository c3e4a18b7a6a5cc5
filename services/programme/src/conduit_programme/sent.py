"""What was sent is done once: a form that makes something has a key, and whoever sends it again is led to what it made."""

from datetime import datetime
from uuid import UUID

from fastapi.responses import RedirectResponse
from markupsafe import Markup

from conduit_chassis.postgres import Connection, affected
from conduit_chassis.trail import uuid_in
from conduit_contracts.ids import uuid7
from conduit_web.troubles import Trouble, TroubleError
from conduit_web.visits import InsteadError, Visit

FORM_KEY = "form_key"
# Whoever is second waits here until the first one has ended.
_SEND = """
INSERT INTO sent_forms (account, form_key, leads_to, sent_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (account, form_key) DO NOTHING
"""
_LED = "SELECT leads_to FROM sent_forms WHERE account = $1 AND form_key = $2"
_FORGET = """
DELETE FROM sent_forms WHERE (account, form_key) IN (
    SELECT account, form_key FROM sent_forms WHERE sent_at < $1 FOR UPDATE SKIP LOCKED
)
"""


def hidden_key() -> Markup:
    """What a form carries: each time that it is shown it is another form."""
    return Markup('<input type="hidden" name="{}" value="{}">').format(FORM_KEY, uuid7())


async def not_before(connection: Connection, visit: Visit) -> None:
    """Go on where this form made nothing yet.

    Raises:
        InsteadError: it did.
        TroubleError: it has no key.
    """
    leads_to = await connection.fetchval(_LED, visit.person.person_id, _key(visit))
    if leads_to is not None:
        raise InsteadError(RedirectResponse(leads_to, status_code=303))


async def once(connection: Connection, visit: Visit, leads_to: str, now: datetime, forget_before: datetime) -> None:
    """Note in the caller's transaction that this form is sent, and where it leads. What is older is forgotten.

    Raises:
        InsteadError: it was sent before, by this person; the transaction is to end without a trace.
        TroubleError: it has no key.
    """
    await connection.execute(_FORGET, forget_before)
    if not affected(await connection.execute(_SEND, visit.person.person_id, _key(visit), leads_to, now)):
        await not_before(connection, visit)


def _key(visit: Visit) -> UUID:
    key = uuid_in(visit.form.get(FORM_KEY, ""))
    if key is None:
        raise TroubleError(Trouble.FORM_REFUSED)
    return key
