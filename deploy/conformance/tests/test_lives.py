"""By Kafka the conformance kit plays the hub: whoever sends what it must send reads every outcome."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from conduit_conformance.partner_judge import ABOUT, PartnerJudge
from conduit_conformance.verdict import Checks
from conduit_conformance.wire import Seen
from conduit_contracts.envelope import Event
from conduit_contracts.kits import KafkaSettings
from conduit_contracts.kits.partner import PartnerKit
from conduit_contracts.kits.submission import PartnerMessage, prepare
from conduit_contracts.notification import ReferralStatusUpdated, SubmissionRejected
from conduit_contracts.partner import InformationSupplied, ReferralSubmitted, ReferralWithdrawn, WithdrawalReason
from tests.kits.samples import fields, information

PARTNER = "northlight"


class Reader:
    """Sends to the judge, and keeps what it says."""

    def __init__(self) -> None:
        self.judge = PartnerJudge(PARTNER, Checks(ABOUT))
        self.kit = PartnerKit(PARTNER, KafkaSettings("nowhere:1"))
        self.now = datetime.now(UTC)

    def send(self, message: PartnerMessage) -> list[Event]:
        self.now += timedelta(seconds=1)
        made = prepare(PARTNER, message)
        return self.judge.take(Seen(made.topic, 0, 1, made.key, made.headers, made.value, 0.0), self.now)

    def refer(self, reference: str, **changes: str) -> list[Event]:
        return self.send(ReferralSubmitted(referral=self.kit.referral(reference, **fields(**changes))))


def facts(events: list[Event]) -> list[tuple[str, str]]:
    return [(each.fact, each.state.value) for each in events if isinstance(each, ReferralStatusUpdated)]


def test_every_outcome_is_told_to_whoever_sends_what_is_to_be_sent() -> None:
    reader = Reader()
    assert facts(reader.refer("P-1")) == [
        ("referral_received", "received"),
        ("review_opened", "under_review"),
        ("information_requested", "information_requested"),
    ]
    answered = reader.send(InformationSupplied(supplement=reader.kit.supplement("P-1", **information())))
    assert facts(answered) == [
        ("information_supplied", "under_review"),
        ("referral_accepted", "accepted"),
        ("case_routed", "with_forces"),
        ("handoff_received", "with_forces"),
        ("handoff_acknowledged", "with_forces"),
        ("case_handed_over", "handed_over"),
    ]
    (refused,) = reader.refer("P-2")
    assert isinstance(refused, SubmissionRejected)
    declined = reader.refer("P-2", mou_reference="MOU-NEXT")
    assert facts(declined)[-1] == ("referral_declined", "declined")
    last = declined[-1]
    assert isinstance(last, ReferralStatusUpdated)
    assert (last.reason, "101" in (last.next_step or "")) == ("not_complex", True)
    withdrawn = reader.send(
        ReferralWithdrawn(partner_id=PARTNER, partner_reference="P-1", reason=WithdrawalReason.SENT_IN_ERROR)
    )
    assert facts(withdrawn) == [("referral_withdrawn", "withdrawn"), ("case_withdrawn", "withdrawn")]
    revisions = [each.revision for each in answered if isinstance(each, ReferralStatusUpdated)]
    assert revisions == list(range(4, 10))
