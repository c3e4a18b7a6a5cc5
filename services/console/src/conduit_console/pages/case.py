"""One case: what was sent, what it counts to, what each force has, and what happened. A view is noted before it is shown."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from conduit_chassis import postgres
from conduit_console import content, deciding
from conduit_console import desk as acts
from conduit_console.cases import FollowedCase
from conduit_console.content import Said
from conduit_console.forces_map import on_the_map
from conduit_console.grounds import ShownPolicy
from conduit_console.judged import judge
from conduit_console.pages.at_desk import case_id_of, desk_of, find_case, the_case
from conduit_console.pages.opinions import with_words
from conduit_console.queries import case as cases
from conduit_console.queries import opinions
from conduit_console.queries.unanswered import holding
from conduit_contracts.base import Value
from conduit_contracts.geography import force_area, special_force
from conduit_contracts.meaning import content_hash
from conduit_web.access import Action
from conduit_web.keys import microseconds
from conduit_web.troubles import Trouble, TroubleError
from conduit_web.visits import Visit, may
from conduit_web.words import N_

router = APIRouter()
Viewer = Annotated[Visit, may(Action.VIEW_CASE, find_case)]
Claimer = Annotated[Visit, may(Action.CLAIM_REVIEW, find_case)]


@router.get("/cases/{case_id}")
async def case(request: Request, visit: Viewer) -> Response:
    """The whole case. Nobody's words are read before the view of them is committed."""
    desk, found, me = desk_of(request), await the_case(request), visit.person.person_id
    now, case_id = desk.clock.now(), found.case.referral_id
    held = holding(found.unanswered, now)
    if not await acts.consult(desk.pool, case_id, me, now):
        raise TroubleError(Trouble.MISSING)
    async with postgres.connection(desk.pool) as connection:
        steps = await cases.timeline(connection, case_id)
        before = await cases.looked_before(connection, case_id, me)
        new = await cases.new_steps(connection, case_id, before)
        said = await content.said(connection, case_id)
        second = await with_words(connection, await opinions.of_case(connection, case_id))
    values: dict[str, Any] = {
        "at_hand": found,
        "case": found.case,
        "steps": steps,
        "opinions": second,
        "me": me,
        "before": before,
        "new": new,
        "new_events": {each.event_id for each in new},
        "currency": found.currency,
        "others": [each for each in found.readers if each.officer_id != me],
        "claimed_by": found.case.claimed_by,
        "decisions": [each for each in deciding.DECISIONS if deciding.is_offered(each, found.case, held, now)],
        "unanswered": found.unanswered,
        "seen": microseconds(found.currency.complete_to),
        "open_to": found.named,
        "may_be_named": desk.who_may_be_named(me),
        "area_of": lambda place: force_area(place) or special_force(place),
        "said": {each.event_id: each for each in said},
        **_sent(said, found.case, desk.policy, now),
    }
    return desk.shown.page(request, "case.html", N_("Referral"), visit=visit, **values)


@router.get("/cases/{case_id}/timeline")
async def timeline(request: Request, visit: Viewer, after: str = "") -> Response:
    """What happened later than the case's page has room for. Codes and ids alone."""
    desk, case_id = desk_of(request), case_id_of(request)
    if case_id is None:
        raise TroubleError(Trouble.MISSING)
    async with postgres.connection(desk.pool) as connection:
        steps = await cases.timeline(connection, case_id, after)
        before = await cases.looked_before(connection, case_id, visit.person.person_id)
    heading = N_("What happened")
    return desk.shown.page(request, "timeline.html", heading, visit=visit, steps=steps, case_id=case_id, before=before)


@router.post("/cases/{case_id}/claim")
async def claim(request: Request, visit: Claimer) -> Response:
    """Take it in hand. Where somebody was first, the case says who."""
    case_id, desk = case_id_of(request), desk_of(request)
    if case_id is None:
        raise TroubleError(Trouble.MISSING)
    await acts.claim(desk.pool, case_id, visit.person.person_id, desk.clock.now())
    return RedirectResponse(f"/cases/{case_id}", status_code=303)


@router.post("/cases/{case_id}/hand-back")
async def hand_back(request: Request, visit: Claimer) -> Response:
    """Give it up, so that others see that nobody has it."""
    case_id, desk = case_id_of(request), desk_of(request)
    if case_id is None:
        raise TroubleError(Trouble.MISSING)
    await acts.hand_back(desk.pool, case_id, visit.person.person_id, desk.clock.now())
    return RedirectResponse(f"/cases/{case_id}", status_code=303)


def _sent(said: Sequence[Said], found: FollowedCase, policy: ShownPolicy, now: datetime) -> dict[str, Any]:
    """What the partner wrote, and what rules make of it."""
    first = next((each for each in said if each.kind == "referral_received"), None)
    added = [each for each in said if each.kind == "information_supplied"]
    values: dict[str, Any] = {"added": added, "hash_of": _hash_of, "marked": on_the_map(found, now)}
    if first is None:
        return values | {"referral": None, "judged": None, "would": None}
    referral, supplements = first.message.referral, [each.message.supplement for each in added]
    judged = judge(found, referral, supplements, policy, now.date())
    would = judged.would
    if would is not None:
        values["marked"] = on_the_map(found, now, would.forces, would.home)
    return values | {"referral": referral, "judged": judged, "would": would}


def _hash_of(sent: Value) -> str:
    """What the partner compares."""
    return content_hash(sent).hex()
