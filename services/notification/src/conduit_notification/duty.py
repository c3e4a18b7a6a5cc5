"""A duty task: what a person at the hub must take, whether or not anybody watches a dashboard. Pure.

The same again is the same task while nobody has taken it: same kind, same partner, same reference. Different partners or
references are never one task, for they may be different children.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from conduit_contracts.intake import Callback
from conduit_contracts.routing import HandoffState


class Kind(StrEnum):
    """What happened."""

    DANGER_REFUSED = "danger_refused"
    DANGER_REVIEW = "danger_review"
    DANGER_ROUTING = "danger_routing"
    DANGER_RESTRICTED = "danger_restricted"
    DANGER_NOTICE_FAILED = "danger_notice_failed"
    NO_FORCE = "no_force"
    FORCE_SILENT = "force_silent"
    STANDARDS_UNREACHABLE = "standards_unreachable"
    PRACTICE_OVERDUE = "practice_overdue"
    PRACTICE_FORCE_SILENT = "practice_force_silent"
    FORCE_KEPT_FROM = "force_kept_from"
    """Never opened: what is read of a task about a force from which the case is kept by now."""

    @property
    def is_about_case(self) -> bool:
        """Whether it is about a case, or what could become one. What is not can wait until somebody is at the hub."""
        return self not in {Kind.PRACTICE_OVERDUE, Kind.PRACTICE_FORCE_SILENT}


@dataclass(frozen=True, slots=True)
class Wording:
    """What the duty officer reads: plain, and true in every state of the case."""

    what: str
    do: str


WORDING = {
    Kind.DANGER_REFUSED: Wording(
        "A partner says that a child is in danger NOW. The hub could not process what the partner sent, or it came before "
        "its referral. No police force had it from the hub when this message was written. Do not assume that the partner "
        "has read the instruction to call 999.",
        "Call the partner back now. If nobody has called 999, call 999 yourself.",
    ),
    Kind.DANGER_REVIEW: Wording(
        "A case with a child in danger NOW is waiting for a named officer's decision.",
        "Open the review queue and decide the case. Make sure that a person at the force has it.",
    ),
    Kind.DANGER_ROUTING: Wording(
        "A case with a child in danger NOW is waiting for a named officer's decision on where it goes.",
        "Open the routing reviews and decide. Make sure that a person at the force has the case.",
    ),
    Kind.DANGER_RESTRICTED: Wording(
        "A child is in danger NOW, and a suspect may be a police officer or work for a police force. The case is "
        "restricted: no rule sends it to that force.",
        "A named officer must send it to that force's professional standards contact now. Do not speak to that force's own "
        "team or to its control room.",
    ),
    Kind.DANGER_NOTICE_FAILED: Wording(
        "A notice about a child in danger has not reached its recipient.",
        "Tell the recipient by telephone now.",
    ),
    Kind.NO_FORCE: Wording(
        "No police force has this case. It is waiting for a named officer to decide which force it goes to.",
        "Open the routing reviews and name a force.",
    ),
    Kind.FORCE_SILENT: Wording(
        "A police force has not answered, although every level in it has been contacted. The case stays with that force.",
        "Call the force. If nobody answers, call its control room.",
    ),
    Kind.STANDARDS_UNREACHABLE: Wording(
        "A suspect in a case may work for a police force, and the register has no address for that force's professional "
        "standards department. The hub has not told anyone there.",
        "Call the department yourself. A named officer must take the case to it. Do not speak to that force's own team or "
        "to its control room. Then have the department's address added to the register.",
    ),
    Kind.PRACTICE_OVERDUE: Wording(
        "A practice question has no answer in time. A partner asked the hub how to handle something, without a referral.",
        "Answer it on the programme's pages, under Practice questions: the most pressing one stands first. If a child could "
        "be in danger, write first that they call 999 and send a referral.",
    ),
    Kind.PRACTICE_FORCE_SILENT: Wording(
        "A police force has written nothing in time about a practice question. The hub brought it into what a partner asked "
        "without a referral.",
        "Call the force's contact, or answer the question without them, on the programme's pages under Practice questions.",
    ),
    Kind.FORCE_KEPT_FROM: Wording(
        "A suspect in this case may work for a police force, so the case is kept from that force. A task about that force "
        "is still open.",
        "Do not speak to that force's own team or to its control room. A named officer must decide who acts in its place, "
        "and take the case to its professional standards department.",
    ),
}


FORCE_NOT_TOLD = "force_not_told"
"""The code of a task about danger of which a force has had no notice."""
ASKS_TO_RING = (Kind.FORCE_SILENT, Kind.DANGER_NOTICE_FAILED)
"""Tasks that ask for a call to the force that they are about."""


def ended_by(state: HandoffState, *, by_telephone: bool) -> Sequence[Kind]:
    """Which tasks about a force end when its part comes to be so.

    Who acknowledges has read the newest part, and so has heard of danger; a force that an officer stood down need not hear.
    Who gives it back may have written that before there was danger. A machine confirms receipt, which is all that is
    missing after a call.
    """
    if state in _HEARD_OR_OUT:
        return ASKS_TO_RING
    return (Kind.FORCE_SILENT,) if state is HandoffState.DECLINED or by_telephone else ()


_HEARD_OR_OUT = frozenset({HandoffState.ACKNOWLEDGED, HandoffState.STOOD_DOWN})


def need_not_hear(handoffs: Mapping[str, str], force_id: str) -> bool:
    """Whether nobody has to tell this force by telephone what a notice of danger did not bring."""
    return handoffs.get(force_id) in _HEARD_OR_OUT


@dataclass(frozen=True, slots=True)
class Duty:
    """A task to be opened."""

    kind: Kind
    danger: bool
    partner_id: str | None = None
    partner_reference: str | None = None
    referral_id: UUID | None = None
    force_id: str | None = None
    codes: Sequence[str] = ()
    callback: Callback | None = None
    apart: str | None = None
    """What it is about where it has no reference, so that it is nobody else's."""

    @property
    def subject(self) -> str:
        """What coalesces."""
        about = self.partner_reference or (str(self.referral_id) if self.referral_id else self.apart)
        return "/".join((self.kind, self.partner_id or "", about or "", self.force_id or ""))


@dataclass(frozen=True, slots=True)
class Done:
    """Somebody did what tasks of these kinds ask for: by that the tasks are theirs. Silence is no act."""

    referral_id: UUID
    kinds: Sequence[Kind]
    who: str
    force_id: str | None = None
    """Of which force's tasks alone."""

    @property
    def subject(self) -> str:
        """Where it stands among those to be opened."""
        return str(self.referral_id)


@dataclass(frozen=True, slots=True)
class Settled:
    """Somebody did what the task of this subject asks for: by that it is theirs."""

    subject: str
    who: str
    referral_id: None = None


@dataclass(frozen=True, slots=True)
class Task:
    """A task as it stands."""

    task_id: UUID
    kind: Kind
    danger: bool
    partner_id: str | None
    partner_reference: str | None
    referral_id: UUID | None
    force_id: str | None
    codes: tuple[str, ...]
    said: int
    opened_at: Any
    calls: int
    unanswered_at: Any
    taken_at: Any
    taken_by: str | None
    kept: bool = False
    """Whether the force that it is about must not be told about the case."""

    @property
    def words(self) -> Kind:
        """By what it is told."""
        return Kind.FORCE_KEPT_FROM if self.kept and self.kind in ASKS_TO_RING else self.kind

    @property
    def wording(self) -> Wording:
        """What happened and what to do."""
        return WORDING[self.words]

    def params(self, token: str, ring: str) -> dict[str, str]:
        """All that a notice says of it: references and codes."""
        return {
            "kind": self.words.value,
            "partner_id": self.partner_id or "",
            "partner_reference": self.partner_reference or "",
            "about_referral": str(self.referral_id or ""),
            "force_id": self.force_id or "",
            "codes": ", ".join(self.codes),
            "ring": ring,
            "task_id": str(self.task_id),
            "token": token,
        }
