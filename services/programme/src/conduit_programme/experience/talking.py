"""Conversations: planned, with somebody who asks before and after how the contributor is; then held, and written down.

If somebody tells of harm, a referral begins at the partner, as any does. Nothing of it is kept here, not even that it was.
"""

from typing import Any, NoReturn

from fastapi import APIRouter, Request, Response

from conduit_chassis.postgres import Connection
from conduit_programme import forms, seen
from conduit_programme.experience import fields, reading, rules, store, talks
from conduit_programme.experience.at_contributor import (
    KeeperOfContributor,
    address,
    back_to,
    changing,
    held_one,
    people,
    the_one,
    viewing,
)
from conduit_programme.experience.reading import ShownConversation
from conduit_programme.experience.rules import WellbeingMoment, WellbeingOutcome
from conduit_programme.experience.store import KnownContributor
from conduit_programme.forms import Answers
from conduit_programme.pages.at_desk import acting, desk_of, filled, id_of, with_form
from conduit_programme.trail import OvertakenError, UnchangedError
from conduit_programme.wording import day
from conduit_web.troubles import Trouble, TroubleError
from conduit_web.visits import Visit
from conduit_web.words import N_

router = APIRouter()
_ONE = "/contributors/{contributor_id}/conversations/{conversation_id}"
_QUOTE = "/contributors/{contributor_id}/quotes/{quote_id}/delete"
_CHECK = _ONE + "/checks/{moment}"


async def _conversation(connection: Connection, request: Request, known: KnownContributor) -> ShownConversation:
    wanted = id_of(request, "conversation_id")
    for each in await reading.conversations(connection, known.contributor_id):
        if each.conversation.conversation_id == wanted:
            return each
    raise TroubleError(Trouble.MISSING)


async def _looked_at(request: Request, visit: Visit) -> ShownConversation:
    async with acting(request, visit, viewing(request)) as connection:
        return await _conversation(connection, request, await the_one(connection, request))


def _here(request: Request) -> str:
    return f"{address(request)}/conversations/{id_of(request, 'conversation_id')}"


def _moment(request: Request) -> WellbeingMoment:
    try:
        return WellbeingMoment(request.path_params["moment"])
    except ValueError:
        raise TroubleError(Trouble.MISSING) from None


def _same(noted: object, said: object) -> NoReturn:
    """What was noted before holds: who says the same again changes nothing, and anything else is refused."""
    raise UnchangedError if noted == said else TroubleError(Trouble.FORM_REFUSED)


@router.get("/contributors/{contributor_id}/conversations/new")
async def new(request: Request, visit: KeeperOfContributor) -> Response:
    """When, and who asks before and after how they are."""
    async with acting(request, visit, viewing(request)) as connection:
        await the_one(connection, request)
    me = visit.person.person_id
    return _new(request, visit, {"before": me, "after": me}, {})


@router.post("/contributors/{contributor_id}/conversations/new")
async def plan(request: Request, visit: KeeperOfContributor) -> Response:
    """Plan it."""
    desk, asked = desk_of(request), fields.of_conversation(people(request))
    answers = forms.read(asked, visit.form)
    problems = fields.problems(asked, answers, desk.today, ahead=True)
    async with acting(request, visit, changing(request, "planned_conversation", problems), address(request)) as connection:
        known = await held_one(connection, request)
        planned_on = forms.day(answers, "planned_on")
        if not problems and planned_on:
            owners = {moment: answers[moment.value] for moment in WellbeingMoment}
            by, now = visit.person.person_id, desk.clock.now()
            await talks.plan(connection, known.contributor_id, planned_on, owners, by, now)
    return _new(request, visit, answers, problems) if problems else back_to(request)


def _new(request: Request, visit: Visit, answers: Answers, problems: Answers) -> Response:
    asked, back = fields.of_conversation(people(request)), address(request)
    more = {"action": f"{back}/conversations/new", "button": N_("Plan it"), "back": back}
    return filled(request, visit, N_("Plan a conversation"), asked, answers, problems, **more)


@router.get(_ONE + "/held")
async def holding(request: Request, visit: KeeperOfContributor) -> Response:
    """It took place."""
    await _looked_at(request, visit)
    return _holding(request, visit, {"held_on": day(desk_of(request).today)}, {})


@router.post(_ONE + "/held")
async def held(request: Request, visit: KeeperOfContributor) -> Response:
    """Note that it did, and that the limits were explained first."""
    desk, answers = desk_of(request), forms.read(fields.HELD, visit.form)
    problems = fields.problems(fields.HELD, answers, desk.today)
    async with acting(request, visit, changing(request, "held_conversation", problems)) as connection:
        found = await _conversation(connection, request, await held_one(connection, request))
        held_on = forms.day(answers, "held_on")
        if not problems and held_on:
            if found.conversation.held_on is None and not found.may_be_held:
                raise TroubleError(Trouble.FORM_REFUSED)
            if not await talks.held(connection, found.conversation, held_on, desk.clock.now()):
                _same(found.conversation.held_on, held_on)
    return _holding(request, visit, answers, problems) if problems else back_to(request)


def _holding(request: Request, visit: Visit, answers: Answers, problems: Answers) -> Response:
    more = {"action": f"{_here(request)}/held", "button": N_("Note that it took place"), "back": address(request)}
    return filled(request, visit, N_("The conversation took place"), fields.HELD, answers, problems, **more)


@router.get(_CHECK)
async def checking(request: Request, visit: KeeperOfContributor) -> Response:
    """How they are."""
    _moment(request)
    found = await _looked_at(request, visit)
    return _checking(request, visit, found, {}, {})


@router.post(_CHECK)
async def check(request: Request, visit: KeeperOfContributor) -> Response:
    """Somebody asked, and this is how they are."""
    moment, answers = _moment(request), forms.read(fields.CHECK, visit.form)
    problems = forms.problems(fields.CHECK, answers)
    async with acting(request, visit, changing(request, "checked_wellbeing", problems)) as connection:
        found = await _conversation(connection, request, await held_one(connection, request))
        if moment is WellbeingMoment.AFTER and found.conversation.held_on is None:
            raise TroubleError(Trouble.FORM_REFUSED)
        if not problems:
            outcome, by = WellbeingOutcome(answers["outcome"]), visit.person.person_id
            one, now = found.conversation.conversation_id, desk_of(request).clock.now()
            if not await talks.check_done(connection, one, moment, outcome, by, now):
                _same(found.checks[moment].outcome, outcome)
    return _checking(request, visit, found, answers, problems) if problems else back_to(request)


def _checking(request: Request, visit: Visit, found: ShownConversation, answers: Answers, problems: Answers) -> Response:
    moment = _moment(request)
    more: dict[str, Any] = {"moment": moment, "shown": found}
    more |= {"here": f"{_here(request)}/checks/{moment}", "back": address(request)}
    more |= {"owners": fields.of_owner(people(request)), "owner": found.checks[moment].owner}
    more["mark"] = seen.hidden_mark({"owner": found.checks[moment].owner})
    template, heading = "experience/check.html", N_("How a contributor is")
    return with_form(request, visit, template, heading, fields.CHECK, answers, problems, **more)


@router.post(_CHECK + "/owner")
async def give_check(request: Request, visit: KeeperOfContributor) -> Response:
    """Somebody else asks."""
    moment, asked = _moment(request), fields.of_owner(people(request))
    answers = forms.read(asked, visit.form)
    if forms.problems(asked, answers):
        raise TroubleError(Trouble.FORM_REFUSED)
    async with acting(request, visit, changing(request, "gave_wellbeing_check")) as connection:
        found = await _conversation(connection, request, await held_one(connection, request))
        if found.checks[moment].outcome is not None:
            raise TroubleError(Trouble.FORM_REFUSED)
        overtaken = OvertakenError(f"{_here(request)}/checks/{moment}", by=("gave_wellbeing_check",))
        seen.must_stand(visit, {"owner": found.checks[moment].owner}, answers, overtaken)
        await talks.give_check(connection, found.conversation.conversation_id, moment, answers["owner"])
    return back_to(request)


@router.get(_ONE + "/quotes/new")
async def new_quote(request: Request, visit: KeeperOfContributor) -> Response:
    """What they said."""
    await _looked_at(request, visit)
    return _quote(request, visit, {}, {})


@router.post(_ONE + "/quotes/new")
async def keep_quote(request: Request, visit: KeeperOfContributor) -> Response:
    """Write it down, where they agree to that."""
    desk, answers = desk_of(request), forms.read(fields.QUOTE, visit.form)
    problems = fields.problems(fields.QUOTE, answers, desk.today)
    async with acting(request, visit, changing(request, "kept_quote", problems), address(request)) as connection:
        known = await held_one(connection, request)
        found = (await _conversation(connection, request, known)).conversation
        stand = (await store.standing_of(connection, [known.contributor_id]))[known.contributor_id]
        if not rules.may_be_kept(stand, found.held_on):
            raise TroubleError(Trouble.FORM_REFUSED)
        if not problems:
            one, now = known.contributor_id, desk.clock.now()
            await store.keep(connection, one, found.conversation_id, answers["words"], now)
    return _quote(request, visit, answers, problems) if problems else back_to(request)


def _quote(request: Request, visit: Visit, answers: Answers, problems: Answers) -> Response:
    more = {"here": f"{_here(request)}/quotes/new", "back": address(request)}
    template, heading = "experience/quote.html", N_("Write down what a contributor said")
    return with_form(request, visit, template, heading, fields.QUOTE, answers, problems, **more)


@router.get(_QUOTE)
async def deleting_quote(request: Request, visit: KeeperOfContributor) -> Response:
    """The words once more, before they go."""
    async with acting(request, visit, viewing(request)) as connection:
        shown = await reading.contributor(connection, await the_one(connection, request))
    words = shown.quotes.get(id_of(request, "quote_id"))
    if words is None:
        raise TroubleError(Trouble.MISSING)
    values: dict[str, Any] = {"said": words, "back": address(request), "here": request.url.path}
    heading = N_("Delete what a contributor said")
    return desk_of(request).shown.page(request, "experience/delete_quote.html", heading, visit=visit, **values)


@router.post(_QUOTE)
async def delete_quote(request: Request, visit: KeeperOfContributor) -> Response:
    """It is gone for good, also from releases."""
    async with acting(request, visit, changing(request, "deleted_quote")) as connection:
        known = await held_one(connection, request)
        wanted = id_of(request, "quote_id")
        if wanted not in {each.quote_id for each in await store.quotes_of(connection, known.contributor_id)}:
            lost = await store.is_lost(connection, wanted, known.contributor_id)
            raise UnchangedError if lost else TroubleError(Trouble.MISSING)
        await store.lose(connection, [wanted], desk_of(request).clock.now())
    return back_to(request)
