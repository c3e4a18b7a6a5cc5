"""Every metric of the programme, once, with how an operator reads it. No label holds an id or an identity."""

from prometheus_client import Counter

from conduit_chassis.file_check import FileVerdict
from conduit_programme.work import ProgrammeWork

REGISTERED = Counter(
    "conduit_programme_registered_total",
    "Partners, forces and people as the registers have them, by kind, counted each time that one changed.",
    ["kind"],
)
ACTS = Counter(
    "conduit_programme_acts_total",
    "What people looked at and did on the pages, by kind. While somebody works there and it stands still, look at the logs.",
    ["kind"],
)
SCANS = Counter(
    "conduit_programme_scans_total",
    "Signed documents that were scanned, by outcome. If no_verdict grows, the scanner does not answer, and documents wait.",
    ["outcome"],
)
for _found in (*FileVerdict, "no_verdict"):
    SCANS.labels(_found)


def count(work: ProgrammeWork) -> None:
    """Add what a batch wrote, once for all its records."""
    REGISTERED.labels("partner").inc(len(work.partners))
    REGISTERED.labels("force").inc(len(work.forces))
    REGISTERED.labels("person").inc(len(work.people.changed))
