"""What one batch reads and changes, held in memory between one load and one save."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from conduit_chassis.outbox import Outbox
from conduit_intake.early import Early
from conduit_intake.force_files import Opening
from conduit_intake.submissions import Answer, Docket, Held, Key, Outcome, Partner, Submission, SubmissionContext
from conduit_intake.suspensions import NOT_SUSPENDED, OrderedSuspension, PartnerSuspension

PROGRAMME = "programme"
REGISTERED = "registered"


class ReferralEntry(NamedTuple):
    """One row of the append-only history. `why` holds codes, separated by spaces; never words of a person."""

    at: datetime
    actor: str
    what: str
    why: str
    partner_id: str
    partner_reference: str | None = None
    referral_id: UUID | None = None
    submission_id: str | None = None
    kind: str | None = None
    event_id: str | None = None


class NewSupplement(NamedTuple):
    """A supplement to be stored."""

    referral_id: UUID
    content_hash: bytes
    body: bytes
    received_at: datetime


class PartnerUpdate(NamedTuple):
    """An update that notification published to a partner. `body` is its JSON."""

    referral_id: UUID
    revision: int
    partner_id: str
    state: str
    at: datetime
    body: bytes


@dataclass(slots=True)
class IntakeWork:
    """The batch's partners and referrals. What one record changes, the next one of the batch sees."""

    scene: SubmissionContext
    outbox: Outbox
    partners: dict[str, Partner] = field(default_factory=dict)
    referrals: dict[Key, Held] = field(default_factory=dict)
    created: dict[Key, bytes] = field(default_factory=dict)
    """Bodies of the referrals that are new."""
    changed: set[Key] = field(default_factory=set)
    added: list[NewSupplement] = field(default_factory=list)
    registered: dict[str, Partner] = field(default_factory=dict)
    suspensions: dict[str, PartnerSuspension] = field(default_factory=dict)
    """By order, of the partners that the batch's registers and orders are about."""
    suspended: set[str] = field(default_factory=set)
    """Partners of whom something was suspended or resumed by order."""
    history: list[ReferralEntry] = field(default_factory=list)
    patience: timedelta = timedelta()
    """For how long what is about a referral that has not come waits for it."""
    early: list[Early] = field(default_factory=list)
    awaited: set[Key] = field(default_factory=set)
    """Referrals about which something waits already: what comes now takes its turn behind it."""
    told: list[PartnerUpdate] = field(default_factory=list)
    openings: list[Opening] = field(default_factory=list)
    askable: set[UUID] = field(default_factory=set)
    """Referrals whose partner asked for a second look before there was a decline, and may ask again."""
    tried: list[PartnerUpdate] = field(default_factory=list)
    """Updates about the sandbox's referrals."""
    askable_in_sandbox: set[UUID] = field(default_factory=set)

    def suspend(self, order: OrderedSuspension) -> None:
        """It holds from now on, whatever the register says until it is lifted."""
        partner_id = order.partner_id
        self.suspensions[partner_id] = self.suspensions.get(partner_id, NOT_SUSPENDED).with_more(order)
        self.suspended.add(partner_id)
        if known := self.partners.get(partner_id):
            self.register(known)

    def resume(self, order: OrderedSuspension) -> None:
        """The register decides again. Until it has lifted the suspension as well, the partner stays as it is."""
        partner_id = order.partner_id
        self.suspensions[partner_id] = self.suspensions.get(partner_id, NOT_SUSPENDED).without(order)
        self.suspended.add(partner_id)

    def register(self, partner: Partner) -> None:
        """This is the partner from now on, but for what is suspended by order."""
        partner = self.suspensions.get(partner.partner_id, NOT_SUSPENDED).of(partner)
        if self.partners.get(partner.partner_id) == partner:
            return
        self.partners[partner.partner_id] = self.registered[partner.partner_id] = partner
        why = "suspended" if partner.suspended else ""
        self.history.append(ReferralEntry(self.scene.now, PROGRAMME, REGISTERED, why, partner.partner_id))

    def note(self, docket: Docket, outcome: Outcome, codes: Iterable[str]) -> None:
        """Write into history what became of a submission that nothing was published about."""
        self._note(docket, outcome, codes, None, None)

    def note_answer(self, docket: Docket, answer: Answer, event_id: str) -> None:
        """Write into history how a submission was answered."""
        referral_id = answer.held.referral_id if answer.held else None
        self._note(docket, answer.outcome, answer.codes, referral_id, event_id)

    def _note(
        self, docket: Docket, what: Outcome, codes: Iterable[str], referral_id: UUID | None, event_id: str | None
    ) -> None:
        self.history.append(
            ReferralEntry(
                at=self.scene.now,
                actor=f"partner:{docket.partner_id}",
                what=what,
                why=" ".join(codes),
                partner_id=docket.partner_id,
                partner_reference=docket.partner_reference,
                referral_id=referral_id,
                submission_id=docket.submission_id,
                kind=docket.kind,
                event_id=event_id,
            )
        )

    def keep(self, submission: Submission[Any], before: Held | None, after: Held) -> None:
        """This is the referral that a submission is about from now on. `before` is None where the hub held none."""
        key = submission.key
        self.referrals[key] = after
        if before is None:
            self.created[key] = submission.body
            return
        if key not in self.created:
            self.changed.add(key)
        for digest in after.supplements - before.supplements:
            self.added.append(NewSupplement(after.referral_id, digest, submission.body, self.scene.now))
