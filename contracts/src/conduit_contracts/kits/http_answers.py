"""The answers of the hub's HTTP API, as far as this kit reads them: newer fields are ignored."""

from typing import TypeVar
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from conduit_contracts.advice import Advice
from conduit_contracts.danger import CALL_999
from conduit_contracts.ids import PartnerReference
from conduit_contracts.kits.errors import KitError
from conduit_contracts.notification import Code, HandoffStanding, ReferralState
from conduit_contracts.problems import Origin, Problem


class Answer(BaseModel):
    """Any of them."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)


A = TypeVar("A", bound=Answer)


class Receipt(Answer):
    """The hub has committed it, and is responsible for it from now on."""

    referral_id: UUID
    partner_reference: PartnerReference
    outcome: str
    """`received`, `forwarded`, or `repeated` if the hub already had it."""
    sandbox: bool = False
    """True in the sandbox: it goes nowhere."""
    warnings: tuple[Advice, ...] = ()
    """What to check in what you sent, although it was taken."""


class Standing(Answer):
    """The status of a referral."""

    referral_id: UUID
    partner_reference: PartnerReference
    state: ReferralState
    revision: int
    """The revision of the latest update; 0 before the first."""
    received_at: AwareDatetime
    updated_at: AwareDatetime
    sandbox: bool = False


class Happened(Answer):
    """Something that happened to a referral."""

    revision: int
    state: ReferralState
    """The state after it."""
    fact: Code
    happened_at: AwareDatetime
    handoffs: tuple[HandoffStanding, ...] = ()
    home_force: str | None = None
    reason: Code | None = None
    comment: str | None = None
    next_step: str | None = None
    force_ids: tuple[str, ...] = ()
    """The forces that the fact is about."""


class Story(Standing):
    """The status of a referral, and all its updates."""

    updates: tuple[Happened, ...] = ()


class Outcome(Answer):
    """What will happen to a referral in the sandbox. Its updates show it within seconds."""

    referral_id: UUID
    outcome: str
    facts: tuple[Code, ...] = ()
    """The facts of the updates to come, in order."""
    possible: tuple[str, ...] = ()
    """The outcomes that you can ask for next."""


class Page(Answer):
    """Some referrals, and the address of the next page."""

    items: tuple[Standing, ...]
    next: str | None = None


class Attached(Answer):
    """The status of an attachment. Nobody gets it before it is `available`."""

    attachment_id: UUID
    referral_id: UUID
    media_type: str
    size: int
    state: str
    """`pending`, `available`, `threat_found` or `validation_failed`."""
    reason: str | None = None


class Attachments(Answer):
    """The attachments of a referral."""

    items: tuple[Attached, ...]


class Refusal(Answer):
    """Problem details (RFC 9457) with the hub's own members."""

    status: int = 0
    code: str = "unreadable"
    title: str = ""
    detail: str = ""
    origin: Origin = Origin.HUB
    retryable: bool = False
    errors: tuple[Problem, ...] = ()


class RefusedError(KitError):
    """The hub refused the request. Decide by `code`; `errors` name the fields, never their values."""

    def __init__(self, refusal: Refusal) -> None:
        fields = "".join(f"; {each.field}: {each.code}" for each in refusal.errors)
        first = f"{CALL_999} " if refusal.detail.startswith(CALL_999) else ""
        super().__init__(f"{first}{refusal.status} {refusal.code}: {refusal.detail.removeprefix(first)}{fields}")
        self.status, self.code, self.origin = refusal.status, refusal.code, refusal.origin
        self.retryable, self.errors = refusal.retryable, refusal.errors


def read(model: type[A], body: bytes) -> A:
    """The answer, from its JSON; values that the contract holds strictly are read as JSON has them.

    Raises:
        ValidationError: pydantic's, where the hub's answer is none.
    """
    return model.model_validate_json(body, extra="ignore")


def refusal(status: int, body: bytes) -> Refusal:
    """The same, whatever it holds."""
    try:
        return read(Refusal, body).model_copy(update={"status": status})
    except ValidationError:
        return Refusal(status=status, retryable=status >= 500)
