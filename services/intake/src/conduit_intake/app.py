"""Wires intake together."""

from collections.abc import Sequence
from pathlib import Path

from conduit_chassis.app import Runtime, Service, Worker
from conduit_chassis.runtime import ASGIApp
from conduit_contracts.programme import PartnerRegistered
from conduit_intake import metrics
from conduit_intake.handlers import Handler, scene_of
from conduit_intake.settings import IntakeSettings
from conduit_intake.submissions import Partner


async def measure_register(runtime: Runtime) -> None:
    """Keep the register's gauges."""
    await metrics.keep_measuring(runtime.pool, lambda: scene_of(runtime).today)


def create_service() -> Service:
    """Intake, which learns its settings and clock when it starts."""
    handler = Handler()

    def start(runtime: Runtime) -> Sequence[tuple[str, ASGIApp]]:
        # The chassis asks for routes once, before the consumer starts.
        handler.start(runtime)
        return ()

    return Service(
        name="intake",
        handle=handler,
        migrations=Path(__file__).parent / "migrations",
        settings=IntakeSettings,
        workers=(Worker("measure_register", measure_register),),
        routes=start,
        readers={PartnerRegistered.type: Partner},
    )


SERVICE = create_service()
