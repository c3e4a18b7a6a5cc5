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
from conduit_intake.access.accounts import Client
from conduit_intake.api.bodies import JSON
from conduit_intake.attachments import Attachment
from conduit_intake.reading import ReferralStanding
from conduit_intake.submissions import Outcome

V = TypeVar("V", bound="View")


class View(BaseModel):
    """An object in an answer, without nulls. Clients must ignore fields that they do not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    def json_bytes(self) -> bytes:
        """As it is sent."""
        return self.model_dump_json(exclude_none=True).encode()


class Receipt(View):
    """The hub has committed what you sent, and is responsible for it from now on."""

    referral_id: UUID
    """The hub's id of the referral: use it in every request about the referral."""
    partner_reference: str
    """Your own reference for it."""
    outcome: Outcome = Field(description="`received` or `forwarded`; `repeated` if the hub already had it.")
    sandbox: bool = Field(description="True in the sandbox: it goes nowhere.")
    status_url: str = Field(description="Where to get the referral's status.")
    warnings: tuple[Advice, ...] | SkipJsonSchema[None] = Field(
        None, description="What to check in what you sent. Present if the request's Conduit-Contract is 0.2 or later."
    )


class Place(View):
    """A place that has a code."""

    district_code: str = Field(description="The code to send as `district_code`.")
    name: str
    """The name of the place."""
    kind: str = Field(description="`district`, `county`, `metropolitan county` or `police force area`.")
    current: bool = Field(description="False if the code is no longer in use; you can still send it.")
    force_id: str = Field(description="The territorial police force in whose area it lies.")
    force_name: str
    """The name of that force."""


class Places(View):
    """Places, the best match first."""

    items: tuple[Place, ...]
    """The places found."""


class Summary(View):
    """The status of a referral."""

    referral_id: UUID
    """The hub's id of the referral: use it in every request about the referral."""
    partner_reference: str
    """Your own reference for it."""
    state: ReferralState
    """The state after the latest update."""
    revision: int = Field(ge=0, description="The revision of the latest update; 0 until there is one.")
    received_at: datetime
    """When the hub received it."""
    updated_at: datetime = Field(
        description="When the latest update happened. It may be earlier than the previous one; only `revision` gives the "
        "order."
    )
    withdrawn_at: datetime | SkipJsonSchema[None] = Field(
        None, description="When you withdrew it. The state changes soon after."
    )
    sandbox: bool
    """True if your client is one of the sandbox: it goes nowhere."""
    status_url: str
    """Where the referral's state can be asked for."""


class Update(View):
    """Something that happened, as on `partner.<id>.updates.v1`."""

    revision: int = Field(ge=1)
    """Counts this referral's updates from 1, without gaps. It alone orders them."""
    state: ReferralState = Field(description="The state after this update.")
    fact: Code = Field(description="What happened, for example `handoff_acknowledged`.")
    happened_at: datetime
    """When it happened."""
    handoffs: tuple[HandoffStanding, ...] = ()
    """The state of each force's part."""
    home_force: str | SkipJsonSchema[None] = None
    """The force that leads the case. Absent until one is named."""
    reason: Code | SkipJsonSchema[None] = None
    """The reason, as a code; for example why an officer declined."""
    comment: Text | SkipJsonSchema[None] = Field(
        None, description="An officer's words to you: why the referral was declined, or what is asked."
    )
    next_step: Text | SkipJsonSchema[None] = Field(None, description="What to do now.")
    force_ids: tuple[ForceId, ...] = Field((), description="The forces that the fact is about.")
    victim_contact: Text | SkipJsonSchema[None] = Field(
        None,
        description="With an acknowledgement: who at the force makes contact with each victim, how and when, as far as the "
        "force said it.",
    )


class Whole(Summary):
    """The status of a referral, and every update so far in order of revision."""

    updates: tuple[Update, ...]
    """Everything that happened, in order of revision."""


class OutcomeReceipt(View):
    """What will happen to a referral in the sandbox. Its updates show it within seconds, as those of a real one would."""

    referral_id: UUID
    """The hub's id of the referral: use it in every request about the referral."""
    partner_reference: str
    """Your own reference for it."""
    outcome: SandboxOutcome
    """What you asked for."""
    facts: tuple[SandboxStep, ...] = Field(description="The `fact` of each update to come, in order.")
    possible: tuple[SandboxOutcome, ...] = Field(description="The outcomes that you can ask for next.")
    sandbox: bool = Field(description="Always true.")
    status_url: str = Field(description="Where to get the referral's status.")


class Page(View):
    """Some of your referrals, in the order in which they were received."""

    items: tuple[Summary, ...]
    """The referrals of this page."""
    next: str | SkipJsonSchema[None] = Field(None, description="The address of the next page. Absent on the last page.")


class AttachmentView(View):
    """The status of an attachment. Its file name is not kept, because it may name a person."""

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
        description="`pending` until it has been validated and scanned; then `available`, or deleted, with the reason.",
    )
    reason: str | SkipJsonSchema[None] = Field(
        None, description="Why it was refused, or what it is waiting for while it is pending."
    )
    received_at: datetime
    """When the hub received it."""
    decided_at: datetime | SkipJsonSchema[None] = None
    """When it became available or was refused. Absent while it is pending."""
    sandbox: bool
    """True if your client is one of the sandbox: it goes nowhere."""
    url: str
    """Where to get its status."""


class Attachments(View):
    """All attachments of a referral, in the order in which they were received."""

    items: tuple[AttachmentView, ...]
    """The attachments."""


class CaseAttachment(View):
    """An attachment that a force can fetch."""

    attachment_id: UUID
    """The hub's id of the attachment."""
    referral_id: UUID
    """The referral that it belongs to."""
    media_type: str
    """What the content is."""
    size: int = Field(description="Bytes.")
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    """The content's SHA-256, in hexadecimal digits."""
    url: str = Field(description="Where to fetch its content.")


class CaseAttachments(View):
    """Every attachment of a case that the force can fetch."""

    items: tuple[CaseAttachment, ...]
    """The attachments."""


def address(referral_id: UUID) -> str:
    """The address of a referral."""
    return f"/v1/referrals/{referral_id}"


def summary(standing: ReferralStanding, client: Client) -> dict[str, Any]:
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
