"""Judges what a partner's sender writes, and answers it as the hub would: by intake's own rules. Pure.

One referral, the second new one, is rejected on purpose: what the sender does next is part of the test.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel

from conduit_conformance.partner_life import Lives
from conduit_conformance.verdict import Checks, Finding
from conduit_conformance.wire import Seen
from conduit_contracts import intake, notification
from conduit_contracts.envelope import Attributes, Event, Undecodable, decode
from conduit_contracts.partner import InformationSupplied, ReconsiderationRequested, ReferralSubmitted, ReferralWithdrawn
from conduit_contracts.problems import Problem
from conduit_contracts.topics import PARTNER_REFERRALS
from conduit_intake import rules
from conduit_intake.problems import problem
from conduit_intake.sandbox import SandboxReferral
from conduit_intake.settings import IntakeSettings
from conduit_intake.submissions import Answer, Held, Mou, Outcome, Partner, Submission, SubmissionContext

ABOUT = {
    "new": "new referrals, each under a reference of its own",
    "same_again": "the same record again, as after a timeout: same content, same ce_id",
    "information": "added information about a referral",
    "changed": "a change, as information that corrects",
    "withdrawal": "a withdrawal",
    "rejection": "a rejected referral comes again corrected, with a new ce_id, and never unchanged",
    "records": "every record is valid: headers, key, fields, ids",
    "accepted": "the hub would accept every record except the one that it rejects on purpose",
}
STEPS = ("new", "same_again", "information", "changed", "withdrawal", "rejection")
REJECTED_AT = 2
"""Which new referral is rejected on purpose."""

_ACCEPT: Mapping[str, type[BaseModel]] = {message.type: message for message in PARTNER_REFERRALS.messages}
_RULES: Mapping[type[BaseModel], Any] = {
    ReferralSubmitted: rules.receive,
    InformationSupplied: rules.supply,
    ReferralWithdrawn: rules.withdraw,
    ReconsiderationRequested: rules.reconsider,
}
_MAX_BYTES: int = IntakeSettings.model_fields["max_referral_bytes"].default
_JSON = ("application/json", "application/cloudevents+json")


@dataclass(frozen=True, slots=True)
class _Said:
    """A content that came before."""

    event_id: str
    rejected: bool
    retryable: bool


class PartnerJudge:
    """`take` each record; what it returns is to be told to the partner."""

    def __init__(self, partner_id: str, checks: Checks) -> None:
        self._partner_id, self._checks = partner_id, checks
        self._held: dict[str, Held] = {}
        self._lives = Lives()
        self._ids: dict[str, bytes] = {}
        self._said: dict[bytes, _Said] = {}
        self._new = 0
        self._rejected: str | None = None
        """The reference of the referral that was rejected on purpose."""

    @property
    def complete(self) -> bool:
        """Whether everything that is to be seen was seen."""
        return all(self._checks.seen(name) for name in STEPS)

    def take(self, seen: Seen, now: datetime) -> list[Event]:
        """One record."""
        self._checks.saw("records")
        try:
            attributes, message = decode(seen.headers, seen.value, _ACCEPT, closed=True)
        except Undecodable as error:
            for each in error.problems:
                self._wrong("records", seen, each.code, f"{each.field} is not valid", each.message)
            return [self._rejection(seen, error.problems, None, None)]
        submission: Submission[Any] = Submission(seen.position, self._partner_id, message, seen.value or b"")
        self._check_form(seen, submission)
        return list(self._answer(seen, attributes, submission, now))

    def _answer(self, seen: Seen, attributes: Attributes, submission: Submission[Any], now: datetime) -> Iterator[Event]:
        digest = sha256(attributes.type.encode() + b"\0" + submission.body).digest()
        before = self._said.get(digest)
        if self._check_ids(seen, attributes, digest, before):
            return  # the hub drops it unread
        answer = self._rejected_on_purpose(submission) or self._by_the_rules(submission, now)
        problems = getattr(answer.event, "problems", ())
        self._said[digest] = _Said(attributes.id, bool(problems), any(each.retryable for each in problems))
        self._note(seen, submission, answer)
        if answer.held is not None and answer.outcome is not Outcome.REJECTED:
            self._held[submission.key.partner_reference] = answer.held
        yield from self._tell(seen, submission, answer, now)

    def _check_form(self, seen: Seen, submission: Submission[Any]) -> None:
        if seen.key != submission.key.partner_reference.encode():
            mend = "Use your own reference as the key: it keeps the messages about one referral in order."
            self._wrong("records", seen, "key_wrong", "the key is not the partner_reference", mend)
        content_type = next((value for name, value in seen.headers if name == "content-type"), None)
        if content_type is None or not content_type.decode("latin-1").startswith(_JSON):
            mend = "Send the header content-type: application/json, as the Kafka binding of CloudEvents requires."
            self._wrong("records", seen, "content_type_wrong", "the header content-type does not say that it is JSON", mend)

    def _check_ids(self, seen: Seen, attributes: Attributes, digest: bytes, before: _Said | None) -> bool:
        """Whether it is the record of before, which the hub has dealt with."""
        if self._ids.setdefault(attributes.id, digest) != digest:
            mend = "Give each new message a new ce_id, for example a UUID."
            self._wrong("records", seen, "event_id_reused", "its ce_id was used for another content", mend)
        if before is None:
            return False
        if before.rejected and not before.retryable:
            mend = "Correct what the problems name, and send it with a new ce_id. Unchanged, it is refused every time."
            self._wrong("rejection", seen, "rejected_sent_again", "it was rejected, and came again unchanged", mend)
            self._checks.saw("rejection")
            return True
        if before.event_id == attributes.id:
            if before.rejected:
                mend = "After a retryable rejection, send a record with a new ce_id. The old ce_id means the old record."
                self._wrong("rejection", seen, "event_id_kept", "it came again under the ce_id that was rejected", mend)
            self._checks.saw("same_again")
            return True
        if not before.rejected:
            mend = "Store the ce_id with the record until the broker has confirmed it, and try again with the same ce_id."
            self._wrong("same_again", seen, "event_id_changed", "the same content came again under another ce_id", mend)
            self._checks.saw("same_again")
        return False

    def _rejected_on_purpose(self, submission: Submission[Any]) -> Answer | None:
        message = submission.message
        is_new = isinstance(message, ReferralSubmitted) and submission.key.partner_reference not in self._held
        if not is_new or message.referral.partner_id != self._partner_id or self._rejected is not None:
            return None
        if self._new + 1 < REJECTED_AT:
            return None
        self._rejected = submission.key.partner_reference
        found = (problem("mou_not_in_force", "referral.mou_reference"),)
        event = intake.SubmissionRejected(
            partner_id=self._partner_id,
            partner_reference=self._rejected,
            submission_id=submission.submission_id,
            problems=found,
        )
        return Answer(Outcome.REJECTED, event, None, ("on_purpose",))

    def _by_the_rules(self, submission: Submission[Any], now: datetime) -> Answer:
        message = submission.message
        scene = SubmissionContext(now=now, max_bytes=_MAX_BYTES, zone=ZoneInfo("Europe/London"))
        held = self._held.get(submission.key.partner_reference)
        # Which agreements there are is the register's to say, and the sandbox has none: any that is named will do.
        named = message.referral.mou_reference if isinstance(message, ReferralSubmitted) else "none"
        mou = Mou(reference=named, valid_from=date.min, valid_to=date.max)
        partner = Partner(partner_id=self._partner_id, mous=(mou,))
        return rules.answer(_RULES[type(message)], submission, partner, held, scene)

    def _note(self, seen: Seen, submission: Submission[Any], answer: Answer) -> None:
        if answer.outcome is Outcome.REJECTED:
            self._note_rejection(seen, answer)
            return
        self._checks.saw("accepted")
        if answer.outcome is Outcome.RECEIVED:
            self._new += 1
            self._checks.saw("new")
            if submission.key.partner_reference == self._rejected:
                self._checks.saw("rejection")
        elif answer.outcome is Outcome.FORWARDED:
            match submission.message:
                case InformationSupplied(supplement=supplement):
                    self._checks.saw("changed" if supplement.corrects else "information")
                case ReferralWithdrawn():
                    self._checks.saw("withdrawal")

    def _note_rejection(self, seen: Seen, answer: Answer) -> None:
        if answer.codes == ("on_purpose",):
            return
        for each in getattr(answer.event, "problems", ()):
            self._wrong("accepted", seen, each.code, f"the hub refuses {each.field}", each.message)

    def _tell(self, seen: Seen, submission: Submission[Any], answer: Answer, now: datetime) -> Iterator[Event]:
        reference = submission.key.partner_reference
        if answer.outcome is Outcome.REJECTED or answer.held is None:
            yield self._rejection(seen, getattr(answer.event, "problems", ()), reference, answer.held)
            return
        about = SandboxReferral(answer.held.referral_id, self._partner_id, reference)
        yield from self._lives.tell(about, answer.event, now)

    def _rejection(
        self, seen: Seen, problems: Sequence[Problem], reference: str | None, held: Held | None
    ) -> notification.SubmissionRejected:
        return notification.SubmissionRejected(
            partner_id=self._partner_id,
            partner_reference=reference,
            referral_id=held.referral_id if held else None,
            submission_id=seen.position,
            problems=tuple(problems),
        )

    def _wrong(self, check: str, seen: Seen, code: str, what: str, mend: str) -> None:
        self._checks.find(check, Finding(code, seen.position, what, mend))
