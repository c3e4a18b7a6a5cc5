"""Wires routing together."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import cast

from starlette.types import ASGIApp

from conduit_chassis.app import Runtime, Service, Tick, Worker
from conduit_chassis.policy import load_policy
from conduit_chassis.reconcile import reconciliation
from conduit_routing import api
from conduit_routing.gauges import keep_gauges
from conduit_routing.handlers import BatchHandler
from conduit_routing.policy import RoutingPolicy
from conduit_routing.settings import RoutingSettings
from conduit_routing.sweep import BATCH, TICK, Sweep
from conduit_routing.views import RECONCILIATION


def create_service() -> Service:
    """Routing, which learns its policy and clock when it starts."""
    handler = BatchHandler()

    def start(runtime: Runtime) -> Sequence[tuple[str, ASGIApp]]:
        # The chassis asks for routes once, before the consumer starts: a policy that cannot be used stops the service here.
        settings = cast("RoutingSettings", runtime.settings)
        handler.start(load_policy(settings.policy_file, "routing", RoutingPolicy), runtime.clock)
        return api.create_api(runtime, settings.token).mounted()

    return Service(
        name="routing",
        handle=handler,
        migrations=Path(__file__).parent / "migrations",
        settings=RoutingSettings,
        ticks=(Tick(TICK, timedelta(seconds=1), Sweep(handler.work), batch=BATCH),),
        workers=(Worker("gauges", keep_gauges), reconciliation(RECONCILIATION)),
        routes=start,
    )


SERVICE = create_service()
