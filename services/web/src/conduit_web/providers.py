"""Identity providers over HTTP: what they say of themselves, their keys, and a code in exchange for a token.

Any provider that speaks OpenID Connect Discovery works by settings alone.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from time import monotonic
from typing import Any, Generic, TypeVar
from urllib.parse import quote

import httpx
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet, RSAKey

from conduit_chassis.clock import Clock
from conduit_web.access import FRESH
from conduit_web.sessions import SignIn
from conduit_web.settings import Provider, is_safe
from conduit_web.tokens import (
    Expected,
    LogoutOrder,
    TokenRefusedError,
    UnknownKeyError,
    Vouched,
    read_id_token,
    read_logout_token,
)

KEPT_SECONDS = 3600.0
NEW_KEYS_AFTER_SECONDS = 30.0
"""An unknown key has the keys asked for again, but not by everybody who makes one up."""
HEARD_SECONDS = 5.0
"""How long it holds that a provider answered, or did not."""
TIMEOUT = httpx.Timeout(5.0)
_NOBODY_THERE = frozenset({502, 503, 504})
"""A gateway says this when the provider behind it does not answer."""
LONGEST_HINT = 4_000
"""An ID token that is longer may not fit into an address, and is not kept for one."""
_KINDS: Mapping[str, type[RSAKey] | type[ECKey]] = {"RSA": RSAKey, "EC": ECKey}

Read = TypeVar("Read")


class ProviderDownError(ConnectionError):
    """The provider does not answer, or not as one does."""


@dataclass(frozen=True, slots=True)
class _Metadata:
    authorization: str
    token: str
    jwks: str
    end_session: str | None
    says_who_answers: bool


class _Kept(Generic[Read]):
    """What a provider said, for as long as it is young enough, and while it does not answer."""

    def __init__(self, ticking: Callable[[], float]) -> None:
        self._ticking, self._turn = ticking, asyncio.Lock()
        self._kept: tuple[float, Read] | None = None

    async def get(self, fetch: Callable[[], Awaitable[Read]], *, older_than: float) -> Read:
        async with self._turn:
            if self._kept is not None and self._ticking() - self._kept[0] <= older_than:
                return self._kept[1]
            try:
                self._kept = (self._ticking(), await fetch())
            except ProviderDownError:
                if self._kept is None:
                    raise
                # It is not asked again at once, or everybody would wait for it in turn.
                self._kept = (self._ticking() - older_than + NEW_KEYS_AFTER_SECONDS, self._kept[1])
            return self._kept[1]


class _Presence:
    """Whether a provider is there. Everybody who wants to know while it is looked waits for the same answer."""

    def __init__(self, ticking: Callable[[], float]) -> None:
        self._ticking, self._turn = ticking, asyncio.Lock()
        self._known: tuple[float, bool] | None = None

    def note(self, *, there: bool) -> None:
        """It answered just now, or did not."""
        self._known = (self._ticking(), there)

    async def look(self, ask: Callable[[], Awaitable[bool]]) -> bool:
        """What is known, if that is young enough; otherwise what `ask` finds."""
        async with self._turn:
            if self._known is None or self._ticking() - self._known[0] > HEARD_SECONDS:
                self.note(there=await ask())
            return self._known is not None and self._known[1]


class IdentityProvider:
    """One provider. What it said is kept for an hour, and longer while it does not answer, when nobody is sent to it."""

    def __init__(
        self, about: Provider, http: httpx.AsyncClient, clock: Clock, *, ticking: Callable[[], float] = monotonic
    ) -> None:
        self.about = about
        self._http, self._clock = http, clock
        self._metadata: _Kept[_Metadata] = _Kept(ticking)
        self._keys: _Kept[KeySet] = _Kept(ticking)
        self._presence = _Presence(ticking)

    async def way_in(self, sign_in: SignIn, *, state: str, redirect_uri: str) -> str:
        """The provider's page at which a person signs in.

        Raises:
            ProviderDownError: the provider does not answer, so a browser that was sent there would show an error of its own.
        """
        await self._must_be_there()
        metadata = await self._known()
        asked: dict[str, str] = {"nonce": sign_in.nonce}
        if self.about.second_factor_acr:
            asked["acr_values"] = " ".join(sorted(self.about.second_factor_acr))
        if sign_in.fresh:
            # Either asks for credentials; providers differ in which they heed. The answer is checked.
            asked |= {"prompt": "login", "max_age": str(int(FRESH.total_seconds()))}
        challenge = create_s256_code_challenge(sign_in.code_verifier)
        uri: str = prepare_grant_uri(
            metadata.authorization, self.about.client_id, "code", redirect_uri, scope="openid", state=state,
            code_challenge=challenge, code_challenge_method="S256", **asked,
        )  # fmt: skip
        return uri

    async def way_out(self, back_to: str, *, id_token: str | None = None) -> str | None:
        """The provider's page that ends its own session, if it has one. `id_token` tells it whose.

        Raises:
            ProviderDownError: as above.
        """
        await self._must_be_there()
        metadata = await self._known()
        if metadata.end_session is None:
            return None
        asked = {"client_id": self.about.client_id, "post_logout_redirect_uri": back_to}
        if id_token is not None:
            asked["id_token_hint"] = id_token
        return str(httpx.URL(metadata.end_session).copy_merge_params(asked))

    async def redeem(self, code: str, sign_in: SignIn, *, answered_by: str | None, redirect_uri: str) -> Vouched:
        """Who signed in.

        Raises:
            TokenRefusedError: the code, or the token for it, is not good.
            ProviderDownError: the provider does not answer.
        """
        metadata = await self._known()
        if answered_by is None and metadata.says_who_answers:
            raise TokenRefusedError("answered_by_nobody")
        if answered_by not in {None, self.about.issuer}:
            raise TokenRefusedError("answered_by_another")
        token = await self._token(metadata, code, sign_in.code_verifier, redirect_uri)
        expected = self._expected(sign_in)
        vouched = await self._with_keys(lambda keys: read_id_token(token, keys, expected))
        return replace(vouched, id_token=token) if self.about.id_token_hint and len(token) <= LONGEST_HINT else vouched

    async def read_order(self, token: str) -> LogoutOrder:
        """What the provider orders by a logout token.

        Raises:
            TokenRefusedError: it is none.
            ProviderDownError: its keys cannot be had.
        """
        expected = self._expected()
        return await self._with_keys(lambda keys: read_logout_token(token, keys, expected))

    def _expected(self, sign_in: SignIn | None = None) -> Expected:
        return Expected(
            self.about.issuer,
            self.about.client_id,
            self._clock.now(),
            nonce=sign_in.nonce if sign_in else "",
            fresh=sign_in.fresh if sign_in else False,
            second_factor_amr=self.about.second_factor_amr,
            second_factor_acr=self.about.second_factor_acr,
        )

    async def _token(self, metadata: _Metadata, code: str, code_verifier: str, redirect_uri: str) -> str:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": code_verifier,
        }
        client, secret = self.about.client_id, self.about.secret()
        if secret is None:
            answer = await self._answer("POST", metadata.token, data=form | {"client_id": client})
        else:
            # RFC 6749, 2.3.1: both are encoded as in a form, before they become a header.
            auth = httpx.BasicAuth(quote(client, safe=""), quote(secret, safe=""))
            answer = await self._answer("POST", metadata.token, data=form, auth=auth)
        token = answer.get("id_token")
        if not isinstance(token, str) or not token:
            raise TokenRefusedError("no_id_token")
        return token

    async def _with_keys(self, read: Callable[[KeySet], Read]) -> Read:
        keys = await self._known_keys(older_than=KEPT_SECONDS)
        try:
            return read(keys)
        except UnknownKeyError:
            return read(await self._known_keys(older_than=NEW_KEYS_AFTER_SECONDS))

    async def _known(self) -> _Metadata:
        return await self._metadata.get(self._discover, older_than=KEPT_SECONDS)

    async def _must_be_there(self) -> None:
        if not await self._presence.look(self._is_there):
            raise ProviderDownError("nobody is there")

    async def _is_there(self) -> bool:
        """Whatever it says: one whose metadata cannot be read may still be able to sign people in."""
        try:
            answer = await self._http.get(self._says, timeout=TIMEOUT, follow_redirects=False)
        except httpx.HTTPError:
            return False
        return answer.status_code not in _NOBODY_THERE

    @property
    def _says(self) -> str:
        """Where it says what it is."""
        return f"{self.about.issuer.rstrip('/')}/.well-known/openid-configuration"

    async def _discover(self) -> _Metadata:
        said = await self._answer("GET", self._says)
        if said.get("issuer") != self.about.issuer:
            raise ProviderDownError("the metadata is another issuer's")
        out = said.get("end_session_endpoint")
        return _Metadata(
            _place(said, "authorization_endpoint"),
            _place(said, "token_endpoint"),
            _place(said, "jwks_uri"),
            out if isinstance(out, str) and is_safe(out) else None,
            said.get("authorization_response_iss_parameter_supported") is True,
        )

    async def _known_keys(self, *, older_than: float) -> KeySet:
        return await self._keys.get(self._fetch_keys, older_than=older_than)

    async def _fetch_keys(self) -> KeySet:
        return _read_keys(await self._answer("GET", (await self._known()).jwks))

    async def _answer(self, method: str, address: str, **more: Any) -> Mapping[str, Any]:
        try:
            answer = await self._http.request(method, address, timeout=TIMEOUT, follow_redirects=False, **more)
            said = answer.json()
        except (httpx.HTTPError, ValueError):
            raise ProviderDownError("no answer that can be read") from None
        if answer.status_code == 400 and method == "POST":
            raise TokenRefusedError("code")
        if answer.status_code != 200 or not isinstance(said, dict):
            raise ProviderDownError(f"status {answer.status_code}")
        self._presence.note(there=True)
        return said


def _place(said: Mapping[str, Any], name: str) -> str:
    found = said.get(name)
    if not isinstance(found, str) or not is_safe(found):
        raise ProviderDownError(f"no {name}")
    return found


def _read_keys(said: Mapping[str, Any]) -> KeySet:
    """Keys that sign. Others, of kinds that are not used here or not even known, are ignored."""
    found: list[RSAKey | ECKey] = []
    listed = said.get("keys")
    for each in listed if isinstance(listed, list) else ():
        if not isinstance(each, dict) or not each.get("kid") or each.get("use", "sig") != "sig":
            continue
        kind = _KINDS.get(str(each.get("kty")))
        try:
            found += [kind.import_key(each)] if kind else []
        except (JoseError, ValueError, TypeError):
            continue
    return KeySet(list(found))
