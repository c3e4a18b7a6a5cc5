"""`POST /v1/signatures`: the console shows its token and what an officer decided, and gets the signature or why not.

What was asked is written nowhere. A log line says which referral, which command and what came of it.
"""

from hmac import compare_digest
from typing import Any

import structlog
from pydantic import ValidationError
from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp

from conduit_chassis.clock import Clock
from conduit_chassis.http import bodies
from conduit_chassis.people import KnownPeople
from conduit_contracts.explain import problems_from
from conduit_contracts.problems import Problem, sender_problem
from conduit_contracts.signature import SignatureRefusedError
from conduit_signer import metrics
from conduit_signer.keys import KeyFile
from conduit_signer.rules import MOST_BYTES, NotSignedError, PasskeyCounts, SignatureAsked, signature_for

PATH = "/v1/signatures"
_SECONDS = 10.0
_MOST = 2 * MOST_BYTES
"""Of a request: JSON in a JSON string needs room for escapes."""
_NOT_THE_CONSOLE = sender_problem("token_wrong", "Authorization", "Send the console's bearer token.")
_UNREADABLE = sender_problem("json_invalid", "body", "Send one JSON object, of less than half a MiB, within ten seconds.")

_log = structlog.get_logger()


def create_api(people: KnownPeople, key: KeyFile, token: str, clock: Clock) -> ASGIApp:
    """The ASGI application."""
    return Router([Route(PATH, _Signatures(people, key, token, clock).post, methods=["POST"])])


class _Signatures:
    def __init__(self, people: KnownPeople, key: KeyFile, token: str, clock: Clock) -> None:
        self._people, self._key, self._clock, self._counts = people, key, clock, PasskeyCounts()
        self._token = f"Bearer {token}".encode()

    async def post(self, request: Request) -> Response:
        """Sign, or say why not."""
        given = request.headers.get("authorization", "").encode("latin-1")
        if not compare_digest(given, self._token):
            return _refused("unauthorised", 401, (_NOT_THE_CONSOLE,))
        try:
            asked = SignatureAsked.model_validate_json(await bodies.read(request, _MOST, _SECONDS))
        except ValidationError as error:
            return _refused("unreadable", 422, problems_from(error, "body"))
        except (bodies.BodyTooLargeError, bodies.BodyTooSlowError):
            return _refused("unreadable", 422, (_UNREADABLE,))
        return self._answer(asked)

    def _answer(self, asked: SignatureAsked) -> Response:
        try:
            signature, signed = signature_for(asked, self._people, self._key(), self._counts, self._clock.now())
        except NotSignedError as error:
            refused = all(each.field == "auth_time" for each in error.problems)
            return _refused("refused" if refused else "unreadable", 403 if refused else 422, error.problems)
        except SignatureRefusedError as error:
            behind = error.code == "register_behind"
            return _refused("unavailable" if behind else "refused", 503 if behind else 403, (error.problem(),))
        metrics.REQUESTS.labels("signed").inc()
        _log.info("command_signed", topic=signed.topic, referral_id=signed.referral_id, outcome="signed")
        return _json(200, {"signature": signature})


def _refused(outcome: str, status: int, problems: tuple[Problem, ...]) -> Response:
    metrics.REQUESTS.labels(outcome).inc()
    _log.warning("command_not_signed", outcome=outcome, code=problems[0].code)
    return _json(status, {"problems": problems})


def _json(status: int, content: dict[str, Any]) -> Response:
    return Response(to_json(content), status, {"Cache-Control": "no-store"}, media_type="application/json")
