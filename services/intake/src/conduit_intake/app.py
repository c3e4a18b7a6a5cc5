"""Wires intake together."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import cast

from pydantic import BaseModel
from starlette.types import ASGIApp

from conduit_chassis.app import Runtime, Service, Tick, Worker
from conduit_chassis.outbox import Outbox
from conduit_chassis.policy import load_policy
from conduit_chassis.postgres import Connection
from conduit_chassis.reconcile import reconciliation
from conduit_chassis.snapshots import publishing
from conduit_contracts import programme
from conduit_contracts.topics import PARTNER_REFERRALS
from conduit_intake import batch, metrics, sandbox_sweep, store, sweep
from conduit_intake.access import accounts
from conduit_intake.api import kept
from conduit_intake.api.app import create_api
from conduit_intake.api.officers import PREFIX, create_officers_api
from conduit_intake.handlers import HANDLERS, refused
from conduit_intake.keeping import KEEPER
from conduit_intake.policy import IntakePolicy
from conduit_intake.scanning import scan_attachments
from conduit_intake.settings import IntakeSettings
from conduit_intake.submissions import Partner
from conduit_intake.suspensions import OrderedSuspension, OtherOrder
from conduit_intake.work import IntakeWork

FORGET_EVERY = timedelta(minutes=10)
READERS: Mapping[str, type[BaseModel]] = {
    programme.PartnerRegistered.type: Partner,
    programme.RegisterPartner.type: OtherOrder,
    programme.RegisterForce.type: OtherOrder,
    programme.SuspendPartner.type: OrderedSuspension,
    programme.ResumePartner.type: OrderedSuspension,
}
"""Of partners neither names nor contacts, and of orders neither who gave them nor why."""


async def measure_register(runtime: Runtime) -> None:
    """Keep the register's gauges."""
    await metrics.keep_measuring(runtime.pool, lambda: batch.scene_of(runtime))


def start(runtime: Runtime) -> IntakePolicy:
    """How long what comes before its referral waits for it."""
    return load_policy(cast("IntakeSettings", runtime.settings).policy_file, "intake", IntakePolicy)


def routes(runtime: Runtime) -> Sequence[tuple[str, ASGIApp]]:
    """The partners' API, and what the console asks where it has a token."""
    settings = cast("IntakeSettings", runtime.settings)
    partners = ("/", create_api(runtime))
    if not settings.answers_console:
        return (partners,)
    return (partners, (PREFIX, create_officers_api(runtime, settings.token_of_console)))


async def forget_answers(runtime: Runtime, connection: Connection, _outbox: Outbox) -> int:
    """Forget answers that were kept for requests which may come again."""
    now = runtime.clock.now()
    return max(await accounts.forget(connection, now), await kept.forget(connection, now - kept.KEPT_FOR))


def create_service() -> Service[IntakeWork]:
    """Intake."""
    return Service(
        "intake",
        handlers=HANDLERS,
        load=batch.load,
        save=batch.save,
        start=start,
        refused=refused,
        parts=batch.parts,
        migrations=Path(__file__).parent / "migrations",
        ahead=(PARTNER_REFERRALS,),
        settings=IntakeSettings,
        ticks=(
            sweep.tick(),
            Tick("forget_answers", FORGET_EVERY, forget_answers, batch=kept.FORGET_BATCH),
            sandbox_sweep.TICK,
        ),
        workers=(
            Worker("measure_register", measure_register),
            Worker("scan_attachments", scan_attachments),
            reconciliation(store.RECONCILIATION),
            publishing(KEEPER),
        ),
        routes=routes,
        readers=READERS,
    )


SERVICE = create_service()
