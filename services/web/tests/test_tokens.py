"""Tokens that are not good are refused, each for its own reason, and nobody is signed in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from joserfc.jwk import RSAKey
from structlog.testing import capture_logs

from services.web.tests.browser import Browser
from services.web.tests.crafted import (
    ANOTHER,
    CURVE,
    ISSUER,
    KEY,
    LOGOUT,
    CraftedProvider,
    segment,
    signed,
    signed_with_the_public_key,
    unsigned,
)

Claims = dict[str, Any]
Make = Callable[[Claims], str]
FOREIGN = RSAKey.generate_key(2048, {"kid": "k9"})


def without(name: str) -> Make:
    return lambda claims: signed({key: value for key, value in claims.items() if key != name})


def saying(**more: Any) -> Make:
    return lambda claims: signed({**claims, **more})


BAD: dict[str, tuple[Make, str]] = {
    "alg none": (unsigned, "algorithm"),
    "HS256 with the public key": (signed_with_the_public_key, "algorithm"),
    "RS512, which the key could make": (lambda claims: signed(claims, algorithm="RS512"), "algorithm"),
    "an unknown kid": (lambda claims: signed(claims, FOREIGN), "unknown_key"),
    "no kid": (lambda claims: signed(claims, kid=None), "unknown_key"),
    "another's key under a known kid": (lambda claims: signed(claims, ANOTHER), "bad_signature"),
    "a key of another kind": (lambda claims: signed(claims, KEY, kid="e1"), "invalid_key_type"),
    "changed after signing": (
        lambda c: signed(c).rsplit(".", 2)[0] + "." + segment(c | {"sub": "eve"}) + ".AA",
        "bad_signature",
    ),
    "wrong iss": (saying(iss="https://id.other.example"), "iss"),
    "iss with a slash more": (saying(iss=f"{ISSUER}/"), "iss"),
    "iss as a list": (saying(iss=[ISSUER]), "iss"),
    "no iss": (without("iss"), "iss"),
    "wrong aud": (saying(aud="partnerdesk"), "aud"),
    "no aud": (without("aud"), "aud"),
    "several aud and no azp": (saying(aud=["console", "partnerdesk"]), "azp"),
    "wrong azp": (saying(azp="partnerdesk"), "azp"),
    "several aud and a wrong azp": (saying(aud=["console", "partnerdesk"], azp="partnerdesk"), "azp"),
    "wrong nonce": (saying(nonce="another"), "nonce"),
    "no nonce": (without("nonce"), "nonce"),
    "expired": (lambda claims: signed(claims | {"exp": claims["iat"] - 61}), "exp"),
    "no exp": (without("exp"), "exp"),
    "exp that is no number": (saying(exp="tomorrow"), "exp"),
    "issued in the future": (lambda claims: signed(claims | {"iat": claims["iat"] + 120}), "iat"),
    "no iat": (without("iat"), "iat"),
    "not yet good": (lambda claims: signed(claims | {"nbf": claims["iat"] + 120}), "nbf"),
    "no sub": (without("sub"), "sub"),
    "an empty sub": (saying(sub=""), "sub"),
    "a long sub": (saying(sub="a" * 256), "sub"),
    "a sub that PostgreSQL cannot store": (saying(sub="a\0"), "sub"),
    "a sub that is no text": (saying(sub=7), "sub"),
    "amr that is no list": (saying(amr="mfa"), "amr"),
    "auth_time that is no number": (saying(auth_time="now"), "auth_time"),
    "auth_time in the future": (lambda claims: signed(claims | {"auth_time": claims["iat"] + 120}), "auth_time"),
    "auth_time that is NaN": (saying(auth_time=float("nan")), "auth_time"),
    "a logout token": (lambda claims: signed(claims | {"events": {LOGOUT: {}}}, typ="logout+jwt"), "not_an_id_token"),
    "no token": (lambda _: "", "no_id_token"),
    "rubbish": (lambda _: "rubbish", "not_a_token"),
    "five parts": (lambda claims: signed(claims) + ".a.b", "not_a_token"),
}


async def test_a_good_token_signs_in(strange: Browser, crafted: CraftedProvider) -> None:
    back = crafted.back(await strange.set_out("/cases"))
    answer = await strange.get(back)
    assert (answer.status_code, answer.headers["location"]) == (303, "/cases")
    assert (await strange.get("/")).text.startswith("o-1 ")


@pytest.mark.parametrize("make", [saying(aud=["console"]), saying(aud=["console", "x"], azp="console")])
async def test_an_audience_may_be_a_list(strange: Browser, crafted: CraftedProvider, make: Make) -> None:
    crafted.answer = lambda claims: {"id_token": make(claims)}
    assert (await strange.get(crafted.back(await strange.set_out()))).status_code == 303


async def test_keys_of_an_elliptic_curve_are_good_too(strange: Browser, crafted: CraftedProvider) -> None:
    crafted.answer = lambda claims: {"id_token": signed(claims, CURVE, "ES256")}
    assert (await strange.get(crafted.back(await strange.set_out()))).status_code == 303


@pytest.mark.parametrize("name", BAD)
async def test_a_bad_token_signs_nobody_in(strange: Browser, crafted: CraftedProvider, name: str) -> None:
    make, reason = BAD[name]
    crafted.answer = lambda claims: {"id_token": make(claims), "access_token": "a", "token_type": "Bearer"}
    with capture_logs() as logs:
        answer = await strange.get(crafted.back(await strange.set_out()))
    assert (answer.status_code, answer.text.split()[0]) == (400, "start_again")
    assert strange.secret is None
    assert [each.get("reason") for each in logs if each["event"] == "sign_in_refused"] == [reason]


async def test_an_answer_without_an_id_token_signs_nobody_in(strange: Browser, crafted: CraftedProvider) -> None:
    crafted.answer = lambda _: {"access_token": "a", "token_type": "Bearer"}
    answer = await strange.get(crafted.back(await strange.set_out()))
    assert (answer.status_code, strange.secret) == (400, None)


async def test_a_new_key_is_asked_for_once_and_made_up_ones_do_not_repeat_that(
    strange: Browser, crafted: CraftedProvider
) -> None:
    assert (await strange.get(crafted.back(await strange.set_out()))).status_code == 303
    crafted.answer = lambda claims: {"id_token": signed(claims, FOREIGN)}
    for _ in range(3):
        assert (await strange.get(crafted.back(await strange.set_out("/sign-in")))).status_code == 400
    assert crafted.keys_asked == 1  # they were fresh


async def test_an_answer_that_names_another_issuer_is_refused(strange: Browser, crafted: CraftedProvider) -> None:
    back = crafted.back(await strange.set_out(), iss="https://id.other.example")
    assert (await strange.get(back)).status_code == 400
    assert crafted.forms == [], "the code went to nobody"


async def test_a_provider_that_says_who_answers_must(strange: Browser, crafted: CraftedProvider) -> None:
    crafted.metadata["authorization_response_iss_parameter_supported"] = True
    assert (await strange.get(crafted.back(await strange.set_out()))).status_code == 400
    assert (await strange.get(crafted.back(await strange.set_out(), iss=ISSUER))).status_code == 303


@pytest.mark.parametrize(
    "wrong",
    [
        {"issuer": "https://id.other.example"},
        {"token_endpoint": "http://id.crafted.example/token"},
        {"jwks_uri": None},
        {"authorization_endpoint": "javascript:alert(1)"},
    ],
)
async def test_metadata_that_cannot_be_trusted_is_a_provider_that_is_down(
    strange: Browser, crafted: CraftedProvider, wrong: Claims
) -> None:
    crafted.metadata |= wrong
    answer = await strange.get("/sign-in")
    assert (answer.status_code, answer.text.split()[0]) == (503, "provider_down")
