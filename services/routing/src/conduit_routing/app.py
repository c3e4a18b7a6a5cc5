"""Wires routing together."""

from pathlib import Path
from typing import cast

from conduit_chassis.app import Runtime, Service, Worker
from conduit_chassis.policy import load_policy
from conduit_chassis.reconcile import reconciliation
from conduit_chassis.snapshots import publishing
from conduit_contracts.topics import TRIAGE_DECISIONS
from conduit_routing import batch
from conduit_routing.follow import follow
from conduit_routing.gauges import keep_gauges
from conduit_routing.handlers import HANDLERS, refused
from conduit_routing.keeping import KEEPER
from conduit_routing.policy import RoutingPolicy
from conduit_routing.queries import RECONCILIATION
from conduit_routing.settings import RoutingSettings
from conduit_routing.sweep import tick
from conduit_routing.work import RoutingWork


def start(runtime: Runtime) -> RoutingPolicy:
    """The policy to route under."""
    return load_policy(cast("RoutingSettings", runtime.settings).policy_file, "routing", RoutingPolicy)


def create_service() -> Service[RoutingWork]:
    """Routing."""
    return Service(
        "routing",
        handlers=HANDLERS,
        load=batch.load,
        save=batch.save,
        start=start,
        refused=refused,
        parts=batch.parts,
        after=follow,
        migrations=Path(__file__).parent / "migrations",
        ahead=(TRIAGE_DECISIONS,),
        settings=RoutingSettings,
        ticks=(tick(),),
        workers=(Worker("gauges", keep_gauges), reconciliation(RECONCILIATION), publishing(KEEPER)),
    )


SERVICE = create_service()
