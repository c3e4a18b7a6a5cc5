"""Compares what intake took, by its own record on Kafka, with what its database holds; takes in again what that lacks."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import asyncpg

from conduit_chassis import preflight
from conduit_chassis.postgres import Connection
from conduit_intake.readmission import Readmitted, claim_refused, known_since, readmit
from conduit_intake.settings import IntakeSettings
from conduit_intake.submissions import SubmissionContext
from conduit_operate import taken
from conduit_operate.broker import Broker
from conduit_operate.failures import DATABASE, let_go, why_not
from conduit_operate.health import PATIENCE
from conduit_operate.onboarding import OnboardingError
from conduit_operate.taken import Lost

T = TypeVar("T")
MARGIN = timedelta(hours=1)
"""The broker's clock dates the record, intake's its history."""
AT_ONCE = 200


def lacking(broker: Broker, intake_dsn: str, since: datetime) -> Lost:
    """What intake answered since then and its database lacks, each referral's in order.

    Raises:
        OnboardingError: the topic or the database cannot be read.
    """

    def known() -> set[str]:
        return _on(intake_dsn, lambda connection: known_since(connection, since - MARGIN))

    lost = taken.lacking(broker, since, known())
    # Intake may be working. What is on the topic was in its database before, so what is lost is unknown afterwards, too.
    return lost.without(known()) if lost.taken else lost


def take_in_again(broker: Broker, intake_dsn: str, lost: Lost, actor: str) -> Readmitted:
    """Have intake's database hold them, and intake ignore the records that it answered.

    Its group must stand where it is to go on. Cut short, the rest is still lacking, and it is done again.
    """
    sent, events = taken.sent_again(broker), lost.taken

    async def act(connection: Connection) -> Readmitted:
        zone = IntakeSettings.model_fields["mou_time_zone"].get_default(call_default_factory=True)
        await claim_refused(connection, lost.refused, sent)
        done: list[str] = []
        clashing: list[str] = []
        for first in range(0, len(events), AT_ONCE):
            scene = SubmissionContext(now=datetime.now(UTC), max_bytes=0, zone=zone)
            found = await readmit(connection, events[first : first + AT_ONCE], scene, sent, actor=actor)
            done += found.done
            clashing += found.clashing
        return Readmitted(done, clashing)

    return _on(intake_dsn, act)


def _on(dsn: str, act: Callable[[Connection], Awaitable[T]]) -> T:
    async def connected() -> T:
        try:
            connection = await asyncpg.connect(dsn, timeout=PATIENCE)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
            raise OnboardingError(f"intake's database cannot be reached: {preflight.why(error)}") from None
        try:
            return await act(connection)
        except (*DATABASE, OSError) as error:
            raise OnboardingError(f"intake's database went away, or refuses it: {why_not(error)}. Do it again") from None
        finally:
            await let_go(connection)

    return asyncio.run(connected())
