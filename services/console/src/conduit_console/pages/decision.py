"""One request about one decision of one case: what was written, what it would send, and what happened since."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import Request, Response
from fastapi.responses import RedirectResponse

from conduit_chassis import postgres
from conduit_console import content, deciding, decision_forms
from conduit_console.commanding import Decided
from conduit_console.decision_forms import Answers, AskedOn, DecidedOn, ForceNumber, Offer, OfficersDecision
from conduit_console.numbers import numbers_of
from conduit_console.opinions import mark_of
from conduit_console.pages.at_desk import ConsoleDesk, case_id_of, desk_of, the_case
from conduit_console.pages.passkeys import registered
from conduit_console.queries import sent as queries
from conduit_console.queries.case import CaseAtHand, TimelineStep, steps_since
from conduit_console.queries.unanswered import holding
from conduit_console.work import by_officer
from conduit_contracts.passkeys import asks_passkey, trusted
from conduit_contracts.programme import Passkey
from conduit_web.keys import microseconds, moment
from conduit_web.visits import Visit


@dataclass(frozen=True, slots=True)
class DecisionTurn:
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
        """Which case it is about."""
        return self.about.referral_id

    def problems(self, answers: Answers) -> dict[str, str]:
        """What is wrong with the answers, by question."""
        return decision_forms.problems_of(self.decision, answers, self.found.case, self.on, self.about)

    def decided(self, key: UUID, answers: Answers, passkey: str | None = None) -> Decided:
        """What these answers send."""
        command, seen_until = self.decision.command(answers, self.about), self.about.seen_until
        return Decided(key, self.case_id, self.decision.code, command, self.decision.topic, seen_until, passkey)

    def passkeys(self, decided: Decided) -> tuple[Passkey, ...]:
        """The officer's trusted passkeys, any of which must sign this; none where it asks for none."""
        officer = registered(desk_of(self.request), self.visit)
        return trusted(officer, self.now) if asks_passkey(decided.command) else ()

    @property
    def is_open(self) -> bool:
        """Whether it can be decided now, as far as the console knows."""
        return deciding.is_offered(self.decision, self.found.case, holding(self.found.unanswered, self.now), self.now)

    @property
    def is_sent_already(self) -> bool:
        """Whether this officer sent an answer to the same question. Of two officers at once, the hub's rules judge."""
        mine = [each for each in self.found.unanswered if each.officer_id == self.about.officer_id]
        return deciding.is_held(self.decision, self.found.case, holding(mine, self.now))

    def address(self, step: str = "", **query: object) -> str:
        """Of one of its pages, with what the officer had read."""
        seen = {"seen": microseconds(self.about.seen_until), **query}
        return f"/cases/{self.case_id}/{self.decision.path}{step}?{urlencode(seen)}"

    def page(self, template: str, *, status: int = 200, **values: Any) -> Response:
        """One of its pages."""
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


async def turn_of(request: Request, visit: Visit, decision: OfficersDecision) -> DecisionTurn | None:
    """None where the address does not say which page of the case the officer read: then that comes first."""
    desk, found, me = desk_of(request), await the_case(request), visit.person.person_id
    now, numbers = desk.clock.now(), await _numbers(desk, decision, found)
    seen = visit.form.get("seen") or request.query_params.get("seen", "")
    seen_until = moment(int(seen)) if seen.isdecimal() and len(seen) < 20 else None
    if seen_until is None or seen_until > found.currency.complete_to:
        return None
    about, on = DecidedOn(found.case.referral_id, me, seen_until), AskedOn(desk.policy, now, numbers)
    return DecisionTurn(request, visit, decision, found, now, on, about)


async def _numbers(desk: ConsoleDesk, decision: OfficersDecision, found: CaseAtHand) -> Sequence[ForceNumber]:
    """Of the forces that have a part, where it is asked at which one was spoken to."""
    if not any(question.offer is Offer.NUMBERS for question in decision.questions):
        return ()
    async with postgres.connection(desk.pool) as connection:
        return await numbers_of(connection, found.case.handoffs)


def read_first(request: Request) -> Response:
    """Lead back to the case."""
    return RedirectResponse(f"/cases/{case_id_of(request)}", status_code=303)


def sent_address(case_id: UUID, key: UUID) -> str:
    """Of the page that says what came of it."""
    return f"/cases/{case_id}/decisions/{key}"


async def draft_of(turn: DecisionTurn) -> tuple[Answers, str]:
    """What the officer wrote, and what tells it from what they write later."""
    async with postgres.connection(desk_of(turn.request).pool) as connection:
        kept = await content.draft(connection, turn.case_id, turn.about.officer_id, turn.decision.code)
    text = kept.text if kept else "{}"
    known = {question.name for question in turn.decision.questions}
    answers = {name: said for name, said in json.loads(text).items() if name in known}
    return answers, mark_of(text)


async def news_of(turn: DecisionTurn) -> list[TimelineStep]:
    """What others did since the officer read the case."""
    async with postgres.connection(desk_of(turn.request).pool) as connection:
        steps = await steps_since(connection, turn.case_id, turn.about.seen_until)
    return [each for each in steps if each.actor != by_officer(turn.about.officer_id)]


async def would_be_held_up(turn: DecisionTurn) -> bool:
    """Whether the hub's rules would let it change nothing, so that it is not sent before the case is read again."""
    if not turn.decision.waits_for_reading:
        return False
    async with postgres.connection(desk_of(turn.request).pool) as connection:
        return await queries.holds_up(connection, turn.case_id, turn.about.seen_until, turn.about.officer_id)
