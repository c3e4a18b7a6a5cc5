"""What the officers' tool reads. The queue holds no case content; opening a case is written down before it is shown.

However much was told of a case, an answer stays small: it has the newest of what was added, of history and of remarks, how
many there are, and where it leaves earlier ones out, the path at which they are.

`/commands` tells an officer which commands were refused, ignored, or took effect over something new.

Both need the tool's bearer token and the officer's id. Where no token is set, there is nothing here.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict
from hmac import compare_digest
from typing import Any, NamedTuple
from urllib.parse import parse_qs
from uuid import UUID

from pydantic_core import to_json

from conduit_chassis import commands, postgres
from conduit_chassis.errors import Verdict, classify
from conduit_chassis.runtime import Runtime
from conduit_contracts.problems import Origin, Problem
from conduit_triage import metrics, store

PATH = "/reviews"
COMMANDS_PATH = "/commands"
MOST_REVIEWS = 500
"""The head of the queue that one answer shows. `open` says how many there are."""
_OFFICER = re.compile(r"[a-z][a-z0-9.-]{0,63}")
_NUMBER = re.compile(r"[0-9]{1,18}")


class Refused(Exception):  # noqa: N818 - named for what the request is
    """The request gets no answer but a problem."""

    def __init__(self, status: int, outcome: str, code: str, field: str, message: str) -> None:
        super().__init__(code)
        self.status = status
        self.outcome = outcome
        self.problem = Problem(code=code, field=field, message=message, origin=Origin.SENDER, retryable=False)


class Reviews:
    """The ASGI application under `/reviews` and `/commands`."""

    def __init__(self, runtime: Runtime, token: str) -> None:
        self._runtime = runtime
        self._token = f"Bearer {token}".encode() if token else None

    async def __call__(self, scope: Any, _receive: Any, send: Any) -> None:
        """ASGI."""
        try:
            officer = self._admit(scope)
            outcome, content = await self._answer(scope, officer)
            status = 200
        except Refused as refusal:
            status, outcome, content = refusal.status, refusal.outcome, {"problems": [refusal.problem]}
        except Exception as error:
            if classify(error) is Verdict.POISON:
                raise
            status, outcome, content = 503, "unavailable", {"problems": [commands.UNAVAILABLE]}
        metrics.OFFICER_REQUESTS.labels(outcome).inc()
        await _respond(send, status, content)

    def _admit(self, scope: Any) -> str:
        """The officer's id.

        Raises:
            Refused: there is no token here, it is not the tool's, or the officer is not named.
        """
        headers = dict(scope["headers"])
        if self._token is None:
            raise Refused(404, "not_found", "not_served", "path", "Triage's pages are switched off. Set OFFICER_TOKEN.")
        if not compare_digest(headers.get(b"authorization", b""), self._token):
            raise Refused(401, "unauthorised", "token_wrong", "Authorization", "Send the officers' tool's bearer token.")
        if scope["method"] != "GET":
            raise Refused(
                405, "refused", "method_not_allowed", "method", "Only GET is possible. Send decisions through Kafka."
            )
        officer: str = headers.get(b"x-officer-id", b"").decode("latin-1")
        if not _OFFICER.fullmatch(officer):
            raise Refused(400, "refused", "officer_missing", "X-Officer-Id", "Give the id of the officer who is looking.")
        return officer

    async def _answer(self, scope: Any, officer: str) -> tuple[str, Mapping[str, Any]]:
        if scope["path"].rstrip("/") == COMMANDS_PATH:
            return "listed", await self._commands(officer)
        if scope["path"].startswith(COMMANDS_PATH):
            message = f"There is nothing at this address. Use {COMMANDS_PATH}."
            raise Refused(404, "not_found", "not_found", "path", message)
        wanted = _wanted(scope)
        if wanted is None:
            return "listed", await self._queue()
        if wanted.part:
            return "consulted", await self._part(wanted, officer)
        return "consulted", await self._case(wanted.referral_id, officer)

    async def _commands(self, officer: str) -> Mapping[str, Any]:
        async with postgres.connection(self._runtime.pool) as connection:
            return {"answers": await commands.recent(connection, officer)}

    async def _queue(self) -> Mapping[str, Any]:
        async with self._runtime.transaction() as (connection, _):
            levels = await store.levels(connection)
            reviews = await store.queue(connection, MOST_REVIEWS)
        return {"open": sum(level.reviews for level in levels.values()), "reviews": reviews}

    async def _case(self, referral_id: UUID, officer: str) -> Mapping[str, Any]:
        async with self._runtime.transaction() as (connection, _):
            dossier = await store.consult(connection, referral_id, officer, self._runtime.clock.now())
        if dossier is None:
            raise _unknown()
        return _show(dossier)

    async def _part(self, wanted: "_Wanted", officer: str) -> Mapping[str, Any]:
        now, part = self._runtime.clock.now(), _PARTS[wanted.part]
        async with self._runtime.transaction() as (connection, _):
            found = await store.consult_part(connection, wanted.referral_id, officer, now, part, wanted.before)
        if found is None:
            raise _unknown()
        return _show_part(wanted.referral_id, wanted.part, found)


def _unknown() -> Refused:
    return Refused(404, "not_found", "referral_unknown", "referral_id", "Triage has no referral with this id.")


_PARTS: Mapping[str, store.Part] = {
    "supplements": store.supplements,
    "history": store.history,
    "remarks": store.remarks,
}


class _Wanted(NamedTuple):
    """What of which referral is asked for."""

    referral_id: UUID
    part: str
    """One of `_PARTS`, or "" for the case with the newest of each."""
    before: int


def _wanted(scope: Any) -> _Wanted | None:
    """The referral that the path or the query names, if any.

    Raises:
        Refused: what is named is no id, or no place in a list.
    """
    query = parse_qs(scope["query_string"].decode("latin-1"))
    path = scope["path"].removeprefix(PATH).strip("/")
    named, _, part = path.partition("/")
    named = named or query.get("referral_id", [""])[0]
    if not named:
        return None
    if part and part not in _PARTS:
        raise _no_id()
    try:
        referral_id = UUID(named)
    except ValueError:
        raise _no_id() from None
    return _Wanted(referral_id, part, _place(query.get("before", [""])[0]))


def _no_id() -> Refused:
    return Refused(400, "refused", "referral_id_invalid", "referral_id", "Give the referral's id, a UUID.")


def _place(text: str) -> int:
    if not text:
        return store.FROM_THE_NEWEST
    if not _NUMBER.fullmatch(text):
        raise Refused(400, "refused", "before_invalid", "before", "Give the number from the address in the previous answer.")
    return int(text)


def _show(dossier: store.Dossier) -> Mapping[str, Any]:
    case = dossier.case
    return {
        "referral_id": case.referral_id,
        "partner_id": case.partner_id,
        "partner_reference": case.partner_reference,
        "received_at": case.received_at,
        "state": case.state,
        "danger_raised": case.danger_raised,
        "round": case.rounds,
        "review": asdict(case.review) if case.review else None,
        "decided_by": case.decided_by,
        "decided_at": case.decided_at,
        "grounds": case.grounds,
        "home_force": case.home_force,
        "decline_reason": case.decline_reason,
        "declined_by": case.declined_by,
        "mou_lapsed": case.mou_lapsed,
        "policy_version": case.policy_version,
        "version": dossier.version,
        "referral": json.loads(case.body)["referral"],
        **_show_part(case.referral_id, "supplements", dossier.supplements),
        **_show_part(case.referral_id, "history", dossier.history),
        **_show_part(case.referral_id, "remarks", dossier.remarks),
    }


def _show_part(referral_id: UUID, part: str, found: store.Newest) -> Mapping[str, Any]:
    """Oldest first, how many there are in all, and where those before them are; null where there are none."""
    items = [json.loads(each["body"])["supplement"] if "body" in each else each for each in found.items]
    earlier = f"{PATH}/{referral_id}/{part}?before={found.before}" if found.before is not None else None
    return {part: items, f"{part}_in_all": found.in_all, f"{part}_earlier": earlier}


async def _respond(send: Any, status: int, content: Mapping[str, Any]) -> None:
    headers = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": to_json(content)})
