"""Every metric of the programme, once, with how an operator reads it. No label holds an id or an identity."""

from prometheus_client import Counter

from conduit_programme.work import ProgrammeWork

REGISTERED = Counter(
    "conduit_programme_registered_total",
    "Partners and forces as the registers have them, by kind, counted each time that one changed.",
    ["kind"],
)
ACTS = Counter(
    "conduit_programme_acts_total",
    "What people looked at and did on the pages, by kind. While somebody works there and it stands still, look at the logs.",
    ["kind"],
)


def count(work: ProgrammeWork) -> None:
    """Add what a batch wrote, once for all its records."""
    REGISTERED.labels("partner").inc(len(work.partners))
    REGISTERED.labels("force").inc(len(work.forces))
