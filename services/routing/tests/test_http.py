"""What officers are shown: reviews and hand-off states, never what a case says."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from conduit_chassis.commands import is_officer
from conduit_chassis.testing import Harness, record
from conduit_contracts.ids import uuid7
from conduit_contracts.referral import OffencePlace, Urgency
from conduit_routing import queries
from conduit_routing.api import create_api
from services.routing.tests.builders import accepted, acknowledged, informed, person, place, referral, supplement, topic_of
from services.routing.tests.conftest import TOKEN
from tests.support.closed import closed

BEARER = {"authorization": f"Bearer {TOKEN}"}


async def ask(
    routing: Harness,
    path: str,
    query: str = "",
    *,
    headers: Mapping[str, str] = BEARER,
    method: str = "GET",
    token: str = TOKEN,
) -> tuple[int, Any]:
    """The status and the JSON of one request."""
    sent: list[dict[str, Any]] = []

    async def nothing_more() -> Any:
        raise AssertionError("no body is read")

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    await create_api(routing.runtime, token)(scope, nothing_more, send)
    assert (b"cache-control", b"no-store") in sent[0]["headers"]
    return sent[0]["status"], json.loads(sent[1]["body"])


async def test_without_a_token_there_is_nothing_here(routing: Harness) -> None:
    for path in ("/reviews", "/cases"):
        status, body = await ask(routing, path, headers={"authorization": "Bearer "}, token="")
        assert (status, body["problems"][0]["code"]) == (404, "not_served")


async def test_a_wrong_or_missing_token_is_refused(routing: Harness) -> None:
    for headers in ({}, {"authorization": "Bearer wrong"}, {"authorization": TOKEN}):
        assert (await ask(routing, "/reviews", headers=headers))[0] == 401


async def test_only_reading_is_possible(routing: Harness) -> None:
    assert (await ask(routing, "/reviews", method="POST"))[0] == 405


async def test_open_reviews_come_with_immediate_danger_first_and_without_persons(routing: Harness) -> None:
    nowhere = OffencePlace(place_id="L1", description="canary-place")
    told = [
        accepted(referral([nowhere], [person("V1", "L1")], urgency=urgency, immediate_danger=danger))
        for urgency, danger in ((Urgency.ROUTINE, False), (Urgency.URGENT, False), (Urgency.ROUTINE, True))
    ]
    await routing.deliver(*(record(topic_of(each), str(each.referral_id), each) for each in told))
    status, body = await ask(routing, "/reviews")
    assert status == 200
    shown = [each["referral_id"] for each in body["reviews"] if each["reason"] == "no_force"]
    assert shown == [str(told[2].referral_id), str(told[1].referral_id), str(told[0].referral_id)]
    assert "canary" not in json.dumps(body)


async def test_a_case_shows_who_has_which_part_and_how_it_came_about(routing: Harness) -> None:
    message = accepted(referral([place("L1", "kent"), place("L2", "kent"), place("L3", "essex")], [person("V1", "L1")]))
    answer = acknowledged(message.referral_id, "kent", "KP/1")
    await routing.deliver(*(record(topic_of(each), str(each.referral_id), each) for each in (message, answer)))
    status, body = await ask(routing, "/cases", f"referral_id={message.referral_id}")
    assert status == 200
    assert (body["home_force"], body["state"]) == ("kent", "open")
    assert {each["force_id"]: each["state"] for each in body["handoffs"]} == {
        "kent": "acknowledged",
        "essex": "disseminated",
    }
    assert [each["what"] for each in body["history"]] == ["accepted", "disseminated", "disseminated", "acknowledged"]
    assert "canary" not in json.dumps(body)


async def test_a_case_that_is_not_there_or_not_named_is_a_problem(routing: Harness) -> None:
    assert (await ask(routing, "/cases", f"referral_id={uuid7()}"))[0] == 404
    for query in ("", "referral_id=", "referral_id=canary"):
        status, body = await ask(routing, "/cases", query)
        assert (status, body["problems"][0]["code"]) == (400, "referral_id_invalid")
        assert "canary" not in json.dumps(body)


async def test_while_the_database_is_away_an_officer_is_asked_to_come_again(routing: Harness, database: str) -> None:
    async with closed(database):
        for path in ("/reviews", "/cases", "/commands"):
            status, body = await ask(routing, path, f"referral_id={uuid7()}&officer_id=a.officer")
            assert (status, body["problems"][0]["code"], body["problems"][0]["retryable"]) == (503, "unavailable", True)
    assert (await ask(routing, "/reviews"))[0] == 200


@given(officer=st.text(max_size=70))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(officer="\0")
@example(officer="a.officer")
async def test_whatever_stands_for_an_officers_id_is_answered(routing: Harness, officer: str) -> None:
    status, _ = await ask(routing, "/commands", urlencode({"officer_id": officer.encode("utf-8", "replace")}))
    assert status == (200 if is_officer(officer) else 400)


@pytest.mark.parametrize("path", ["/reviews/more", "/cases/more", "/commands/more"])
async def test_an_address_that_is_not_there_is_not_answered_as_another(routing: Harness, path: str) -> None:
    status, body = await ask(routing, path, "officer_id=a.officer")
    assert (status, body["problems"][0]["code"]) == (404, "not_found")


async def test_however_much_happened_in_a_case_each_answer_is_small_and_together_they_are_all_of_it(
    routing: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "MOST_LINES", 7)
    monkeypatch.setattr(queries, "MOST_CASE_REVIEWS", 3)
    for count in (0, 1, 4, 17):
        message = accepted(referral([place("L1", "kent"), place("L2", "kent"), place("L3", "essex")], [person("V1", "L1")]))
        told = [informed(message.referral_id, supplement(text=f"Synthetic {n}")) for n in range(count)]
        await routing.deliver(*(record(topic_of(each), str(each.referral_id), each) for each in (message, *told)))
        await routing.pool.execute(_MANY_REVIEWS, message.referral_id, count)
        wanted = f"referral_id={message.referral_id}"
        for part, number, most in (("history", "version", 7), ("reviews", "number", 3)):
            found: list[Any] = []
            earlier = f"/cases?{wanted}"
            while earlier:
                path, _, query = earlier.partition("?")
                status, body = await ask(routing, path, query)
                assert (status, len(body[part]) <= most) == (200, True)
                found, earlier = [*body[part], *found], body[f"{part}_earlier"]
            numbers = [each[number] for each in found]
            assert numbers == list(range(1, (body["version"] if part == "history" else count) + 1))


_MANY_REVIEWS = """
INSERT INTO routing_reviews (referral_id, number, reason, about, candidates, opened_at, closed_at)
SELECT $1, number, 'tie', '', '{}', now(), now() FROM generate_series(1, $2::integer) AS number
"""


async def test_a_place_in_history_that_is_no_number_is_a_problem(routing: Harness) -> None:
    for text in ("canary", "-1", "9" * 20):
        status, body = await ask(routing, "/cases", f"referral_id={uuid7()}&history_before={text}")
        assert (status, body["problems"][0]["code"]) == (400, "before_invalid")
