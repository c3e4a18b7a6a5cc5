"""What an identity provider's tokens say, once everything about them has been checked.

Pure: keys, time and what is expected are given. A reason for refusing is one of few words, never a value of the token.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from authlib.oidc.core import CodeIDToken
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from conduit_web.access import FRESH, Proof
from conduit_web.people import Identity

ALGORITHMS = ("RS256", "ES256")
"""Pinned. What a provider's metadata offers is not asked, nor is the token."""
LEEWAY = timedelta(minutes=1)
LONGEST = 255
"""No subject may be longer, says OpenID Connect."""
_LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"
_TYPES = frozenset({None, "jwt"})
"""What the header may say. A token that says more of itself is for something else: a logout, or an API."""


class TokenRefusedError(Exception):
    """A token that is not taken. The text is a reason that may be logged."""


class UnknownKeyError(TokenRefusedError):
    """The token names a key that is not among those known. The provider may have a new one."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What a token must say."""

    issuer: str
    client_id: str
    now: datetime
    nonce: str = ""
    fresh: bool = False
    """Whether credentials had to be asked for again."""
    second_factor_amr: frozenset[str] = frozenset()
    second_factor_acr: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Vouched:
    """What a provider vouches for."""

    identity: Identity
    proof: Proof
    provider_session: str | None
    id_token: str | None = None
    """What said it, where the provider is to see it again at sign-out."""


@dataclass(frozen=True, slots=True)
class LogoutOrder:
    """A provider's order to end sessions: one of its own, or all of a person."""

    token_id: str
    issuer: str
    subject: str | None
    provider_session: str | None
    ends_at: datetime


def read_id_token(token: str, keys: KeySet, expected: Expected) -> Vouched:
    """Who signed in, and how.

    Raises:
        TokenRefusedError: the token is not good, or not for this sign-in.
    """
    if not expected.nonce:
        raise TokenRefusedError("no_nonce_expected")
    read = _verified(token, keys)
    if _type(read) not in _TYPES:
        raise TokenRefusedError("not_an_id_token")
    options = {"iss": {"essential": True, "value": expected.issuer}, "aud": {"essential": True, "value": expected.client_id}}
    params = {"client_id": expected.client_id, "nonce": expected.nonce}
    claims = CodeIDToken(read.claims, read.header, options, params)
    _check(claims, expected.now)
    proof = Proof(_is_second_factor(claims, expected), _signed_in_at(claims, expected), _level(claims, expected))
    return Vouched(Identity(expected.issuer, _text(claims, "sub")), proof, _optional_text(claims, "sid"))


def read_logout_token(token: str, keys: KeySet, expected: Expected) -> LogoutOrder:
    """What a provider orders (OpenID Connect Back-Channel Logout).

    Raises:
        TokenRefusedError: the token is not good, or is no such order.
    """
    read = _verified(token, keys)
    if _type(read) not in {*_TYPES, "logout+jwt"} or "nonce" in read.claims:
        raise TokenRefusedError("not_a_logout_token")
    essential = {name: jwt.ClaimsOption(essential=True) for name in ("iat", "exp", "jti", "events")}
    value = {"iss": expected.issuer, "aud": expected.client_id}
    essential |= {name: jwt.ClaimsOption(essential=True, value=wanted) for name, wanted in value.items()}
    now, leeway = int(expected.now.timestamp()), int(LEEWAY.total_seconds())
    try:
        jwt.JWTClaimsRegistry(now=now, leeway=leeway, **essential).validate(read.claims)
    except JoseError as error:
        raise TokenRefusedError(_reason(error)) from None
    events = read.claims["events"]
    if not isinstance(events, dict) or not isinstance(events.get(_LOGOUT_EVENT), dict):
        raise TokenRefusedError("not_a_logout_token")
    subject, session = _optional_text(read.claims, "sub"), _optional_text(read.claims, "sid")
    if subject is None and session is None:
        raise TokenRefusedError("nobody_named")
    ends_at = datetime.fromtimestamp(int(read.claims["exp"]), UTC) + LEEWAY
    return LogoutOrder(_text(read.claims, "jti"), expected.issuer, subject, session, ends_at)


def _verified(token: str, keys: KeySet) -> jwt.Token:
    try:
        header = jws.extract_compact(token.encode("utf-8", "replace")).headers()
    except (JoseError, ValueError):
        raise TokenRefusedError("not_a_token") from None
    if header.get("alg") not in ALGORITHMS:
        raise TokenRefusedError("algorithm")
    # Without a name, a key would be picked for it.
    if header.get("kid") not in {key.kid for key in keys.keys if key.kid}:
        raise UnknownKeyError("unknown_key")
    try:
        return jwt.decode(token, keys, algorithms=list(ALGORITHMS))
    except (JoseError, ValueError, TypeError) as error:
        raise TokenRefusedError(_reason(error)) from None


def _type(read: jwt.Token) -> object:
    said = read.header.get("typ")
    return said.lower() if isinstance(said, str) else said


def _check(claims: CodeIDToken, now: datetime) -> None:
    try:
        claims.validate(now=int(now.timestamp()), leeway=int(LEEWAY.total_seconds()))
    except (JoseError, ValueError, TypeError) as error:
        raise TokenRefusedError(_reason(error)) from None
    if not isinstance(claims.get("amr", []), list):
        raise TokenRefusedError("invalid_amr")


def _reason(error: Exception) -> str:
    """The claim's name where one is at fault; joserfc's own word otherwise. Neither is a value."""
    return str(getattr(error, "claim", None) or getattr(error, "error", None) or "unreadable")


def _is_second_factor(claims: Mapping[str, Any], expected: Expected) -> bool:
    level = claims.get("acr")
    return bool(_methods_that_count(claims, expected)) or (isinstance(level, str) and level in expected.second_factor_acr)


def _methods_that_count(claims: Mapping[str, Any], expected: Expected) -> list[str]:
    methods = {each for each in claims.get("amr") or () if isinstance(each, str)}
    return sorted(methods & expected.second_factor_amr)


def _level(claims: Mapping[str, Any], expected: Expected) -> str | None:
    """How the person signed in, in the provider's own word. One that nobody could read counts as unsaid."""
    said = claims.get("acr")
    if isinstance(said, str) and 0 < len(said) <= LONGEST and said.isprintable():
        return said
    return next(iter(_methods_that_count(claims, expected)), None)


def _signed_in_at(claims: Mapping[str, Any], expected: Expected) -> datetime | None:
    said = claims.get("auth_time")
    if said is None and not expected.fresh:
        return None
    # JSON as Python reads it knows NaN, which is neither too old nor too new.
    if not isinstance(said, int | float) or isinstance(said, bool) or not math.isfinite(said) or said < 0:
        raise TokenRefusedError("auth_time")
    ago = expected.now.timestamp() - said
    # A provider may ignore that credentials were to be asked for. The margin leaves time to act on those just given.
    if ago < -LEEWAY.total_seconds() or (expected.fresh and ago > (FRESH - LEEWAY).total_seconds()):
        raise TokenRefusedError("auth_time")
    return min(expected.now, datetime.fromtimestamp(said, UTC))


def _text(claims: Mapping[str, Any], name: str) -> str:
    found = _optional_text(claims, name)
    if found is None:
        raise TokenRefusedError(name)
    return found


def _optional_text(claims: Mapping[str, Any], name: str) -> str | None:
    found = claims.get(name)
    if found is None:
        return None
    # PostgreSQL takes no NUL.
    if not isinstance(found, str) or not found or len(found) > LONGEST or "\0" in found:
        raise TokenRefusedError(name)
    return found
