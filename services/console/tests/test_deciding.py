"""An officer decides: what is signed is what is sent, once; and whoever was too late keeps what they wrote."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from uuid import UUID

import httpx
import pytest
from starlette.responses import JSONResponse, PlainTextResponse

from conduit_chassis.errors import ConfigurationError
from conduit_chassis.headers import unpack_headers
from conduit_chassis.testing import KEY, Harness, ManualClock, harness
from conduit_console import content, deciding, deciding_handoffs, decision_forms, desk
from conduit_console.app import create_service
from conduit_console.commanding import NotSentError, SignerClient
from conduit_console.deciding import DECISIONS
from conduit_console.decision_forms import AskedOn, OfficersDecision
from conduit_console.grounds import DeclineWords
from conduit_console.pages.at_desk import GLASS_LASTS
from conduit_console.queries import audit
from conduit_contracts import routing, topics, triage
from conduit_contracts.envelope import decode
from conduit_contracts.signature import Signable, signature_of, verify
from conduit_contracts.signing_keys import TrustedKeys
from conduit_contracts.triage import DeclineReason
from conduit_local.services import POLICY_FILE
from conduit_web.html import LONDON
from conduit_web.keys import microseconds
from services.console.tests import builders as b
from services.console.tests.builders import HOME, OTHER, REFERRAL
from services.console.tests.pages import ANNA, BEN, Enter, all_read, shown_policy
from services.web.tests.browser import Browser
from services.web.tests.crafted import ISSUER

WORDS = "Synthetic canary: the officer's own words."
MODELS = {each.type: each for topic in (topics.TRIAGE_REVIEWS, topics.ROUTING_REVIEWS) for each in topic.messages}


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime.now(UTC))


@pytest.fixture
async def held(console: Harness, clock: ManualClock) -> Harness:
    await tell(console, clock, b.received(), b.review_opened())
    return console


async def tell(console: Harness, clock: ManualClock, *facts: Any) -> None:
    """These facts, read a while before now, and everything complete up to now."""
    clock.advance(timedelta(minutes=1))
    await console.deliver(*b.records(*facts, start=clock.now() - timedelta(seconds=20)))
    await all_read(console, clock)


def links(text: str, path: str) -> list[str]:
    return [each.replace("&amp;", "&") for each in re.findall(rf'href="([^"]*/{path}[?/][^"]*)"', text)]


def hidden(text: str) -> dict[str, str]:
    return dict(re.findall(r'<input type="hidden" name="(seen|key|mark|form_token)" value="([^"]*)">', text))


async def write(browser: Browser, decision: OfficersDecision, answers: dict[str, str]) -> httpx.Response:
    """From the case by its link to the form, and what answers to that."""
    (address,) = links((await browser.get(f"/cases/{REFERRAL}")).text, decision.path)[:1]
    page = await browser.get(address)
    assert page.status_code == 200, page.text
    own = {name: value for name, value in hidden(page.text).items() if name in {"seen", "form_token"}}
    return await browser.post(address, {**own, **answers})


async def look(browser: Browser, written: httpx.Response) -> httpx.Response:
    assert written.status_code == 303, written.text
    page = await browser.get(written.headers["location"])
    assert page.status_code == 200
    return page


async def send(browser: Browser, written: httpx.Response) -> httpx.Response:
    page = await look(browser, written)
    return await browser.post(written.headers["location"].partition("?")[0], hidden(page.text))


async def outbox(console: Harness) -> list[Any]:
    return list(await console.pool.fetch("SELECT topic, key, headers, value FROM outbox ORDER BY id"))


GROUND = {"grounds-number_of_victims": "yes"}
ANSWERS: dict[str, dict[str, str]] = {
    "accept": {**GROUND, "home_force": HOME, "comment": WORDS},
    "ask": {"comment": WORDS},
    "decline": {"decline_reason": "not_complex", "comment": WORDS},
    "name_home_force": {"home_force": HOME, "reason": WORDS},
    "reroute": {"from_force": HOME, "to_force": "kent", "reason": WORDS},
    "stand_down": {"force_id": OTHER, "reason": WORDS},
    "send_to_professional_standards": {"force_id": "kent", "reason": WORDS},
    "name_interim_owner": {"force_id": HOME, "reason": WORDS},
    "chase": {"force_id": HOME, "reason": WORDS},
    "escalate": {"force_id": HOME, "reason": WORDS},
    "record_acknowledgement": {
        "called": f"{HOME} {b.TEAM_NUMBER}",
        "spoken_at": "",
        "spoke_for_hub": "Duty officer",
        "spoke_for_force": "Sergeant on duty",
        "victim_contact": WORDS,
    },
    "record_call": {"whom": "partner", "spoken_at": "", "spoke_to": "Caseworker", "outcome": "agreed", "comment": WORDS},
    "note_call": {"whom": HOME, "spoken_at": "", "spoke_to": "Sergeant", "outcome": "agreed", "comment": WORDS},
}


def answers_to(decision: OfficersDecision, clock: ManualClock) -> dict[str, str]:
    """With the minute that it is, where the page asks at what time somebody spoke."""
    answers = ANSWERS[decision.code]
    return answers | ({"spoken_at": f"{clock.now().astimezone(LONDON):%H:%M}"} if "spoken_at" in answers else {})


def sent_by(answer: httpx.Response) -> str:
    """The id of the command that was sent."""
    return answer.headers["location"].rpartition("/")[2]


def leads_to(decision: OfficersDecision, clock: ManualClock) -> list[Any]:
    """The facts after which routing's decision is open."""
    nobody_leads = {"home_force": None, "basis": None} if decision.code == "name_interim_owner" else {}
    facts = [b.accepted(), b.routed(HOME, OTHER, **nobody_leads), b.fact(routing.CaseRestricted, kept_from=["kent"])]
    if decision.code in {"chase", "escalate"}:
        facts.append(b.overdue(HOME, due_at=clock.now() - timedelta(hours=1)))
    return [*facts, b.registered()] if decision.code == "record_acknowledgement" else facts


@pytest.mark.parametrize("decision", DECISIONS, ids=lambda each: each.code)
async def test_what_is_sent_is_signed_to_the_byte_and_says_what_the_officer_saw(
    enter: Enter, held: Harness, clock: ManualClock, decision: OfficersDecision
) -> None:
    if decision.topic is topics.ROUTING_REVIEWS:
        await tell(held, clock, *leads_to(decision, clock))
        await held.pool.execute("INSERT INTO officers_named VALUES ($1, $2, 's', now())", REFERRAL, ANNA)
    anna = await enter("anna")
    answer = await send(anna, await write(anna, decision, answers_to(decision, clock)))
    assert answer.status_code == 303, answer.text
    (row,) = await outbox(held)
    headers = unpack_headers(row["headers"])
    attributes, command = decode(headers, row["value"], MODELS, closed=True)
    assert (row["topic"], row["key"].decode(), attributes.subject) == (decision.topic.name(), str(REFERRAL), str(REFERRAL))
    assert (command.officer_id, command.referral_id) == (ANNA, REFERRAL)
    assert command.seen_until == clock.now(), "all that the case's page was complete to"
    record = Signable.of(command, attributes, row["topic"], row["value"])
    claims = verify(signature_of(headers), record, TrustedKeys([KEY.public()]), clock.now())
    assert (claims.iss, claims.sub, claims.officer_id) == (ISSUER, "anna", ANNA)
    async with held.pool.acquire() as connection:
        (act, *_) = (await audit.acts(connection, audit.ActFilter(kind="alteration"))).rows
    assert (act.officer_id, act.what, act.why, act.referral_id) == (ANNA, "decided", decision.code, REFERRAL)


@pytest.mark.parametrize("level", ["urn:hub:two-factors", None], ids=["said", "of a session before it was kept"])
async def test_what_is_signed_says_how_the_officer_signed_in_as_the_provider_calls_it(
    enter: Enter, held: Harness, clock: ManualClock, level: str | None
) -> None:
    anna = await enter("anna", claims={"acr": "urn:hub:two-factors"})
    if level is None:
        await held.pool.execute("UPDATE web_sessions SET level = NULL")
    assert (await send(anna, await write(anna, deciding.ASK, ANSWERS["ask"]))).status_code == 303
    (row,) = await outbox(held)
    headers = unpack_headers(row["headers"])
    attributes, command = decode(headers, row["value"], MODELS, closed=True)
    record = Signable.of(command, attributes, row["topic"], row["value"])
    assert verify(signature_of(headers), record, TrustedKeys([KEY.public()]), clock.now()).acr == (level or "mfa")


async def test_a_form_that_is_sent_twice_decides_once(enter: Enter, held: Harness) -> None:
    anna = await enter("anna")
    written = await write(anna, deciding.ASK, ANSWERS["ask"])
    page = await look(anna, written)
    answers = [await anna.post(written.headers["location"].partition("?")[0], hidden(page.text)) for _ in range(2)]
    assert [each.status_code for each in answers] == [303, 303]
    assert answers[0].headers["location"] == answers[1].headers["location"]
    assert len(await outbox(held)) == 1
    again = await anna.get(written.headers["location"])
    assert (again.status_code, again.headers["location"]) == (303, answers[0].headers["location"])


@pytest.mark.parametrize("decision", [deciding.ASK, deciding.DECLINE], ids=lambda each: each.code)
async def test_what_the_partner_will_read_is_shown_before_it_is_sent(enter: Enter, decision: OfficersDecision) -> None:
    anna = await enter("anna")
    text = (await look(anna, await write(anna, decision, ANSWERS[decision.code]))).text
    shown = text.partition("What the partner will read")[2]
    assert WORDS.replace("'", "&#39;") in shown
    assert ("Report it to the police force for the area" in shown) == (decision is deciding.DECLINE)


@pytest.mark.parametrize(
    ("now", "offered"),
    [
        ("2026-06-09T22:59:59+00:00", False),
        ("2026-06-09T23:00:00+00:00", True),
        ("2026-06-30T22:59:59+00:00", True),
        ("2026-06-30T23:00:00+00:00", False),
    ],
)
def test_a_reason_is_offered_on_the_days_on_which_triage_takes_it(now: str, *, offered: bool) -> None:
    """The same moments as in triage's test of its days."""
    days = {"effective_from": date(2026, 6, 10), "effective_to": date(2026, 6, 30), "next_step": "Example."}
    terms, policy = DeclineWords.model_validate(days), shown_policy()
    summer = policy.model_copy(update={"decline_reasons": {DeclineReason.NOT_COMPLEX: terms}})
    (reason, *_) = deciding.DECLINE.questions
    found = decision_forms.offered(reason, b.case_of(b.received()), AskedOn(summer, datetime.fromisoformat(now)))
    assert found == (("not_complex",) if offered else ())


async def test_a_decline_asks_for_a_fresh_sign_in_and_loses_no_word(enter: Enter, held: Harness, clock: ManualClock) -> None:
    anna = await enter("anna")
    for _ in range(2):
        clock.advance(timedelta(minutes=4))
        await anna.get("/asked")
    written = await write(anna, deciding.DECLINE, ANSWERS["decline"])
    answer = await anna.get(written.headers["location"])
    assert answer.status_code == 303
    assert unquote(answer.headers["location"]).startswith(f"/sign-in?return_to=/cases/{REFERRAL}/decline/check?")
    assert "fresh=true" in answer.headers["location"]
    assert await outbox(held) == []
    anna = await enter("anna")
    assert (await send(anna, written)).status_code == 303
    assert len(await outbox(held)) == 1


@pytest.mark.parametrize(
    ("decision", "answers", "field"),
    [
        (deciding.ACCEPT, {"comment": WORDS}, "grounds"),
        (deciding.ACCEPT, {"grounds-beauty": "yes"}, "grounds"),
        (deciding.ACCEPT, {**GROUND, "home_force": "atlantis"}, "home_force"),
        (deciding.ASK, {"comment": "  \r\n "}, "comment"),
        (deciding.ASK, {"comment": "x" * 4_001}, "comment"),
        (deciding.DECLINE, {"comment": WORDS}, "decline_reason"),
        (deciding.DECLINE, {"decline_reason": "ugly", "comment": WORDS}, "decline_reason"),
        (deciding.DECLINE, {"decline_reason": "duplicate"}, "comment"),
    ],
)
async def test_an_error_names_the_field_and_what_was_written_stays(
    enter: Enter, held: Harness, decision: OfficersDecision, answers: dict[str, str], field: str
) -> None:
    anna = await enter("anna")
    answer = await write(anna, decision, answers)
    assert answer.status_code == 400
    assert f'href="#{field}"' in answer.text
    assert "lost if you do nothing for 15 minutes" in answer.text
    assert (WORDS.replace("'", "&#39;") in answer.text) == (WORDS in answers.values())
    assert await outbox(held) == []


@pytest.mark.parametrize(
    ("signer", "says"),
    [
        (PlainTextResponse("away", 503), "signer does not answer"),
        (PlainTextResponse("not JSON"), "signer does not answer"),
        (JSONResponse({"signature": 7}), "signer does not answer"),
        (JSONResponse({"problems": [{"code": "sign_in_again"}]}, 403), "Your sign-in is too old"),
        (JSONResponse({"problems": [{"code": "role_lacking"}]}, 403), "The register does not have you"),
        (JSONResponse({"problems": [{"code": "field_missing"}]}, 422), "The hub would refuse it"),
    ],
)
async def test_where_nothing_is_signed_nothing_is_sent_and_what_was_written_is_kept(
    enter: Enter, held: Harness, signer: Any, says: str
) -> None:
    anna = await enter("anna", signer=signer)
    answer = await send(anna, await write(anna, deciding.DECLINE, ANSWERS["decline"]))
    assert answer.status_code == 503
    assert "It was not sent. What you wrote is kept." in answer.text
    assert says in answer.text
    assert WORDS.replace("'", "&#39;") in answer.text
    assert await outbox(held) == []
    async with held.pool.acquire() as connection:
        assert [row.what for row in (await audit.acts(connection)).rows] == ["viewed_case"]
        assert await content.draft(connection, REFERRAL, ANNA, "decline")


@pytest.mark.parametrize("token", [None, b"\xff"])
async def test_while_the_signers_token_cannot_be_read_nothing_is_sent(tmp_path: Path, token: bytes | None) -> None:
    file = tmp_path / "token"
    if token is not None:
        file.write_bytes(token)
    async with httpx.AsyncClient(trust_env=False) as http:
        with pytest.raises(NotSentError, match="unavailable"):
            await SignerClient(http, "http://signer.invalid", lambda: file.read_text(encoding="utf-8")).sign({})


async def test_only_what_was_looked_at_is_sent(enter: Enter, held: Harness) -> None:
    anna = await enter("anna")
    written = await write(anna, deciding.ASK, ANSWERS["ask"])
    page = await look(anna, written)
    await write(anna, deciding.ASK, {"comment": "Written in another window."})
    answer = await anna.post(written.headers["location"].partition("?")[0], hidden(page.text))
    assert answer.status_code == 409
    assert "Written in another window." in answer.text
    assert await outbox(held) == []


@pytest.mark.parametrize("seen", ["", "soon", "-1", "9" * 30, "99999999999999999"])
async def test_who_has_not_read_the_case_reads_it_first(enter: Enter, held: Harness, seen: str) -> None:
    anna = await enter("anna")
    for path in ("accept", "decline", f"ask/check?key={UUID(int=1)}"):
        address = f"/cases/{REFERRAL}/{path}{'&' if '?' in path else '?'}seen={seen}"
        answer = await anna.get(address)
        assert (answer.status_code, answer.headers["location"]) == (303, f"/cases/{REFERRAL}"), address


async def test_of_two_who_decide_at_once_the_later_sees_by_whom_and_keeps_what_they_wrote(
    enter: Enter, held: Harness, clock: ManualClock
) -> None:
    anna, ben = await enter("anna"), await enter("ben")
    accepting = await write(anna, deciding.ACCEPT, ANSWERS["accept"])
    declining = await write(ben, deciding.DECLINE, ANSWERS["decline"])
    first, second = await send(anna, accepting), await send(ben, declining)
    assert "It waits for the hub" in (await ben.get(second.headers["location"])).text
    by = {"kind": "officer", "officer_id": ANNA}
    ignored = b.fact(triage.CommandIgnored, officer_id=BEN, code="already_decided", changes=[], command_id=sent_by(second))
    await tell(held, clock, b.fact(triage.ReferralAccepted, decided_by=by, command_id=sent_by(first)), ignored)
    won = (await anna.get(first.headers["location"])).text
    assert "It took effect at" in won
    assert b.REFERENCE in won.partition("</title>")[2]
    assert b.REFERENCE not in won.partition("</title>")[0]
    lost = (await ben.get(second.headers["location"])).text
    assert "It changed nothing. What you wrote is kept." in lost
    assert "It was decided already" in lost
    assert "The referral was accepted" in lost
    assert "Triage officer, days" in lost
    assert WORDS.replace("'", "&#39;") in lost
    again = await ben.get(declining.headers["location"].replace("/check?", "?"))
    assert "This is not asked of an officer now." in again.text
    assert WORDS.replace("'", "&#39;") in again.text
    async with held.pool.acquire() as connection:
        assert await content.draft(connection, REFERRAL, ANNA, "accept") is None, "what took effect needs no draft"
    for stranger in (anna, await enter("sue")):
        assert (await stranger.get(second.headers["location"])).status_code == 404


async def test_what_another_command_of_the_same_officer_did_is_not_what_came_of_this_one(
    enter: Enter, held: Harness, clock: ManualClock
) -> None:
    anna = await enter("anna")
    sent = await send(anna, await write(anna, deciding.ASK, ANSWERS["ask"]))
    earlier = b.fact(triage.InformationRequested, officer_id=ANNA, command_id=str(UUID(int=1)))
    await tell(held, clock, earlier, b.fact(triage.InformationRequested, officer_id=ANNA, command_id=None))
    assert "It waits for the hub" in (await anna.get(sent.headers["location"])).text
    many = [b.supplied() for _ in range(60)]
    await tell(held, clock, *many, b.fact(triage.InformationRequested, officer_id=ANNA, command_id=sent_by(sent)))
    assert "It took effect at" in (await anna.get(sent.headers["location"])).text


async def test_what_happens_while_an_officer_writes_is_shown_before_it_is_sent(
    enter: Enter, held: Harness, clock: ManualClock
) -> None:
    anna = await enter("anna")
    written = await write(anna, deciding.DECLINE, ANSWERS["decline"])
    assert "This happened since you read the case" not in (await look(anna, written)).text
    await tell(held, clock, b.supplied())
    assert "The partner added information" in (await look(anna, written)).text


@pytest.mark.parametrize("decision", [deciding.ASK, deciding.DECLINE], ids=lambda each: each.code)
async def test_what_happens_while_an_officer_looks_holds_up_what_the_hub_would_hold_up(
    enter: Enter, held: Harness, clock: ManualClock, decision: OfficersDecision
) -> None:
    anna = await enter("anna")
    written = await write(anna, decision, ANSWERS[decision.code])
    page = await look(anna, written)
    await tell(held, clock, b.supplied())
    answer = await anna.post(written.headers["location"].partition("?")[0], hidden(page.text))
    assert answer.status_code == 409
    for words in ("The partner added information", "Read the case again", WORDS.replace("'", "&#39;")):
        assert words in answer.text, words
    assert "Send it as your decision" not in answer.text, "it would be held up as often as it is sent"
    assert await outbox(held) == []
    (address,) = links((await anna.get(f"/cases/{REFERRAL}")).text, decision.path)
    assert WORDS.replace("'", "&#39;") in (await anna.get(address)).text
    assert (await send(anna, await write(anna, decision, ANSWERS[decision.code]))).status_code == 303
    assert len(await outbox(held)) == 1


@pytest.mark.parametrize(
    ("decision", "happens"),
    [
        (deciding.ACCEPT, b.supplied()),
        (deciding.DECLINE, b.fact(triage.CommandIgnored, officer_id=BEN, code="already_decided", changes=[])),
        (deciding_handoffs.STAND_DOWN, b.overdue(HOME)),
        (deciding_handoffs.CHASE, b.supplied()),
    ],
    ids=["accept", "decline", "stand_down", "chase"],
)
async def test_what_the_hub_does_not_hold_up_is_sent_over_news(
    enter: Enter, held: Harness, clock: ManualClock, decision: OfficersDecision, happens: Any
) -> None:
    if decision.topic is topics.ROUTING_REVIEWS:
        await tell(held, clock, *leads_to(decision, clock))
        await held.pool.execute("INSERT INTO officers_named VALUES ($1, $2, 's', now())", REFERRAL, ANNA)
    anna = await enter("anna")
    written = await write(anna, decision, ANSWERS[decision.code])
    page = await look(anna, written)
    await tell(held, clock, happens)
    answer = await anna.post(written.headers["location"].partition("?")[0], hidden(page.text))
    assert answer.status_code == 303, answer.text


async def test_one_decided_over_something_new_is_told_what(enter: Enter, held: Harness, clock: ManualClock) -> None:
    anna = await enter("anna")
    sent = await send(anna, await write(anna, deciding.ACCEPT, ANSWERS["accept"]))
    by = {"kind": "officer", "officer_id": ANNA}
    of = {"command_id": sent_by(sent)}
    over = b.fact(triage.CommandOutdated, officer_id=ANNA, code="accept", changes=["information_supplied"], **of)
    await tell(held, clock, b.supplied(), b.fact(triage.ReferralAccepted, decided_by=by, **of), over)
    text = (await anna.get(sent.headers["location"])).text
    assert "It took effect over something that you had not seen." in text
    assert "<li>The partner added information</li>" in text


WITH_PAGES = {
    "public_url": "https://console.hub.example",
    "policy_file": POLICY_FILE,
    "signer_url": "http://signer:8000",
    "signer_token": "synthetic",
}


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"signer_url": None}, "SIGNER_URL is needed"),
        ({"signer_url": "signer:8000"}, "SIGNER_URL is needed"),
        ({"signer_token": None}, "SIGNER_TOKEN_FILE or SIGNER_TOKEN is needed"),
        ({"signer_token_file": "/nowhere/token"}, "SIGNER_TOKEN_FILE cannot be read"),
        ({"policy_file": None}, "POLICY_FILE is needed"),
    ],
)
async def test_pages_on_which_nobody_could_decide_are_not_served(database: str, given: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        async with harness(create_service(), database, **WITH_PAGES | given):
            pass


async def test_who_broke_the_glass_to_look_decides_nothing(enter: Enter, held: Harness, clock: ManualClock) -> None:
    await tell(held, clock, b.fact(routing.CaseRestricted, kept_from=["kent"]))
    ben = await enter("ben")
    await desk.break_glass(held.runtime.transaction, REFERRAL, BEN, "child_at_risk", clock.now(), GLASS_LASTS)
    text = (await ben.get(f"/cases/{REFERRAL}")).text
    until = (clock.now() + GLASS_LASTS).astimezone(LONDON)
    assert f"It is open to you to read until {until:%H:%M}." in text
    leads_on = re.compile(rf'(?:href|action)="/cases/{REFERRAL}/([a-z-]+)')
    assert set(leads_on.findall(text)) == {"files"}, "what would be refused is not offered"
    address = f"/cases/{REFERRAL}/accept?seen={microseconds(clock.now())}"
    assert (await ben.get(address)).status_code == 403
    assert (await ben.get(address.replace("/accept?", f"/accept/check?key={UUID(int=1)}&"))).status_code == 403
