"""An officer decides: write it, look at it, send it, and see what came of it. A page for each, which works without scripts.

What is written is kept as a draft, so that nothing is lost when a sign-in has become too old, the signer does not answer, or
somebody else was first. What is sent is the draft, and only as its officer looked at it last.
"""

import json
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from webauthn.helpers import bytes_to_base64url

from conduit_chassis import postgres
from conduit_chassis.trail import uuid_in
from conduit_console import content, deciding, decision_forms, passkeys
from conduit_console.commanding import Decided, NotSent, NotSentError, SittingOfficer
from conduit_console.decision_forms import Answers, AskedOn, DecidedOn, ForceNumber, Offer, OfficersDecision
from conduit_console.numbers import numbers_of
from conduit_console.opinions import mark_of
from conduit_console.pages.at_desk import ConsoleDesk, case_id_of, desk_of, find_case, the_case
from conduit_console.pages.opinions import with_words
from conduit_console.pages.passkeys import registered
from conduit_console.queries import opinions
from conduit_console.queries import sent as queries
from conduit_console.queries.case import CaseAtHand, TimelineStep, steps_since
from conduit_console.queries.opinions import OpinionRow
from conduit_console.queries.sent import CameOf
from conduit_console.queries.unanswered import holding
from conduit_console.work import by_officer
from conduit_contracts.ids import uuid7
from conduit_contracts.passkeys import asks_passkey, trusted
from conduit_contracts.programme import Passkey
from conduit_web.access import Action
from conduit_web.keys import microseconds, moment
from conduit_web.troubles import Trouble, TroubleError
from conduit_web.visits import Visit, may
from conduit_web.words import N_

router = APIRouter()
Page = Callable[[Request, Visit], Coroutine[Any, Any, Response]]
LOOK_AGAIN = N_("What you wrote has changed since, perhaps in another window. Look at it again before you send it.")
READ_AGAIN = N_("Something happened that you had not seen. Read the case again, and send this if you still decide so.")
SENT_ALREADY = N_("You sent an answer to this already, and it waits for the hub's rules.")
NEEDS_SECOND_OPINION = N_("Another officer must agree to this decline, as it is written now, before it is sent.")
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


@dataclass(frozen=True, slots=True)
class _Turn:
    """One request about one decision of one case."""

    request: Request
    visit: Visit
    decision: OfficersDecision
    found: CaseAtHand
    now: datetime
    on: AskedOn
    about: DecidedOn
    """With the moment up to which the page knew the case that the officer read."""

    @property
    def case_id(self) -> UUID:
        return self.about.referral_id

    def problems(self, answers: Answers) -> dict[str, str]:
        return decision_forms.problems_of(self.decision, answers, self.found.case, self.on, self.about)

    def decided(self, key: UUID, answers: Answers, passkey: str | None = None) -> Decided:
        command, seen_until = self.decision.command(answers, self.about), self.about.seen_until
        return Decided(key, self.case_id, self.decision.code, command, self.decision.topic, seen_until, passkey)

    def passkeys(self, decided: Decided) -> tuple[Passkey, ...]:
        """The officer's trusted passkeys, any of which must sign this; none where it asks for none."""
        officer = registered(desk_of(self.request), self.visit)
        return trusted(officer, self.now) if asks_passkey(decided.command) else ()

    @property
    def is_open(self) -> bool:
        return deciding.is_offered(self.decision, self.found.case, holding(self.found.unanswered, self.now), self.now)

    @property
    def is_sent_already(self) -> bool:
        """Whether this officer sent an answer to the same question. Of two officers at once, the hub's rules judge."""
        mine = [each for each in self.found.unanswered if each.officer_id == self.about.officer_id]
        return deciding.is_held(self.decision, self.found.case, holding(mine, self.now))

    def address(self, step: str = "", **query: object) -> str:
        seen = {"seen": microseconds(self.about.seen_until), **query}
        return f"/cases/{self.case_id}/{self.decision.path}{step}?{urlencode(seen)}"

    def page(self, template: str, *, status: int = 200, **values: Any) -> Response:
        desk = desk_of(self.request)
        offered = {each.name: decision_forms.offered(each, self.found.case, self.on) for each in self.decision.questions}
        given = {
            "decision": self.decision,
            "case": self.found.case,
            "unanswered": self.found.unanswered,
            "seen": microseconds(self.about.seen_until),
            "offered": offered,
            "policy": desk.policy,
            "numbers": {each.code: each for each in self.on.numbers},
            "address": self.address,
            "idle_minutes": desk.settings.session_idle.total_seconds() // 60,
        }
        return desk.shown.page(
            self.request, template, self.decision.heading, visit=self.visit, status=status, **given, **values
        )


async def _turn(request: Request, visit: Visit, decision: OfficersDecision) -> _Turn | None:
    """None where the address does not say which page of the case the officer read: then that comes first."""
    desk, found, me = desk_of(request), await the_case(request), visit.person.person_id
    now, numbers = desk.clock.now(), await _numbers(desk, decision, found)
    seen = visit.form.get("seen") or request.query_params.get("seen", "")
    seen_until = moment(int(seen)) if seen.isdecimal() and len(seen) < 20 else None
    if seen_until is None or seen_until > found.currency.complete_to:
        return None
    about, on = DecidedOn(found.case.referral_id, me, seen_until), AskedOn(desk.policy, now, numbers)
    return _Turn(request, visit, decision, found, now, on, about)


async def _numbers(desk: ConsoleDesk, decision: OfficersDecision, found: CaseAtHand) -> Sequence[ForceNumber]:
    """Of the forces that have a part, where it is asked at which one was spoken to."""
    if not any(question.offer is Offer.NUMBERS for question in decision.questions):
        return ()
    async with postgres.connection(desk.pool) as connection:
        return await numbers_of(connection, found.case.handoffs)


def _read_first(request: Request) -> Response:
    return RedirectResponse(f"/cases/{case_id_of(request)}", status_code=303)


async def _draft(turn: _Turn) -> tuple[Answers, str]:
    """What the officer wrote, and what tells it from what they write later."""
    async with postgres.connection(desk_of(turn.request).pool) as connection:
        kept = await content.draft(connection, turn.case_id, turn.about.officer_id, turn.decision.code)
    text = kept.text if kept else "{}"
    known = {question.name for question in turn.decision.questions}
    answers = {name: said for name, said in json.loads(text).items() if name in known}
    return answers, mark_of(text)


async def _news(turn: _Turn) -> list[TimelineStep]:
    """What others did since the officer read the case."""
    async with postgres.connection(desk_of(turn.request).pool) as connection:
        steps = await steps_since(connection, turn.case_id, turn.about.seen_until)
    return [each for each in steps if each.actor != by_officer(turn.about.officer_id)]


def _waits_for_reading(turn: _Turn, news: Sequence[TimelineStep]) -> bool:
    """Whether the hub's rules would let it change nothing, so that it is not sent before the case is read again."""
    return turn.decision.waits_for_reading and bool(queries.holding_up(news))


async def _write(request: Request, visit: Visit, decision: OfficersDecision) -> Response:
    """The page on which it is written, with what was written before."""
    turn = await _turn(request, visit, decision)
    if turn is None:
        return _read_first(request)
    answers, _ = await _draft(turn)
    return turn.page("decide.html", answers=answers, problems={}, news=await _news(turn), is_open=turn.is_open)


async def _keep(request: Request, visit: Visit, decision: OfficersDecision) -> Response:
    """Keep it, and go on to look at it where it is in order."""
    turn = await _turn(request, visit, decision)
    if turn is None:
        return _read_first(request)
    desk, answers = desk_of(request), decision_forms.read_answers(decision, visit.form, turn.now)
    problems, me = turn.problems(answers), turn.about.officer_id
    try:
        async with postgres.transaction(desk.pool) as connection:
            await content.save_draft(connection, turn.case_id, me, decision.code, json.dumps(answers), turn.now)
    except ValueError:
        problems = dict.fromkeys([decision.questions[-1].name], decision_forms.TOO_LONG)
    if problems:
        values = {"answers": answers, "problems": problems, "news": await _news(turn)}
        return turn.page("decide.html", status=400, is_open=turn.is_open, **values)
    return RedirectResponse(turn.address("/check", key=uuid7()), status_code=303)


async def _check(request: Request, visit: Visit, decision: OfficersDecision) -> Response:
    """What will be sent, and what the partner will read. A form that was sent leads to what came of it."""
    turn = await _turn(request, visit, decision)
    key = uuid_in(request.query_params.get("key", ""))
    if turn is None or key is None:
        return _read_first(request)
    async with postgres.connection(desk_of(request).pool) as connection:
        if await queries.sent_command(connection, key):
            return RedirectResponse(_sent_address(turn.case_id, key), status_code=303)
    return await _show_check(turn, key)


async def _show_check(turn: _Turn, key: UUID, problem: str = "", status: int = 200) -> Response:
    answers, mark = await _draft(turn)
    if turn.problems(answers):
        return RedirectResponse(turn.address(), status_code=303)
    async with postgres.connection(desk_of(turn.request).pool) as connection:
        asked = await opinions.of_case(connection, turn.case_id)
        shown = await with_words(connection, [each for each in asked if each.about == turn.decision.code])
    news = await _news(turn)
    values = {"answers": answers, "mark": mark, "key": key, "problem": problem, "news": news}
    values["read_again"] = READ_AGAIN if _waits_for_reading(turn, news) else ""
    values |= {"opinions": shown, "me": turn.about.officer_id, "passkey": _passkey_asked(turn, turn.decided(key, answers))}
    values["lacks_opinion"] = _needs_opinion(turn) and not _has_opinion(turn, asked, mark)
    return turn.page("decide_check.html", status=status, **values)


def _needs_opinion(turn: _Turn) -> bool:
    """Whether the policy asks for another officer's word on this."""
    return turn.decision is deciding.DECLINE and desk_of(turn.request).policy.second_opinion_before_decline


def _has_opinion(turn: _Turn, asked: Sequence[OpinionRow], mark: str) -> bool:
    """Whether somebody has given it."""
    return any(each.bears(turn.decision.code, mark, turn.about.officer_id) for each in asked)


def _passkey_asked(turn: _Turn, decided: Decided) -> dict[str, str] | None:
    """What the page's script asks for; None where this is sent without a passkey."""
    known = " ".join(each.credential_id for each in turn.passkeys(decided))
    challenge = bytes_to_base64url(decided.challenge(turn.now))
    rp_id = passkeys.rp_id_of(desk_of(turn.request).settings.public_url) or ""
    return {"known": known, "challenge": challenge, "rp_id": rp_id} if known else None


async def _lacking(turn: _Turn, decided: Decided, mark: str) -> str:
    """What this cannot be sent without; empty where nothing lacks."""
    if turn.is_sent_already:
        return SENT_ALREADY
    if _waits_for_reading(turn, await _news(turn)):
        return READ_AGAIN
    if _needs_opinion(turn):
        async with postgres.connection(desk_of(turn.request).pool) as connection:
            asked = await opinions.of_case(connection, turn.case_id)
        if not _has_opinion(turn, asked, mark):
            return NEEDS_SECOND_OPINION
    return NEEDS_PASSKEY if decided.passkey is None and turn.passkeys(decided) else ""


async def _send(request: Request, visit: Visit, decision: OfficersDecision) -> Response:
    """Send what was looked at, once."""
    turn, key = await _turn(request, visit, decision), uuid_in(visit.form.get("key", ""))
    if turn is None or key is None:
        return _read_first(request)
    desk = desk_of(request)
    async with postgres.connection(desk.pool) as connection:
        before = await queries.sent_command(connection, key)
    if before is not None:
        return RedirectResponse(_sent_address(turn.case_id, key), status_code=303)
    answers, mark = await _draft(turn)
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
    return RedirectResponse(_sent_address(turn.case_id, key), status_code=303)


@router.get("/cases/{case_id}/decisions/{command_id}")
async def what_came_of_it(request: Request, visit: Annotated[Visit, may(Action.WRITE_DECISION, find_case)]) -> Response:
    """When it was sent and what the hub's rules said, to who sent it. Where it changed nothing, what they wrote is here."""
    desk, case_id, key = desk_of(request), case_id_of(request), uuid_in(request.path_params["command_id"])
    if key is None:
        raise TroubleError(Trouble.MISSING)
    async with postgres.transaction(desk.pool) as connection:
        sent = await queries.sent_command(connection, key)
        if sent is None or (sent.referral_id, sent.officer_id) != (case_id, visit.person.person_id):
            raise TroubleError(Trouble.MISSING)
        decision, steps = deciding.BY_CODE[sent.decision], await queries.news_since(connection, sent)
        outcome = await queries.outcome_of(connection, sent)
        kept = await content.draft(connection, sent.referral_id, sent.officer_id, sent.decision)
        if outcome.came is CameOf.TOOK_EFFECT and kept is not None and kept.saved_at <= sent.sent_at:
            await content.drop_draft(connection, sent.referral_id, sent.officer_id, sent.decision)
    written: Answers = json.loads(kept.text) if kept else {}
    values: dict[str, Any] = {"sent": sent, "decision": decision, "outcome": outcome, "answers": written}
    values |= {"steps": queries.others(sent, steps), "case": (await the_case(request)).case}
    return desk.shown.page(request, "decided.html", N_("Your decision"), visit=visit, **values)


def _sent_address(case_id: UUID, key: UUID) -> str:
    return f"/cases/{case_id}/decisions/{key}"


def _add(decision: OfficersDecision) -> None:
    """Its four routes. Writing needs no fresh sign-in where sending does, so that nobody loses what they are writing."""

    async def write(request: Request, visit: Annotated[Visit, may(Action.WRITE_DECISION, find_case)]) -> Response:
        return await _write(request, visit, decision)

    async def keep(request: Request, visit: Annotated[Visit, may(Action.WRITE_DECISION, find_case)]) -> Response:
        return await _keep(request, visit, decision)

    async def check(request: Request, visit: Annotated[Visit, may(decision.action, find_case)]) -> Response:
        return await _check(request, visit, decision)

    async def send(request: Request, visit: Annotated[Visit, may(decision.action, find_case)]) -> Response:
        return await _send(request, visit, decision)

    path = f"/cases/{{case_id}}/{decision.path}"
    for address, method, endpoint in ((path, "GET", write), (path, "POST", keep), (f"{path}/check", "GET", check)):
        router.add_api_route(address, endpoint, methods=[method])
    router.add_api_route(f"{path}/check", send, methods=["POST"])


for _decision in deciding.DECISIONS:
    _add(_decision)
