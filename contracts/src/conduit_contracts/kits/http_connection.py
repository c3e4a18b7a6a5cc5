"""Requests to the hub: OAuth 2 client credentials, one key for each request, and retries where they may help."""

import asyncio
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any, Self
from urllib.parse import quote_plus, urlsplit

from pydantic import ValidationError

from conduit_contracts.kits.errors import SettingsError, UnconfirmedError
from conduit_contracts.kits.extras import load
from conduit_contracts.kits.http_answers import Answer, Refusal, RefusedError, read, refusal
from conduit_contracts.kits.settings import read_variables
from conduit_contracts.problems import Origin

_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_RENEW_SECONDS = 30.0
_LONGEST_WAIT = 60.0


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """Address and credentials. The secret never shows."""

    url: str
    client_id: str
    client_secret: str = field(repr=False)

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme != "https" and not (parts.scheme == "http" and self.is_local):
            raise SettingsError("CONDUIT_URL must begin with https://, because secrets and referrals travel there")

    @property
    def is_local(self) -> bool:
        """Whether the hub is on this machine."""
        return urlsplit(self.url).hostname in _LOOPBACK

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """From CONDUIT_URL, CONDUIT_CLIENT_ID and CONDUIT_CLIENT_SECRET.

        Raises:
            SettingsError: one is missing or cannot be used.
        """
        names = ("CONDUIT_URL", "CONDUIT_CLIENT_ID", "CONDUIT_CLIENT_SECRET")
        missing = [name for name in names if not environ.get(name)]
        if missing:
            raise SettingsError(f"set {', '.join(missing)}: the programme gives you these")
        return cls(*(environ[name] for name in names))

    @classmethod
    def from_file(cls, path: str | Path) -> Self:
        """From a file of `NAME=value` lines, quoted as for a shell.

        Raises:
            SettingsError: there is no such file, or a variable in it is missing or cannot be used.
        """
        return cls.from_environment(read_variables(path))


_CONTRACT = "0.2"
"""What this kit reads: a receipt with warnings."""


class Connection:
    """Made with the first request; `close` it."""

    def __init__(self, settings: HttpSettings, seconds: float, retry_seconds: Sequence[float]) -> None:
        self._settings, self._retry_seconds = settings, tuple(retry_seconds)
        self._httpx = load("httpx", "http")
        self._client = self._httpx.AsyncClient(
            base_url=settings.url.rstrip("/"), timeout=seconds, trust_env=not settings.is_local
        )
        self._token, self._until = "", 0.0
        self._lock = asyncio.Lock()

    async def close(self) -> None:
        """Close the connection."""
        await self._client.aclose()

    async def get(self, path: str, query: Mapping[str, str] | None = None) -> bytes:
        """The answer."""
        return await self._ask("GET", path, {"params": query} if query else {})

    async def post(self, path: str, content: bytes, media_type: str, key: str) -> bytes:
        """The same. `key` makes it safe to try again."""
        headers = {"Content-Type": media_type, "Idempotency-Key": key, "Conduit-Contract": _CONTRACT}
        return await self._ask("POST", path, {"content": content, "headers": headers})

    async def _ask(self, method: str, path: str, what: Mapping[str, Any]) -> bytes:
        """Raises RefusedError, or UnconfirmedError where nobody answered at any attempt."""
        for wait in (*self._retry_seconds, None):
            try:
                answer = await self._once(method, path, what)
            except self._httpx.TransportError as error:
                if wait is None:
                    raise UnconfirmedError(type(error).__name__) from None
                await asyncio.sleep(wait)
                continue
            if answer.is_success:
                return bytes(answer.content)
            found = refusal(answer.status_code, answer.content)
            if wait is None or not found.retryable:
                raise RefusedError(found)
            await asyncio.sleep(max(wait, _asked_to_wait(answer)))
        raise AssertionError

    async def _once(self, method: str, path: str, what: Mapping[str, Any]) -> Any:
        answer = await self._authorised(method, path, what)
        if answer.status_code == 401:  # the token ended sooner than it said, for example with its secret
            self._until = 0.0
            answer = await self._authorised(method, path, what)
        return answer

    async def _authorised(self, method: str, path: str, what: Mapping[str, Any]) -> Any:
        headers = {**what.get("headers", {}), "Authorization": f"Bearer {await self._bearer()}"}
        return await self._client.request(method, path, **{**what, "headers": headers})

    async def _bearer(self) -> str:
        async with self._lock:
            if monotonic() >= self._until:
                # RFC 6749 has both form-encoded before they are joined.
                who = (quote_plus(self._settings.client_id), quote_plus(self._settings.client_secret))
                answer = await self._client.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=who)
                if not answer.is_success:
                    raise RefusedError(_no_token(answer))
                given = read(_Token, answer.content)
                self._token = given.access_token
                self._until = monotonic() + max(0.0, given.expires_in - _RENEW_SECONDS)
        return self._token


class _Token(Answer):
    access_token: str
    expires_in: float


class _NoToken(Answer):
    """RFC 6749, section 5.2."""

    error: str = ""
    error_description: str = ""


def _no_token(answer: Any) -> Refusal:
    """The token endpoint answers in the format of its own standard, except for answers that every address can give."""
    try:
        found = read(_NoToken, answer.content)
    except ValidationError:
        found = _NoToken()
    if not found.error:
        return refusal(answer.status_code, answer.content)
    return Refusal(status=answer.status_code, code=found.error, detail=found.error_description, origin=Origin.SENDER)


def _asked_to_wait(answer: Any) -> float:
    asked = answer.headers.get("Retry-After", "")
    return min(float(asked), _LONGEST_WAIT) if asked.isdigit() else 0.0
