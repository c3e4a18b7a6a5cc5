"""Wires triage together."""

from datetime import timedelta
from pathlib import Path
from typing import cast

from conduit_chassis.app import Runtime, Service, Tick
from conduit_chassis.policy import load_policy
from conduit_chassis.reconcile import reconciliation
from conduit_chassis.snapshots import publishing
from conduit_contracts.topics import INTAKE_REFERRALS
from conduit_triage import batch, metrics, store
from conduit_triage.handlers import HANDLERS, refused
from conduit_triage.keeping import KEEPER
from conduit_triage.policy import TriagePolicy
from conduit_triage.settings import TriageSettings
from conduit_triage.work import TriageWork


def start(runtime: Runtime) -> TriagePolicy:
    """The policy to decide under."""
    return load_policy(cast("TriageSettings", runtime.settings).policy_file, "triage", TriagePolicy)


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
        workers=(reconciliation(store.RECONCILIATION), publishing(KEEPER)),
    )


SERVICE = create_service()
