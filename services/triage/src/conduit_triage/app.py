"""Wires triage together."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import cast

from starlette.types import ASGIApp

from conduit_chassis.app import Runtime, Service, Tick
from conduit_chassis.policy import load_policy
from conduit_chassis.reconcile import reconciliation
from conduit_contracts.topics import INTAKE_REFERRALS
from conduit_triage import api, batch, metrics, store
from conduit_triage.handlers import HANDLERS, refused
from conduit_triage.policy import TriagePolicy
from conduit_triage.settings import TriageSettings
from conduit_triage.work import TriageWork


def start(runtime: Runtime) -> TriagePolicy:
    """The policy to decide under."""
    return load_policy(cast("TriageSettings", runtime.settings).policy_file, "triage", TriagePolicy)


def routes(runtime: Runtime) -> Sequence[tuple[str, ASGIApp]]:
    """What officers' tools ask."""
    return api.create_api(runtime, cast("TriageSettings", runtime.settings).token).mounted()


def create_service() -> Service[TriageWork]:
    """Triage."""
    return Service(
        "triage",
        handlers=HANDLERS,
        load=batch.load,
        save=batch.save,
        start=start,
        refused=refused,
        parts=batch.parts,
        after=batch.forward_rest,
        migrations=Path(__file__).parent / "migrations",
        ahead=(INTAKE_REFERRALS,),
        settings=TriageSettings,
        ticks=(Tick("measure_queue", timedelta(seconds=10), metrics.measure_queue),),
        workers=(reconciliation(store.RECONCILIATION),),
        routes=routes,
    )


SERVICE = create_service()
