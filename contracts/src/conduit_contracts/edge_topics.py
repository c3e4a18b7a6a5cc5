"""The topics on which partners and forces write and are written to: one of each kind for every partner and every force."""

from datetime import timedelta

from conduit_contracts import force, notification, partner, routing
from conduit_contracts.topic import FORCE, PARTNER, Topic

PARTNER_REFERRALS = Topic(
    template="partner.{partner_id}.referrals.v1",
    owner="intake",
    producers=(PARTNER,),
    consumers=("intake",),
    messages=(
        partner.ReferralSubmitted,
        partner.InformationSupplied,
        partner.ReferralWithdrawn,
        partner.ReconsiderationRequested,
    ),
    key="partner_reference",
    # One: whose client chooses the partition, by whatever rule or none, two records about one referral keep their order.
    partitions=1,
    made_with=(3,),
    edge=True,
    audience=PARTNER,
)
PARTNER_UPDATES = Topic(
    template="partner.{partner_id}.updates.v1",
    owner="notification",
    producers=("notification",),
    consumers=("intake",),
    messages=(notification.ReferralStatusUpdated, notification.SubmissionRejected, notification.SubmissionDeferred),
    key="referral_id, or partner_reference of a rejected or waiting submission",
    retention=timedelta(days=90),
    audience=PARTNER,
)
FORCE_CASES = Topic(
    template="force.{force_id}.cases.v1",
    owner="routing",
    producers=("routing",),
    consumers=(),
    messages=(
        routing.CaseDisseminated,
        routing.InformationDisseminated,
        routing.HomeForceChanged,
        routing.ForcesChanged,
        routing.AttachmentDisseminated,
        routing.WithdrawalDisseminated,
        routing.DeclineDisseminated,
        routing.AcceptanceDisseminated,
        routing.HandoffChased,
        routing.HandoffClosed,
        routing.ResponseRejected,
    ),
    key="referral_id, or force_id of a rejected response that names none",
    retention=timedelta(days=90),
    audience=FORCE,
)
FORCE_RESPONSES = Topic(
    template="force.{force_id}.responses.v1",
    owner="routing",
    producers=(FORCE,),
    consumers=("routing",),
    messages=(force.ReceiptConfirmed, force.CaseAcknowledged, force.CaseDeclined),
    edge=True,
    audience=FORCE,
)
