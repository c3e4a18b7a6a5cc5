"""The signer's metrics, with how an operator reads them. No label holds an id or a person's data."""

from prometheus_client import Counter

REQUESTS = Counter(
    "conduit_signer_requests_total",
    "What the console asked to have signed, by outcome: signed, refused (the register or the sign-in says no), unreadable, "
    "unauthorised, unavailable. A rise of refused: somebody decides who may not. Any unauthorised: somebody else is asking.",
    ("outcome",),
)

for _outcome in ("signed", "refused", "unreadable", "unauthorised", "unavailable"):
    REQUESTS.labels(_outcome)
