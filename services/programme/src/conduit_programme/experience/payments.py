"""Payments, for finance alone: a reference, a partner and an amount. Nobody's words, consents or wellbeing are here."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from conduit_chassis import postgres
from conduit_chassis.postgres import Connection
from conduit_programme import forms
from conduit_programme.experience import fields, owed, rules
from conduit_programme.experience.owed import KnownPayment, PaymentStep
from conduit_programme.experience.rules import PAYMENT_STEPS, PaymentState
from conduit_programme.forms import Answers
from conduit_programme.pages.at_desk import acting, desk_of, id_of, or_missing, with_form
from conduit_programme.trail import DeedsAbout
from conduit_web.access import Action, Target
from conduit_web.people import Person
from conduit_web.visits import InsteadError, Visit, may
from conduit_web.words import N_

router = APIRouter()


async def find_payment(request: Request, _person: Person) -> Target | None:
    """The payment of the address, if there is one."""
    async with postgres.connection(desk_of(request).pool) as connection:
        found = await owed.find(connection, id_of(request, "payment_id"))
    return Target() if found else None


PAYMENT = DeedsAbout("payment")
SEEN = "seen"
"""The state in which the form was shown."""


async def _the_payment(connection: Connection, request: Request) -> KnownPayment:
    return or_missing(await owed.find(connection, id_of(request, "payment_id")))


PaymentKeeper = Annotated[Visit, may(Action.MANAGE_PAYMENTS)]
KeeperOfPayment = Annotated[Visit, may(Action.MANAGE_PAYMENTS, find_payment)]


@router.get("/payments")
async def listed(request: Request, visit: PaymentKeeper) -> Response:
    """In one state or in all, the newest first."""
    query = request.query_params
    state = PaymentState(query["state"]) if query.get("state") in set(PaymentState) else None
    async with acting(request, visit, PAYMENT.looking("listed_payments")) as connection:
        found = await owed.listed(connection, state, query.get("after"))
    more = f"state={state or ''}&after={found.after}" if found.after else ""
    values: dict[str, Any] = {"found": found, "given": state or "", "states": list(PaymentState), "more": more}
    return desk_of(request).shown.page(request, "experience/payments.html", N_("Payments"), visit=visit, **values)


@router.get("/payments/{payment_id}")
async def payment(request: Request, visit: KeeperOfPayment) -> Response:
    """What happened to it so far, and what may happen next."""
    one = id_of(request, "payment_id")
    async with acting(request, visit, PAYMENT.looking("viewed_payment", one)) as connection:
        known = await _the_payment(connection, request)
        steps = await owed.steps(connection, one)
    return _payment(request, visit, known, steps, {}, {})


@router.post("/payments/{payment_id}")
async def change(request: Request, visit: KeeperOfPayment) -> Response:
    """This became of it."""
    desk, one = desk_of(request), id_of(request, "payment_id")
    async with postgres.connection(desk.pool) as connection:
        seen = await _the_payment(connection, request)
        if _is_stale(visit.form, seen):
            raise InsteadError(_overtaken(request, visit, await owed.steps(connection, one)))
    asked = fields.of_payment(seen.state)
    answers = forms.read(asked, visit.form)
    problems = fields.payment_problems(asked, answers)
    async with acting(request, visit, PAYMENT.trying("changed_payment", one, problems)) as connection:
        known = await owed.hold(connection, one)
        if known is None or known.state is not seen.state:
            raise InsteadError(_overtaken(request, visit, await owed.steps(connection, one)))
        if not problems:
            then, by = PaymentState(answers["state"]), visit.person.person_id
            pence = rules.read_pence(answers.get("amount", "")) or known.pence or 0
            await owed.change(connection, one, then, pence, by, desk.clock.now())
        steps = await owed.steps(connection, one)
    if problems:
        return _payment(request, visit, known, steps, answers, problems)
    return RedirectResponse(f"/payments/{one}", status_code=303)


def _is_stale(form: Mapping[str, str], known: KnownPayment) -> bool:
    """Whether the form was shown in another state, or asks for the state that holds already."""
    return form.get(SEEN, known.state.value) != known.state.value or form.get("state") == known.state.value


def _overtaken(request: Request, visit: Visit, steps: list[PaymentStep]) -> Response:
    values: dict[str, Any] = {"step": steps[-1] if steps else None, "leads_to": request.url.path}
    heading = N_("This has changed since you opened the page")
    return desk_of(request).shown.page(
        request, "experience/payment_overtaken.html", heading, visit=visit, status=409, **values
    )


def _payment(
    request: Request, visit: Visit, known: KnownPayment, steps: list[PaymentStep], answers: Answers, problems: Answers
) -> Response:
    asked = fields.of_payment(known.state) if PAYMENT_STEPS[known.state] else ()
    more = {"known": known, "steps": steps, "seen": SEEN}
    return with_form(request, visit, "experience/payment.html", N_("A payment"), asked, answers, problems, **more)
