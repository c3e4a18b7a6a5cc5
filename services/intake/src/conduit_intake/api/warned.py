"""Warnings in an answer: in a header for every client, in the body for one that asks for the contract that has them.

A client that was generated before there were warnings takes no field that it does not know, so it must not get one. Warnings
follow from what was sent alone, so that an answer given again under the same key has the same ones.
"""

import re
from typing import Any

from fastapi import Request, Response
from pydantic_core import from_json, to_json

from conduit_contracts.advice import Advice
from conduit_contracts.doubts import advice_on
from conduit_contracts.referral import Referral, Supplement
from conduit_intake.api.bodies import JSON

WARNINGS = "Conduit-Warnings"
CONTRACT = "Conduit-Contract"
_SINCE = (0, 2)
_VERSION = re.compile(r"([0-9]{1,4})\.([0-9]{1,4})(\.[0-9]{1,4})?")
_LONGEST = 4_000
_TAKEN = frozenset({200, 202})

ASKED_FOR = (
    f" The answer's header `{WARNINGS}` has any warnings. The receipt has them too if the request has the header "
    f"`{CONTRACT}: 0.2` (the version of the contracts that you read: this one or a later one)."
)
"""Said in an operation's description. As a parameter in the document it would be one more argument in generated code, and
whoever generates a client again would have to change every call."""
WARNINGS_OUT: dict[str, Any] = {
    "description": "What to check in what you sent, although it was taken: an RFC 9651 list of codes, each with its `field` "
    "and `message`. Your updates have it too.",
    "schema": {"type": "string"},
}


def warned(request: Request, response: Response, told: Referral | Supplement) -> Response:
    """The answer with the warnings about what was sent, where it was taken."""
    if response.status_code not in _TAKEN:
        return response
    warnings = advice_on(told)
    if warnings:
        response.headers[WARNINGS] = as_header(warnings)
    return _with_body(response, warnings) if _asked(request) else response


def as_header(warnings: tuple[Advice, ...]) -> str:
    """As many as a header holds, as a structured field."""
    text = ""
    for each in warnings:
        item = f"{each.code};field={_string(each.field)};message={_string(each.message)}"
        longer = f"{text}, {item}" if text else item
        if len(longer) > _LONGEST:
            break
        text = longer
    return text


def _string(text: str) -> str:
    plain = text.encode("ascii", "replace").decode()
    return '"' + plain.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _asked(request: Request) -> bool:
    found = _VERSION.fullmatch(request.headers.get(CONTRACT, "").strip())
    return found is not None and (int(found[1]), int(found[2])) >= _SINCE


def _with_body(response: Response, warnings: tuple[Advice, ...]) -> Response:
    body = from_json(bytes(response.body)) | {"warnings": [each.model_dump() for each in warnings]}
    headers = {name: value for name, value in response.headers.items() if name not in {"content-length", "content-type"}}
    return Response(to_json(body), response.status_code, headers, media_type=JSON)
