"""Webhooks after the Standard Webhooks specification: signed, over https, to the registered URL and nowhere else."""

import asyncio
import logging
from base64 import b64decode
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import httpx
from standardwebhooks.webhooks import EmptyWebhookSecretError, Webhook

from conduit_notification import addresses, outcomes
from conduit_notification.notices import Claimed
from conduit_notification.outcomes import AttemptOutcome
from conduit_notification.rendering import payload
from conduit_notification.settings import NotificationSettings
from conduit_notification.turns import FOR_DANGER

_MOST_BODY_BYTES = 16 * 1024
_BODY_SECONDS = 1.0
_WEBHOOK_PREFIX = "whsec_"

# It logs every request with its URL.
logging.getLogger("httpx").setLevel(logging.WARNING)


class SecretUnusableError(Exception):
    """The file that the register names is missing, or holds no secret."""


class Webhooks:
    """Sends webhook requests over one client, which has a connection for each turn, that for danger among them.

    No redirects, no proxy or netrc from the environment, no cookies.
    """

    def __init__(self, settings: NotificationSettings) -> None:
        self._settings = settings
        connections = settings.webhook_requests + FOR_DANGER
        limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections)
        self._client = httpx.AsyncClient(
            timeout=settings.webhook_seconds, limits=limits, follow_redirects=False, trust_env=False
        )

    async def send(self, notice: Claimed, url: str, secret_name: str, now: datetime) -> AttemptOutcome:
        """One request. `now` is signed with it, so that a receiver can refuse a recording of it later."""
        if not is_allowed(url, allow_http=self._settings.webhook_allow_http):
            return outcomes.URL_NOT_ALLOWED
        content = payload(notice)
        try:
            headers = sign(read_secret(self._settings.secrets_dir / secret_name), notice, content, now)
            return await self._post(url, content, headers, now)
        except SecretUnusableError:
            return outcomes.SECRET_UNUSABLE
        except (TimeoutError, httpx.TimeoutException):
            return outcomes.TIMED_OUT
        except httpx.InvalidURL:
            return outcomes.URL_NOT_ALLOWED
        except httpx.HTTPError as error:
            return outcomes.of_connection(error)

    async def _post(self, url: str, content: bytes, headers: dict[str, str], now: datetime) -> AttemptOutcome:
        self._client.cookies.clear()
        request = self._client.build_request("POST", url, content=content, headers=headers)
        async with asyncio.timeout(self._settings.webhook_seconds):
            response = await self._client.send(request, stream=True)
        try:
            await _skim(response)
        finally:
            await response.aclose()
        return outcomes.of_http(response.status_code, response.headers.get("retry-after"), now)

    async def close(self) -> None:
        """Drop all connections."""
        await self._client.aclose()


async def _skim(response: httpx.Response) -> None:
    """Read a short body to its end, so that the connection can be used again, and no more of a long or slow one."""
    seen = 0
    with suppress(httpx.HTTPError, TimeoutError):
        async with asyncio.timeout(_BODY_SECONDS):
            async for chunk in response.aiter_raw():
                seen += len(chunk)
                if seen > _MOST_BODY_BYTES:
                    return


def is_allowed(url: str, *, allow_http: bool) -> bool:
    """Whether a webhook may go there: https, without a login in the URL, to a host that has a name on the network."""
    try:
        addresses.url(url, allow_http=allow_http)
    except addresses.AddressError:
        return False
    return True


def sign(webhook: Webhook, notice: Claimed, content: bytes, now: datetime) -> dict[str, str]:
    """The request's headers. `webhook-id` is the notice's id: a receiver that has seen it may drop the request."""
    identifier = str(notice.notice_id)
    return {
        "content-type": "application/json",
        "user-agent": "conduit-notification",
        "webhook-id": identifier,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": webhook.sign(identifier, now, content.decode()),
    }


def read_secret(path: Path) -> Webhook:
    """The signing secret in a file, read each time so that it can be changed without a restart.

    Raises:
        SecretUnusableError: there is none.
    """
    try:
        encoded = path.read_text(encoding="ascii").strip().removeprefix(_WEBHOOK_PREFIX)
        # The library would skip characters that are not base64, and sign with what is left.
        return Webhook(b64decode(encoded + "=" * (-len(encoded) % 4), validate=True))
    except (OSError, ValueError, EmptyWebhookSecretError):
        raise SecretUnusableError from None
