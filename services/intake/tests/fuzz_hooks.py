"""Schemathesis' hooks: leads most generated requests past identity and agreement, so that they reach what lies behind.

Only values that are valid already are replaced, so that what was made to be refused still is.
"""

from __future__ import annotations

import json
import os
import re
from typing import Any
from uuid import UUID

import schemathesis

_TOLD = json.loads(os.environ.get("FUZZ_KNOWN", '{"referrals": {}, "fetching": {}}'))
KNOWN: dict[str, dict[str, str]] = _TOLD["referrals"]
FETCHING: dict[str, str] = _TOLD["fetching"]
FORCES = "/v1/cases/"
_SLUG = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_REFERENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,63}")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
FILES = {"text/plain": b"Synthetic "}
"""Beginnings that whatever follows them leaves valid."""
_FIXED = {
    "partner_id": (_SLUG, "northlight"),
    "mou_reference": (_REFERENCE, "MOU-1"),
    "reported_at": (_MOMENT, "2026-06-01T10:00:00Z"),
    "supplied_at": (_MOMENT, "2026-06-02T10:00:00Z"),
}


def _act(context: Any) -> str:
    return context.operation.path.partition("{referral_id}/")[2].partition("/")[0] if context.operation else ""


@schemathesis.hook
def map_body(context: Any, body: Any) -> Any:
    """The sender is the partner whose token it is, under its agreement, at a time that has been."""
    if not isinstance(body, dict):
        return body
    changed = {
        name: fixed
        for name, (form, fixed) in _FIXED.items()
        if isinstance(body.get(name), str) and form.fullmatch(body[name])
    }
    reference = body.get("partner_reference")
    if "{referral_id}" in context.operation.path and isinstance(reference, str) and _REFERENCE.fullmatch(reference):
        changed["partner_reference"] = KNOWN[_act(context)]["partner_reference"]
    return body | changed


@schemathesis.hook
def before_call(context: Any, case: Any, **_: Any) -> None:
    """Three of four files are what their label says."""
    if context.operation.path.endswith("/attachments") and isinstance(case.body, bytes) and case.media_type in FILES:
        case.body = FILES[case.media_type] + case.body.hex().encode() if len(case.body) % 4 else case.body


@schemathesis.hook
def map_path_parameters(context: Any, path_parameters: Any) -> Any:
    """Three of four ids are of something that there is."""
    known = FETCHING if context.operation.path.startswith(FORCES) else KNOWN[_act(context)]
    return {name: _known(value, known.get(name)) for name, value in (path_parameters or {}).items()}


def _known(value: Any, known: str | None) -> Any:
    try:
        number = UUID(str(value)).int
    except ValueError:
        return value
    return known if known and number % 4 else value
