"""`/v1/referrals/{referral_id}/sandbox-outcome`: a partner asks for the outcome of a referral in the sandbox."""

from fastapi import APIRouter, Request, Response
from pydantic import Field

from conduit_chassis.outbox import Outbox
from conduit_chassis.postgres import Connection
from conduit_contracts.base import Value
from conduit_contracts.force import NotOursReason
from conduit_contracts.ids import ForceId, uuid7
from conduit_contracts.intake import SandboxOutcome, SubmissionRejected
from conduit_contracts.problems import sender_problem
from conduit_contracts.triage import DeclineReason
from conduit_intake import sandbox
from conduit_intake.access.accounts import Client
from conduit_intake.api import bodies, views
from conduit_intake.api.auth import TheClient
from conduit_intake.api.bodies import JSON
from conduit_intake.api.door import TheDoor
from conduit_intake.api.kept import Kept
from conduit_intake.api.keys import Reply, TheKey, once
from conduit_intake.api.referrals import ALWAYS, BODY, KEYED, ReferralPath
from conduit_intake.api.refusals import Refused, documented
from conduit_intake.api.submitting import cause
from conduit_intake.problems import REFUSALS, problem
from conduit_intake.sandbox import SandboxReferral, Tried
from conduit_intake.stories import DEFAULT_REASONS, NotPossibleError, Story

router = APIRouter(tags=["Sandbox"])

REASONS = {
    SandboxOutcome.DECLINED: tuple(each.value for each in DeclineReason),
    SandboxOutcome.FORCE_DECLINED: tuple(each.value for each in NotOursReason),
    SandboxOutcome.REFUSED: REFUSALS,
}
"""What `reason` may say, where there is one."""


class OutcomeWanted(Value):
    """The outcome that a referral in the sandbox is to have."""

    outcome: SandboxOutcome = Field(
        description="What is to happen. The steps in between happen too: `handed_over` first accepts the referral, and "
        "each force acknowledges it."
    )
    force_id: ForceId | None = Field(
        None,
        description="With `force_received`, `force_acknowledged`, `force_declined`, `force_overdue` and `force_escalated`: "
        "which force. If absent: all forces that can, or with `force_declined` the one that leads.",
    )
    reason: str | None = Field(
        None,
        max_length=64,
        description="With `declined`, `force_declined` and `refused`: the code that you want. If absent: a usual one.",
    )


EXAMPLE = {"outcome": "declined", "reason": "not_complex"}


@router.post(
    "/v1/referrals/{referral_id}/sandbox-outcome",
    operation_id="requestSandboxOutcome",
    summary="Sandbox: ask for an outcome",
    description="For clients of scope `sandbox`, about their own referrals there. The updates, webhooks and e-mails are "
    "those of a real referral, made by the same code. Nobody at the hub or at a police force is told anything. What you do "
    "yourself (information, withdrawal, a second look) has the same effect as on a real referral. An outcome that could not "
    "happen to a real referral is refused, and the answer says what is possible now.",
    status_code=202,
    response_model=views.OutcomeReceipt,
    responses={
        202: {"description": "It is happening. Updates follow within seconds."},
        **documented(
            *(*ALWAYS, *KEYED, *BODY, "body_invalid", "sandbox_only", "referral_not_found", "outcome_not_possible"),
        ),
    },
    openapi_extra={"requestBody": bodies.documented("OutcomeWanted")},
)
async def request_sandbox_outcome(
    request: Request, door: TheDoor, client: TheClient, key: TheKey, referral_id: ReferralPath
) -> Response:
    """No live client may use it, whatever it sends."""
    if not client.sandbox:
        raise Refused("sandbox_only")
    body = await bodies.read_json(request, door.settings.max_referral_bytes, door.settings.body_seconds)
    wanted = bodies.decode(OutcomeWanted, body)

    async def act(connection: Connection, outbox: Outbox) -> Reply:
        if not isinstance(outbox, Tried):
            raise TypeError("an outcome was asked for outside the sandbox")
        try:
            about, story = await sandbox.load(connection, referral_id)
        except LookupError:
            raise Refused("referral_not_found") from None
        if about.partner_id != client.partner_id:
            raise Refused("referral_not_found")
        try:
            _check(wanted)
            sandbox.begun(story).play(wanted.outcome, wanted.force_id, wanted.reason)
        except NotPossibleError as error:
            named = sender_problem("outcome_not_possible", error.field, error.message)
            raise Refused("outcome_not_possible", (named,)) from None
        caused_by = cause(request, door.now())
        await sandbox.keep(connection, outbox, about, story, caused_by, wanted.outcome)
        if wanted.outcome is SandboxOutcome.REFUSED:
            sandbox.reject(outbox, _refusal(about, wanted), caused_by)
        return Reply(Kept(202, views.address(referral_id), JSON, _shown(about, story, wanted, client).json_bytes()))

    return await once(door, request, client, key, body, act)


def _check(wanted: OutcomeWanted) -> None:
    able = REASONS.get(wanted.outcome, ())
    if wanted.reason is not None and wanted.reason not in able:
        say = f"Use one of these: {', '.join(able)}." if able else f"{wanted.outcome} has no reason. Leave it out."
        raise NotPossibleError("reason", say)


def _refusal(about: SandboxReferral, wanted: OutcomeWanted) -> SubmissionRejected:
    code = wanted.reason or DEFAULT_REASONS[SandboxOutcome.REFUSED]
    return SubmissionRejected(**about._asdict(), submission_id=f"http/{uuid7()}", problems=(problem(code, "value"),))


def _shown(about: SandboxReferral, story: Story, wanted: OutcomeWanted, client: Client) -> views.OutcomeReceipt:
    return views.OutcomeReceipt(
        referral_id=about.referral_id,
        partner_reference=about.partner_reference,
        outcome=wanted.outcome,
        facts=tuple(played.step for played in story.played),
        possible=story.possible(),
        sandbox=client.sandbox,
        status_url=views.address(about.referral_id),
    )
