"""What a provider says is kept, asked for again when a key is new, and good while it does not answer."""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path
from typing import Any

import httpx
import pytest
from joserfc.jwk import OctKey, OKPKey, RSAKey

from conduit_chassis.testing import ManualClock
from conduit_web.providers import HEARD_SECONDS, KEPT_SECONDS, NEW_KEYS_AFTER_SECONDS, IdentityProvider, ProviderDownError
from conduit_web.sessions import SignIn
from conduit_web.settings import Provider
from conduit_web.tokens import TokenRefusedError
from services.web.tests.crafted import ISSUER, KEY, CraftedProvider, signed

NEW = RSAKey.generate_key(2048, {"kid": "k2", "use": "sig"})
ATTEMPT = SignIn("crafted", "the-nonce", "the-verifier", "/", fresh=False)
BACK = "https://desk.hub.example/signed-in/crafted"


class Ticking:
    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def ticking() -> Ticking:
    return Ticking()


@pytest.fixture
def make(crafted: CraftedProvider, abroad: httpx.AsyncClient, clock: ManualClock, ticking: Ticking) -> Any:
    crafted.nonce = ATTEMPT.nonce

    def make(**about: Any) -> IdentityProvider:
        said = {"name": "crafted", "label": "Crafted", "issuer": ISSUER, "client_id": "console", **about}
        return IdentityProvider(Provider.model_validate(said), abroad, clock, ticking=ticking)

    return make


async def redeem(provider: IdentityProvider) -> str:
    vouched = await provider.redeem("the-code", ATTEMPT, answered_by=None, redirect_uri=BACK)
    return vouched.identity.subject


async def test_keys_are_asked_for_once(make: Any, crafted: CraftedProvider) -> None:
    provider = make()
    assert await asyncio.gather(*(redeem(provider) for _ in range(5))) == ["anna"] * 5
    assert crafted.keys_asked == 1


async def test_a_key_that_is_new_is_asked_for(make: Any, crafted: CraftedProvider, ticking: Ticking) -> None:
    provider = make()
    await redeem(provider)
    crafted.keys.append(dict(NEW.as_dict(private=False)))
    crafted.answer = lambda claims: {"id_token": signed(claims, NEW)}
    with pytest.raises(TokenRefusedError, match="unknown_key"):
        await redeem(provider)  # whoever makes up keys does not have them asked for each time
    ticking.at += NEW_KEYS_AFTER_SECONDS + 1
    assert await redeem(provider) == "anna"
    assert crafted.keys_asked == 2


async def test_a_key_that_was_taken_away_is_good_for_an_hour_at_most(
    make: Any, crafted: CraftedProvider, ticking: Ticking
) -> None:
    provider = make()
    await redeem(provider)
    crafted.keys = [dict(NEW.as_dict(private=False))]
    assert await redeem(provider) == "anna"
    ticking.at += KEPT_SECONDS + 1
    with pytest.raises(TokenRefusedError, match="unknown_key"):
        await redeem(provider)


async def test_what_it_said_is_good_while_it_says_nothing(make: Any, crafted: CraftedProvider, ticking: Ticking) -> None:
    provider = make()
    await redeem(provider)
    crafted.down = True
    ticking.at += KEPT_SECONDS + 1
    assert await redeem(provider) == "anna"
    with pytest.raises(ProviderDownError):
        await redeem(make())


async def way_in(provider: IdentityProvider) -> str:
    return await provider.way_in(ATTEMPT, state="s", redirect_uri=BACK)


async def test_nobody_is_sent_to_a_provider_that_went_away_until_it_is_back(
    make: Any, crafted: CraftedProvider, ticking: Ticking
) -> None:
    crafted.metadata["end_session_endpoint"] = f"{ISSUER}/out"
    provider = make()
    before = await way_in(provider)
    crafted.down = True
    ticking.at += HEARD_SECONDS
    assert await way_in(provider) == before, "it was there a moment ago"
    ticking.at += 1
    for leave in (way_in(provider), provider.way_out(BACK)):
        with pytest.raises(ProviderDownError):
            await leave
    crafted.down = False
    ticking.at += HEARD_SECONDS + 1
    assert await way_in(provider) == before
    assert (await provider.way_out(BACK) or "").startswith(f"{ISSUER}/out?")


async def test_whether_it_is_there_is_looked_once_for_everybody(
    make: Any, crafted: CraftedProvider, ticking: Ticking
) -> None:
    provider = make()
    await way_in(provider)
    crafted.down = True
    ticking.at += HEARD_SECONDS + 1
    before = crafted.metadata_asked
    met = await asyncio.gather(*(way_in(provider) for _ in range(5)), return_exceptions=True)
    assert [type(each) for each in met] == [ProviderDownError] * 5
    assert crafted.metadata_asked == before + 1


async def test_one_that_answers_somehow_is_there(make: Any, crafted: CraftedProvider, ticking: Ticking) -> None:
    provider = make()
    before = await way_in(provider)
    crafted.metadata.clear()
    ticking.at += KEPT_SECONDS + 1
    assert await way_in(provider) == before


async def test_keys_that_cannot_be_used_do_not_hide_those_that_can(make: Any, crafted: CraftedProvider) -> None:
    strange: list[Any] = [{"kty": "XYZ", "kid": "x"}, {"kty": "RSA", "kid": "broken", "n": 7}, "rubbish", {"kty": "RSA"}]
    others = [OctKey.generate_key(256, {"kid": "o"}).as_dict(), OKPKey.generate_key("Ed25519", {"kid": "p"}).as_dict()]
    crafted.keys = [*strange, *map(dict, others), *crafted.keys]
    assert await redeem(make()) == "anna"


async def test_a_key_that_encrypts_signs_nothing(make: Any, crafted: CraftedProvider) -> None:
    crafted.keys = [dict(KEY.as_dict(private=False)) | {"use": "enc"}]
    with pytest.raises(TokenRefusedError, match="unknown_key"):
        await redeem(make())


async def test_the_code_goes_with_its_verifier_to_where_it_came_from(make: Any, crafted: CraftedProvider) -> None:
    await redeem(make())
    said = {"grant_type": "authorization_code", "code": "the-code", "code_verifier": "the-verifier", "redirect_uri": BACK}
    assert crafted.forms == [said | {"client_id": "console"}]


async def test_a_client_with_a_secret_says_it_as_the_standard_has_it(
    make: Any, crafted: CraftedProvider, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("a:b c\n")
    crafted.answer = lambda claims: {"id_token": signed(claims | {"aud": "con:sole"})}
    assert await redeem(make(client_id="con:sole", client_secret_file=tmp_path / "secret")) == "anna"
    said = base64.b64decode(crafted.authorization.removeprefix("Basic ")).decode()
    assert said == "con%3Asole:a%3Ab%20c"
    assert "client_id" not in crafted.forms[-1]


async def test_a_secret_is_not_shown() -> None:
    about = Provider.model_validate(
        {"name": "hub", "label": "h", "issuer": ISSUER, "client_id": "c", "client_secret": "the-secret"}
    )
    assert "the-secret" not in repr(about)
    assert about.secret() == "the-secret"
