"""Builds value types from what a partner's own system has: plain texts and numbers, dates, or the contracts' own values.

The models themselves are strict, since a misspelt urgency must not pass; here a text stands for what it names.
"""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_core import to_json

from conduit_contracts.base import Value
from conduit_contracts.danger import danger_first
from conduit_contracts.entry import entry_problems
from conduit_contracts.explain import problems_from
from conduit_contracts.kits.errors import InvalidError
from conduit_contracts.referral import Referral, Supplement

V = TypeVar("V", bound=Value)


def build(model: type[V], fields: Mapping[str, Any]) -> V:
    """The value; None stands for a field left out.

    Raises:
        InvalidError: with every problem found, as the hub would name them.
    """
    body = to_json(fields, exclude_none=True)
    try:
        value = model.model_validate_json(body)
    except ValidationError as error:
        raise InvalidError(danger_first(problems_from(error, model=model, given=fields), body)) from None
    problems = entry_problems(value)
    if problems:
        raise InvalidError(danger_first(problems, body))
    return value


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
