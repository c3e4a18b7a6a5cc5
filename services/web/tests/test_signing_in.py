"""The way in and out, with a real provider: who gets a session, whose it stays, and how it ends."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from starlette.types import ASGIApp

from conduit_chassis.testing import ManualClock
from conduit_local.identity_provider import EmbeddedProvider
from conduit_web.people import Identity
from services.web.tests.browser import SESSION_COOKIE, STRONG, Browser
from services.web.tests.crafted import CraftedProvider, signed
from services.web.tests.sample import OFFICER, SECOND_OFFICER, People, declined

NewBrowser = Callable[[], Browser]


def fresh(clock: ManualClock) -> dict[str, Any]:
    return STRONG | {"auth_time": int(clock.now().timestamp())}


def trouble(text: str) -> str:
    return text.split(maxsplit=1)[0]


async def test_who_asks_for_a_page_signs_in_and_gets_that_page(browser: Browser) -> None:
    answer = await browser.sign_in("anna", path="/cases?page=2")
    assert (answer.status_code, answer.headers["location"]) == (303, "/cases?page=2")
    assert (await browser.get("/cases")).text == "cases"


async def test_the_way_in_uses_pkce_a_state_and_a_nonce(browser: Browser) -> None:
    asked = {name: values[0] for name, values in parse_qs(urlsplit(await browser.set_out()).query).items()}
    assert asked["code_challenge_method"] == "S256"
    assert (asked["response_type"], asked["scope"], asked["client_id"]) == ("code", "openid", "console")
    assert min(len(asked[name]) for name in ("code_challenge", "state", "nonce")) >= 43
    again = {name: values[0] for name, values in parse_qs(urlsplit(await browser.set_out()).query).items()}
    assert all(asked[name] != again[name] for name in ("code_challenge", "state", "nonce"))


async def test_the_session_is_a_secret_that_scripts_and_other_sites_cannot_use(browser: Browser, pool: Any) -> None:
    answer = await browser.sign_in("anna")
    cookie = next(each for each in answer.headers.get_list("set-cookie") if each.startswith(f"{SESSION_COOKIE}="))
    said = {part.strip().lower() for part in cookie.split(";")[1:]}
    assert said == {"httponly", "secure", "samesite=lax", "path=/"}
    stored = await pool.fetch("SELECT * FROM web_sessions")
    assert len(stored) == 1
    assert (browser.secret or "?") not in str(stored)
    assert answer.headers["cache-control"] == "no-store"


async def test_two_tabs_may_sign_in_at_once(browser: Browser) -> None:
    first, second = await browser.set_out("/cases"), await browser.set_out("/cases/c-1")
    for way_in, page in ((second, "/cases/c-1"), (first, "/cases")):
        answer = await browser.get(await browser.at_provider(way_in, "anna", STRONG))
        assert answer.headers["location"] == page


async def test_a_way_back_is_good_once(browser: Browser) -> None:
    back = await browser.at_provider(await browser.set_out(), "anna", STRONG)
    assert (await browser.get(back)).status_code == 303
    assert trouble((await browser.get(back)).text) == "start_again"


async def test_a_way_back_is_good_in_the_browser_that_set_out(browser: Browser, new_browser: NewBrowser) -> None:
    """Otherwise a link could sign somebody in as another, who then reads what they write."""
    back = await browser.at_provider(await browser.set_out(), "anna", STRONG)
    victim = new_browser()
    await victim.set_out()
    assert trouble((await victim.get(back)).text) == "start_again"
    assert victim.secret is None


async def test_a_way_back_is_good_for_ten_minutes(browser: Browser, clock: ManualClock) -> None:
    back = await browser.at_provider(await browser.set_out(), "anna", STRONG)
    clock.advance(timedelta(minutes=10))
    assert trouble((await browser.get(back)).text) == "start_again"


@pytest.mark.parametrize(
    "query", ["", "?error=access_denied&state=STATE", "?code=c", "?code=made-up&state=STATE", "?state=%00"]
)
async def test_who_comes_back_with_nothing_good_is_asked_to_start_again(browser: Browser, query: str) -> None:
    state = parse_qs(urlsplit(await browser.set_out()).query)["state"][0]
    answer = await browser.get("/signed-in/hub" + query.replace("STATE", state))
    assert (answer.status_code, trouble(answer.text), browser.secret) == (400, "start_again", None)


async def test_whom_the_register_does_not_know_is_nobody(browser: Browser) -> None:
    answer = await browser.sign_in("eve")
    assert (answer.status_code, trouble(answer.text), browser.secret) == (403, "unknown_person", None)
    out = urlsplit(answer.text.split()[1])
    assert out.path == "/hub/endsession", "else a provider that remembers them lets nobody else in"
    assert parse_qs(out.query)["post_logout_redirect_uri"] == ["https://desk.hub.example/signed-out"]


async def test_a_provider_cannot_vouch_for_anothers_people(
    make_desk: Callable[..., ASGIApp], provider: EmbeddedProvider, people: People, abroad: Any
) -> None:
    people.known[Identity(provider.issuer("hub"), "anna")] = OFFICER
    names = ("hub", "north-star")
    about = [{"name": n, "label": n, "issuer": provider.issuer(n), "client_id": "console"} for n in names]
    browser = Browser(make_desk(*about), abroad)
    assert (await browser.get("/sign-in?return_to=/cases")).text == "hub north-star /cases False"
    answer = await browser.sign_in("anna", path="/sign-in/north-star")
    assert trouble(answer.text) == "unknown_person"
    assert (await browser.sign_in("anna", path="/sign-in/hub")).status_code == 303


async def test_one_providers_answer_is_not_taken_for_anothers(
    make_desk: Callable[..., ASGIApp], provider: EmbeddedProvider, people: People, abroad: Any
) -> None:
    people.known[Identity(provider.issuer("hub"), "anna")] = OFFICER
    names = ("hub", "north-star")
    about = [{"name": n, "label": n, "issuer": provider.issuer(n), "client_id": "console"} for n in names]
    browser = Browser(make_desk(*about), abroad)
    back = await browser.at_provider(await browser.set_out("/sign-in/north-star"), "anna", STRONG)
    answer = await browser.get(back.replace("/signed-in/north-star", "/signed-in/hub"))
    assert trouble(answer.text) == "start_again"


async def test_who_sees_content_needs_a_second_factor(browser: Browser) -> None:
    answer = await browser.sign_in("anna", {"amr": ["pwd"]})
    assert (answer.status_code, trouble(answer.text), browser.secret) == (403, "second_factor", None)


async def test_who_sees_none_does_not(browser: Browser) -> None:
    assert (await browser.sign_in("fred", {})).status_code == 303
    assert trouble((await browser.get("/cases")).text) == "refused"


async def test_a_level_of_the_providers_own_may_mean_a_second_factor_and_is_asked_for(
    make_desk: Callable[..., ASGIApp], provider: EmbeddedProvider, people: People, abroad: Any
) -> None:
    people.known[Identity(provider.issuer("hub"), "anna")] = OFFICER
    about = {"name": "hub", "label": "The hub", "issuer": provider.issuer("hub"), "client_id": "console"}
    browser = Browser(make_desk({**about, "second_factor_acr": ["gold"], "second_factor_amr": []}), abroad)
    way_in = await browser.set_out()
    assert parse_qs(urlsplit(way_in).query)["acr_values"] == ["gold"]
    assert (await browser.get(await browser.at_provider(way_in, "anna", {"acr": "gold"}))).status_code == 303
    assert trouble((await browser.sign_in("anna", STRONG | {"acr": "silver"}, "/sign-in")).text) == "second_factor"


@pytest.mark.parametrize(
    ("claims", "level"),
    [
        ({"acr": "urn:hub:two-factors"}, "urn:hub:two-factors"),
        ({}, "mfa"),
        ({"acr": ""}, "mfa"),
        ({"acr": 7}, "mfa"),
        ({"acr": "a\0"}, "mfa"),
        ({"acr": "a" * 256}, "mfa"),
    ],
    ids=["an acr", "no acr", "an empty one", "a number", "one with a NUL", "a long one"],
)
async def test_a_session_keeps_what_the_provider_calls_how_somebody_signed_in(
    strange: Browser, crafted: CraftedProvider, pool: Any, claims: dict[str, Any], level: str
) -> None:
    crafted.answer = lambda said: {"id_token": signed(said | claims)}
    assert (await strange.get(crafted.back(await strange.set_out()))).status_code == 303
    assert [row["level"] for row in await pool.fetch("SELECT level FROM web_sessions")] == [level]


async def test_who_signed_in_with_one_factor_and_no_acr_has_no_level(browser: Browser, pool: Any) -> None:
    assert (await browser.sign_in("fred", {"amr": ["pwd"]})).status_code == 303
    assert [row["level"] for row in await pool.fetch("SELECT level FROM web_sessions")] == [None]


async def test_a_role_that_is_taken_away_is_gone_at_once(
    browser: Browser, people: People, provider: EmbeddedProvider
) -> None:
    await browser.sign_in("anna")
    del people.known[Identity(provider.issuer("hub"), "anna")]
    assert trouble((await browser.get("/cases")).text) == "unknown_person"
    people.known[Identity(provider.issuer("hub"), "anna")] = OFFICER
    assert trouble((await browser.get("/cases")).text) == "session_ended"


async def test_anothers_case_is_answered_as_one_that_does_not_exist(browser: Browser) -> None:
    await browser.sign_in("carol")
    assert (await browser.get("/cases/c-1")).status_code == 200
    anothers, nobodys = await browser.get("/cases/c-2"), await browser.get("/cases/c-9")
    assert (anothers.status_code, nobodys.status_code) == (404, 404)
    assert anothers.text.replace("c-2", "c-9") == nobodys.text
    assert dict(anothers.headers).keys() == dict(nobodys.headers).keys()


async def test_a_restricted_case_is_open_to_whom_it_names(new_browser: NewBrowser) -> None:
    one, another = new_browser(), new_browser()
    await one.sign_in("anna")
    await another.sign_in("ben")
    assert trouble((await one.get("/cases/c-3")).text) == "glass"
    assert (await another.get("/cases/c-3")).status_code == 200
    assert SECOND_OFFICER.person_id != OFFICER.person_id


async def test_signing_in_at_one_desk_of_a_host_leaves_the_sessions_at_the_others(
    make_desk: Callable[..., ASGIApp], provider: EmbeddedProvider, people: People
) -> None:
    """A browser sends the cookies of a host to each of its ports."""
    issuer, kept = provider.issuer("hub"), httpx.Cookies()
    people.known[Identity(issuer, "anna")] = OFFICER
    about = {"name": "hub", "label": "The hub", "issuer": issuer, "client_id": "console", "client_secret": "s"}
    async with httpx.AsyncClient(trust_env=False) as elsewhere:
        one, other = (Browser(make_desk(about, name=name), elsewhere) for name in ("one", "other"))
        one.desk._cookies = other.desk._cookies = kept
        first, second = await one.set_out(), await other.set_out()
        for browser, way_in in ((one, first), (other, second)):
            assert (await browser.get(await browser.at_provider(way_in, "anna", STRONG))).status_code == 303
        assert [(await browser.get("/cases")).text for browser in (one, other)] == ["cases", "cases"]
        await other.post("/sign-out", {"form_token": await other.form_token()})
        assert [(await browser.get("/cases")).status_code for browser in (one, other)] == [200, 303]
    assert len({name for name in kept if name.endswith("-sign-in")}) == 2, "nor does either end a sign-in at the other"


# Fixation


async def test_a_session_that_was_put_into_a_browser_is_not_taken_over(browser: Browser, new_browser: NewBrowser) -> None:
    attacker = new_browser()
    await attacker.sign_in("ben")
    planted = attacker.secret or ""
    browser.hold(planted)
    await browser.sign_in("anna", path="/sign-in")
    assert browser.secret not in {None, planted}
    assert (await browser.get("/")).text.startswith("o-1 ")
    assert (await attacker.get("/cases")).status_code == 303, "what was planted is over"


async def test_a_made_up_secret_becomes_nobodys_session(browser: Browser) -> None:
    browser.hold("made-up")
    await browser.sign_in("anna", path="/sign-in")
    assert browser.secret != "made-up"


async def test_signing_in_again_ends_the_session_before(browser: Browser, new_browser: NewBrowser) -> None:
    await browser.sign_in("anna")
    thief = new_browser()
    thief.hold(browser.secret or "")
    assert (await thief.get("/cases")).text == "cases"
    await browser.sign_in("anna", path="/sign-in")
    assert (await thief.get("/cases")).status_code == 303


# How long it lasts


async def test_a_session_ends_after_fifteen_idle_minutes(browser: Browser, clock: ManualClock) -> None:
    await browser.sign_in("anna")
    for _ in range(3):
        clock.advance(timedelta(minutes=14, seconds=59))
        assert (await browser.get("/cases")).text == "cases"
    clock.advance(timedelta(minutes=15))
    answer = await browser.get("/cases?page=3")
    assert (answer.status_code, answer.text) == (401, "session_ended /sign-in?return_to=%2Fcases%3Fpage%3D3")


@pytest.mark.parametrize(
    ("sent_to", "back_to"),
    [("/cases/c-1/decline?seen=7", "%2Fcases%2Fc-1%2Fdecline%3Fseen%3D7"), ("/sessions/x/end", "%2F")],
)
async def test_who_sends_a_form_after_that_comes_back_to_the_forms_own_page(
    browser: Browser, clock: ManualClock, sent_to: str, back_to: str
) -> None:
    await browser.sign_in("anna")
    clock.advance(timedelta(minutes=16))
    answer = await browser.post(sent_to, {"reason": "x"})
    assert (answer.status_code, answer.text) == (401, f"session_ended /sign-in?return_to={back_to}")


async def test_a_page_that_asks_for_news_by_itself_keeps_nobody_signed_in(browser: Browser, clock: ManualClock) -> None:
    await browser.sign_in("anna")
    for _ in range(2):
        clock.advance(timedelta(minutes=7))
        assert (await browser.get("/news")).text == "0 new"
    clock.advance(timedelta(minutes=1))
    assert trouble((await browser.get("/news")).text) == "session_ended"


async def test_a_session_ends_after_eight_hours_however_busy(browser: Browser, clock: ManualClock) -> None:
    await browser.sign_in("anna")
    for _ in range(47):
        clock.advance(timedelta(minutes=10))
        assert (await browser.get("/cases")).text == "cases"
    clock.advance(timedelta(minutes=10))
    assert trouble((await browser.get("/cases")).text) == "session_ended"


# A fresh sign-in


async def test_declining_asks_for_a_fresh_sign_in_and_comes_back_to_the_form(browser: Browser, clock: ManualClock) -> None:
    await browser.sign_in("anna", fresh(clock))
    clock.advance(timedelta(minutes=6))
    way_in = await browser.set_out("/cases/c-1/decline")
    asked = parse_qs(urlsplit(way_in).query)
    assert (asked["max_age"], asked["prompt"]) == (["300"], ["login"])
    again = fresh(clock)
    answer = await browser.get(await browser.at_provider(way_in, "anna", again))
    assert answer.headers["location"] == "/cases/c-1/decline"
    assert (await browser.get("/cases/c-1/decline")).text.startswith("decline c-1 ")


@pytest.mark.parametrize("claims", [STRONG, STRONG | {"auth_time": 1}])
async def test_a_provider_that_asks_for_nothing_again_is_not_believed(browser: Browser, claims: dict[str, Any]) -> None:
    await browser.sign_in("anna")
    answer = await browser.get(await browser.at_provider(await browser.set_out("/cases/c-1/decline"), "anna", claims))
    assert trouble(answer.text) == "start_again"


async def test_a_form_that_lay_too_long_is_not_acted_on(browser: Browser, clock: ManualClock) -> None:
    await browser.sign_in("anna", fresh(clock))
    token = (await browser.get("/cases/c-1/decline")).text.split()[-1]
    clock.advance(timedelta(minutes=6))
    answer = await browser.post("/cases/c-1/decline", {"form_token": token, "reason": "not_abuse"})
    assert (answer.status_code, trouble(answer.text), declined) == (403, "fresh_sign_in", [])


# Ending it


async def test_signing_out_ends_it_here_and_at_the_provider(browser: Browser, new_browser: NewBrowser) -> None:
    await browser.sign_in("anna")
    thief = new_browser()
    thief.hold(browser.secret or "")
    answer = await browser.post("/sign-out", {"form_token": await browser.form_token()})
    assert (answer.status_code, browser.secret) == (303, None)
    out = urlsplit(answer.headers["location"])
    assert out.path == "/hub/endsession"
    assert parse_qs(out.query)["post_logout_redirect_uri"] == ["https://desk.hub.example/signed-out"]
    assert (await thief.get("/cases")).status_code == 303
    assert (await browser.post("/sign-out")).headers["location"] == "/signed-out"
    assert (await browser.get("/signed-out")).text == "signed out"


async def test_one_sees_and_ends_ones_own_sessions_and_nobody_elses(new_browser: NewBrowser, clock: ManualClock) -> None:
    here, left_behind, another = new_browser(), new_browser(), new_browser()
    for browser, name in ((here, "anna"), (left_behind, "anna"), (another, "ben")):
        await browser.sign_in(name)
        clock.advance(timedelta(seconds=1))  # the latest is listed first
    token, *listed = (await here.get("/sessions")).text.split()
    assert len(listed) == 2
    _, bens = (await another.get("/sessions")).text.split()
    for session in (bens, "00000000-0000-0000-0000-000000000000", "rubbish"):
        answer = await here.post(f"/sessions/{session}/end", {"form_token": token})
        assert (answer.status_code, trouble(answer.text)) == (404, "missing")
    assert (await another.get("/cases")).text == "cases"
    assert (await here.post(f"/sessions/{listed[0]}/end", {"form_token": token})).status_code == 303
    assert trouble((await left_behind.get("/cases")).text) == "session_ended"
    assert (await here.get("/cases")).text == "cases"


async def test_while_the_provider_is_down_nobody_is_signed_out(strange: Browser, crafted: CraftedProvider) -> None:
    assert (await strange.get(crafted.back(await strange.set_out()))).status_code == 303
    crafted.down = True
    assert (await strange.get("/cases")).text == "cases"
    answer = await strange.post("/sign-out", {"form_token": await strange.form_token()})
    assert answer.headers["location"] == "/signed-out"


async def test_while_the_provider_is_down_nobody_signs_in(strange: Browser, crafted: CraftedProvider) -> None:
    crafted.down = True
    answer = await strange.get("/sign-in")
    assert (answer.status_code, trouble(answer.text)) == (503, "provider_down")


async def test_whoever_tries_again_still_gets_the_page_that_they_wanted(strange: Browser, crafted: CraftedProvider) -> None:
    wanted, again = "/cases?page=2", "/sign-in?return_to=%2Fcases%3Fpage%3D2"
    crafted.answer = lambda _: {}
    refused = (await strange.get(crafted.back(await strange.set_out(wanted)))).text
    cancelled = (await strange.get(crafted.back(await strange.set_out(wanted), error="access_denied"))).text
    crafted.answer = lambda claims: {"id_token": signed(claims | {"amr": ["pwd"]})}
    weak = (await strange.get(crafted.back(await strange.set_out(wanted)))).text
    assert [refused, cancelled] == [f"start_again {again}"] * 2
    assert weak == f"second_factor {again}&fresh=true", "else a provider that remembers them says the same once more"
    assert (await strange.get("/sign-in?return_to=//evil.example")).status_code == 303
    crafted.answer = lambda _: {}
    planted = crafted.back((await strange.get("/sign-in?return_to=//evil.example")).headers["location"])
    assert (await strange.get(planted)).text == "start_again /sign-in?return_to=%2F"


async def test_whoever_waits_for_a_provider_still_gets_the_page_that_they_wanted(
    strange: Browser, crafted: CraftedProvider
) -> None:
    crafted.down = True
    answer = await strange.get("/sign-in?return_to=%2Fcases%3Fpage%3D2")
    assert answer.text == "provider_down /sign-in?return_to=%2Fcases%3Fpage%3D2"


async def test_a_fault_says_nothing_of_what_was_in_hand(browser: Browser, capfd: pytest.CaptureFixture[str]) -> None:
    await browser.sign_in("anna")
    answer = await browser.get("/broken")
    assert (answer.status_code, trouble(answer.text)) == (500, "fault")
    assert "the words of a case" not in answer.text
    assert "page_failed" in capfd.readouterr().out


async def test_while_the_database_does_not_answer_people_are_asked_to_try_again(
    browser: Browser, pool: Any, database: str
) -> None:
    await browser.sign_in("anna")
    await pool.execute(f"ALTER DATABASE {urlsplit(database).path.strip('/')} SET lock_timeout = '50ms'")
    await pool.expire_connections()
    async with pool.acquire() as held, held.transaction():
        await held.execute("LOCK TABLE web_sessions")
        answer = await browser.get("/cases")
    assert (answer.status_code, trouble(answer.text)) == (503, "unavailable")
    assert (await browser.get("/cases")).text == "cases"
