"""Validates and scans pending attachments, live ones and the sandbox's, in every process. Nothing leaves before that.

A claim is a lease: a process that dies gives the attachment back by doing nothing. No transaction is open during a scan.
"""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from functools import partial
from typing import NamedTuple, cast

import structlog

from conduit_chassis.clamd import Clamd, ScannerError
from conduit_chassis.file_check import FileVerdict, scanner_of, verdict_on
from conduit_chassis.outbox import Outbox
from conduit_chassis.postgres import Connection
from conduit_chassis.runtime import Runtime
from conduit_contracts.intake import AttachmentCleared
from conduit_contracts.topics import INTAKE_ATTACHMENTS
from conduit_intake import attachments, metrics
from conduit_intake.attachments import AVAILABLE, THREAT_FOUND, VALIDATION_FAILED, ClaimedAttachment, Note
from conduit_intake.sandbox import in_sandbox
from conduit_intake.settings import IntakeSettings

IDLE_SECONDS = 1.0
LEASE = timedelta(minutes=2)
_log = structlog.get_logger()

Transaction = Callable[[], AbstractAsyncContextManager[tuple[Connection, Outbox]]]


class Decision(NamedTuple):
    """What becomes of an attachment."""

    state: str
    reason: str | None = None


_DECISIONS = {
    FileVerdict.DISGUISED: Decision(VALIDATION_FAILED, "content_is_not_of_its_media_type"),
    FileVerdict.THREAT: Decision(THREAT_FOUND, "threat_found"),
    FileVerdict.CLEAN: Decision(AVAILABLE),
}


async def scan_attachments(runtime: Runtime) -> None:
    """Decide attachments for ever. Without a scanner none becomes available."""
    scanner = scanner_of(cast("IntakeSettings", runtime.settings))
    while True:
        done = [await decide_next(runtime, transaction, scanner) for transaction in sides(runtime)]
        metrics.measure_attachments(*await attachments.waiting(runtime.pool, runtime.clock.now()))
        if not any(done):
            await asyncio.sleep(IDLE_SECONDS)


def sides(runtime: Runtime) -> tuple[Transaction, Transaction]:
    """Transactions on the live side and in the sandbox, where no attachment is told of."""
    return runtime.transaction, partial(in_sandbox, runtime)


async def decide_next(runtime: Runtime, transaction: Transaction, scanner: Clamd | None) -> bool:
    """Take one attachment further; False where none has its turn, or the scanner gives no verdict."""
    async with transaction() as (connection, _):
        claimed = await attachments.claim(connection, runtime.clock.now(), LEASE)
    if claimed is None:
        return False
    try:
        decision = await judge(claimed, scanner)
    except ScannerError as error:
        metrics.SCANS.labels("no_verdict").inc()
        _log.warning("scanner_gave_no_verdict", reason=str(error))
        return False
    if decision is None:
        return False
    async with transaction() as (connection, outbox):
        await _carry_out(runtime, connection, outbox, claimed, decision)
    return True


async def judge(claimed: ClaimedAttachment, scanner: Clamd | None) -> Decision | None:
    """What becomes of an attachment; None where it is in order but nobody can scan it.

    Raises:
        ScannerError: the scanner gave no verdict.
    """
    found = await verdict_on(claimed.media_type, claimed.content, scanner)
    return _DECISIONS[found] if found else None


async def _carry_out(
    runtime: Runtime, connection: Connection, outbox: Outbox, claimed: ClaimedAttachment, decision: Decision
) -> None:
    now = runtime.clock.now()
    partner_id = await attachments.lock(connection, claimed.referral_id)
    if not await attachments.decide(connection, claimed.attachment_id, decision.state, decision.reason, now):
        return
    metrics.SCANS.labels(decision.state).inc()
    event_id = _publish(outbox, claimed, partner_id) if decision.state == AVAILABLE else None
    what, why = f"attachment_{decision.state}", decision.reason or ""
    note = Note(claimed.referral_id, claimed.attachment_id, now, "scanner", what, why, event_id, partner_id)
    await attachments.note(connection, note)


def _publish(outbox: Outbox, claimed: ClaimedAttachment, partner_id: str) -> str:
    event = AttachmentCleared(
        referral_id=claimed.referral_id,
        partner_id=partner_id,
        attachment_id=claimed.attachment_id,
        media_type=claimed.media_type,
        size=claimed.size,
        sha256=claimed.sha256.hex(),
    )
    referral_id = str(claimed.referral_id)
    return outbox.publish(INTAKE_ATTACHMENTS.name(), referral_id, event, subject=referral_id)
