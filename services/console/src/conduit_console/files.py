"""The files of a case, which intake keeps: how far each is checked, and the content of those that were. A client of intake.

What a page may show of a file is its kind, size, hash and state; its name nobody kept. What comes is held to the size and
the hash that intake published when the file was checked.
"""

from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Any
from uuid import UUID

import httpx
import structlog
from pydantic import BaseModel, ConfigDict, TypeAdapter

from conduit_chassis.media import SUFFIXES
from conduit_console import metrics
from conduit_console.queries.case import AttachmentRow
from conduit_contracts.times import Moment

LIST_SECONDS, FILE_SECONDS = 5.0, 60.0

_log = structlog.get_logger()


class FilesAwayError(Exception):
    """Intake does not answer, or not with what was asked for. Trying again may help."""


class KeptFile(BaseModel):
    """A file of a referral, as intake has it."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    attachment_id: UUID
    media_type: str
    size: int
    sha256: str
    state: str
    """`pending`, `available`, `threat_found` or `validation_failed`."""
    received_at: Moment
    decided_at: Moment | None = None


class _Listed(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")
    items: tuple[KeptFile, ...]


_LISTED = TypeAdapter(_Listed)


class IntakeFiles:
    """Asks intake, and says for whom. The caller has recorded that this officer looks."""

    def __init__(self, http: httpx.AsyncClient, url: str, token: Callable[[], str]) -> None:
        self._http, self._url, self._token = http, f"{url.rstrip('/')}/officers/cases", token

    async def listed(self, referral_id: UUID, officer_id: str) -> Sequence[KeptFile]:
        """All files of a referral, in the order in which they came.

        Raises:
            FilesAwayError: it cannot be known now.
        """
        try:
            answer = await self._http.get(**self._asked(f"{referral_id}/attachments", officer_id, LIST_SECONDS))
            answer.raise_for_status()
            return _LISTED.validate_json(answer.content).items
        except (httpx.HTTPError, ValueError, OSError) as error:
            raise _away(type(error).__name__) from None

    async def content(self, referral_id: UUID, file: AttachmentRow, officer_id: str) -> bytes:
        """The file, which is the one that was checked.

        Raises:
            FilesAwayError: it cannot be had now.
        """
        path, content = f"{referral_id}/attachments/{file.attachment_id}", bytearray()
        try:
            asked = self._asked(path, officer_id, FILE_SECONDS)
            async with self._http.stream("GET", **asked) as answer:
                answer.raise_for_status()
                async for chunk in answer.aiter_bytes():
                    content += chunk
                    if len(content) > file.size:
                        raise _away("too_long")
        except (httpx.HTTPError, ValueError, OSError) as error:
            raise _away(type(error).__name__) from None
        if len(content) != file.size or sha256(content).hexdigest() != file.sha256:
            raise _away("hash_differs")
        metrics.FILES.labels("fetched").inc()
        return bytes(content)

    def _asked(self, path: str, officer_id: str, seconds: float) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self._token()}", "Conduit-Officer": officer_id}
        return {"url": f"{self._url}/{path}", "headers": headers, "timeout": seconds}


def download_name(file: AttachmentRow) -> str:
    """What a browser calls it: nobody kept its own name."""
    return f"{file.attachment_id}.{SUFFIXES.get(file.media_type, 'bin')}"


def _away(code: str) -> FilesAwayError:
    metrics.FILES.labels("unavailable").inc()
    _log.warning("files_not_had", code=code)
    return FilesAwayError(code)
