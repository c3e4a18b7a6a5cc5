"""Has signed documents scanned, in every process. None is opened before that.

No transaction is open during a scan.
"""

import asyncio
from datetime import timedelta
from typing import cast

import structlog

from conduit_chassis import postgres
from conduit_chassis.clamd import Clamd, ScannerError
from conduit_chassis.clock import Clock
from conduit_chassis.file_check import FileVerdict, scanner_of, verdict_on
from conduit_chassis.postgres import Pool
from conduit_chassis.runtime import Runtime
from conduit_programme import metrics
from conduit_programme.organisations import documents
from conduit_programme.organisations.documents import ClaimedDocument
from conduit_programme.settings import ProgrammeSettings

IDLE_SECONDS = 5.0
LEASE = timedelta(minutes=2)
_log = structlog.get_logger()


async def scan_documents(runtime: Runtime) -> None:
    """Decide documents for ever. Without a scanner they wait."""
    scanner = scanner_of(cast("ProgrammeSettings", runtime.settings))
    while scanner is not None:
        if not await decide_next(runtime.pool, runtime.clock, scanner):
            await asyncio.sleep(IDLE_SECONDS)


async def decide_next(pool: Pool, clock: Clock, scanner: Clamd) -> bool:
    """Take one document further; False where none has its turn, or the scanner gives no verdict."""
    async with postgres.transaction(pool) as connection:
        claimed = await documents.claim(connection, clock.now(), LEASE)
    if claimed is None:
        return False
    verdict = await _verdict(claimed, scanner)
    if verdict is None:
        return False
    async with postgres.transaction(pool) as connection:
        await documents.decide(connection, claimed, clean=verdict is FileVerdict.CLEAN, now=clock.now())
    metrics.SCANS.labels(verdict.value).inc()
    return True


async def _verdict(claimed: ClaimedDocument, scanner: Clamd) -> FileVerdict | None:
    if claimed.content is None:
        return FileVerdict.DISGUISED
    try:
        return await verdict_on(claimed.media_type, claimed.content, scanner)
    except ScannerError as error:
        metrics.SCANS.labels("no_verdict").inc()
        _log.warning("scanner_gave_no_verdict", reason=str(error))
        return None
