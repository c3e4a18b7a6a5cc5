"""An identity provider that says whatever a test wants: metadata, keys, and tokens made by hand."""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import Callable
from typing import Any

import httpx
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from conduit_chassis.clock import Clock

ISSUER = "https://id.crafted.example"
KEY = RSAKey.generate_key(2048, {"kid": "k1", "use": "sig"})
ANOTHER = RSAKey.generate_key(2048, {"kid": "k1", "use": "sig"})
CURVE = ECKey.generate_key("P-256", {"kid": "e1", "use": "sig"})
LOGOUT = "http://schemas.openid.net/event/backchannel-logout"


def segment(value: object) -> str:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def signed(claims: dict[str, Any], key: Any = KEY, algorithm: str = "RS256", **header: Any) -> str:
    said = {"alg": algorithm, "kid": key.kid, **header}
    return jwt.encode({name: each for name, each in said.items() if each}, claims, key, algorithms=[algorithm])


def unsigned(claims: dict[str, Any]) -> str:
    return f"{segment({'alg': 'none', 'kid': 'k1'})}.{segment(claims)}."


def signed_with_the_public_key(claims: dict[str, Any]) -> str:
    """HS256 with what everybody knows: who lets the token choose the algorithm takes it for a good one."""
    text = f"{segment({'alg': 'HS256', 'kid': 'k1'})}.{segment(claims)}"
    return f"{text}.{segment(hmac.digest(KEY.as_pem(private=False), text.encode(), hashlib.sha256))}"


class CraftedProvider:
    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.app = Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self._metadata),
                Route("/keys", self._keys),
                Route("/token", self._token, methods=["POST"]),
            ]
        )
        self.metadata: dict[str, Any] = {
            "issuer": ISSUER,
            "authorization_endpoint": f"{ISSUER}/authorize",
            "token_endpoint": f"{ISSUER}/token",
            "jwks_uri": f"{ISSUER}/keys",
            "id_token_signing_alg_values_supported": ["none", "HS256", "RS256", "ES256"],
        }
        self.keys: list[dict[str, Any]] = [dict(KEY.as_dict(private=False)), dict(CURVE.as_dict(private=False))]
        self.keys_asked = self.metadata_asked = 0
        self.down = False
        self.forms: list[dict[str, str]] = []
        self.authorization = ""
        self.answer: Callable[[dict[str, Any]], dict[str, Any]] = lambda claims: {"id_token": signed(claims)}
        self.nonce = ""

    def claims(self) -> dict[str, Any]:
        """Those of a good token for the sign-in that set out last."""
        now = int(self.clock.now().timestamp())
        said = {"iss": ISSUER, "sub": "anna", "aud": "console", "iat": now, "exp": now + 300, "auth_time": now}
        return {**said, "nonce": self.nonce, "amr": ["mfa"]}

    def back(self, way_in: str, **more: str) -> str:
        """The address by which a person comes back."""
        asked = httpx.URL(way_in).params
        self.nonce = asked["nonce"]
        return "/signed-in/crafted?" + str(httpx.QueryParams({"code": "c", "state": asked["state"], **more}))

    async def _metadata(self, _request: Request) -> Response:
        self.metadata_asked += 1
        return JSONResponse(self.metadata, status_code=503 if self.down else 200)

    async def _keys(self, _request: Request) -> Response:
        self.keys_asked += 1
        return JSONResponse({"keys": self.keys})

    async def _token(self, request: Request) -> Response:
        self.authorization = request.headers.get("authorization", "")
        self.forms.append(dict(httpx.QueryParams((await request.body()).decode())))
        return JSONResponse(self.answer(self.claims()))
