"""An officer looks at what will be sent, and sends it: once, and only as they looked at it last."""

from collections.abc import Sequence
from uuid import UUID

from fastapi import Request, Response
from fastapi.responses import RedirectResponse
from webauthn.helpers import bytes_to_base64url

from conduit_chassis import postgres
from conduit_chassis.trail import uuid_in
from conduit_console import deciding, passkeys
from conduit_console.commanding import Decided, NotSent, NotSentError, SittingOfficer
from conduit_console.decision_forms import OfficersDecision
from conduit_console.pages.at_desk import desk_of
from conduit_console.pages.decision import (
    DecisionTurn,
    draft_of,
    news_of,
    read_first,
    sent_address,
    turn_of,
    would_be_held_up,
)
from conduit_console.pages.opinions import read_noted
from conduit_console.queries import opinions
from conduit_console.queries import sent as queries
from conduit_console.queries.opinions import OpinionRow
from conduit_web.troubles import Trouble, TroubleError
from conduit_web.visits import Visit
from conduit_web.words import N_

LOOK_AGAIN = N_("What you wrote has changed since, perhaps in another window. Look at it again before you send it.")
READ_AGAIN = N_("Something happened that you had not seen. Read the case again, and send this if you still decide so.")
SENT_ALREADY = N_("You sent an answer to this already, and it waits for the hub's rules.")
NEEDS_SECOND_OPINION = N_(
    "Another officer must agree to this decline, as it is written and as the case is now, before it is sent."
)
NEEDS_PASSKEY = N_(
    "You have a passkey, and this is sent with it alone. Have it at hand, turn scripts on for this site, and send it again."
)
NOT_SENT = {
    NotSent.UNAVAILABLE: N_("The hub's signer does not answer. Try again in a minute."),
    NotSent.SIGN_IN_AGAIN: N_("Your sign-in is too old for this. Load this page again to sign in, then send it."),
    NotSent.NOT_ALLOWED: N_("The register does not have you as somebody who decides. Ask a supervisor."),
    NotSent.PASSKEY: N_("Your passkey did not sign this. Send it again, with one that an administrator has confirmed."),
    NotSent.NOT_IN_ORDER: N_("The hub would refuse it as it is. Change it and try again."),
}


async def check_page(request: Request, visit: Visit, decision: OfficersDecision) -> Response:
    """What will be sent, and what the partner will read. A form that was sent leads to what came of it."""
    turn = await turn_of(request, visit, decision)
    key = uuid_in(request.query_params.get("key", ""))
    if turn is None or key is None:
        return read_first(request)
    async with postgres.connection(desk_of(request).pool) as connection:
        if await queries.sent_command(connection, key):
            return RedirectResponse(sent_address(turn.case_id, key), status_code=303)
    return await _show_check(turn, key)


async def _show_check(turn: DecisionTurn, key: UUID, problem: str = "", status: int = 200) -> Response:
    answers, mark = await draft_of(turn)
    if turn.problems(answers):
        return RedirectResponse(turn.address(), status_code=303)
    async with postgres.connection(desk_of(turn.request).pool) as connection:
        asked = await opinions.of_case(connection, turn.case_id)
    shown = await read_noted(turn.request, turn.visit, [each for each in asked if each.about == turn.decision.code])
    news = await news_of(turn)
    values = {"answers": answers, "mark": mark, "key": key, "problem": problem, "news": news}
    values["read_again"] = READ_AGAIN if await would_be_held_up(turn) else ""
    values |= {"opinions": shown, "me": turn.about.officer_id, "passkey": _passkey_asked(turn, turn.decided(key, answers))}
    values["lacks_opinion"] = _needs_opinion(turn) and not await _is_agreed(turn, asked, mark)
    return turn.page("decide_check.html", status=status, **values)


def _needs_opinion(turn: DecisionTurn) -> bool:
    """Whether the policy asks for another officer's word on this."""
    return turn.decision is deciding.DECLINE and desk_of(turn.request).policy.second_opinion_before_decline


async def _is_agreed(turn: DecisionTurn, asked: Sequence[OpinionRow], mark: str) -> bool:
    """Whether somebody has, on the case as it is: whoever agreed has read what would send this officer back to it."""
    bearing = [each for each in asked if each.bears(turn.decision.code, mark, turn.about.officer_id)]
    async with postgres.connection(desk_of(turn.request).pool) as connection:
        return any([await opinions.covers(connection, each) for each in bearing])


def _passkey_asked(turn: DecisionTurn, decided: Decided) -> dict[str, str] | None:
    """What the page's script asks for; None where this is sent without a passkey."""
    known = " ".join(each.credential_id for each in turn.passkeys(decided))
    challenge = bytes_to_base64url(decided.challenge(turn.now))
    rp_id = passkeys.rp_id_of(desk_of(turn.request).settings.public_url) or ""
    return {"known": known, "challenge": challenge, "rp_id": rp_id} if known else None


async def _lacking(turn: DecisionTurn, decided: Decided, mark: str) -> str:
    """What this cannot be sent without; empty where nothing lacks."""
    if turn.is_sent_already:
        return SENT_ALREADY
    if await would_be_held_up(turn):
        return READ_AGAIN
    if _needs_opinion(turn):
        async with postgres.connection(desk_of(turn.request).pool) as connection:
            asked = await opinions.of_case(connection, turn.case_id)
        if not await _is_agreed(turn, asked, mark):
            return NEEDS_SECOND_OPINION
    return NEEDS_PASSKEY if decided.passkey is None and turn.passkeys(decided) else ""


async def send(request: Request, visit: Visit, decision: OfficersDecision) -> Response:
    """Send what was looked at, once."""
    turn, key = await turn_of(request, visit, decision), uuid_in(visit.form.get("key", ""))
    if turn is None or key is None:
        return read_first(request)
    desk = desk_of(request)
    async with postgres.connection(desk.pool) as connection:
        before = await queries.sent_command(connection, key)
    if before is not None:
        return RedirectResponse(sent_address(turn.case_id, key), status_code=303)
    answers, mark = await draft_of(turn)
    if mark != visit.form.get("mark") or turn.problems(answers):
        return await _show_check(turn, key, LOOK_AGAIN, 409)
    decided = turn.decided(key, answers, visit.form.get("passkey") or None)
    if lacking := await _lacking(turn, decided, mark):
        return await _show_check(turn, key, lacking, 409)
    signed_in_at = visit.session.proof.signed_in_at
    if signed_in_at is None:  # the provider does not say when it asked: a fresh sign-in has it say so
        raise TroubleError(Trouble.FRESH_SIGN_IN, return_to=turn.address("/check", key=key))
    by = SittingOfficer(turn.about.officer_id, visit.session.identity, signed_in_at, visit.session.proof.level)
    try:
        await desk.commands.send(decided, by, turn.now)
    except NotSentError as error:
        return await _show_check(turn, key, NOT_SENT[error.reason], 503)
    return RedirectResponse(sent_address(turn.case_id, key), status_code=303)
