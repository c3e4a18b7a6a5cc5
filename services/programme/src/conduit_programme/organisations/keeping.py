"""What is kept of one organisation: what it brings, who to ask, and agreements with their reviews. Forms of its page."""

from datetime import date
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Request, Response

from conduit_chassis import postgres
from conduit_chassis.postgres import Connection
from conduit_programme import forms, sent
from conduit_programme.organisations import fields, reading, store
from conduit_programme.organisations.pages import (
    ORGANISATION,
    KeeperOfOne,
    address,
    back_to,
    the_one,
)
from conduit_programme.organisations.rules import KeptAgreement
from conduit_programme.organisations.said import AgreementWords
from conduit_programme.organisations.store import KnownOrganisation
from conduit_programme.pages.at_desk import acting, desk_of, filled, id_of
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
    desk, answers = desk_of(request), forms.read(fields.OFFER, visit.form)
    problems = fields.offer_problems(answers)
    deed = ORGANISATION.trying("wrote_offer", id_of(request, "organisation_id"), problems)
    async with acting(request, visit, deed) as connection:
        found = await the_one(connection, request)
        if not problems:
            ids, account, now = await member_ids(connection, found), visit.person.person_id, desk.clock.now()
            brings, words = fields.offer(answers), answers["words"]
            await store.put_whole_offer(connection, found.organisation_id, ids, brings, words, by=account, now=now)
    return _offer(request, visit, found, answers, problems) if problems else back_to(found.organisation_id)


def _offer(
    request: Request, visit: Visit, found: KnownOrganisation, answers: forms.Answers, problems: forms.Answers
) -> Response:
    back = address(found.organisation_id)
    more = {"action": f"{back}/offer", "button": N_("Keep this"), "back": back, "back_name": found.name}
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
        if not await store.contact_left(connection, id_of(request, "contact_id"), ids, now):
            raise TroubleError(Trouble.MISSING)
    return back_to(found.organisation_id)


@router.get("/organisations/{organisation_id}/agreement")
async def agreement(request: Request, visit: KeeperOfOne, reference: str = "") -> Response:
    """One that is known, or a new one."""
    async with acting(
        request, visit, ORGANISATION.looking("viewed_organisation", id_of(request, "organisation_id"))
    ) as connection:
        found = await the_one(connection, request)
        kept = await _of_reference(connection, found, reference)
        said = (await store.agreement_words(connection, [kept])).get(kept.words_id) if kept and kept.words_id else None
    if reference and kept is None:
        raise TroubleError(Trouble.MISSING)
    return _agreement(request, visit, found, kept, _answers(kept, said or AgreementWords()), {})


@router.post("/organisations/{organisation_id}/agreement")
async def write_agreement(request: Request, visit: KeeperOfOne, reference: str = "") -> Response:
    """Keep what was written of it. The register's own days stay the register's."""
    desk = desk_of(request)
    async with postgres.connection(desk.pool) as connection:
        await sent.not_before(connection, visit)
        found = await the_one(connection, request)
        kept = await _of_reference(connection, found, reference)
        taken = None if kept else await _of_reference(connection, found, visit.form.get("reference", "").strip())
    if reference and kept is None:
        raise TroubleError(Trouble.MISSING)
    asked = fields.of_agreement(known=kept is not None, from_register=kept is not None and kept.from_register)
    answers = forms.read(asked, visit.form)
    problems = fields.agreement_problems(asked, answers)
    if taken is not None:
        problems.setdefault("reference", N_("There is an agreement of this reference already."))
    if problems:
        return _agreement(request, visit, found, kept, answers, problems)
    new = kept or KeptAgreement(found.organisation_id, answers["reference"], None, False, None, None)
    written, said = fields.agreement(new, answers), fields.agreement_words(answers)
    deed, leads_to = ORGANISATION.changing("wrote_agreement", found.organisation_id), address(found.organisation_id)
    async with acting(request, visit, deed, leads_to) as connection:
        await store.put_agreement(connection, written, said, visit.person.person_id, desk.clock.now())
    return back_to(found.organisation_id)


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
    action = f"{back}/agreement" + (f"?{urlencode({'reference': kept.reference})}" if kept else "")
    more = {"action": action, "button": N_("Keep this"), "back": back, "back_name": found.name}
    if kept is not None and kept.from_register:
        more["about"] = N_("Its reference, days and scope stand in the register, and are changed there.")
    return filled(request, visit, N_("Agreement"), asked, answers, problems, **more)


def _answers(kept: KeptAgreement | None, said: AgreementWords) -> dict[str, str]:
    if kept is None:
        return {}
    days: dict[str, date | None] = {
        name: getattr(kept, name) for name in ("valid_from", "valid_to", "review_on", "assessed_on")
    }
    written = {name: day(on) if on else "" for name, on in days.items()}
    return {**said.model_dump(), **written, "document_sha256": kept.document_sha256 or ""}


async def _of_reference(connection: Connection, found: KnownOrganisation, reference: str) -> KeptAgreement | None:
    known = await store.agreements(connection, await member_ids(connection, found)) if reference else []
    return next((each for each in known if each.reference == reference), None)


@router.get("/organisations/{organisation_id}/review")
async def review(request: Request, visit: KeeperOfOne, reference: str = "") -> Response:
    """That both looked at an agreement again."""
    async with acting(
        request, visit, ORGANISATION.looking("viewed_organisation", id_of(request, "organisation_id"))
    ) as connection:
        found = await the_one(connection, request)
        kept = await _of_reference(connection, found, reference)
    if kept is None:
        raise TroubleError(Trouble.MISSING)
    return _review(request, visit, found, kept, {"reviewed_on": day(desk_of(request).today)}, {})


@router.post("/organisations/{organisation_id}/review")
async def note_review(request: Request, visit: KeeperOfOne, reference: str = "") -> Response:
    """Note it, and when it is next to be looked at."""
    desk, answers = desk_of(request), forms.read(fields.REVIEW, visit.form)
    problems, account, now = forms.problems(fields.REVIEW, answers), visit.person.person_id, desk.clock.now()
    done, following = forms.day(answers, "reviewed_on"), forms.day(answers, "next_on")
    if done and done > desk.today:
        problems.setdefault("reviewed_on", N_("This day is yet to come."))
    if done and following and following <= done:
        problems.setdefault("next_on", N_("This is not after the review."))
    deed = ORGANISATION.trying("reviewed_agreement", id_of(request, "organisation_id"), problems)
    async with acting(request, visit, deed) as connection:
        found = await the_one(connection, request)
        kept = await _of_reference(connection, found, reference)
        if kept is None:
            raise TroubleError(Trouble.MISSING)
        if not problems and done:
            agreement_id = kept.agreement_id
            if agreement_id is None:  # the register has it, and nothing was noted yet
                agreement_id = await store.put_agreement(connection, kept, AgreementWords(), account, now)
            await store.note_review(connection, agreement_id, done, following, account, now)
    return _review(request, visit, found, kept, answers, problems) if problems else back_to(found.organisation_id)


def _review(
    request: Request,
    visit: Visit,
    found: KnownOrganisation,
    kept: KeptAgreement,
    answers: forms.Answers,
    problems: forms.Answers,
) -> Response:
    back = address(found.organisation_id)
    action = f"{back}/review?{urlencode({'reference': kept.reference})}"
    more = {"action": action, "button": N_("Note the review"), "back": back, "back_name": found.name}
    return filled(request, visit, N_("An agreement was reviewed"), fields.REVIEW, answers, problems, **more)
