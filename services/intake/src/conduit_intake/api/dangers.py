"""What happens to a refused request that says that a child is in danger: 999 comes first, and a person at the hub is told.

The answer never waits for long and never fails because the hub cannot be told.
"""

import asyncio

import structlog
from fastapi import Request, Response

from conduit_contracts.danger import Heard, heard, loose_reference
from conduit_contracts.intake import DangerReported
from conduit_intake import answering, metrics, rules
from conduit_intake.access.accounts import CASES, Client
from conduit_intake.api.auth import look_for, token_in
from conduit_intake.api.bodies import glance
from conduit_intake.api.door import Door
from conduit_intake.api.refusals import Refused, response
from conduit_intake.api.submitting import cause, new_submission_id
from conduit_intake.submissions import Docket, SubmissionKind

GLANCE_SECONDS, REPORT_SECONDS = 2.0, 5.0
TOO_OFTEN = "rate_exceeded"
"""Of a client that sends too much, no more is read than the beginning."""
_log = structlog.get_logger()


async def refuse(request: Request, refused: Refused) -> Response:
    """The answer to a request that is refused before a rule answers it."""
    found = await _heard(request, refused)
    if found is None:
        return response(refused)
    await _report(request, refused, found)
    return response(refused, danger=True)


async def _heard(request: Request, refused: Refused) -> Heard | None:
    if request.method in {"GET", "HEAD", "OPTIONS"}:
        return None
    limit, more = _door(request).settings.max_referral_bytes, refused.code != TOO_OFTEN
    body, overlong = await glance(request, limit, GLANCE_SECONDS, to_the_end=more)
    found = heard(body)
    if overlong is None or not (found or overlong.danger):
        return found
    found = found or Heard(loose_reference(body), None)
    return found._replace(partner_reference=found.partner_reference or overlong.partner_reference)


async def _report(request: Request, refused: Refused, found: Heard) -> None:
    """Tell the hub, where somebody whom it knows says so: anybody at all could say it without a token.

    Many refusals come before anybody looked whose token it is: nothing is at that address, or all turns are taken. So that
    is done here.
    """
    door, token = _door(request), token_in(request.headers.get("authorization"))
    looked = hasattr(request.state, "client")
    if token is None or (looked and not _concerns(request.state.client)):
        return
    # Strangers have a way of their own, so that no number of them keeps a known client's danger waiting.
    entered = door.runtime.transaction() if looked else door.for_strangers()
    try:
        async with asyncio.timeout(REPORT_SECONDS), entered as (connection, outbox):
            client = request.state.client if looked else await look_for(request, connection, token, door.now())
            if client is not None and _concerns(client):
                report = _said(client, refused, found)
                answering.report_danger(outbox, report, cause(request, door.now()))
    except Exception as error:  # the sender is told to call 999 whatever fails here
        _unreported(refused, error)


def _concerns(client: Client | None) -> bool:
    """Whether what such a client says of danger is real."""
    return client is not None and not client.sandbox and client.scope != CASES


def _said(client: Client, refused: Refused, found: Heard) -> DangerReported:
    docket = Docket(new_submission_id(), client.partner_id, SubmissionKind.UNREADABLE)
    codes = dict.fromkeys((refused.code, *(each.code for each in refused.errors)))
    return rules.danger_reported(docket, found, [*codes][: rules.MOST_PROBLEMS], None)


def _unreported(refused: Refused, error: Exception) -> None:
    metrics.DANGERS_UNREPORTED.inc()
    _log.error("danger_not_reported", code=refused.code, exc_info=error)


def _door(request: Request) -> Door:
    door: Door = request.app.state.door
    return door
