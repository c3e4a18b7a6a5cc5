"""Warnings: what a sender should check in something that the hub has taken anyway.

A warning has a stable code, the field and what to do. It refuses nothing: what was sent is kept as it was sent. It never
holds the value; the codes and names in it are those of the reference tables. `doubts.advice_on` finds them.
"""

from typing import Annotated

from pydantic import StringConstraints

from conduit_contracts.base import Value
from conduit_contracts.forms import formed

_CODE = r"^[a-z][a-z0-9_]*$"


class Advice(Value):
    """One warning. A `Problem`, in contrast, says why something was not taken."""

    code: Annotated[str, formed(_CODE, "lower-case letters, digits and underscores, for example case_routed", max_length=64)]
    """A stable code for what it is about, for example `district_code_unknown`."""
    field: Annotated[str, StringConstraints(max_length=200)]
    """Path in the referral or the supplement, for example `places[0].district_code`."""
    message: Annotated[str, StringConstraints(max_length=400)]
    """What to check and what to do about it."""


def as_text(warnings: tuple[Advice, ...]) -> str:
    """The warnings in words, for the next step of an update."""
    return " ".join(f"Please look at {each.field}: {each.message}" for each in warnings)
