"""Partners' attachments, for the force that leads the case: announced by AttachmentDisseminated, fetched by HTTP.

async with AttachmentKit(HttpSettings.from_file("force.env")) as files:
    content = await files.fetch(delivery.message)  # an AttachmentDisseminated, from ForceKit
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import Self

from conduit_contracts.kits.errors import KitError
from conduit_contracts.kits.http_answers import RefusedError
from conduit_contracts.kits.http_connection import Connection, HttpSettings
from conduit_contracts.routing import AttachmentDisseminated

__all__ = ["AttachmentKit", "DamagedError", "HttpSettings", "RefusedError"]

RETRY_SECONDS = (0.5, 2.0, 5.0, 10.0)
"""The event may arrive before the permission to fetch."""


class DamagedError(KitError):
    """What arrived is not what the hub scanned. Fetch it again; if it happens again, speak to the hub."""


class AttachmentKit:
    """One force's connection to the files. It raises RefusedError if the hub says no: another force leads, or none does."""

    def __init__(
        self, settings: HttpSettings, *, seconds: float = 60.0, retry_seconds: Sequence[float] = RETRY_SECONDS
    ) -> None:
        """`seconds` is for one request; `retry_seconds` are the waits between attempts."""
        self._connection = Connection(settings, seconds, retry_seconds)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._connection.close()

    async def fetch(self, told: AttachmentDisseminated) -> bytes:
        """The file, checked against size and hash in the event. The hub records that it was fetched.

        Raises:
            DamagedError: size or hash are not as told.
        """
        content = await self._connection.get(f"/v1/cases/{told.referral_id}/attachments/{told.attachment_id}")
        if len(content) != told.size or sha256(content).hexdigest() != told.sha256:
            raise DamagedError(f"attachment {told.attachment_id} is not as told")
        return content
