"""What the HTTP API shows. Every view is content-free: references, states, times, and words meant for the partner."""

from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from fastapi import Response
from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema

from conduit_contracts.advice import Advice
from conduit_contracts.ids import ForceId
from conduit_contracts.intake import SandboxOutcome, SandboxStep
from conduit_contracts.notification import Code, HandoffStanding, ReferralState, ReferralStatusUpdated
from conduit_contracts.referral import Text
from conduit_intake.accounts import Client
from conduit_intake.attachments import Attachment
from conduit_intake.http.bodies import JSON
from conduit_intake.reading import Standing
from conduit_intake.submissions import Outcome

V = TypeVar("V", bound="View")


class View(BaseModel):
    """An object without nulls. Whoever reads it passes over fields that came later."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    def json_bytes(self) -> bytes:
        """As it is sent."""
        return self.model_dump_json(exclude_none=True).encode()


class Receipt(View):
    """The hub has it: what was sent is committed, and from here on the hub answers for it."""

    referral_id: UUID
    """The hub's id of the referral: name it in every request about it."""
    partner_reference: str
    """Your own reference of it."""
    outcome: Outcome = Field(description="`received` or `forwarded`; `repeated` where the hub had it already.")
    sandbox: bool = Field(description="True where it goes nowhere.")
    status_url: str = Field(description="Where the referral's state can be asked for.")
    warnings: tuple[Advice, ...] | SkipJsonSchema[None] = Field(
        None, description="What to look at in what you sent. Given where the request's Conduit-Contract is 0.2 or later."
    )


class Place(View):
    """A place that has a code."""

    district_code: str = Field(description="What `district_code` takes.")
    name: str
    """What the place is called."""
    kind: str = Field(description="`district`, `county`, `metropolitan county` or `police force area`.")
    current: bool = Field(description="False where the code is no longer given out; it routes all the same.")
    force_id: str = Field(description="The territorial police force in whose area it lies.")
    force_name: str
    """What that force is called."""


class Places(View):
    """Places, the best match first."""

    items: tuple[Place, ...]
    """The places found."""


class Summary(View):
    """Where a referral stands."""

    referral_id: UUID
    """The hub's id of the referral: name it in every request about it."""
    partner_reference: str
    """Your own reference of it."""
    state: ReferralState
    """Where it stands after the latest update."""
    revision: int = Field(
        ge=0, description="Of the latest update; 0 while the referral is accepted and nothing more is said."
    )
    received_at: datetime
    """When the hub received it."""
    updated_at: datetime = Field(description="When the latest update happened. It may go back; `revision` alone orders.")
    withdrawn_at: datetime | SkipJsonSchema[None] = Field(None, description="When you withdrew it; the state follows.")
    sandbox: bool
    """True where it goes nowhere: your client is one of the sandbox."""
    status_url: str
    """Where the referral's state can be asked for."""


class Update(View):
    """Something that happened, as on `partner.<id>.updates.v1`."""

    revision: int = Field(ge=1)
    """Counts this referral's updates from 1, without gaps. It alone orders them."""
    state: ReferralState = Field(description="The state after it.")
    fact: Code = Field(description="What happened, for example `handoff_acknowledged`.")
    happened_at: datetime
    """When it happened."""
    handoffs: tuple[HandoffStanding, ...] = ()
    """Where each force's part stands."""
    home_force: str | SkipJsonSchema[None] = None
    """The force that leads the case. Absent while none is named."""
    reason: Code | SkipJsonSchema[None] = None
    """Why, as a code; for example why an officer declined."""
    comment: Text | SkipJsonSchema[None] = Field(
        None, description="An officer's words to you: why declined, or what is asked."
    )
    next_step: Text | SkipJsonSchema[None] = Field(None, description="What to do now.")
    force_ids: tuple[ForceId, ...] = Field((), description="The forces that the fact is about.")


class Whole(Summary):
    """Where a referral stands, and every update so far in order of revision."""

    updates: tuple[Update, ...]
    """Everything that happened, in order of revision."""


class OutcomeReceipt(View):
    """What happens to a referral in the sandbox. It shows in its updates within seconds, as it would of a real one."""

    referral_id: UUID
    """The hub's id of the referral: name it in every request about it."""
    partner_reference: str
    """Your own reference of it."""
    outcome: SandboxOutcome
    """What you asked for."""
    facts: tuple[SandboxStep, ...] = Field(description="What the updates to come say, in this order: the `fact` of each.")
    possible: tuple[SandboxOutcome, ...] = Field(description="What you may ask for next.")
    sandbox: bool = Field(description="Always true.")
    status_url: str = Field(description="Where the referral's state can be asked for.")


class Page(View):
    """Some of your referrals, in the order in which they were received."""

    items: tuple[Summary, ...]
    """The referrals of this page."""
    next: str | SkipJsonSchema[None] = Field(None, description="The address of the next page. None given: this is the last.")


class AttachmentView(View):
    """An attachment's way. Its file name is not kept: it may name somebody."""

    attachment_id: UUID
    """The hub's id of the attachment."""
    referral_id: UUID
    """The referral that it belongs to."""
    media_type: str
    """What the content is."""
    size: int = Field(description="Bytes.")
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    """The content's SHA-256, in hexadecimal digits."""
    state: str = Field(
        pattern="^(pending|available|threat_found|validation_failed)$",
        description="`pending` until it was validated and scanned; then `available`, or gone with the reason.",
    )
    reason: str | SkipJsonSchema[None] = Field(None, description="Why refused, or what a pending one waits for.")
    received_at: datetime
    """When the hub received it."""
    decided_at: datetime | SkipJsonSchema[None] = None
    """When it became available or was refused. Absent while it is pending."""
    sandbox: bool
    """True where it goes nowhere: your client is one of the sandbox."""
    url: str
    """Where its state can be asked for."""


class Attachments(View):
    """All attachments of a referral, in the order in which they were received."""

    items: tuple[AttachmentView, ...]
    """The attachments."""


class CaseAttachment(View):
    """An attachment that a force may fetch."""

    attachment_id: UUID
    """The hub's id of the attachment."""
    referral_id: UUID
    """The referral that it belongs to."""
    media_type: str
    """What the content is."""
    size: int = Field(description="Bytes.")
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    """The content's SHA-256, in hexadecimal digits."""
    url: str = Field(description="Where its content is.")


class CaseAttachments(View):
    """Every attachment of a case that the force may fetch."""

    items: tuple[CaseAttachment, ...]
    """The attachments."""


def address(referral_id: UUID) -> str:
    """Where a referral is."""
    return f"/v1/referrals/{referral_id}"


def summary(standing: Standing, client: Client) -> dict[str, Any]:
    """The fields of a Summary."""
    return {**standing._asdict(), "sandbox": client.sandbox, "status_url": address(standing.referral_id)}


def update(body: bytes) -> Update:
    """An update as notification published it; fields that are newer than this release are left out."""
    told = ReferralStatusUpdated.model_validate_json(body, extra="ignore")
    return Update(**{name: getattr(told, name) for name in Update.model_fields})


def attachment(found: Attachment, client: Client, waits_for: str) -> AttachmentView:
    """An attachment; `waits_for` says what a pending one waits for."""
    pending = found.state == "pending"
    return AttachmentView(
        attachment_id=found.attachment_id,
        referral_id=found.referral_id,
        media_type=found.media_type,
        size=found.size,
        sha256=found.sha256.hex(),
        state=found.state,
        reason=waits_for if pending else found.reason,
        received_at=found.received_at,
        decided_at=found.decided_at,
        sandbox=client.sandbox,
        url=f"{address(found.referral_id)}/attachments/{found.attachment_id}",
    )


def shown(view: View) -> Response:
    """The answer that shows it."""
    return Response(view.json_bytes(), media_type=JSON)
