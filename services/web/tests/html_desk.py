"""The small desk with real pages: a list by key, and a case with a form."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from conduit_web.access import Action, Target
from conduit_web.html import HtmlPages
from conduit_web.lists import FETCH, Currency, list_page, read_key
from conduit_web.people import Person
from conduit_web.visits import Visit, may
from conduit_web.words import N_

TEMPLATES = Path(__file__).parent / "templates"
SCRIPT = "<script>document.title = 'stolen'</script><img src=x onerror=alert(1)>"
ROWS = [{"id": n, "said": SCRIPT if n == 1 else "Ä" * 200 if n == 2 else f"said {n}"} for n in range(1, 121)]
asked: list[tuple[int, str, str]] = []
router = APIRouter()


def html_pages(**more: Any) -> HtmlPages:
    navigation = ({"text": "Cases", "href": "/html/cases"},)
    return HtmlPages("Sample desk", navigation=navigation, templates=TEMPLATES, **more)


async def find(request: Request, _person: Person) -> Target | None:
    number = request.path_params["number"]
    return Target() if number.isdigit() and 1 <= int(number) <= len(ROWS) else None


@router.get("/")
async def home(_visit: Annotated[Visit, may(Action.MANAGE_OWN_SESSIONS)]) -> Response:
    return RedirectResponse("/html/cases", status_code=303)


@router.get("/html/cases")
async def cases(
    request: Request, visit: Annotated[Visit, may(Action.LIST_CASES)], after: str = "", behind: int = 0, none: bool = False
) -> Response:
    desk = request.app.state.desk
    key = read_key(after, int)
    found = [row for row in ROWS if not none and (key is None or row["id"] > key[0])][:FETCH]
    page = list_page(found, lambda row: (row["id"],))
    now = desk.clock.now()
    values = {"rows": page.rows, "after": page.after, "currency": Currency(now, now - timedelta(seconds=behind))}
    return desk.pages.page(request, "cases.html", N_("Cases"), visit=visit, **values)


@router.get("/html/cases/{number}")
async def case(request: Request, number: str, visit: Annotated[Visit, may(Action.VIEW_CASE, find)]) -> Response:
    values = {"case_id": number, "said": ROWS[int(number) - 1]["said"]}
    return request.app.state.desk.pages.page(request, "case.html", N_("A case"), visit=visit, **values)


@router.post("/html/cases/{number}")
async def ask(number: str, visit: Annotated[Visit, may(Action.ASK_FOR_INFORMATION, find)]) -> Response:
    asked.append((int(number), visit.person.person_id, visit.form["question"]))
    return RedirectResponse("/html/cases", status_code=303)


@router.get("/html/broken")
async def broken(_visit: Annotated[Visit, may(Action.LIST_CASES)]) -> Response:
    raise RuntimeError("the words of a case")
