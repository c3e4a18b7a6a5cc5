"""What memory a process of each service may take: the sum of what bounds its parts. The manifests' limits hold it."""

from collections.abc import Mapping
from math import ceil

from conduit_chassis import outbox, scan
from conduit_chassis.broker import FETCH_BYTES
from conduit_chassis.consumer import lookout, loop
from conduit_chassis.settings import Settings
from conduit_contracts.topics import SERVICES
from conduit_intake.api.door import UPLOADS_AT_ONCE
from conduit_intake.settings import IntakeSettings
from conduit_routing import batch as routing
from conduit_triage import batch as triage
from tests.benchmarks.footprint import Footprint

MIB = 1024**2
BROKERS = 3
"""Of the table. Each answers a fetch of its own."""
COPIES_FETCHED = 2
"""As they came from the network, and as they are kept until they are taken."""
OBJECTS = 5
"""What is read takes so many times its JSON, as objects: measured with the largest referral and with an ordinary one."""
COPIES_WRITTEN = 2
"""As rows, and as what the database is sent."""
COPIES_SENT = 3
"""As rows, as the producer's batches, and as an encrypted request."""
ROUNDS = 2
"""On their way at a time."""
LARGEST_OUTCOME = 4.5 * MIB
"""Events of the largest referral, of 226 KB, in every area: routing's for all of them. Measured: 4.04 MiB."""
KEPT_BY_PYTHON = 1.25
"""Of what was freed, so much stays with the process."""
AHEAD = frozenset({"intake", "triage", "routing"})
"""Those that read ahead."""
TOLD = {"triage": triage.MOST_TOLD, "routing": routing.MOST_TOLD}


def parts(service: str, one: Footprint, brokers: int = BROKERS) -> Mapping[str, float]:
    """What each part of a process takes at most, in bytes."""
    ahead = service in AHEAD
    batches = [loop.MOST_BYTES, *([FETCH_BYTES, lookout.MOST_FEW] if ahead else [])]
    outcome = LARGEST_OUTCOME if service == "routing" else _setting(Settings, "max_message_bytes")
    uploads = UPLOADS_AT_ONCE * _setting(IntakeSettings, "max_attachment_bytes") if service == "intake" else 0.0
    return {
        "process without work": one.service_memory_bytes,
        "fetched from the brokers, three here": brokers * (1 + ahead) * FETCH_BYTES * COPIES_FETCHED,
        "batches under way": sum(batches) * (1 + OBJECTS),
        "what was told of their cases": len(batches) * TOLD.get(service, 0) * (1 + OBJECTS),
        "events before they are written": len(batches) * (outbox.MOST_WAITING + outcome) * COPIES_WRITTEN,
        "events on their way to Kafka": ROUNDS * scan.ROUND_BYTES * COPIES_SENT,
        "one partner's uploads": 2 * uploads,
    }


def bound(service: str, one: Footprint, brokers: int = BROKERS) -> float:
    """All of it, in bytes."""
    return sum(parts(service, one, brokers).values()) * KEPT_BY_PYTHON


def lines(one: Footprint) -> list[list[str]]:
    """The sum, as rows of a table."""
    found = {name: parts(name, one) for name in SERVICES}
    rows = [[title, *(_mib(found[name][title]) for name in SERVICES)] for title in found[SERVICES[0]]]
    return [
        ["at most, in MiB", *SERVICES],
        ["---"] * (len(SERVICES) + 1),
        *rows,
        ["all, and a fourth of it for what Python keeps", *(_mib(bound(name, one)) for name in SERVICES)],
    ]


def _mib(value: float) -> str:
    return f"{ceil(value / MIB)}"


def _setting(settings: type[Settings], name: str) -> float:
    value = settings.model_fields[name].default
    if not isinstance(value, int):
        raise TypeError(f"{name} is no number of bytes")
    return float(value)
