"""An officer's own passkeys: make one, see which are trusted, forget one that nobody has confirmed.

A passkey is trusted once an administrator has confirmed its fingerprint (`conduit passkey`), and until one removes it.
This page can do neither, so that whoever takes the console over can neither make one trusted nor take one away.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from webauthn.helpers import bytes_to_base64url

from conduit_chassis import postgres
from conduit_console import passkeys
from conduit_console.pages.at_desk import ConsoleDesk, desk_of
from conduit_contracts.passkeys import ALGORITHMS
from conduit_contracts.programme import HubPersonRegistered
from conduit_web.access import Action
from conduit_web.troubles import Trouble, TroubleError
from conduit_web.visits import Visit, may
from conduit_web.words import N_

router = APIRouter()
Owner = Annotated[Visit, may(Action.MANAGE_OWN_PASSKEYS)]
NOT_MADE = N_("Your browser made no passkey. Turn scripts on for this site, have your passkey at hand, and try again.")
TOO_MANY = N_("Five passkeys of yours wait for an administrator. Remove one that you do not need, and try again.")


@router.get("/passkeys")
async def own(request: Request, visit: Owner) -> Response:
    """Which are trusted, which wait, and making another."""
    return await _page(request, visit)


@router.post("/passkeys")
async def make(request: Request, visit: Owner) -> Response:
    """Keep what the browser made."""
    desk, officer = desk_of(request), registered(desk_of(request), visit)
    challenge = passkeys.challenge_to_make(visit.form_token)
    try:
        made = passkeys.read_made(visit.form.get("passkey", ""), challenge, desk.settings.public_url)
    except passkeys.NotMadeError:
        return await _page(request, visit, NOT_MADE, 400)
    if not await passkeys.keep(desk.pool, officer, visit.person.person_id, made, desk.clock.now()):
        return await _page(request, visit, TOO_MANY, 409)
    return RedirectResponse("/passkeys", status_code=303)


@router.post("/passkeys/remove")
async def remove(request: Request, visit: Owner) -> Response:
    """Forget one that nobody has confirmed."""
    desk, officer = desk_of(request), registered(desk_of(request), visit)
    credential_id = visit.form.get("credential_id", "")
    await passkeys.remove(desk.pool, officer, visit.person.person_id, credential_id, desk.clock.now())
    return RedirectResponse("/passkeys", status_code=303)


def registered(desk: ConsoleDesk, visit: Visit) -> HubPersonRegistered:
    """The visitor as the register has them.

    Raises:
        TroubleError: they left since the request began.
    """
    found = desk.accounts().known.get(visit.person.person_id)
    if not isinstance(found, HubPersonRegistered):
        raise TroubleError(Trouble.UNKNOWN_PERSON)
    return found


async def _page(request: Request, visit: Visit, problem: str = "", status: int = 200) -> Response:
    desk, officer = desk_of(request), registered(desk_of(request), visit)
    async with postgres.transaction(desk.pool) as connection:
        await passkeys.settle(connection, [officer])
        offered = await passkeys.waiting(connection, officer, visit.person.person_id)
    trusted = passkeys.confirmed(officer)
    values: dict[str, Any] = {
        "problem": problem,
        "trusted": trusted,
        "waiting": offered,
        "officer": officer,
        "rp_id": passkeys.rp_id_of(desk.settings.public_url),
        "known": " ".join(each.credential_id for each in (*trusted, *offered)),
        "challenge": bytes_to_base64url(passkeys.challenge_to_make(visit.form_token)),
        "user": bytes_to_base64url(officer.person_id.encode()),
        "algorithms": " ".join(map(str, ALGORITHMS)),
    }
    return desk.shown.page(request, "passkeys.html", N_("Your passkeys"), visit=visit, status=status, **values)
