"""Wires triage together."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import cast

from starlette.types import ASGIApp

from conduit_chassis.app import Runtime, Service, Tick
from conduit_chassis.policy import load_policy
from conduit_chassis.reconcile import reconciliation
from conduit_triage import api, metrics, store
from conduit_triage.handlers import Handler
from conduit_triage.policy import TriagePolicy
from conduit_triage.settings import TriageSettings


def create_service() -> Service:
    """Triage, which learns its policy and clock when it starts."""
    handler = Handler()

    def start(runtime: Runtime) -> Sequence[tuple[str, ASGIApp]]:
        # The chassis asks for routes once, before the consumer starts: a policy that cannot be used stops the service here.
        settings = cast("TriageSettings", runtime.settings)
        handler.start(load_policy(settings.policy_file, "triage", TriagePolicy), runtime.clock)
        return api.create_api(runtime, settings.token).mounted()

    return Service(
        name="triage",
        handle=handler,
        migrations=Path(__file__).parent / "migrations",
        settings=TriageSettings,
        ticks=(Tick("measure_queue", timedelta(seconds=10), metrics.measure_queue),),
        workers=(reconciliation(store.RECONCILIATION),),
        routes=start,
    )


SERVICE = create_service()
