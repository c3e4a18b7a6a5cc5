"""Duty tasks: what waits for a person at the hub, taking one, and whom to call then.

Taking is a signed command to notification, which says who was first. Whom to call is shown to whoever has the task, and each
look at it is noted before it is shown.
"""

from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from conduit_chassis import postgres
from conduit_chassis.trail import uuid_in
from conduit_console import content
from conduit_console import desk as acts
from conduit_console.commanding import NotSentError, SittingOfficer
from conduit_console.desk import DeskAct
from conduit_console.following import currency
from conduit_console.pages.at_desk import desk_of, know_partners
from conduit_console.pages.sending import NOT_SENT
from conduit_console.queries import duties
from conduit_console.queries.duties import DutyTaskRow
from conduit_contracts.ids import uuid7
from conduit_contracts.notification import DutyTaskTaken, TakeDutyTask
from conduit_web.access import Action
from conduit_web.acts import ActKind
from conduit_web.troubles import Trouble, TroubleError
from conduit_web.visits import Visit, may
from conduit_web.words import N_

router = APIRouter()
OF_LATE = timedelta(days=7)
"""For so long the list has what one took."""
Lister = Annotated[Visit, may(Action.LIST_CASES)]
Taker = Annotated[Visit, may(Action.TAKE_DUTY_TASK)]


@router.get("/duties")
async def waiting(request: Request, visit: Lister, after: str = "") -> Response:
    """All that nobody has taken, and what this person took of late."""
    desk = desk_of(request)
    now, me = desk.clock.now(), visit.person.person_id
    async with postgres.connection(desk.pool) as connection:
        values: dict[str, Any] = {
            "currency": await currency(connection, now),
            "found": await duties.waiting(connection, after),
            "taken": await duties.taken_by(connection, me, now - OF_LATE),
        }
        await know_partners(request, connection, values["found"].rows, values["taken"])
    return desk.shown.page(request, "duties.html", N_("Duty tasks"), visit=visit, **values)


@router.get("/duties/{task_id}")
async def duty_task(request: Request, visit: Lister) -> Response:
    """One task: what it is, who has it, by when the next is called; and to whoever has it, whom to call."""
    return await _page(request, visit)


@router.post("/duties/{task_id}/take")
async def take(request: Request, visit: Taker) -> Response:
    """Send that this officer has it. Who was first is said a moment later."""
    desk, me = desk_of(request), visit.person.person_id
    now, task = desk.clock.now(), await _found(request)
    signed_in_at = visit.session.proof.signed_in_at
    if signed_in_at is None:  # the provider does not say when it asked: a fresh sign-in has it say so
        raise TroubleError(Trouble.FRESH_SIGN_IN, return_to=f"/duties/{task.task_id}")
    async with postgres.connection(desk.pool) as connection:
        seen_until = (await currency(connection, now)).complete_to
    command = TakeDutyTask(task_id=task.task_id, officer_id=me, seen_until=seen_until)
    by = SittingOfficer(me, visit.session.identity, signed_in_at, visit.session.proof.level)
    try:
        await desk.commands.take(command, _key(visit), by, task.referral_id, now)
    except NotSentError as error:
        return await _page(request, visit, problem=NOT_SENT[error.reason], status=503)
    return RedirectResponse(f"/duties/{task.task_id}", status_code=303)


async def _page(request: Request, visit: Visit, *, problem: str = "", status: int = 200) -> Response:
    desk, me, task = desk_of(request), visit.person.person_id, await _found(request)
    now = desk.clock.now()
    async with postgres.connection(desk.pool) as connection:
        current = await currency(connection, now)
        sent = await duties.sent_taking(connection, task.task_id, me)
        await know_partners(request, connection, [task])
    calls = await _whom_to_call(request, me, task) if task.is_of(me) and not task.done else None
    values: dict[str, Any] = {"task": task, "mine": task.is_of(me), "sent": sent, "calls": calls, "problem": problem}
    values |= {"currency": current, "key": uuid7()}
    return desk.shown.page(request, "duty.html", N_("Duty task"), visit=visit, status=status, **values)


async def _whom_to_call(request: Request, me: str, task: DutyTaskRow) -> DutyTaskTaken | None:
    """Nobody's number is read before the view of it is committed."""
    desk = desk_of(request)
    act = DeskAct(ActKind.CONSULTATION, "viewed_whom_to_call", task.referral_id, about=str(task.task_id))
    async with postgres.transaction(desk.pool) as connection:
        await acts.note(connection, me, act, desk.clock.now())
    async with postgres.connection(desk.pool) as connection:
        return await content.whom_to_call(connection, task.task_id, me)


async def _found(request: Request) -> DutyTaskRow:
    desk, task_id = desk_of(request), uuid_in(request.path_params["task_id"])
    if task_id is None:
        raise TroubleError(Trouble.MISSING)
    async with postgres.connection(desk.pool) as connection:
        task = await duties.duty_task(connection, task_id)
    if task is None:
        raise TroubleError(Trouble.MISSING)
    return task


def _key(visit: Visit) -> UUID:
    """The command's id, which the form had: one that is sent twice takes once."""
    key = uuid_in(visit.form.get("key", ""))
    if key is None:
        raise TroubleError(Trouble.FORM_REFUSED)
    return key
