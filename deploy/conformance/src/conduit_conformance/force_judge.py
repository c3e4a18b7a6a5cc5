"""Judges what a force's connector answers. Pure: what was sent and seen comes in, findings come out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from uuid import UUID

from pydantic import BaseModel

from conduit_conformance.force_script import Step
from conduit_conformance.verdict import Checks, Finding
from conduit_conformance.wire import Seen
from conduit_contracts.envelope import Attributes, Undecodable, decode
from conduit_contracts.force import CaseAcknowledged, CaseDeclined, ReceiptConfirmed
from conduit_contracts.topics import FORCE_RESPONSES

ABOUT = {
    "receipt": "a case's receipt is confirmed in time",
    "receipt_once": "receipt is confirmed once per case, even if the same record comes twice",
    "other_messages": "every other message is handled",
    "unknown_type": "a message of an unknown type does not stop it",
    "poison": "a record that cannot be read does not stop it",
    "later_field": "fields that it does not know are ignored",
    "crash": "if it is killed at any moment, it neither loses nor doubles a case",
    "records": "its records are valid: headers, key, its own force, no unknown field",
    "answered": "each case is acknowledged or declined later, by a message of its own",
    "answered_once": "nothing is sent twice under two event ids",
}
_ACCEPT: Mapping[str, type[BaseModel]] = {message.type: message for message in FORCE_RESPONSES.messages}
_ANSWERS = (CaseAcknowledged.type, CaseDeclined.type)
_SAME_ID = "Store the event id (ce_id) with your message, and use the same id if you send it again."


@dataclass(slots=True)
class _Case:
    step: Step
    receipts: dict[str, str] = field(default_factory=dict)
    """Where each lies, by event id."""
    answers: dict[str, dict[str, str]] = field(default_factory=dict)
    """The same, by what is said."""


class ForceJudge:
    """Take in what is sent (`expect`) and what is seen (`take`); ask what is still `missing`, and in the end `conclude`."""

    def __init__(self, force_id: str, checks: Checks) -> None:
        self._force_id, self._checks = force_id, checks
        self._cases: dict[UUID, _Case] = {}
        self._contents: dict[str, bytes] = {}

    def expect(self, step: Step) -> None:
        """These cases are on their way."""
        self._cases.update((referral_id, _Case(step)) for referral_id in step.cases)

    def take(self, seen: Seen) -> None:
        """A response."""
        self._checks.saw("records")
        try:
            attributes, message = decode(seen.headers, seen.value, _ACCEPT, closed=True)
        except Undecodable as error:
            for problem in error.problems:
                self._wrong(seen, problem.code, f"{problem.field} is not valid", problem.message)
            return
        self._check_id(seen, attributes)
        self._note(seen, attributes, message)

    def missing(self, step: Step) -> list[UUID]:
        """Cases of the step without a receipt."""
        return [referral_id for referral_id in step.cases if not self._cases[referral_id].receipts]

    def unanswered(self) -> list[UUID]:
        """Cases that people are to answer and have not."""
        return [
            referral_id
            for referral_id, case in self._cases.items()
            if case.step.answered and case.receipts and not case.answers
        ]

    def came_through(self, step: Step) -> None:
        """Every case of the step has its receipt."""
        self._checks.saw(step.check, "receipt")

    def stopped_at(self, step: Step, seconds: float, ended: str) -> None:
        """The step's cases have no receipt in time. `ended` says how the connector ended, if it did."""
        self._checks.saw(step.check)
        missing = self.missing(step)
        after = f" The connector ended {ended}." if ended else ""
        finding = Finding(
            "receipt_missing",
            f"after {step.about}: referral_id {', '.join(map(str, missing))}",
            f"no ReceiptConfirmed within {seconds:.0f} s.{after}",
            _MEND[step.check],
        )
        self._checks.find(step.check, finding)

    def conclude(self, seconds: float) -> None:
        """What can only be said when everything had its time."""
        for referral_id, case in self._cases.items():
            where = f"referral_id {referral_id} ({case.step.about})"
            self._judge_receipts(where, case)
            self._judge_answers(where, case, seconds)

    def _judge_receipts(self, where: str, case: _Case) -> None:
        if case.receipts:
            self._checks.saw("receipt_once")
        if len(case.receipts) > 1:
            at = f"{where}: {', '.join(case.receipts.values())}"
            what = f"receipt was confirmed under {len(case.receipts)} event ids"
            mend = "Remember on disk which ce_id you have stored. A receipt that you send again keeps its ce_id."
            self._checks.find("crash" if case.step.crash else "receipt_once", Finding("receipt_repeated", at, what, mend))

    def _judge_answers(self, where: str, case: _Case, seconds: float) -> None:
        for said, event_ids in case.answers.items():
            self._checks.saw("answered", "answered_once")
            if len(event_ids) > 1:
                at = f"{where}: {', '.join(event_ids.values())}"
                finding = Finding("answer_repeated", at, f"{said} was said under {len(event_ids)} event ids", _SAME_ID)
                self._checks.find("answered_once", finding)
        if case.step.answered and case.receipts and not case.answers:
            self._checks.saw("answered")
            mend = (
                "Send CaseAcknowledged or CaseDeclined once a person has read the case. Receipt alone does not hand it over."
            )
            finding = Finding("answer_missing", where, f"neither acknowledged nor declined within {seconds:.0f} s", mend)
            self._checks.find("answered", finding)

    def _note(self, seen: Seen, attributes: Attributes, message: BaseModel) -> None:
        if not isinstance(message, ReceiptConfirmed | CaseAcknowledged | CaseDeclined):
            raise TypeError(type(message))  # not one of _ACCEPT
        if message.force_id != self._force_id:
            self._wrong(seen, "identity_mismatch", "it answers for another force", "Send your own force_id only.")
            return
        if seen.key != str(message.referral_id).encode():
            mend = "Use the referral_id as the key: it keeps the messages about one case in order."
            self._wrong(seen, "key_wrong", "the key is not the referral_id", mend)
        case = self._cases.get(message.referral_id)
        if case is None:
            mend = "Answer only cases that you were given, and nothing that could not be read."
            self._wrong(seen, "case_not_yours", "it is about a case that was not given to this force", mend)
            return
        if not isinstance(message, CaseDeclined) and (message.part or 1) > 1:
            mend = "Send the part that stands in the newest CaseDisseminated that you have read, or none."
            self._wrong(seen, "part_unknown", "its part was never sent", mend)
        if isinstance(message, ReceiptConfirmed):
            case.receipts[attributes.id] = seen.position
        else:
            case.answers.setdefault(type(message).__name__, {})[attributes.id] = seen.position

    def _check_id(self, seen: Seen, attributes: Attributes) -> None:
        digest = sha256(attributes.type.encode() + b"\0" + (seen.value or b"")).digest()
        if self._contents.setdefault(attributes.id, digest) != digest:
            mend = "Give each new message a new ce_id, for example a UUID."
            self._wrong(seen, "event_id_reused", "its ce_id was used for something else", mend)

    def _wrong(self, seen: Seen, code: str, what: str, mend: str) -> None:
        self._checks.find("records", Finding(code, seen.position, what, mend))


_MEND = {
    "receipt": "Read your cases topic from the earliest offset, store the case, and send ReceiptConfirmed.",
    "receipt_once": "Skip a record whose ce_id you already know, and go on.",
    "other_messages": "Handle or skip each message type of the topic, and commit its offset like any other.",
    "unknown_type": "Log a ce_type that you do not know, commit it, and go on: later versions of the conduit add types.",
    "poison": "Log the record's place, tell the hub, commit it, and go on: it must not hold up the next child's case.",
    "later_field": "Ignore fields that you do not know: later versions of the conduit add optional ones.",
    "crash": "Store the case before you commit its offset, and start where the last commit left off.",
}
