"""What is kept of one organisation: what it brings, who to ask, and agreements with their reviews. Forms of its page."""

from datetime import datetime
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Request, Response

from conduit_chassis import postgres
from conduit_chassis.postgres import Connection
from conduit_programme import forms, seen, sent
from conduit_programme.forms import TypedAnswers
from conduit_programme.organisations import fields, reading, store
from conduit_programme.organisations.pages import (
    ORGANISATION,
    KeeperOfOne,
    address,
    back_to,
    the_held_one,
    the_one,
)
from conduit_programme.organisations.rules import KeptAgreement
from conduit_programme.organisations.said import AgreementWords
from conduit_programme.organisations.store import KnownOrganisation
from conduit_programme.pages.at_desk import acting, desk_of, filled, id_of, or_missing
from conduit_programme.trail import OvertakenError, UnchangedError
from conduit_programme.wording import day
from conduit_web.troubles import Trouble, TroubleError
from conduit_web.visits import Visit
from conduit_web.words import N_

router = APIRouter()


async def member_ids(connection: Connection, found: KnownOrganisation) -> list[UUID]:
    """Of all that it is made of."""
    return [each.organisation_id for each in await store.members(connection, found.organisation_id)]


@router.get("/organisations/{organisation_id}/offer")
async def offer(request: Request, visit: KeeperOfOne) -> Response:
    """What it brings, to be changed."""
    async with acting(
        request, visit, ORGANISATION.looking("viewed_organisation", id_of(request, "organisation_id"))
    ) as connection:
        found = await the_one(connection, request)
        known = await reading.brings(connection, await member_ids(connection, found))
    return _offer(request, visit, found, fields.offer_answers(known.offer, "\n".join(known.words)), {})


@router.post("/organisations/{organisation_id}/offer")
async def write_offer(request: Request, visit: KeeperOfOne) -> Response:
    """This is what it brings."""
    answers = forms.read(fields.OFFER, visit.form)
    problems = fields.offer_problems(answers)
    deed = ORGANISATION.trying("wrote_offer", id_of(request, "organisation_id"), problems)
    async with acting(request, visit, deed, typed=TypedAnswers(fields.OFFER, answers)) as connection:
        found = await the_one(connection, request)
        one = found.organisation_id
        if not problems:
            await keep_offer(connection, request, visit, one, answers, address(one))
    return _offer(request, visit, found, answers, problems) if problems else back_to(one)


async def keep_offer(
    connection: Connection, request: Request, visit: Visit, organisation_id: UUID, answers: forms.Answers, leads_to: str
) -> None:
    """This is what it brings, where nobody wrote anything else since the form was opened.

    Raises:
        UnchangedError, OvertakenError: as `seen.must_stand` says.
    """
    found = or_missing(await store.hold(connection, organisation_id))
    ids = await member_ids(connection, found)
    known = await reading.brings(connection, ids)
    stands = fields.offer_answers(known.offer, "\n".join(known.words))
    brings, words = fields.offer(answers), answers["words"]
    overtaken = OvertakenError(leads_to, again=f"{leads_to}/offer", by=("wrote_offer",))
    seen.must_stand(visit, stands, fields.offer_answers(brings, words), overtaken)
    by, now = visit.person.person_id, desk_of(request).clock.now()
    await store.put_whole_offer(connection, found.organisation_id, ids, brings, words, by=by, now=now)


def _offer(
    request: Request, visit: Visit, found: KnownOrganisation, answers: forms.Answers, problems: forms.Answers
) -> Response:
    back = address(found.organisation_id)
    more = {"action": f"{back}/offer", "button": N_("Keep this"), "back": back, "back_name": found.name}
    more["mark"] = seen.hidden_mark(answers, visit)
    return filled(request, visit, N_("What the organisation brings"), fields.OFFER, answers, problems, **more)


@router.get("/organisations/{organisation_id}/contacts/new")
async def new_contact(request: Request, visit: KeeperOfOne) -> Response:
    """Somebody to ask there."""
    async with acting(
        request, visit, ORGANISATION.looking("viewed_organisation", id_of(request, "organisation_id"))
    ) as connection:
        found = await the_one(connection, request)
    return _contact(request, visit, found, {}, {})


@router.post("/organisations/{organisation_id}/contacts/new")
async def add_contact(request: Request, visit: KeeperOfOne) -> Response:
    """Keep the role and how to reach it."""
    answers = forms.read(fields.CONTACT, visit.form)
    problems = fields.contact_problems(answers)
    organisation_id = id_of(request, "organisation_id")
    deed = ORGANISATION.trying("added_contact", organisation_id, problems)
    async with acting(request, visit, deed, address(organisation_id)) as connection:
        found = await the_one(connection, request)
        if not problems:
            said, now = fields.contact(answers), desk_of(request).clock.now()
            await store.add_contact(connection, found.organisation_id, said, now)
    return _contact(request, visit, found, answers, problems) if problems else back_to(found.organisation_id)


def _contact(
    request: Request, visit: Visit, found: KnownOrganisation, answers: forms.Answers, problems: forms.Answers
) -> Response:
    back = address(found.organisation_id)
    more = {"action": f"{back}/contacts/new", "button": N_("Add the contact"), "back": back, "back_name": found.name}
    return filled(request, visit, N_("Add a contact"), fields.CONTACT, answers, problems, **more)


@router.post("/organisations/{organisation_id}/contacts/{contact_id}/left")
async def contact_left(request: Request, visit: KeeperOfOne) -> Response:
    """They are shown nowhere from the next read on."""
    async with acting(
        request, visit, ORGANISATION.changing("contact_left", id_of(request, "organisation_id"))
    ) as connection:
        found = await the_one(connection, request)
        ids, now = await member_ids(connection, found), desk_of(request).clock.now()
        one = id_of(request, "contact_id")
        if not await store.contact_left(connection, one, ids, now):
            raise UnchangedError if await store.has_left(connection, one, ids) else TroubleError(Trouble.MISSING)
    return back_to(found.organisation_id)


@router.get("/organisations/{organisation_id}/agreement")
async def agreement(request: Request, visit: KeeperOfOne, reference: str = "", of: str = "") -> Response:
    """One that is known, or a new one."""
    async with acting(
        request, visit, ORGANISATION.looking("viewed_organisation", id_of(request, "organisation_id"))
    ) as connection:
        found = await the_one(connection, request)
        kept = await of_reference(connection, found, reference, of)
        answers = await _noted(connection, kept)
    if reference and kept is None:
        raise TroubleError(Trouble.MISSING)
    return _agreement(request, visit, found, kept, answers, {})


@router.post("/organisations/{organisation_id}/agreement")
async def write_agreement(request: Request, visit: KeeperOfOne, reference: str = "", of: str = "") -> Response:
    """Keep what was written of it. The register's own days stay the register's."""
    async with postgres.connection(desk_of(request).pool) as connection:
        await sent.not_before(connection, visit)
        found = await the_one(connection, request)
        kept = await of_reference(connection, found, reference, of)
        taken = None if kept else await of_reference(connection, found, visit.form.get("reference", "").strip())
    if reference and kept is None:
        raise TroubleError(Trouble.MISSING)
    asked = fields.of_agreement(known=kept is not None, from_register=kept is not None and kept.from_register)
    answers = forms.read(asked, visit.form)
    problems = fields.agreement_problems(asked, answers)
    if taken is not None:
        problems.setdefault("reference", N_("There is an agreement of this reference already."))
    if problems:
        return _agreement(request, visit, found, kept, answers, problems)
    deed, leads_to = ORGANISATION.changing("wrote_agreement", found.organisation_id), address(found.organisation_id)
    typed = TypedAnswers(asked, answers)
    async with acting(request, visit, deed, None if kept else leads_to, typed=typed) as connection:
        await _keep_agreement(connection, request, visit, kept, answers)
    return back_to(found.organisation_id)


async def _keep_agreement(
    connection: Connection, request: Request, visit: Visit, seen_before: KeptAgreement | None, answers: forms.Answers
) -> None:
    found = await the_held_one(connection, request)
    which = (seen_before.reference, str(seen_before.organisation_id)) if seen_before else (answers["reference"],)
    kept = await of_reference(connection, found, *which)
    new = kept or KeptAgreement(found.organisation_id, which[0], None, False, None, None)
    written, said, here = fields.agreement(new, answers), fields.agreement_words(answers), address(found.organisation_id)
    again, last = form_of(here, "agreement", new), kept.written if kept else None
    overtaken = OvertakenError(here, again=again, by=("wrote_agreement",), last=last)
    seen.must_stand(visit, await _noted(connection, kept), fields.agreement_answers(written, said), overtaken)
    await store.put_agreement(connection, written, said, visit.person.person_id, desk_of(request).clock.now())


async def _noted(connection: Connection, kept: KeptAgreement | None) -> dict[str, str]:
    if kept is None:
        return {}
    said = (await store.agreement_words(connection, [kept])).get(kept.words_id) if kept.words_id else None
    return fields.agreement_answers(kept, said or AgreementWords())


def form_of(here: str, form: str, kept: KeptAgreement) -> str:
    """Where this form of an agreement is."""
    # What became one may have two of the same reference: each is named by the organisation that it was made with, too.
    return f"{here}/{form}?{urlencode({'reference': kept.reference, 'of': str(kept.organisation_id)})}"


def _agreement(
    request: Request,
    visit: Visit,
    found: KnownOrganisation,
    kept: KeptAgreement | None,
    answers: forms.Answers,
    problems: forms.Answers,
) -> Response:
    asked = fields.of_agreement(known=kept is not None, from_register=kept is not None and kept.from_register)
    back = address(found.organisation_id)
    action = form_of(back, "agreement", kept) if kept else f"{back}/agreement"
    more = {"action": action, "button": N_("Keep this"), "back": back, "back_name": found.name}
    more["mark"] = seen.hidden_mark(answers, visit)
    if kept is not None and kept.from_register:
        more["about"] = N_("Its reference, days and scope stand in the register, and are changed there.")
    return filled(request, visit, N_("Agreement"), asked, answers, problems, **more)


async def of_reference(
    connection: Connection, found: KnownOrganisation, reference: str, of: str = ""
) -> KeptAgreement | None:
    """The agreement of this reference, of all that the organisation is made of; made with one of those, if `of` names it."""
    known = await store.agreements(connection, await member_ids(connection, found)) if reference else []
    return next((each for each in known if each.reference == reference and of in {"", str(each.organisation_id)}), None)


@router.get("/organisations/{organisation_id}/review")
async def review(request: Request, visit: KeeperOfOne, reference: str = "", of: str = "") -> Response:
    """That both looked at an agreement again."""
    async with acting(
        request, visit, ORGANISATION.looking("viewed_organisation", id_of(request, "organisation_id"))
    ) as connection:
        found = await the_one(connection, request)
        kept = await of_reference(connection, found, reference, of)
    if kept is None:
        raise TroubleError(Trouble.MISSING)
    return _review(request, visit, found, kept, {"reviewed_on": day(desk_of(request).today)}, {})


@router.post("/organisations/{organisation_id}/review")
async def note_review(request: Request, visit: KeeperOfOne, reference: str = "", of: str = "") -> Response:
    """Note it, and when it is next to be looked at."""
    desk, answers = desk_of(request), forms.read(fields.REVIEW, visit.form)
    problems = forms.problems(fields.REVIEW, answers)
    done, following = forms.day(answers, "reviewed_on"), forms.day(answers, "next_on")
    if done and done > desk.today:
        problems.setdefault("reviewed_on", N_("This day is yet to come."))
    if done and following and following <= done:
        problems.setdefault("next_on", N_("This is not after the review."))
    deed = ORGANISATION.trying("reviewed_agreement", id_of(request, "organisation_id"), problems)
    async with acting(request, visit, deed, typed=TypedAnswers(fields.REVIEW, answers)) as connection:
        found = await the_held_one(connection, request)
        kept = or_missing(await of_reference(connection, found, reference, of))
        if not problems and done:
            here = address(found.organisation_id)
            again, by = form_of(here, "review", kept), ("reviewed_agreement",)
            overtaken = OvertakenError(here, again=again, by=by, last=kept.reviewed)
            seen.must_stand(visit, _last_review(kept), fields.review_answers(done, following), overtaken)
            who, now = visit.person.person_id, desk.clock.now()
            agreement_id = await id_of_noted(connection, kept, who, now)
            await store.note_review(connection, agreement_id, done, following, who, now)
    return _review(request, visit, found, kept, answers, problems) if problems else back_to(found.organisation_id)


async def id_of_noted(connection: Connection, kept: KeptAgreement, by: str, now: datetime) -> UUID:
    """What names this agreement here, from now on where only the register has it. Hold its organisation first."""
    return kept.agreement_id or await store.put_agreement(connection, kept, AgreementWords(), by, now)


def _last_review(kept: KeptAgreement) -> dict[str, str]:
    return fields.review_answers(kept.reviewed_on, kept.next_on)


def _review(
    request: Request,
    visit: Visit,
    found: KnownOrganisation,
    kept: KeptAgreement,
    answers: forms.Answers,
    problems: forms.Answers,
) -> Response:
    back = address(found.organisation_id)
    action = form_of(back, "review", kept)
    more = {"action": action, "button": N_("Note the review"), "back": back, "back_name": found.name}
    more["mark"] = seen.hidden_mark(_last_review(kept), visit)
    return filled(request, visit, N_("An agreement was reviewed"), fields.REVIEW, answers, problems, **more)
