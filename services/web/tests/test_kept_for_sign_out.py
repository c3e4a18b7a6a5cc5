"""Some providers want their token back when somebody signs out: it is kept where their settings say so, and no longer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from starlette.types import ASGIApp

from conduit_chassis.testing import ManualClock
from conduit_web.access import Proof
from conduit_web.people import Identity
from conduit_web.sessions import EndReason, Session, Sessions
from conduit_web.tokens import LogoutOrder, Vouched
from services.web.tests.browser import Browser
from services.web.tests.crafted import ISSUER, CraftedProvider, signed
from services.web.tests.sample import OFFICER, People

ANNA, BEN = Identity(ISSUER, "anna"), Identity(ISSUER, "ben")
LONGEST = timedelta(hours=8)


@pytest.mark.parametrize(
    ("asked_for", "more", "shown"),
    [(True, {}, True), (False, {}, False), (True, {"note": "x" * 4_000}, False)],
    ids=["asked for", "not asked for", "too long for an address"],
)
async def test_a_provider_is_shown_its_token_at_sign_out_where_its_settings_ask_for_that(
    make_desk: Callable[..., ASGIApp],
    people: People,
    crafted: CraftedProvider,
    abroad: httpx.AsyncClient,
    asked_for: bool,
    more: dict[str, Any],
    shown: bool,
) -> None:
    people.known[ANNA] = OFFICER
    crafted.metadata["end_session_endpoint"] = f"{ISSUER}/out"
    about = {"name": "crafted", "label": "Crafted", "issuer": ISSUER, "client_id": "console", "id_token_hint": asked_for}
    browser, given = Browser(make_desk(about), abroad), list[str]()

    def answer(claims: dict[str, Any]) -> dict[str, Any]:
        given.append(signed(claims | more))
        return {"id_token": given[-1]}

    crafted.answer = answer
    assert (await browser.get(crafted.back(await browser.set_out("/sign-in")))).status_code == 303
    out = urlsplit((await browser.post("/sign-out", {"form_token": await browser.form_token()})).headers["location"])
    asked = parse_qs(out.query)
    assert (out.path, asked["client_id"], asked.get("id_token_hint")) == ("/out", ["console"], given if shown else None)


Ending = Callable[[Sessions, str, Session, ManualClock], Awaitable[object]]


def vouched(identity: Identity, clock: ManualClock, id_token: str | None = None) -> Vouched:
    return Vouched(identity, Proof(second_factor=True, signed_in_at=clock.now()), "s-1", id_token)


def order(clock: ManualClock) -> LogoutOrder:
    return LogoutOrder("j-1", ISSUER, "anna", None, clock.now() + LONGEST)


async def run_out(sessions: Sessions, _secret: str, _session: Session, clock: ManualClock) -> None:
    clock.advance(LONGEST + timedelta(seconds=1))
    await sessions.start(vouched(BEN, clock), None)


ENDINGS: dict[str, Ending] = {
    "signed out": lambda sessions, _secret, session, _clock: sessions.end(session.session_id, EndReason.SIGNED_OUT),
    "all of a person": lambda sessions, _secret, _session, _clock: sessions.end_all_of(ANNA),
    "by the provider": lambda sessions, _secret, _session, clock: sessions.follow(order(clock)),
    "signed in again": lambda sessions, secret, _session, clock: sessions.start(vouched(ANNA, clock), secret),
    "it ran out": run_out,
}


@pytest.mark.parametrize("name", ENDINGS)
async def test_it_goes_when_the_session_ends(pool: Any, clock: ManualClock, name: str) -> None:
    sessions = Sessions(pool, clock, idle=timedelta(minutes=15), longest=LONGEST)
    secret = await sessions.start(vouched(ANNA, clock, "the provider's token"), None)
    session = await sessions.find(secret)
    assert session is not None
    assert await sessions.id_token_of(session.session_id) == "the provider's token"
    await ENDINGS[name](sessions, secret, session, clock)
    assert await sessions.id_token_of(session.session_id) is None
    assert await pool.fetchval("SELECT count(*) FROM web_sessions WHERE session_id = $1", session.session_id) == 1
