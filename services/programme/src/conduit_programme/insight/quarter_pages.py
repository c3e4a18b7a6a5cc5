"""The four Ps by quarter: an overview, a page for each, its measures, and the quarterly report.

The report is a page that prints as a document: browsers make the paper or the PDF of it.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from conduit_chassis import postgres
from conduit_chassis.postgres import Connection
from conduit_programme import forms, seen
from conduit_programme.forms import TypedAnswers
from conduit_programme.four_ps import FourPs, Quarter
from conduit_programme.insight import counted, fields, measures, quarterly, store
from conduit_programme.insight.measures import MeasureReading, NewMeasure
from conduit_programme.insight.rules import AgreedMeasure, MeasureCounts
from conduit_programme.insight.said import MeasureReadingWords, MeasureWords
from conduit_programme.pages.at_desk import acting, desk_of, filled, id_of, or_missing
from conduit_programme.trail import Deed, DeedsAbout, OvertakenError, UnchangedError
from conduit_web.access import Action, Target
from conduit_web.acts import ActKind
from conduit_web.people import Person
from conduit_web.visits import Visit, may, ones_own
from conduit_web.words import N_

router = APIRouter()
MEASURE = DeedsAbout("measure")
LOOKING, REPORTING = Deed(ActKind.CONSULTATION, "viewed_four_ps"), Deed(ActKind.CONSULTATION, "viewed_report")


async def find_p(request: Request, person: Person) -> Target | None:
    """The P of the address, if it is one of the four."""
    return await ones_own(request, person) if request.path_params["four_p"] in set(FourPs) else None


async def find_measure(request: Request, _person: Person) -> Target | None:
    """The measure of the address, if there is one."""
    async with postgres.connection(desk_of(request).pool) as connection:
        found = await measures.find(connection, id_of(request, "measure_id"))
    return Target() if found else None


Viewer = Annotated[Visit, may(Action.VIEW_FOUR_PS)]
ViewerOfP = Annotated[Visit, may(Action.VIEW_FOUR_PS, find_p)]
KeeperOfP = Annotated[Visit, may(Action.KEEP_MEASURES, find_p)]
KeeperOfMeasure = Annotated[Visit, may(Action.KEEP_MEASURES, find_measure)]


def quarter_asked(request: Request) -> Quarter:
    """The quarter of the address; the present one where it has none, or one that is yet to come."""
    present = Quarter.of(desk_of(request).today)
    return min(Quarter.read(request.query_params.get("quarter", "")) or present, present)


def around(request: Request, quarter: Quarter) -> dict[str, Any]:
    """The quarters before and after, where a page leads on to them."""
    present = Quarter.of(desk_of(request).today)
    return {"quarter": quarter, "next": quarter.next if quarter < present else None, "ongoing": quarter == present}


@router.get("/four-ps")
async def overview(request: Request, visit: Viewer) -> Response:
    """All four, in numbers."""
    desk, quarter = desk_of(request), quarter_asked(request)
    async with acting(request, visit, LOOKING) as connection:
        numbers = await counted.in_numbers(connection, quarter, desk.zone)
        kept = await _time_kept(connection, request, quarter)
    values = {**around(request, quarter), **kept, "numbers": numbers}
    return desk.shown.page(request, "insight/four_ps.html", N_("The four Ps"), visit=visit, **values)


@router.get("/quarterly-report")
async def report(request: Request, visit: Viewer) -> Response:
    """All four, in words and numbers, to be printed."""
    desk, quarter = desk_of(request), quarter_asked(request)
    async with acting(request, visit, REPORTING) as connection:
        four = await quarterly.every_quarter_of(connection, quarter, desk.clock.now(), desk.zone)
        kept = await _time_kept(connection, request, quarter)
    values = {**around(request, quarter), **kept, "four": four, "made_at": desk.clock.now()}
    values["numbers"] = [each.numbers for each in four]
    return desk.shown.page(request, "insight/report.html", N_("Quarterly report"), visit=visit, **values)


async def _time_kept(connection: Connection, request: Request, quarter: Quarter) -> dict[str, Any]:
    """How the hub kept its time with what was to be answered in the quarter."""
    desk = desk_of(request)
    due = await store.due_between(connection, quarter.first, quarter.last)
    kept = quarterly.answered_in_time(due, desk.clock.now(), desk.zone)
    return {"kept": kept, "unconsidered": await store.unconsidered(connection)}


@router.get("/four-ps/{four_p}")
async def one(request: Request, visit: ViewerOfP) -> Response:
    """One of the four: what was done, heard and measured, and what changed."""
    desk, quarter = desk_of(request), quarter_asked(request)
    async with acting(request, visit, LOOKING) as connection:
        known = await quarterly.quarter_of(connection, _p(request), quarter, desk.clock.now(), desk.zone)
    more = around(request, quarter)
    return desk.shown.page(request, "insight/four_p.html", N_("One of the four Ps"), visit=visit, known=known, **more)


def _p(request: Request) -> FourPs:
    return FourPs(request.path_params["four_p"])


@router.get("/four-ps/{four_p}/measures/new")
async def new_measure(request: Request, visit: KeeperOfP) -> Response:
    """What the hub and its partners agree to look at."""
    return _new_measure(request, visit, {}, {})


@router.post("/four-ps/{four_p}/measures/new")
async def agree(request: Request, visit: KeeperOfP) -> Response:
    """Look at it from today on."""
    desk, four_p = desk_of(request), _p(request)
    answers = forms.read(fields.measure(four_p), visit.form)
    problems = forms.problems(fields.measure(four_p), answers)
    if problems:
        return _new_measure(request, visit, answers, problems)
    said = MeasureWords(name=answers["name"], how=answers["how"], agreed_with=answers["agreed_with"])
    new = NewMeasure(four_p, MeasureCounts(answers["counts"]), said)
    deed, leads_to = MEASURE.changing("agreed_measure", new.measure_id), _shown_at(four_p, Quarter.of(desk.today))
    async with acting(request, visit, deed, leads_to) as connection:
        await measures.agree(connection, new, by=visit.person.person_id, on=desk.today, now=desk.clock.now())
    return RedirectResponse(leads_to, status_code=303)


def _new_measure(request: Request, visit: Visit, answers: forms.Answers, problems: forms.Answers) -> Response:
    back = f"/four-ps/{_p(request)}"
    more = {"action": f"{back}/measures/new", "button": N_("Agree it"), "back": back}
    if _p(request) is FourPs.PURSUE:
        more["about"] = N_("The hub records no investigation. What became of a suspect is not measured here.")
    return filled(request, visit, N_("Agree a measure"), fields.measure(_p(request)), answers, problems, **more)


@router.post("/measures/{measure_id}/end")
async def end(request: Request, visit: KeeperOfMeasure) -> Response:
    """Nobody looks at it after today."""
    today = desk_of(request).today
    async with acting(request, visit, MEASURE.changing("ended_measure", id_of(request, "measure_id"))) as connection:
        found = await _the_measure(connection, request)
        if not await measures.end(connection, found.measure_id, today):
            raise UnchangedError
    return _back(found.four_p, Quarter.of(today))


@router.get("/measures/{measure_id}/reading")
async def reading(request: Request, visit: KeeperOfMeasure) -> Response:
    """What it was in a quarter, to be noted or corrected."""
    async with acting(request, visit, LOOKING) as connection:
        found = await _the_measure(connection, request)
        [known] = await measures.shown(connection, [found], quarter_asked(request))
    return _reading(request, visit, known.said.name, found, _noted(known.now), {})


def _noted(reading: MeasureReading | None) -> dict[str, str]:
    return fields.reading_answers(reading.figure, reading.said) if reading else {}


@router.post("/measures/{measure_id}/reading")
async def note(request: Request, visit: KeeperOfMeasure) -> Response:
    """Note it, where nobody noted anything else since the form was opened."""
    answers, quarter = forms.read(fields.READING, visit.form), quarter_asked(request)
    problems, figure = fields.reading_problems(answers), fields.figure(answers)
    deed = LOOKING if problems else MEASURE.changing("noted_reading", id_of(request, "measure_id"))
    async with acting(request, visit, deed, typed=TypedAnswers(fields.READING, answers)) as connection:
        found = or_missing(await measures.hold(connection, id_of(request, "measure_id")))
        [known] = await measures.shown(connection, [found], quarter)
        if not problems and figure is not None:
            said = MeasureReadingWords(source=answers["source"], shows=answers["shows"])
            overtaken = _overtaken(found, quarter, known.now)
            seen.must_stand(visit, _noted(known.now), fields.reading_answers(figure, said), overtaken)
            by, now = visit.person.person_id, desk_of(request).clock.now()
            await measures.note(connection, found.measure_id, quarter, figure, said, by=by, now=now)
    if problems:
        return _reading(request, visit, known.said.name, found, answers, problems)
    return _back(found.four_p, quarter)


def _overtaken(found: AgreedMeasure, quarter: Quarter, before: MeasureReading | None) -> OvertakenError:
    leads_to, last = _shown_at(found.four_p, quarter), before.noted if before else None
    return OvertakenError(leads_to, again=_form_of(found, quarter), by=("noted_reading",), last=last)


def _form_of(found: AgreedMeasure, quarter: Quarter) -> str:
    return f"/measures/{found.measure_id}/reading?quarter={quarter}"


def _reading(
    request: Request, visit: Visit, name: str, found: AgreedMeasure, answers: forms.Answers, problems: forms.Answers
) -> Response:
    quarter = quarter_asked(request)
    more: dict[str, Any] = {
        "action": _form_of(found, quarter),
        "button": N_("Keep this"),
        "mark": seen.hidden_mark(answers, visit),
        "back": f"/four-ps/{found.four_p}?quarter={quarter}",
        "back_name": name,
    }
    return filled(request, visit, N_("What a measure was"), fields.READING, answers, problems, **more)


async def _the_measure(connection: Connection, request: Request) -> AgreedMeasure:
    return or_missing(await measures.find(connection, id_of(request, "measure_id")))


def _back(four_p: FourPs, quarter: Quarter) -> Response:
    return RedirectResponse(_shown_at(four_p, quarter), status_code=303)


def _shown_at(four_p: FourPs, quarter: Quarter) -> str:
    return f"/four-ps/{four_p}?quarter={quarter}"
