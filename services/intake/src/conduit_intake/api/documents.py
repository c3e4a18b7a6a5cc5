"""The OpenAPI 3.1 document: routes as FastAPI knows them, and bodies as the contracts' own JSON Schemas have them."""

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from conduit_contracts import partner
from conduit_contracts.advice import Advice
from conduit_contracts.described import field_texts
from conduit_contracts.documents import CONTACT, LICENCE
from conduit_contracts.notification import HandoffStanding
from conduit_contracts.problems import Problem
from conduit_contracts.schemas import TAG, schema
from conduit_intake.api.edge import CORRELATION, LONGEST_CORRELATION
from conduit_intake.api.examples import EXAMPLES
from conduit_intake.api.outcomes import EXAMPLE, OutcomeWanted
from conduit_intake.api.refusals import ProblemDetails

TITLE = "Referral conduit: partner API"
VERSION = "1.0.0"
DESCRIPTION = """
Send complex child-safeguarding referrals, add to them, and follow them. The conduit is not an emergency service: if a child
is in danger, call 999 as well. If a child comes to be in danger later, call 999, then send information with
`immediate_danger` true: the case goes to the home force at once, whatever its state.

**Receipts.** You get `202` once what you sent is committed. From then on the hub is responsible for it.

**Once.** Every POST under `/v1` takes an `Idempotency-Key`. If you get no answer, send the same request again with the same
key, as often as you need: it is done once. The answer is kept for 60 days. A refusal is kept too, unless it is `retryable`.

**Problems** have the format of RFC 9457. Decide by `code`. `origin` says whose fault it is, `retryable` whether the same
request may succeed later, and `errors` which fields to correct. No problem repeats what you sent.

**Sandbox.** A client of scope `sandbox` gets the same checks and answers, but nothing that it sends goes anywhere: no
officer and no force sees it, and it and your live referrals cannot see each other. A referral there stays `received` until
you ask for an outcome: `POST /v1/referrals/{referral_id}/sandbox-outcome` plays all that can happen to a real one. The
updates that you then read here, and the webhooks and e-mails to the addresses that the register has for your sandbox, are
made by the same code as those of real referrals. There is no sandbox for Kafka: the conformance kit plays the hub.

**Generated clients.** Ignore fields that you do not know. Several lists of values have a value such as `other`, and Go has
one namespace for all of them: generate a Go client with `enumClassPrefix=true`.

**Limits.** 20 requests a second with bursts of 100, 256 KiB of JSON nested 32 deep, 20 attachments of 10 MiB, unless agreed
otherwise.
"""
_TAGS = [
    {"name": "Tokens", "description": "Exchange a client's secret for a token that lasts for a few minutes."},
    {"name": "Referrals", "description": "Your referrals and their status."},
    {"name": "Attachments", "description": "Files. No file is passed on before it has been scanned."},
    {"name": "Sandbox", "description": "Outcomes of referrals in the sandbox, as you ask for them."},
    {"name": "Cases", "description": "For forces: the attachments of cases that they lead."},
]
_CORRELATION_IN = {
    "name": CORRELATION,
    "in": "header",
    "required": False,
    "description": f"Your own id for the request, of at most {LONGEST_CORRELATION} letters, digits, dots, hyphens and "
    "underscores. Never a name. The answer has the same id, or a new one if you sent none.",
    "schema": {"type": "string"},
}
_CORRELATION_OUT = {"description": "Quote it if you ask us about an answer.", "required": True, "schema": {"type": "string"}}
_WAIT = {"description": "Seconds to wait.", "required": True, "schema": {"type": "integer", "minimum": 1}}
_ALLOW = {"description": "The methods that you can use.", "required": True, "schema": {"type": "string"}}
_CHALLENGE = {"description": "How to authenticate.", "required": True, "schema": {"type": "string"}}
_HEADERS = {"401": {"WWW-Authenticate": _CHALLENGE}, "405": {"Allow": _ALLOW}, "429": {"Retry-After": _WAIT}}
_BODIES = (
    partner.ReferralSubmitted,
    partner.InformationSupplied,
    partner.ReferralWithdrawn,
    partner.ReconsiderationRequested,
)
_LATER = {"description": "A field of a later version. Ignore it."}
"""Said in so many words, for generators take silence for a no; and in more words than `true`, for openapi-generator takes
`true` and `false` for one schema and remembers what it made of the first. Then closed objects become open ones too, and
TypeScript's client sends each of their fields under two names."""
_SHOWN = (Advice, HandoffStanding, Problem)


def document(app: FastAPI) -> dict[str, Any]:
    """The document. The same routes and contracts give the same one."""
    made = get_openapi(
        title=TITLE,
        version=VERSION,
        openapi_version="3.1.0",
        description=DESCRIPTION.strip(),
        contact={**CONTACT},
        license_info={**LICENCE},
        routes=app.routes,
        tags=_TAGS,
        servers=[{"url": "/", "description": "The server of this document."}],
    )
    schemas = _opened(_described(made["components"]["schemas"] | _problem_schemas())) | contract_schemas() | _wanted()
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    _simplify_alternatives(schemas)
    made["components"]["schemas"] = dict(sorted(schemas.items()))
    for methods in made["paths"].values():
        for operation in methods.values():
            _complete(operation)
    return made


def contract_schemas() -> dict[str, Any]:
    """The contracts' schemas of what partners send, by their names in OpenAPI, with examples."""
    found: dict[str, Any] = {}
    for message in _BODIES:
        whole = schema(message)
        found |= whole.pop("$defs", {})
        found[message.__name__] = {name: value for name, value in whole.items() if not name.startswith("$")}
    for wrapper in (partner.ReferralSubmitted, partner.InformationSupplied):
        del found[wrapper.__name__]
    for name, example in EXAMPLES.items():
        found[name]["examples"] = [example]
    return {name: _tagged(_moved(each), found) for name, each in found.items()}


def _wanted() -> dict[str, Any]:
    """What a client of the sandbox may ask for."""
    whole = OutcomeWanted.model_json_schema(ref_template="#/components/schemas/{model}")
    whole.pop("$defs")
    whole["examples"] = [EXAMPLE]
    for field in whole["properties"].values():
        field.pop("title", None)
        field.pop("default", None)
    return {OutcomeWanted.__name__: whole}


def _problem_schemas() -> dict[str, Any]:
    whole = ProblemDetails.model_json_schema(ref_template="#/components/schemas/{model}", mode="serialization")
    return {**whole.pop("$defs", {}), "ProblemDetails": whole}


def _described(schemas: dict[str, Any]) -> dict[str, Any]:
    """With the contracts' own words at the fields of what answers have from them."""
    for model in _SHOWN:
        for name, text in field_texts(model).items():
            schemas[model.__name__]["properties"][name].setdefault("description", text)
    return schemas


def _tagged(node: Any, found: Mapping[str, Any]) -> Any:
    """With OpenAPI's own keyword where one field says which form of a union it is."""
    if isinstance(node, list):
        return [_tagged(item, found) for item in node]
    if not isinstance(node, dict):
        return node
    made = {name: _tagged(value, found) for name, value in node.items()}
    if "oneOf" not in made:
        return made
    forms = {found[form["$ref"].rsplit("/", 1)[-1]]["properties"][TAG]["const"]: form["$ref"] for form in made["oneOf"]}
    return made | {"discriminator": {"propertyName": TAG, "mapping": forms}}


def _opened(node: Any) -> Any:
    """As whoever reads an answer must take it: later versions may have more fields."""
    if isinstance(node, list):
        return [_opened(item) for item in node]
    if not isinstance(node, dict):
        return node
    made = {name: _opened(value) for name, value in node.items()}
    return {**made, "additionalProperties": {**_LATER}} if isinstance(made.get("properties"), dict) else made


def _moved(node: Any) -> Any:
    """With references to where OpenAPI keeps schemas."""
    if isinstance(node, dict):
        return {name: _moved(value) for name, value in node.items()}
    if isinstance(node, list):
        return [_moved(item) for item in node]
    return node.replace("#/$defs/", "#/components/schemas/") if isinstance(node, str) else node


def _simplify_alternatives(schemas: dict[str, Any]) -> None:
    """Without patterns that hold a backslash: generated Go tells alternatives apart by them, and writes each one twice. The
    message's own JSON Schema has them, and so has the hub."""
    for name in {reference["$ref"].rpartition("/")[2] for each in schemas.values() for reference in _alternatives(each)}:
        for field in schemas[name]["properties"].values():
            for part in (field, *field.get("anyOf", ())):
                if "\\" in part.get("pattern", ""):
                    del part["pattern"]


def _alternatives(node: Any) -> list[dict[str, Any]]:
    """Every reference that stands under `oneOf`."""
    if isinstance(node, list):
        return [found for each in node for found in _alternatives(each)]
    if not isinstance(node, dict):
        return []
    here = [each for each in node.get("oneOf", ()) if "$ref" in each]
    return here + [found for each in node.values() for found in _alternatives(each)]


def _complete(operation: dict[str, Any]) -> None:
    """What every operation has: the correlation id both ways, and headers that go with a status."""
    operation.setdefault("parameters", []).append(_CORRELATION_IN)
    operation.setdefault("security", [])  # for everybody
    answers = operation["responses"]
    # FastAPI documents its own form of 422, which is never sent.
    if "HTTPValidationError" in str(answers.get("422", "")):
        del answers["422"]
    for status, answer in answers.items():
        answer.setdefault("headers", {}).update({CORRELATION: _CORRELATION_OUT, **_HEADERS.get(status, {})})
    operation["responses"] = dict(sorted(answers.items()))
