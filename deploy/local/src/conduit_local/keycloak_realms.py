"""Realms of Keycloak for the made-up people of `personas.py`: one for each organisation, at which its people sign in.

Pure. What a desk asks of any provider stands here in Keycloak's words: a confidential client with PKCE, sign-out and its
orders, and a second factor that the client can ask for by name. docs/identity-providers.md says the same to people.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from conduit_local.personas import LocalProvider, Persona, registered
from conduit_web.access import needs_second_factor
from conduit_web.people import person_of

ONE_FACTOR, TWO_FACTORS = "one-factor", "two-factors"
"""What the realm calls its two levels: `acr` is one of them."""
PASSWORD, OTP = "pwd", "otp"
"""The methods that `amr` lists (RFC 8176)."""
DIGITS, PERIOD_SECONDS = 6, 30
_LASTS = 8 * 60 * 60
"""For how long the second level is remembered: as long as a desk's session at most."""
_SIGN_IN = "sign in"


@dataclass(frozen=True, slots=True)
class RealmUser:
    """Somebody who can sign in at a realm."""

    name: str
    """What is typed."""
    user_id: str
    """What the realm says in `sub`."""
    password: str
    otp_secret: str | None
    """What an app makes codes of; None for who has one factor alone."""


@dataclass(frozen=True, slots=True)
class RealmClient:
    """A desk, as the realm is told of it."""

    client_id: str
    secret: str
    url: str
    """Where people's browsers, and the realm, find it."""
    provider_name: str
    """What the desk's settings call the realm: part of the addresses below."""
    asks_for_second_factor: bool = True
    """Whether the desk asks by `acr_values`. For one that does not, the realm asks by itself."""


def subject_of(persona: Persona) -> str:
    """The persona's `sub`: as in any realm, nothing that says who it is."""
    return str(uuid5(NAMESPACE_URL, f"persona {persona.name}"))


def has_second_factor(persona: Persona) -> bool:
    """Whoever needs one has one."""
    return needs_second_factor(person_of(registered(persona, "https://realms.invalid")))


def user_of(persona: Persona, password: str, otp_secret: str) -> RealmUser:
    """The persona in its realm."""
    return RealmUser(persona.name, subject_of(persona), password, otp_secret if has_second_factor(persona) else None)


def realm_of(provider: LocalProvider, users: Sequence[RealmUser], clients: Sequence[RealmClient]) -> dict[str, Any]:
    """What Keycloak imports."""
    return {
        "realm": provider.name,
        "displayName": provider.label,
        "enabled": True,
        "attributes": {"acr.loa.map": json.dumps({ONE_FACTOR: 1, TWO_FACTORS: 2})},
        # Whoever signs in twice within half a minute types the same code again.
        "otpPolicyType": "totp",
        "otpPolicyAlgorithm": "HmacSHA1",
        "otpPolicyInitialCounter": 0,
        "otpPolicyDigits": DIGITS,
        "otpPolicyLookAheadWindow": 1,
        "otpPolicyPeriod": PERIOD_SECONDS,
        "otpPolicyCodeReusable": True,
        "browserFlow": _SIGN_IN,
        "authenticationFlows": _flows(),
        "authenticatorConfig": _configurations(),
        "clients": [_client(each) for each in clients],
        "users": [_user(each) for each in users],
    }


def _client(client: RealmClient) -> dict[str, Any]:
    signed_out = f"{client.url}/signed-out"
    attributes = {
        "pkce.code.challenge.method": "S256",
        "post.logout.redirect.uris": signed_out,
        "backchannel.logout.url": f"{client.url}/back-channel-sign-out/{client.provider_name}",
        "backchannel.logout.session.required": "true",
    }
    if not client.asks_for_second_factor:
        attributes["default.acr.values"] = TWO_FACTORS
    return {
        "clientId": client.client_id,
        "secret": client.secret,
        "protocol": "openid-connect",
        "publicClient": False,
        "standardFlowEnabled": True,
        "implicitFlowEnabled": False,
        "directAccessGrantsEnabled": False,
        "fullScopeAllowed": False,
        "frontchannelLogout": False,
        "redirectUris": [f"{client.url}/signed-in/{client.provider_name}"],
        "attributes": attributes,
        "protocolMappers": [
            {
                "name": "amr",
                "protocol": "openid-connect",
                "protocolMapper": "oidc-amr-mapper",
                "config": {"id.token.claim": "true", "access.token.claim": "false"},
            }
        ],
    }


def _user(user: RealmUser) -> dict[str, Any]:
    credentials: list[dict[str, Any]] = [{"type": "password", "value": user.password, "temporary": False}]
    if user.otp_secret is not None:
        made_of = {"subType": "totp", "digits": DIGITS, "counter": 0, "period": PERIOD_SECONDS, "algorithm": "HmacSHA1"}
        secret = {"value": user.otp_secret}
        credentials.append({"type": "otp", "secretData": json.dumps(secret), "credentialData": json.dumps(made_of)})
    return {
        "id": user.user_id,
        "username": user.name,
        "enabled": True,
        # Who lacks one of these is asked for it before the first sign-in.
        "firstName": "Synthetic",
        "lastName": "Person",
        "email": f"{user.name}@people.invalid",
        "emailVerified": True,
        "credentials": credentials,
    }


def _flows() -> list[dict[str, Any]]:
    """A password for everybody; and a code for whoever has one, where the second level is asked for."""
    return [
        _flow(_SIGN_IN, _step("auth-cookie", "ALTERNATIVE"), _part("levels", "ALTERNATIVE"), top=True),
        _flow("levels", _part("first level", "CONDITIONAL"), _part("second level", "CONDITIONAL")),
        _flow(
            "first level",
            _step("conditional-level-of-authentication", settings="level 1"),
            _step("auth-username-password-form", settings=PASSWORD),
        ),
        _flow(
            "second level",
            _step("conditional-level-of-authentication", settings="level 2"),
            _step("conditional-user-configured"),
            _step("auth-otp-form", settings=OTP),
        ),
    ]


def _flow(alias: str, *executions: dict[str, Any], top: bool = False) -> dict[str, Any]:
    numbered = [{**each, "priority": 10 * number} for number, each in enumerate(executions, start=1)]
    about = {"alias": alias, "providerId": "basic-flow", "topLevel": top, "builtIn": False}
    return {**about, "authenticationExecutions": numbered}


def _step(authenticator: str, requirement: str = "REQUIRED", *, settings: str | None = None) -> dict[str, Any]:
    about = {"authenticator": authenticator, "authenticatorFlow": False, "requirement": requirement}
    return about if settings is None else {**about, "authenticatorConfig": settings}


def _part(alias: str, requirement: str) -> dict[str, Any]:
    return {"flowAlias": alias, "authenticatorFlow": True, "requirement": requirement}


def _configurations() -> list[dict[str, Any]]:
    # A first level that was remembered would leave nothing to ask of who has no second one, and nothing asked is refused.
    levels = [
        {"alias": f"level {level}", "config": {"loa-condition-level": str(level), "loa-max-age": str(lasts)}}
        for level, lasts in ((1, 0), (2, _LASTS))
    ]
    methods = [
        {"alias": method, "config": {"default.reference.value": method, "default.reference.maxAge": str(_LASTS)}}
        for method in (PASSWORD, OTP)
    ]
    return [*levels, *methods]
