"""Consents: given one by one, and withdrawn in one step. A withdrawal holds from the next read on."""

from fastapi import APIRouter, Request, Response

from conduit_programme import forms
from conduit_programme.experience import fields, reading, rules, store
from conduit_programme.experience.at_contributor import (
    KeeperOfContributor,
    address,
    back_to,
    changing,
    held_one,
    note_of,
    the_one,
    viewing,
)
from conduit_programme.experience.rules import ConsentPurpose
from conduit_programme.experience.store import CONTRIBUTOR
from conduit_programme.forms import Answers
from conduit_programme.pages.at_desk import acting, desk_of, filled, with_form
from conduit_programme.trail import UnchangedError
from conduit_programme.wording import day
from conduit_web.troubles import Trouble, TroubleError
from conduit_web.visits import Visit
from conduit_web.words import N_

router = APIRouter()
_GIVE = "/contributors/{contributor_id}/consents/{purpose}/give"
_WITHDRAW = "/contributors/{contributor_id}/consents/{purpose}/withdraw"
_HEADINGS = {
    ConsentPurpose.RECORD: N_("They agree that it is written down"),
    ConsentPurpose.QUOTE: N_("They agree to be quoted without their name"),
    ConsentPurpose.CONTACT: N_("They agree to be asked again"),
    ConsentPurpose.PUBLISH: N_("They agree to be published"),
}


def _purpose(request: Request) -> ConsentPurpose:
    try:
        return ConsentPurpose(request.path_params["purpose"])
    except ValueError:
        raise TroubleError(Trouble.MISSING) from None


@router.get(_GIVE)
async def giving(request: Request, visit: KeeperOfContributor) -> Response:
    """When they agreed, and who says so."""
    purpose = _purpose(request)
    async with acting(request, visit, viewing(request)) as connection:
        await the_one(connection, request)
    return _giving(request, visit, purpose, {}, {})


@router.post(_GIVE)
async def give(request: Request, visit: KeeperOfContributor) -> Response:
    """They agree from now on."""
    purpose = _purpose(request)
    asked = fields.of_consent(purpose)
    answers = forms.read(asked, visit.form)
    problems = fields.problems(asked, answers, desk_of(request).today)
    async with acting(request, visit, changing(request, "gave_consent", problems)) as connection:
        known = await held_one(connection, request)
        stand = (await store.standing_of(connection, [known.contributor_id]))[known.contributor_id]
        if purpose in stand:
            raise UnchangedError
        if not rules.may_be_given(purpose, stand):
            raise TroubleError(Trouble.FORM_REFUSED)
        if not problems:
            note, told = note_of(request, visit, answers), bool(answers.get("told"))
            await store.give(connection, known.contributor_id, purpose, note, told_of_print=told)
    return _giving(request, visit, purpose, answers, problems) if problems else back_to(request)


def _giving(request: Request, visit: Visit, purpose: ConsentPurpose, answers: Answers, problems: Answers) -> Response:
    asked = fields.of_consent(purpose)
    more = {
        "action": f"{address(request)}/consents/{purpose}/give",
        "button": N_("Note that they agree"),
        "back": address(request),
    }
    return filled(request, visit, _HEADINGS[purpose], asked, answers, problems, **more)


@router.get(_WITHDRAW)
async def withdrawing(request: Request, visit: KeeperOfContributor) -> Response:
    """What it does, and one button."""
    async with acting(request, visit, viewing(request)) as connection:
        shown = await reading.contributor(connection, await the_one(connection, request))
    today = {"on_day": day(desk_of(request).today), "said_by": CONTRIBUTOR}
    return _withdrawing(request, visit, shown.pseudonym, today, {})


@router.post(_WITHDRAW)
async def withdraw(request: Request, visit: KeeperOfContributor) -> Response:
    """They no longer agree."""
    purpose = _purpose(request)
    answers = forms.read(fields.WITHDRAWAL, visit.form)
    problems = fields.problems(fields.WITHDRAWAL, answers, desk_of(request).today)
    async with acting(request, visit, changing(request, "withdrew_consent", problems)) as connection:
        known = await held_one(connection, request)
        shown = await reading.contributor(connection, known) if problems else None
        if not problems and not await store.withdraw(connection, known, purpose, note_of(request, visit, answers)):
            raise UnchangedError
    return _withdrawing(request, visit, shown.pseudonym, answers, problems) if shown else back_to(request)


def _withdrawing(request: Request, visit: Visit, pseudonym: str, answers: Answers, problems: Answers) -> Response:
    more = {"here": address(request), "purpose": _purpose(request), "pseudonym": pseudonym}
    template, heading = "experience/withdraw.html", N_("A contributor no longer agrees")
    return with_form(request, visit, template, heading, fields.WITHDRAWAL, answers, problems, **more)
