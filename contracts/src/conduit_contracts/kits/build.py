"""Builds value types from what a partner's own system has: plain texts and numbers, dates, or the contracts' own values.

The models themselves are strict, since a misspelt urgency must not pass; here a text stands for what it names.
"""

import json
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_core import PydanticSerializationError, to_json, to_jsonable_python

from conduit_contracts.base import Value
from conduit_contracts.danger import danger_first
from conduit_contracts.entry import entry_problems
from conduit_contracts.explain import fault_problems, problems_from
from conduit_contracts.json_texts import Unreadable, parse, plain
from conduit_contracts.kits.errors import InvalidError
from conduit_contracts.referral import Referral, Supplement

V = TypeVar("V", bound=Value)


def build(model: type[V], fields: Mapping[str, Any]) -> V:
    """The value. None means that the field is left out.

    Raises:
        InvalidError: with every problem found, as the hub would name them.
    """
    body, given = _as_sent(fields)
    try:
        value = model.model_validate_json(body)
    except ValidationError as error:
        raise InvalidError(danger_first(problems_from(error, model=model, given=given), body)) from None
    problems = entry_problems(value)
    if problems:
        raise InvalidError(danger_first(problems, body))
    return value


def _as_sent(fields: Mapping[str, Any]) -> tuple[bytes, Any]:
    """The JSON that the hub would read, and its content: without nulls, and with whole numbers as integers.

    Raises:
        InvalidError: a text or a number is none that JSON can hold.
    """
    try:
        written = to_json(fields, exclude_none=True)
    except PydanticSerializationError:
        # A text with half a character in it has no UTF-8; escaped it has a form, and can be named.
        written = json.dumps(to_jsonable_python(fields, exclude_none=True)).encode()
    try:
        given = plain(parse(written))
    except Unreadable as error:
        raise InvalidError(danger_first(fault_problems(error.faults), written)) from None
    return json.dumps(given, ensure_ascii=False).encode(), given


def referral(partner_id: str, partner_reference: str, **fields: Any) -> Referral:
    """A referral: `fields` are those of `Referral`.

    Raises:
        InvalidError: a field is missing, unknown or not in order.
    """
    return build(Referral, {"partner_id": partner_id, "partner_reference": partner_reference, **fields})


def supplement(partner_id: str, partner_reference: str, **fields: Any) -> Supplement:
    """Added information: `fields` are those of `Supplement`.

    Raises:
        InvalidError: a field is missing, unknown or not in order.
    """
    return build(Supplement, {"partner_id": partner_id, "partner_reference": partner_reference, **fields})
