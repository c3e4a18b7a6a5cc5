"""A provider ends sessions of its own people, once for each order, and of nobody else."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from services.web.tests.browser import Browser
from services.web.tests.crafted import (
    ANOTHER,
    ISSUER,
    LOGOUT,
    CraftedProvider,
    signed,
    signed_with_the_public_key,
    unsigned,
)

Claims = dict[str, Any]


def order(**more: Any) -> Claims:
    now = int(time.time())
    said = {"iss": ISSUER, "aud": "console", "iat": now, "exp": now + 7200, "jti": "j-1", "events": {LOGOUT: {}}}
    return {name: value for name, value in {**said, "sub": "anna", **more}.items() if value is not None}


async def signed_in(browser: Browser, crafted: CraftedProvider, sid: str = "s-1") -> None:
    crafted.answer = lambda claims: {"id_token": signed(claims | {"sid": sid})}
    assert (await browser.get(crafted.back(await browser.set_out("/sign-in")))).status_code == 303


async def give(browser: Browser, token: str) -> int:
    """As a provider sends it: no cookies, no browser's headers."""
    browser.desk.headers["Content-Type"] = "application/x-www-form-urlencoded"
    answer = await browser.desk.post("/back-channel-sign-out/crafted", data={"logout_token": token})
    assert answer.headers["cache-control"] == "no-store"
    return answer.status_code


@pytest.mark.parametrize("named", [{}, {"sid": "s-1"}, {"sid": "s-1", "sub": None}])
async def test_the_provider_ends_a_session(strange: Browser, crafted: CraftedProvider, named: Claims) -> None:
    await signed_in(strange, crafted)
    assert await give(strange, signed(order(**named), typ="logout+jwt")) == 200
    assert (await strange.get("/cases")).text.split()[0] == "session_ended"


@pytest.mark.parametrize(
    "named", [{"sid": "s-2"}, {"sid": "s-2", "sub": None}, {"sub": "ben"}, {"sid": "s-1", "sub": "ben"}]
)
async def test_it_ends_only_what_it_names(strange: Browser, crafted: CraftedProvider, named: Claims) -> None:
    await signed_in(strange, crafted)
    assert await give(strange, signed(order(**named))) == 200
    assert (await strange.get("/cases")).text == "cases"


async def test_an_order_is_followed_once(strange: Browser, crafted: CraftedProvider) -> None:
    token = signed(order())
    assert await give(strange, token) == 200
    await signed_in(strange, crafted)
    assert await give(strange, token) == 400
    assert (await strange.get("/cases")).text == "cases", "who signed in since is not signed out by an old order"


NOT_ORDERS: dict[str, Callable[[], str]] = {
    "alg none": lambda: unsigned(order()),
    "HS256 with the public key": lambda: signed_with_the_public_key(order()),
    "another's key": lambda: signed(order(), ANOTHER),
    "wrong iss": lambda: signed(order(iss="https://id.other.example")),
    "wrong aud": lambda: signed(order(aud="partnerdesk")),
    "expired": lambda: signed(order(exp=int(time.time()) - 61)),
    "no exp": lambda: signed(order(exp=None)),
    "no jti": lambda: signed(order(jti=None)),
    "no events": lambda: signed(order(events=None)),
    "another event": lambda: signed(order(events={"https://event.example": {}})),
    "an event that is no object": lambda: signed(order(events={LOGOUT: True})),
    "an ID token": lambda: signed(order(nonce="n")),
    "a token of another type": lambda: signed(order(), typ="at+jwt"),
    "nobody named": lambda: signed(order(sub=None)),
    "nothing": lambda: "",
}


@pytest.mark.parametrize("name", NOT_ORDERS)
async def test_what_is_no_order_ends_nothing(strange: Browser, crafted: CraftedProvider, name: str) -> None:
    await signed_in(strange, crafted)
    assert await give(strange, NOT_ORDERS[name]()) == 400
    assert (await strange.get("/cases")).text == "cases"
