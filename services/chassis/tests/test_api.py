"""The toolkit for a service's own API: in which order a request is looked at, and what it is told."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import httpx
import pytest
from starlette.requests import Request

from conduit_chassis.http.api import Api, RequestRefused, Words, place_before, referral_id_of

WORDS = Words(not_served="Not here.", read_only="Read.")
TOKEN = "synthetic"
SHOWN = {"Authorization": f"Bearer {TOKEN}"}
ID = UUID("0198f2a4-7c00-7000-8000-000000000000")
NEWEST = 2**31 - 1


async def things(request: Request) -> Mapping[str, Any]:
    return {"id": ID, "before": place_before(request, "before", NEWEST)}


async def thing(request: Request) -> Mapping[str, Any]:
    return {"id": referral_id_of(request.path_params["id"], "Give an id."), "query": str(request.query_params)}


async def broken(_request: Request) -> Mapping[str, Any]:
    raise ValueError("of ours")


async def away(_request: Request) -> Mapping[str, Any]:
    raise ConnectionError("somewhere else")


async def declined(_request: Request) -> Mapping[str, Any]:
    raise RequestRefused(409, "not_now", "state", "Later.")


ENDPOINTS = {"/things": things, "/things/{id}": thing, "/broken": broken, "/away": away, "/declined": declined}


async def ask(
    path: str, method: str = "GET", headers: Mapping[str, str] = SHOWN, token: str = TOKEN
) -> tuple[httpx.Response, list[int]]:
    """The answer, and what was counted as refused."""
    refused: list[int] = []
    api = Api(ENDPOINTS, token, WORDS, refused.append)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(api), base_url="http://service") as client:
        return await client.request(method, path, headers=headers), refused


async def test_an_endpoint_answers_in_json_that_nobody_stores() -> None:
    answer, refused = await ask("/things")
    assert (answer.status_code, answer.json(), refused) == (200, {"id": str(ID), "before": NEWEST}, [])
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", [f"/things/{ID}", f"/things/{ID}/"])
async def test_a_slash_at_the_end_changes_nothing(path: str) -> None:
    answer, _ = await ask(path)
    assert answer.json()["id"] == str(ID)


@pytest.mark.parametrize(
    ("path", "method", "headers", "token", "status", "code"),
    [
        ("/things", "GET", {"Authorization": "Bearer "}, "", 404, "not_served"),
        ("/nothing", "POST", {}, TOKEN, 401, "token_wrong"),
        ("/things", "GET", {"Authorization": "Bearer \xe9"}, TOKEN, 401, "token_wrong"),
        ("/things", "GET", {"Authorization": TOKEN}, TOKEN, 401, "token_wrong"),
        ("/nothing", "POST", SHOWN, TOKEN, 405, "method_not_allowed"),
        ("/things", "SOMEBODY", SHOWN, TOKEN, 405, "method_not_allowed"),
        ("/nothing", "GET", SHOWN, TOKEN, 404, "not_found"),
        (f"/things/{ID}/more", "GET", SHOWN, TOKEN, 404, "not_found"),
        ("/things/somebody", "GET", SHOWN, TOKEN, 400, "referral_id_invalid"),
        ("/things?before=x", "GET", SHOWN, TOKEN, 400, "before_invalid"),
        ("/things?before=-1", "GET", SHOWN, TOKEN, 400, "before_invalid"),
        (f"/things?before={NEWEST + 1}", "GET", SHOWN, TOKEN, 400, "before_invalid"),
        (f"/things?before={'9' * 5_000}", "GET", SHOWN, TOKEN, 400, "before_invalid"),
        ("/declined", "GET", SHOWN, TOKEN, 409, "not_now"),
        ("/away", "GET", SHOWN, TOKEN, 503, "unavailable"),
    ],
)
async def test_what_cannot_be_answered_gets_one_problem_and_is_counted(
    path: str, method: str, headers: dict[str, str], token: str, status: int, code: str
) -> None:
    answer, refused = await ask(path, method, {name: value.encode("latin-1") for name, value in headers.items()}, token)  # type: ignore[misc]
    assert (answer.status_code, refused) == (status, [status])
    (problem,) = answer.json()["problems"]
    assert (problem["code"], problem["retryable"]) == (code, status == 503)
    assert "somebody" not in answer.text


async def test_a_head_alone_is_not_to_be_had() -> None:
    answer, refused = await ask("/things", "HEAD")
    assert (answer.status_code, refused) == (405, [405])


async def test_an_address_that_is_not_there_leads_to_the_one_that_is() -> None:
    answer, _ = await ask(f"/things/{ID}/more")
    assert answer.json()["problems"][0]["message"] == "There is nothing at this address. Use /things."


async def test_a_fault_of_ours_is_raised_for_the_server_to_log() -> None:
    with pytest.raises(ValueError, match="of ours"):
        await ask("/broken")


def test_it_is_served_under_the_first_part_of_its_paths() -> None:
    api = Api(ENDPOINTS, TOKEN, WORDS)
    assert dict(api.mounted()) == {"/things": api, "/broken": api, "/away": api, "/declined": api}
