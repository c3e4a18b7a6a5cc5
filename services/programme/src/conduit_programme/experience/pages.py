"""Contributors, for the hub's engagement officers and lead: the list, a page for each, and what is due for them.

Nothing can be written down of anybody before the limits of confidentiality were explained.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from conduit_chassis import postgres
from conduit_programme import forms, seen
from conduit_programme.experience import fields, reading, rules, store, talks
from conduit_programme.experience.at_contributor import (
    CONTRIBUTOR,
    ExperienceKeeper,
    KeeperOfContributor,
    KeeperOfWhoever,
    address,
    back_to,
    changing,
    held_one,
    the_one,
    viewing,
)
from conduit_programme.experience.rules import ConsentPurpose
from conduit_programme.experience.store import BegunContributor, ConsentNote
from conduit_programme.forms import Answers, TypedAnswers
from conduit_programme.organisations import choosing
from conduit_programme.organisations.choosing import OfferedOrganisations
from conduit_programme.pages.at_desk import acting, desk_of, filled, id_of
from conduit_programme.trail import OvertakenError, UnchangedError
from conduit_web.troubles import Trouble, TroubleError
from conduit_web.visits import Visit
from conduit_web.words import N_

router = APIRouter()


@router.get("/contributors")
async def listed(request: Request, visit: ExperienceKeeper) -> Response:
    """By their pseudonyms, the newest first."""
    async with acting(request, visit, CONTRIBUTOR.looking("listed_contributors")) as connection:
        found = await store.newest(connection, request.query_params.get("after"))
        rows = await reading.listed(connection, found.rows)
    values: dict[str, Any] = {"rows": rows, "more": f"after={found.after}" if found.after else ""}
    values["purposes"] = list(ConsentPurpose)
    return desk_of(request).shown.page(request, "experience/list.html", N_("Contributors"), visit=visit, **values)


@router.get("/contributors/due")
async def due(request: Request, visit: ExperienceKeeper) -> Response:
    """Wellbeing checks by me and by others, and consents that nobody looked at for a year. The latest first."""
    desk, query, me = desk_of(request), request.query_params, visit.person.person_id
    async with acting(request, visit, CONTRIBUTOR.looking("viewed_care_due")) as connection:
        mine = await talks.due(connection, me, query.get("mine"))
        everybodys = await talks.due(connection, None, query.get("all"))
        late = await store.to_review(connection, rules.looked_at_before(desk.today), query.get("reviews"))
        reviews = await reading.listed(connection, late.rows)
    values: dict[str, Any] = {"mine": mine, "everybodys": everybodys, "reviews": reviews, "late": late}
    return desk.shown.page(request, "experience/due.html", N_("What is due for contributors"), visit=visit, **values)


@router.get("/contributors/new")
async def new(request: Request, visit: ExperienceKeeper) -> Response:
    """Somebody who wants to tell."""
    return _new(request, visit, await _offered(request, {}), {}, {})


@router.post("/contributors/new")
async def begin(request: Request, visit: ExperienceKeeper) -> Response:
    """Keep the pseudonym, once the limits were explained."""
    desk, known = desk_of(request), await _offered(request, visit.form)
    asked = fields.of_new(known)
    answers = forms.read(asked, visit.form)
    problems = {} if forms.is_search(visit.form) else fields.problems(asked, answers, desk.today)
    if problems or forms.is_search(visit.form):
        return _new(request, visit, known, answers, problems)
    limits_on = forms.day(answers, "limits_on") or desk.today
    begun = BegunContributor(UUID(answers["organisation"]), answers["pseudonym"], limits_on, answers["limits_by"])
    deed, leads_to = CONTRIBUTOR.changing("began_contributor", begun.contributor_id), f"/contributors/{begun.contributor_id}"
    async with acting(request, visit, deed, leads_to) as connection:
        await store.begin(connection, begun, visit.person.person_id, desk.clock.now())
    return RedirectResponse(leads_to, status_code=303)


async def _offered(request: Request, form: Mapping[str, str]) -> OfferedOrganisations:
    async with postgres.connection(desk_of(request).pool) as connection:
        return await choosing.offered(connection, form)


def _new(request: Request, visit: Visit, known: OfferedOrganisations, answers: Answers, problems: Answers) -> Response:
    more = {
        "action": "/contributors/new",
        "button": N_("Keep the pseudonym"),
        "back": "/contributors",
        "about": N_("Nothing is kept of anybody before the limits of confidentiality were explained to them."),
    }
    return filled(request, visit, N_("A new contributor"), fields.of_new(known), answers, problems, **more)


@router.get("/contributors/{contributor_id}")
async def contributor(request: Request, visit: KeeperOfContributor) -> Response:
    """What they agree to, when they talk, how they are, and what they said."""
    async with acting(request, visit, viewing(request)) as connection:
        shown = await reading.contributor(connection, await the_one(connection, request))
    values: dict[str, Any] = {"shown": shown, "purposes": list(ConsentPurpose)}
    values["givable"] = [each for each in ConsentPurpose if rules.may_be_given(each, shown.stand)]
    return desk_of(request).shown.page(request, "experience/contributor.html", N_("Contributor"), visit=visit, **values)


@router.get("/contributors/{contributor_id}/contact")
async def contact(request: Request, visit: KeeperOfContributor) -> Response:
    """How to reach them, where they asked not to be reached through the partner."""
    async with acting(request, visit, viewing(request)) as connection:
        shown = await reading.contributor(connection, await the_one(connection, request))
    return _contact(request, visit, {"words": shown.contact}, {})


@router.post("/contributors/{contributor_id}/contact")
async def write_contact(request: Request, visit: KeeperOfContributor) -> Response:
    """Keep it while they agree to be asked again."""
    answers = forms.read(fields.CONTACT, visit.form)
    problems = forms.problems(fields.CONTACT, answers)
    deed, typed = changing(request, "wrote_way_to_reach", problems), TypedAnswers(fields.CONTACT, answers)
    async with acting(request, visit, deed, typed=typed) as connection:
        known = await held_one(connection, request)
        stand = (await store.standing_of(connection, [known.contributor_id]))[known.contributor_id]
        if answers["words"] and ConsentPurpose.CONTACT not in stand:
            raise TroubleError(Trouble.FORM_REFUSED)
        if not problems:
            overtaken = OvertakenError(address(request), again=f"{address(request)}/contact", by=("wrote_way_to_reach",))
            stands = {"words": await store.contact_words(connection, known)}
            seen.must_stand(visit, stands, answers, overtaken)
            await store.put_contact(connection, known, answers["words"], desk_of(request).clock.now())
    return _contact(request, visit, answers, problems) if problems else back_to(request)


def _contact(request: Request, visit: Visit, answers: Answers, problems: Answers) -> Response:
    more = {"action": f"{address(request)}/contact", "button": N_("Keep this"), "back": address(request)}
    more["mark"] = seen.hidden_mark(answers, visit)
    return filled(request, visit, N_("How to reach a contributor"), fields.CONTACT, answers, problems, **more)


@router.post("/contributors/{contributor_id}/reviewed")
async def reviewed(request: Request, visit: KeeperOfContributor) -> Response:
    """They were asked about each consent, and it stands as the page shows it."""
    async with acting(request, visit, changing(request, "reviewed_consents")) as connection:
        known = await held_one(connection, request)
        await store.reviewed(connection, known.contributor_id, desk_of(request).today)
    return back_to(request)


@router.get("/contributors/{contributor_id}/forget")
async def forgetting(request: Request, visit: KeeperOfContributor) -> Response:
    """What it means, before it is done."""
    async with acting(request, visit, viewing(request)) as connection:
        await the_one(connection, request)
    heading = N_("Delete a contributor")
    return desk_of(request).shown.page(request, "experience/forget.html", heading, visit=visit, here=address(request))


@router.post("/contributors/{contributor_id}/forget")
async def forget(request: Request, visit: KeeperOfWhoever) -> Response:
    """All that they said, their pseudonym, and how to reach them is deleted for good."""
    desk = desk_of(request)
    async with acting(request, visit, changing(request, "forgot_contributor")) as connection:
        known = await store.hold(connection, id_of(request, "contributor_id"))
        if known is None:
            raise UnchangedError
        note = ConsentNote(desk.today, store.HUB, visit.person.person_id, desk.clock.now())
        await store.forget(connection, known, note)
    return RedirectResponse("/contributors", status_code=303)
