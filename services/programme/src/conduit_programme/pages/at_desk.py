"""What every route of the programme stands on: its desk, its words, who is who, and its line of the trail."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import date
from typing import Any, Self, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import Request, Response
from fastapi.responses import RedirectResponse
from markupsafe import Markup
from typing_extensions import override

from conduit_chassis import postgres
from conduit_chassis.outbox import Outbox
from conduit_chassis.postgres import Connection, Pool
from conduit_chassis.trail import uuid_in
from conduit_programme import rules, sent, trail, wording
from conduit_programme.forms import Answers, FormField, TypedAnswers
from conduit_programme.insight.rules import INSIGHT_ANSWER_DAYS
from conduit_programme.practice.rules import PRACTICE_ANSWER_DAYS, PRACTICE_FORCE_DAYS, PRACTICE_KEPT_DAYS
from conduit_programme.trail import Deed, OvertakenError
from conduit_web import clocks
from conduit_web.access import Action, reaches_of
from conduit_web.accounts import Accounts, EverybodyKnown, accounts_of
from conduit_web.acts import ActKind
from conduit_web.desk import Desk
from conduit_web.html import HtmlPages
from conduit_web.troubles import Trouble, TroubleError
from conduit_web.visits import InsteadError, Visit
from conduit_web.words import N_, worded

Found = TypeVar("Found")
Transactions = Callable[[], AbstractAsyncContextManager[tuple[Connection, Outbox]]]
"""The service's own: what they publish is sent once they are committed."""


class ProgrammeDesk(Desk):
    """A desk with the programme's store."""

    name = "programme"
    pool: Pool
    people: EverybodyKnown
    transactions: Transactions
    shown: "ProgrammePages"
    zone: ZoneInfo
    insight_answer_days: int = INSIGHT_ANSWER_DAYS
    practice_answer_days: int = PRACTICE_ANSWER_DAYS
    practice_force_days: int = PRACTICE_FORCE_DAYS
    practice_kept_days: int = PRACTICE_KEPT_DAYS
    scans: bool = False
    """Whether there is a scanner for files."""

    def with_store(self, pool: Pool, zone: ZoneInfo, people: EverybodyKnown, shown: "ProgrammePages") -> Self:
        """The desk over this database. `people` gives everybody as they are now; `zone` says which day it is."""
        self.pool, self.zone, self.people, self.shown = pool, zone, people, shown
        return self

    def accounts(self) -> Accounts:
        """Everybody as they are now.

        Raises:
            TroubleError: it is not known how the registers stand now.
        """
        return accounts_of(self.people, self.clock.now())

    @property
    def today(self) -> date:
        """The day on which an agreement holds or does not."""
        return rules.day_of(self.clock.now(), self.zone)


class ProgrammePages(HtmlPages):
    """Pages whose templates can say codes and days in words."""

    @override
    def page(
        self, request: Request, template: str, heading: str, *, visit: Visit | None = None, status: int = 200, **values: Any
    ) -> Response:
        """As everywhere, with the programme's own words."""
        return super().page(
            request, template, heading, visit=visit, status=status, **{**values, **self._helpers(request, visit)}
        )

    @override
    def hidden(self, visit: Visit | None) -> Markup:
        """With a key, by which a form that is sent twice makes one thing."""
        return super().hidden(visit) + sent.hidden_key()

    def _helpers(self, request: Request, visit: Visit | None) -> dict[str, Any]:
        desk, look_up = desk_of(request), self.look_up(request)
        known = desk.accounts() if visit else Accounts({}, desk.clock.now())
        return {
            "word": lambda table, code: worded(wording.TABLES[table], code, look_up),
            "listed_words": lambda table, codes: ", ".join(worded(wording.TABLES[table], each, look_up) for each in codes),
            "day": wording.day,
            "today": desk.today,
            "zone": desk.zone,
            "number": "{:,}".format,
            "practice_kept_days": desk.practice_kept_days,
            "is_late": lambda at: at <= desk.clock.now(),
            "due_in_words": lambda at: clocks.due(at, desk.clock.now(), look_up),
            "named": known.name,
            "roles_of": lambda account: sorted(known.known[account].roles) if account in known.known else [],
            "may": lambda action: visit is not None and bool(reaches_of(Action[action], visit.person)),
        }


def desk_of(request: Request) -> ProgrammeDesk:
    """The desk that answers this request."""
    found: ProgrammeDesk = request.app.state.desk
    return found


@asynccontextmanager
async def first(request: Request, visit: Visit, deed: Deed, typed: TypedAnswers | None = None) -> AsyncIterator[None]:
    """Around what only who is first may do: whoever is second is told who was, and is given back what they typed.

    Raises:
        InsteadError: that page.
    """
    try:
        yield
    except OvertakenError as error:
        raise InsteadError(await _overtaken(request, visit, deed, error, typed)) from None


async def _overtaken(
    request: Request, visit: Visit, deed: Deed, error: OvertakenError, typed: TypedAnswers | None
) -> Response:
    desk, own, last = desk_of(request), trail.belongs_to(visit.person), error.last
    if last is None:
        async with postgres.connection(desk.pool) as connection:
            last = await trail.last_change(connection, deed.about_id, own, error.by)
    if error.as_wanted and last and (last.account, last.what) == (visit.person.person_id, deed.what):
        return RedirectResponse(error.leads_to, status_code=303)
    values = {"last": last, "leads_to": error.leads_to, "again": error.again, "given": typed.given if typed else ()}
    heading = N_("This has changed since you opened the page")
    return desk.shown.page(request, "overtaken.html", heading, visit=visit, status=409, **values)


@asynccontextmanager
async def acting(
    request: Request, visit: Visit, deed: Deed, leads_to: str | None = None, *, typed: TypedAnswers | None = None
) -> AsyncIterator[Connection]:
    """A transaction in which this person does this, with its line of the trail.

    Whatever makes something says where that `leads_to`, and makes it once however often its form is sent. What was `typed`
    is given back where somebody else was first.

    Raises:
        InsteadError: its form was sent before, or somebody else was first.
    """
    desk, now = desk_of(request), desk_of(request).clock.now()
    async with first(request, visit, deed, typed), trail.acting(desk.pool, visit.person, deed, now) as connection:
        if leads_to is not None and deed.kind is not ActKind.CONSULTATION:
            await sent.once(connection, visit, leads_to, now, now - desk.settings.session_longest)
        yield connection


def or_missing(found: Found | None) -> Found:
    """What was found.

    Raises:
        TroubleError: there is no such thing.
    """
    if found is None:
        raise TroubleError(Trouble.MISSING)
    return found


def id_of(request: Request, name: str) -> UUID:
    """An id of the address.

    Raises:
        TroubleError: it is none.
    """
    return or_missing(uuid_in(request.path_params[name]))


def filled(
    request: Request,
    visit: Visit,
    heading: str,
    asked: tuple[FormField, ...],
    answers: Answers,
    problems: Answers,
    **more: Any,
) -> Response:
    """A page that is one form. `more` has its `action`, its `button`, and where `back` leads."""
    return with_form(request, visit, "filled_form.html", heading, asked, answers, problems, **more)


def with_form(
    request: Request,
    visit: Visit,
    template: str,
    heading: str,
    asked: tuple[FormField, ...],
    answers: Answers,
    problems: Answers,
    **more: Any,
) -> Response:
    """A page on which there is a form, among what `more` has."""
    values = {"fields": asked, "answers": answers, "problems": problems, **more}
    status = 400 if problems else 200
    return desk_of(request).shown.page(request, template, heading, visit=visit, status=status, **values)
