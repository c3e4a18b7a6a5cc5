"""What the officers' tool may read, and what is written down about it."""

import json
import random
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from conduit_chassis.http.api import Api
from conduit_chassis.testing import Harness, ManualClock
from conduit_triage import store
from conduit_triage.api import create_api
from services.triage.tests.builders import (
    NOW,
    REFERENCE,
    TOKEN,
    as_record,
    asking,
    complex_referral,
    declining,
    received,
    reconsideration,
    referral,
    supplied,
)
from tests.support.closed import closed

UNKNOWN = "0198f2a4-7c00-7000-8000-000000000000"
OFFICER = {"Authorization": f"Bearer {TOKEN}", "X-Officer-Id": "a.officer"}


def client_of(app: Api) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://triage")


@pytest.fixture
async def client(triage: Harness) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(create_api(triage.runtime, TOKEN)) as made:
        yield made


async def send(triage: Harness, *messages: Any) -> None:
    await triage.deliver(*(as_record(message, time=NOW) for message in messages))


async def test_the_queue_shows_what_to_take_first_and_no_case_content(triage: Harness, client: httpx.AsyncClient) -> None:
    routine, danger = received(referral()), received(referral(immediate_danger=True))
    await send(triage, routine, danger, asking(routine.referral_id))
    answer = await client.get("/reviews", headers=OFFICER)
    assert answer.status_code == 200
    content = answer.json()
    assert content["open"] == 2
    assert [review["referral_id"] for review in content["reviews"]] == [str(danger.referral_id), str(routine.referral_id)]
    first, second = content["reviews"]
    assert first == {
        "referral_id": str(danger.referral_id),
        "partner_id": "example-haven",
        "partner_reference": REFERENCE,
        "urgency": "priority",
        "immediate_danger": True,
        "reasons": ["immediate_danger", "below_every_threshold"],
        "opened_at": NOW.isoformat().replace("+00:00", "Z"),
        "due_at": (danger.received_at + timedelta(minutes=15)).isoformat().replace("+00:00", "Z"),
        "waiting_for_partner": False,
    }
    assert second["waiting_for_partner"]
    assert "Synthetic" not in answer.text
    assert await triage.pool.fetchval("SELECT count(*) FROM consultations") == 0


@pytest.mark.parametrize("path", ["/reviews/{}", "/reviews?referral_id={}"])
async def test_an_officer_sees_the_whole_case_and_that_is_written_down(
    triage: Harness, client: httpx.AsyncClient, clock: ManualClock, path: str
) -> None:
    message = received()
    await send(triage, message, supplied(message.referral_id, text="Synthetic: more."), asking(message.referral_id))
    await send(triage, declining(message.referral_id), reconsideration(message.referral_id))
    clock.advance(timedelta(minutes=3))
    answer = await client.get(path.format(message.referral_id), headers=OFFICER)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    content = answer.json()
    assert content["referral"] == json.loads(message.referral.model_dump_json(exclude_none=True))
    assert [added["text"] for added in content["supplements"]] == ["Synthetic: more."]
    assert [entry["what"] for entry in content["history"]] == [
        "review_opened",
        "information_supplied",
        "information_requested",
        "declined",
        "reconsideration_requested",
        "review_opened",
    ]
    assert [remark["text"] for remark in content["remarks"]] == [
        "Synthetic question?",
        "Synthetic reason.",
        "Synthetic: please look again.",
    ]
    assert (content["state"], content["round"], content["declined_by"]) == ("under_review", 2, "a.officer")
    assert content["review"]["reasons"] == ["reconsideration"]
    (row,) = await triage.pool.fetch("SELECT referral_id, officer_id, at FROM consultations")
    assert tuple(row) == (message.referral_id, "a.officer", NOW + timedelta(minutes=3))


async def test_a_decided_case_can_still_be_consulted(triage: Harness, client: httpx.AsyncClient) -> None:
    message = received(complex_referral())
    await send(triage, message)
    content = (await client.get(f"/reviews/{message.referral_id}", headers=OFFICER)).json()
    assert (content["state"], content["decided_by"], content["review"]) == ("accepted", "rules", None)
    assert content["grounds"] == ["number_of_victims"]


@pytest.mark.parametrize(
    ("method", "path", "headers", "status", "code"),
    [
        ("GET", "/reviews", {}, 401, "token_wrong"),
        ("GET", "/reviews", OFFICER | {"Authorization": "Bearer other"}, 401, "token_wrong"),
        ("GET", "/reviews", OFFICER | {"Authorization": "Bearer "}, 401, "token_wrong"),
        ("GET", "/reviews", OFFICER | {"Authorization": TOKEN}, 401, "token_wrong"),
        ("GET", "/reviews", {"Authorization": OFFICER["Authorization"]}, 400, "officer_missing"),
        ("GET", "/reviews", OFFICER | {"X-Officer-Id": "A. Officer"}, 400, "officer_missing"),
        ("POST", "/reviews", OFFICER, 405, "method_not_allowed"),
        ("GET", "/reviews/not-an-id", OFFICER, 400, "referral_id_invalid"),
        ("GET", f"/reviews/{UNKNOWN}", OFFICER, 404, "referral_unknown"),
        ("GET", f"/reviews/{UNKNOWN}/more", OFFICER, 400, "referral_id_invalid"),
        ("GET", "/commands/more", OFFICER, 404, "not_found"),
        ("GET", "/reviews/not-an-id/history", OFFICER, 400, "referral_id_invalid"),
        ("GET", f"/reviews/{UNKNOWN}/history", OFFICER, 404, "referral_unknown"),
        ("GET", f"/reviews/{UNKNOWN}/history?before=x", OFFICER, 400, "before_invalid"),
        ("GET", f"/reviews/{UNKNOWN}/supplements?before=-1", OFFICER, 400, "before_invalid"),
        ("GET", f"/reviews/{UNKNOWN}/remarks?before=99999999999999999999", OFFICER, 400, "before_invalid"),
    ],
)
async def test_a_request_that_is_not_in_order_gets_a_problem_and_nothing_else(
    triage: Harness, client: httpx.AsyncClient, method: str, path: str, headers: dict[str, str], status: int, code: str
) -> None:
    await send(triage, received())
    answer = await client.request(method, path, headers=headers)
    assert answer.status_code == status
    (problem,) = answer.json()["problems"]
    assert problem["code"] == code
    assert await triage.pool.fetchval("SELECT count(*) FROM consultations") == 0


async def test_without_a_token_there_is_nothing_here(triage: Harness) -> None:
    async with client_of(create_api(triage.runtime, "")) as closed:
        for headers in (OFFICER, OFFICER | {"Authorization": "Bearer "}, {}):
            assert (await closed.get("/reviews", headers=headers)).status_code == 404


async def test_a_case_that_cannot_be_written_down_as_consulted_is_not_shown(
    triage: Harness, client: httpx.AsyncClient
) -> None:
    message = received()
    await send(triage, message)
    await triage.pool.execute("ALTER TABLE consultations ADD CONSTRAINT broken CHECK (false)")
    with pytest.raises(Exception, match="broken"):
        await client.get(f"/reviews/{message.referral_id}", headers=OFFICER)


@pytest.mark.parametrize("path", ["/reviews", f"/reviews/{UNKNOWN}", "/commands"])
async def test_while_the_database_is_away_an_officer_is_asked_to_come_again(
    triage: Harness, client: httpx.AsyncClient, database: str, path: str
) -> None:
    async with closed(database):
        answer = await client.get(path, headers=OFFICER)
    assert answer.status_code == 503
    (problem,) = answer.json()["problems"]
    assert (problem["code"], problem["retryable"]) == ("unavailable", True)
    assert (await client.get("/reviews", headers=OFFICER)).status_code == 200


PARTS = ("supplements", "history", "remarks")


async def fill(triage: Harness, lengths: Sequence[int]) -> UUID:
    """A case under review to which as many texts of these lengths were added, and about which as much was asked."""
    message = received()
    said = [supplied(message.referral_id, text=f"{n} ".ljust(length, "x")) for n, length in enumerate(lengths)]
    asking_this = asking(message.referral_id).model_copy
    asked = [asking_this(update={"comment": f"{n} ".ljust(length, "x")}) for n, length in enumerate(lengths)]
    await send(triage, message, *said, *asked)
    return message.referral_id


async def test_however_much_was_told_of_a_case_each_answer_is_small_and_together_they_are_all_of_it(
    triage: Harness, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "MOST_BYTES_SHOWN", 6_000)
    monkeypatch.setattr(store, "MOST_SUPPLEMENTS_SHOWN", 7)
    monkeypatch.setattr(store, "MOST_LINES_SHOWN", 9)
    monkeypatch.setattr(store, "MOST_REMARKS_SHOWN", 5)
    chance = random.Random(20261129)
    for count in (0, 1, 2, 5, 7, 8, 31):
        lengths = [chance.choice((5, 300, 3_900)) for _ in range(count)]
        referral_id = await fill(triage, lengths)
        looks = await triage.pool.fetchval("SELECT count(*) FROM consultations")
        answer = await client.get(f"/reviews/{referral_id}", headers=OFFICER)
        answers, shown = [answer], answer.json()
        for part in PARTS:
            found, more = shown[part], shown[f"{part}_earlier"]
            while more:
                answer = await client.get(more, headers=OFFICER)
                answers.append(answer)
                found, more = [*answer.json()[part], *found], answer.json()[f"{part}_earlier"]
                assert answer.json()[f"{part}_in_all"] == shown[f"{part}_in_all"]
            assert len(found) == shown[f"{part}_in_all"]
            if part != "history":
                assert [int(each["text"].split()[0]) for each in found] == list(range(count))
        assert shown["version"] == shown["history_in_all"] == 1 + 2 * count
        assert max(len(each.content) for each in answers) < 40_000
        assert all(len(each.json().get("supplements", ())) <= 7 for each in answers)
        assert await triage.pool.fetchval("SELECT count(*) FROM consultations") == looks + len(answers)


async def test_an_addition_that_alone_is_larger_than_an_answer_may_be_is_shown_alone(
    triage: Harness, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "MOST_BYTES_SHOWN", 100)
    referral_id = await fill(triage, [10, 3_900])
    shown = (await client.get(f"/reviews/{referral_id}", headers=OFFICER)).json()
    assert [each["text"].split()[0] for each in shown["supplements"]] == ["1"]
    earlier = (await client.get(shown["supplements_earlier"], headers=OFFICER)).json()
    assert [each["text"].split()[0] for each in earlier["supplements"]] == ["0"]
    assert earlier["supplements_earlier"] is None
