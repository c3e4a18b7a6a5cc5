"""Wires intake together."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

from starlette.types import ASGIApp

from conduit_chassis.app import Runtime, Service, Tick, Worker
from conduit_chassis.outbox import Outbox
from conduit_chassis.policy import load_policy
from conduit_chassis.reconcile import reconciliation
from conduit_contracts.programme import PartnerRegistered
from conduit_intake import early, metrics, store
from conduit_intake.access import accounts
from conduit_intake.api import kept
from conduit_intake.api.app import create_api
from conduit_intake.handlers import Handler, scene_of
from conduit_intake.policy import IntakePolicy
from conduit_intake.scanning import scan_attachments
from conduit_intake.settings import IntakeSettings
from conduit_intake.submissions import Partner

FORGET_EVERY = timedelta(minutes=10)
EARLY_EVERY = timedelta(seconds=1)


async def measure_register(runtime: Runtime) -> None:
    """Keep the register's gauges."""
    await metrics.keep_measuring(runtime.pool, lambda: scene_of(runtime))


def create_service() -> Service:
    """Intake, which learns its settings and clock when it starts."""
    handler = Handler()

    def start(runtime: Runtime) -> Sequence[tuple[str, ASGIApp]]:
        # The chassis asks for routes once, before the consumer starts.
        settings = cast("IntakeSettings", runtime.settings)
        handler.start(runtime, load_policy(settings.policy_file, "intake", IntakePolicy))
        return (("/", create_api(runtime)),)

    async def forget(connection: Any, _outbox: Outbox, now: datetime) -> int:
        return max(await accounts.forget(connection, now), await kept.forget(connection, now - kept.KEPT_FOR))

    async def settle_early(connection: Any, outbox: Outbox, now: datetime) -> int:
        return await handler.answer_early(connection, outbox, now)

    return Service(
        name="intake",
        handle=handler,
        migrations=Path(__file__).parent / "migrations",
        settings=IntakeSettings,
        ticks=(
            Tick("settle_early_updates", EARLY_EVERY, settle_early, batch=early.BATCH),
            Tick("forget_answers", FORGET_EVERY, forget, batch=kept.FORGET_BATCH),
        ),
        workers=(
            Worker("measure_register", measure_register),
            Worker("scan_attachments", scan_attachments),
            reconciliation(store.RECONCILIATION),
        ),
        routes=start,
        readers={PartnerRegistered.type: Partner},
    )


SERVICE = create_service()
