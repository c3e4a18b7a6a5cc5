"""What every route of the console stands on: its desk, its words, and finding the case that a request is about."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol, Self
from uuid import UUID

from fastapi import Request, Response
from typing_extensions import override

from conduit_chassis import postgres
from conduit_chassis.postgres import Connection, Pool
from conduit_chassis.trail import uuid_in
from conduit_console import clocks, wording
from conduit_console.commanding import Commanding
from conduit_console.deciding import BY_CODE
from conduit_console.decision_forms import moment_said
from conduit_console.files import IntakeFiles
from conduit_console.grounds import ShownPolicy
from conduit_console.partners import names_of
from conduit_console.queries.case import CaseAtHand, case_at_hand
from conduit_console.queries.news import Newest
from conduit_web.access import Access, Action, Target, decide, may_name, reaches_of
from conduit_web.accounts import Accounts, EverybodyKnown, accounts_of
from conduit_web.acts import ACT_KINDS
from conduit_web.desk import Desk
from conduit_web.html import LONDON, HtmlPages, force_name
from conduit_web.people import Person
from conduit_web.streams import Streams
from conduit_web.tiles import map_size, squares
from conduit_web.troubles import Trouble, TroubleError
from conduit_web.visits import Visit
from conduit_web.words import N_, worded

GLASS_LASTS = timedelta(hours=1)
"""For how long somebody who broke the glass may look."""
_TABLES: Mapping[str, Mapping[str, str]] = {
    "state": wording.STATES,
    "urgency": wording.URGENCIES,
    "handoff": wording.HANDOFFS,
    "ground": wording.GROUNDS,
    "reason": {**wording.REASONS, **wording.ANSWERS},
    "step": wording.STEPS,
    "act": wording.ACTS,
    "kind": ACT_KINDS,
    "glass": wording.GLASS,
    "why": {**wording.GLASS, **wording.DECISIONS, **wording.OPINIONS},
    "duty": wording.DUTIES,
    "duty_step": wording.DUTY_STEPS,
    "opinion": wording.OPINIONS,
    "concern": wording.CONCERNS,
    "role": wording.ROLES,
    "whose": wording.WHOSE_NUMBER,
    "sign": wording.SIGNS,
    "basis": wording.BASES,
    "file": wording.FILES,
    "channel": wording.CHANNELS,
    "failure": wording.FAILURES,
}
_NOT_DIALLED = re.compile(r"(?!^\+)[^0-9]")
RULES, CLOCK = N_("the rules"), N_("a clock")


class ConsoleDesk(Desk):
    """A desk with a read model of cases."""

    name = "console"
    pool: Pool
    policy: ShownPolicy
    people: EverybodyKnown
    shown: "ConsolePages"
    commands: Commanding
    news: Streams[Newest]
    files: IntakeFiles | None = None
    """Where files are fetched; None where this deployment does not say."""

    def with_cases(
        self,
        pool: Pool,
        policy: ShownPolicy,
        people: EverybodyKnown,
        shown: "ConsolePages",
        commands: Commanding,
    ) -> Self:
        """The desk over this database. `people` gives the hub's as they are now; `commands` sends decisions."""
        self.pool, self.policy, self.people, self.shown, self.commands = pool, policy, people, shown, commands
        return self

    def accounts(self) -> Accounts:
        """The hub's people as they are now.

        Raises:
            TroubleError: it is not known how the register stands now.
        """
        return accounts_of(self.people, self.clock.now())

    def who_decide(self) -> list[tuple[str, str]]:
        """Accounts and names of those who may be given a case."""
        return self.accounts().who_may(Action.CLAIM_REVIEW)

    def who_may_be_named(self, by: str) -> list[tuple[str, str]]:
        """Those to whom this person may open a restricted case."""
        return [each for each in self.who_decide() if may_name(by, each[0])]

    def with_streams(self, news: Streams[Newest]) -> Self:
        """The desk that tells pages by itself that there is something new."""
        self.news = news
        return self


class ConsolePages(HtmlPages):
    """Pages whose templates can say codes and clocks in words."""

    @override
    def page(
        self, request: Request, template: str, heading: str, *, visit: Visit | None = None, status: int = 200, **values: Any
    ) -> Response:
        """As everywhere, with the console's own words."""
        return super().page(
            request, template, heading, visit=visit, status=status, **{**values, **self._helpers(request, visit)}
        )

    @override
    def trouble(self, request: Request, trouble: Trouble, sign_in_address: str) -> Response:
        """A restricted case says how it can be opened."""
        if trouble is Trouble.GLASS:
            return self.restricted(request, request.state.visit)
        return super().trouble(request, trouble, sign_in_address)

    def restricted(self, request: Request, visit: Visit, *, problem: str = "") -> Response:
        """How a restricted case can be opened: by a supervisor to others, or with a reason. `problem` is of the form."""
        found = _read_case(request)
        values: dict[str, Any] = {"case_id": case_id_of(request) or "", "open_to": found.named if found else ()}
        values |= {"may_be_named": desk_of(request).who_may_be_named(visit.person.person_id), "problem": problem}
        status, heading = 400 if problem else Trouble.GLASS.status, N_("This case is restricted")
        return self.page(request, "glass_needed.html", heading, visit=visit, status=status, **values)

    def _helpers(self, request: Request, visit: Visit | None) -> dict[str, Any]:
        desk, look_up = desk_of(request), self.look_up(request)
        now = desk.clock.now()
        return {
            **self._names(request, desk.accounts() if visit else Accounts({}, now)),
            "in_words": lambda table, codes: "; ".join(worded(_TABLES[table], code, look_up) for code in codes),
            "word": lambda table, code: worded(_TABLES[table], code, look_up),
            "question_clock": lambda row: clocks.question_clock(
                row.due_at, now, look_up, waits_for_partner=row.waits_for_partner
            ),
            "handoff_clock": lambda part: clocks.handoff_clock(part, now, look_up),
            "due": lambda at: clocks.due(at, now, look_up),
            "length": lambda span: clocks.length(span, look_up),
            "ago": lambda at: clocks.length(now - at, look_up),
            "is_late": lambda at: at is not None and at <= now,
            "squares": squares,
            "map_size": map_size,
            "dial": dial,
            "decision_in_words": lambda code: look_up(BY_CODE[code].heading) if code in BY_CODE else code,
            "said_at": moment_said,
            "time_of_day": lambda at: f"{at.astimezone(LONDON):%H:%M}",
            "can_fetch": desk.files is not None,
            "may": lambda action: visit is not None and _may(Action[action], visit, _read_case(request), now),
        }

    def _names(self, request: Request, accounts: Accounts) -> dict[str, Any]:
        """Who is who, in words."""
        look_up, called = self.look_up(request), _partner_names(request)

        def partner_name(partner_id: str) -> str:
            return called.get(partner_id, partner_id)

        def acted_by(actor: str) -> str:
            kind, _, name = actor.partition(":")
            known = {"rules": look_up(RULES), "clock": look_up(CLOCK)}
            names = {"officer": accounts.name, "force": force_name, "partner": partner_name}
            return known[kind] if kind in known else names.get(kind, str)(name)

        def audience(whom: str) -> str:
            kind, _, name = whom.partition(":")
            by_name = {"force": force_name, "partner": partner_name}
            who = by_name[kind](name) if name and kind in by_name else name
            return f"{worded(wording.AUDIENCES, kind, look_up)} {who}".strip()

        return {"named": accounts.name, "partner_name": partner_name, "acted_by": acted_by, "audience": audience}


class OfPartner(Protocol):
    """What a page lists by partner."""

    @property
    def partner_id(self) -> str | None: ...


async def know_partners(request: Request, connection: Connection, *lists: Iterable[OfPartner]) -> None:
    """Read what the partners of these are called now, so that the page can say it. Without this it shows their ids."""
    wanted = {each.partner_id for rows in lists for each in rows if each.partner_id}
    request.state.partner_names = {**_partner_names(request), **await names_of(connection, wanted)}


def _partner_names(request: Request) -> Mapping[str, str]:
    found: Mapping[str, str] = getattr(request.state, "partner_names", {})
    return found


def dial(number: str) -> str:
    """A number as a telephone dials it, of whatever was written."""
    return _NOT_DIALLED.sub("", number.strip())


def desk_of(request: Request) -> ConsoleDesk:
    """The desk that answers this request."""
    found: ConsoleDesk = request.app.state.desk
    return found


async def find_case(request: Request, _person: Person) -> Target | None:
    """The case of the address, as far as it must be known to say who may open it."""
    found = await at_hand(request)
    return _target(found) if found else None


def _target(found: CaseAtHand) -> Target:
    case = found.case
    return Target(
        partner_id=case.partner_id,
        force_ids=frozenset(name for name, part in case.handoffs.items() if part.active),
        restricted=bool(case.kept_from),
        named=found.named,
        glass_broken_by=frozenset(found.glass_broken_by),
    )


def _may(action: Action, visit: Visit, found: CaseAtHand | None, now: datetime) -> bool:
    """Whether a page offers this: of the case that it is about, or of any where it is about none."""
    if found is None:
        return bool(reaches_of(action, visit.person))
    access = decide(action, visit.person, visit.session.proof, _target(found), now)
    return access in {Access.ALLOWED, Access.FRESH_SIGN_IN}


def _read_case(request: Request) -> CaseAtHand | None:
    """The case of the address, where this request has read it."""
    found: CaseAtHand | None = getattr(request.state, "at_hand", None)
    return found


async def at_hand(request: Request) -> CaseAtHand | None:
    """All but the words of the case of the address; None where there is none. A request reads it once."""
    case_id, desk = case_id_of(request), desk_of(request)
    if case_id is not None and not hasattr(request.state, "at_hand"):
        async with postgres.connection(desk.pool) as connection:
            found = await case_at_hand(connection, case_id, desk.clock.now(), GLASS_LASTS)
            await know_partners(request, connection, [found.case] if found else [])
        request.state.at_hand = found
    return _read_case(request)


async def the_case(request: Request) -> CaseAtHand:
    """The same of a case that there must be.

    Raises:
        TroubleError: there is none.
    """
    found = await at_hand(request)
    if found is None:
        raise TroubleError(Trouble.MISSING)
    return found


def case_id_of(request: Request) -> UUID | None:
    """The case of the address, whether or not there is one."""
    return uuid_in(request.path_params["case_id"])
