"""E-mail over a few SMTP connections that are used again and again."""

import asyncio

from aiosmtplib import SMTP, SMTPRecipientsRefused, SMTPResponseException, SMTPServerDisconnected

from conduit_notification.rendering import domain_of
from conduit_notification.settings import NotificationSettings
from conduit_notification.turns import FOR_DANGER

_CLOSING = 421


class Mailer:
    """Sends e-mails, so many at once as it has connections. The one used last is used first, so that idle ones can end."""

    def __init__(self, settings: NotificationSettings) -> None:
        self._sender = settings.smtp_sender
        self._seconds = settings.smtp_seconds
        self._clients: asyncio.LifoQueue[SMTP] = asyncio.LifoQueue()
        for _ in range(settings.smtp_connections + FOR_DANGER):
            self._clients.put_nowait(_client(settings))

    async def send(self, recipient: str, message: bytes) -> None:
        """Give one message to the mail server. Returns once the server has taken it.

        Raises:
            SMTPException, OSError, TimeoutError, ValueError: it has not, or may not have.
        """
        client = await self._clients.get()
        try:
            async with asyncio.timeout(self._seconds):
                await self._converse(client, recipient, message)
        except BaseException as error:
            if not _connection_is_sound(error):
                client.close()
            raise
        finally:
            self._clients.put_nowait(client)

    async def _converse(self, client: SMTP, recipient: str, message: bytes) -> None:
        used_before = client.is_connected
        if not used_before:
            await client.connect()
        try:
            await client.sendmail(self._sender, [recipient], message)
        except (SMTPServerDisconnected, SMTPResponseException) as error:
            # Servers end idle connections. That says nothing about this message.
            if not used_before or not _has_ended(error):
                raise
            client.close()
            await client.connect()
            await client.sendmail(self._sender, [recipient], message)

    def close(self) -> None:
        """Drop all connections."""
        while not self._clients.empty():
            self._clients.get_nowait().close()


def _client(settings: NotificationSettings) -> SMTP:
    return SMTP(
        hostname=settings.smtp_host,
        port=settings.smtp_port,
        username=settings.smtp_username,
        password=settings.smtp_secret(),
        start_tls=settings.smtp_starttls,
        timeout=settings.smtp_seconds,
        # Otherwise the library asks the resolver for our name, which can take seconds.
        local_hostname=domain_of(settings.smtp_sender),
    )


def _has_ended(error: SMTPServerDisconnected | SMTPResponseException) -> bool:
    return isinstance(error, SMTPServerDisconnected) or error.code == _CLOSING


def _connection_is_sound(error: BaseException) -> bool:
    """After a refusal the library has reset the conversation; after anything else its place in it is not known."""
    if isinstance(error, SMTPResponseException):
        return error.code not in (_CLOSING, -1)
    return isinstance(error, SMTPRecipientsRefused | ValueError)
