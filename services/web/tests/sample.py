"""A small desk: a list, a case, and a form that declines it; and a register of made-up people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse

from conduit_web.access import Action, Target
from conduit_web.people import Identity, Person, Role
from conduit_web.sessions import Session
from conduit_web.settings import Provider
from conduit_web.troubles import Trouble
from conduit_web.visits import Visit, may

CASES = {
    "c-1": Target(partner_id="north-star", force_ids=frozenset({"kent"})),
    "c-2": Target(partner_id="safe-harbour", force_ids=frozenset({"essex"})),
    "c-3": Target(partner_id="north-star", restricted=True, named=frozenset({"o-2"})),
}
OFFICER = Person("o-1", frozenset({Role.OFFICER}))
SECOND_OFFICER = Person("o-2", frozenset({Role.OFFICER}))
FINANCE = Person("f-1", frozenset({Role.FINANCE}))
CASEWORKER = Person("w-1", frozenset({Role.PARTNER_CASEWORKER}), partner_id="north-star")


class People:
    """A register in memory."""

    def __init__(self) -> None:
        self.known: dict[Identity, Person] = {}

    async def find(self, identity: Identity) -> Person | None:
        return self.known.get(identity)


class PlainPages:
    """The pages, as few words as tests can read."""

    def trouble(self, _request: Request, trouble: Trouble, sign_in_address: str) -> Response:
        return PlainTextResponse(f"{trouble.value} {sign_in_address}", status_code=trouble.status)

    def choice(self, _request: Request, providers: Sequence[Provider], return_to: str, *, fresh: bool) -> Response:
        return PlainTextResponse(" ".join(each.name for each in providers) + f" {return_to} {fresh}")

    def sessions(self, _request: Request, visit: Visit, sessions: Sequence[Session]) -> Response:
        return PlainTextResponse(f"{visit.form_token} " + " ".join(str(each.session_id) for each in sessions))

    def signed_out(self, _request: Request) -> Response:
        return PlainTextResponse("signed out")


declined: list[tuple[str, str, str]] = []
router = APIRouter()


async def find_case(request: Request, _person: Person) -> Target | None:
    return CASES.get(request.path_params["case_id"])


@router.get("/")
async def home(visit: Annotated[Visit, may(Action.MANAGE_OWN_SESSIONS)]) -> Response:
    return PlainTextResponse(f"{visit.person.person_id} {visit.form_token}")


@router.get("/cases")
async def cases(visit: Annotated[Visit, may(Action.LIST_CASES)]) -> Response:
    return PlainTextResponse("cases")


@router.get("/news")
async def news(visit: Annotated[Visit, may(Action.LIST_CASES, here=False)]) -> Response:
    return PlainTextResponse("0 new")


@router.get("/cases/{case_id}")
async def case(case_id: str, visit: Annotated[Visit, may(Action.VIEW_CASE, find_case)]) -> Response:
    return PlainTextResponse(f"case {case_id} {visit.form_token}")


@router.get("/cases/{case_id}/decline")
async def decline_form(case_id: str, visit: Annotated[Visit, may(Action.DECLINE, find_case)]) -> Response:
    return PlainTextResponse(f"decline {case_id} {visit.form_token}")


@router.post("/cases/{case_id}/decline")
async def decline(case_id: str, visit: Annotated[Visit, may(Action.DECLINE, find_case)]) -> Response:
    declined.append((case_id, visit.person.person_id, visit.form.get("reason", "")))
    return PlainTextResponse("declined")


@router.get("/broken")
async def broken(_visit: Annotated[Visit, may(Action.LIST_CASES)]) -> Response:
    raise RuntimeError("the words of a case")
