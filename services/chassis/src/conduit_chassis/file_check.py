"""Whether a file may be passed on: it has the form of what it says it is, and a scanner finds nothing in it.

A service keeps its files and their states itself, and asks here what becomes of each.
"""

import asyncio
from enum import StrEnum

from pydantic import Field

from conduit_chassis import media
from conduit_chassis.clamd import Clamd
from conduit_chassis.settings import Settings


class FileVerdict(StrEnum):
    """What was found of a file."""

    CLEAN = "clean"
    THREAT = "threat"
    DISGUISED = "disguised"
    """It is not what it says it is."""


class ScannerSettings(Settings):
    """Where a service that takes files has them scanned."""

    clamd_host: str | None = None
    """Unset: nothing is scanned, and no file is passed on."""
    clamd_port: int = Field(default=3310, ge=1, le=65535)
    clamd_seconds: float = Field(default=60.0, gt=0)


def scanner_of(settings: ScannerSettings) -> Clamd | None:
    """The scanner, where there is one."""
    if not settings.clamd_host:
        return None
    return Clamd(settings.clamd_host, settings.clamd_port, settings.clamd_seconds)


async def verdict_on(media_type: str, content: bytes, scanner: Clamd | None) -> FileVerdict | None:
    """What is found of a file; None where it is in order but nobody can scan it.

    Raises:
        ScannerError: the scanner gave no verdict.
    """
    if not await asyncio.to_thread(media.is_what_it_says, media_type, content):
        return FileVerdict.DISGUISED
    if scanner is None:
        return None
    return FileVerdict.THREAT if await scanner.finds_threat(content) else FileVerdict.CLEAN
