"""The content of a sample's file: what partners, officers and forces do, and what the result must be."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from conduit_contracts.force import NotOursReason
from conduit_contracts.ids import ForceId, OfficerId, PartnerId
from conduit_contracts.notification import Code, ReferralState
from conduit_contracts.referral import Ground
from conduit_contracts.routing import HandoffState, HomeForceBasis, RoutingReviewReason
from conduit_contracts.triage import DeclineReason, ReviewReason

Token = Annotated[str, StringConstraints(pattern=r"^(narrative|(supplement|person|place) [A-Za-z0-9]+)$")]
"""A part of the case that only those who need to know may see."""


class Part(BaseModel):
    """A part of a sample. Misspelt fields are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Damage(Part):
    """What is done to a record after it was made, as a faulty or hostile sender would."""

    without_header: str | None = None
    null_header: str | None = None
    latin1_header: str | None = None
    headers: dict[str, str] = {}
    value: str | None = None
    """Bytes sent instead, as UTF-8."""
    tombstone: bool = False
    pad_to_bytes: int = 0
    """JSON may begin with white space: valid, and too large."""


class Step(Part):
    """One record of the partner's. `override` (`with` in the file) is merged into the base record."""

    send: Literal["referral", "information", "withdrawal", "reconsideration", "the same record"]
    after: Code | None = None
    """Waits until the partner has been told this fact about the referral."""
    override: dict[str, Any] = Field(default={}, alias="with")
    damage: Damage | None = None
    misshapen: bool = False
    """True where the contract refuses the record, on purpose."""


class Act(Part):
    """What a named officer does once an event of the name `when` is seen, for the n-th time if n acts wait for it."""

    when: Code
    officer: OfficerId
    do: Literal[
        "accept",
        "decline",
        "request_information",
        "name_home_force",
        "reroute",
        "stand_down",
        "send_to_standards",
        "send_garbage",
    ]
    nth: int | None = None
    grounds: tuple[Ground, ...] = ()
    home_force: ForceId | None = None
    from_force: ForceId | None = None
    to_force: ForceId | None = None
    reason: DeclineReason | None = None
    comment: str = "Synthetic: decided on the facts of the sample."


class Behaviour(Part):
    """What a force does with a case. By default it confirms receipt and acknowledges at once."""

    does: Literal[
        "acknowledges",
        "declines",
        "only_receives",
        "nothing",
        "waits_for_escalation",
        "answers_late",
        "answers_for_another_first",
    ] = "acknowledges"
    reason: NotOursReason = NotOursReason.OUTSIDE_OUR_AREA
    suggests: ForceId | None = None


def _times(value: object) -> object:
    """`2 x handoff_received` and plain facts, as a count per fact."""
    if not isinstance(value, list):
        return value
    counts: dict[str, int] = {}
    for entry in value:
        number, _, fact = str(entry).rpartition(" x ")
        counts[fact] = counts.get(fact, 0) + int(number or 1)
    return counts


class Expectation(Part):
    """What must come of a sample, once everything has settled."""

    decision: Annotated[
        str,
        StringConstraints(
            pattern=r"^(accepted by rules|(accepted|declined) by [a-z.-]+|under review|withdrawn|rejected|dead-lettered)$"
        ),
    ]
    grounds: frozenset[Ground] = frozenset()
    review: frozenset[ReviewReason] = frozenset()
    routing_review: frozenset[RoutingReviewReason] = frozenset()
    home: ForceId | None = None
    basis: HomeForceBasis | None = None
    handoffs: dict[ForceId, HandoffState] = {}
    """Every force that ever got the case, and where its hand-off stands in the end."""
    state: ReferralState | None = None
    """The partner's last word on it."""
    told: Annotated[dict[Code, int], BeforeValidator(_times)] = {}
    """How often the partner was told each fact."""
    told_to_call_999: bool = False
    rejected: tuple[str, ...] = ()
    """`code at field`, in the order sent."""
    warned: tuple[str, ...] = ()
    """`code at field`, in the order sent."""
    kept_from: frozenset[ForceId] = frozenset()
    """Forces to which no rule sends the case, because a suspect belongs to them."""
    standards_told: frozenset[ForceId] = frozenset()
    """Forces whose professional standards department an officer took the case to."""
    dead_letters: frozenset[str] = frozenset()
    """`service: code`."""
    repeated: int = 0
    chased: dict[ForceId, int] = {}
    escalated: dict[ForceId, int] = {}
    ignored: frozenset[Code] = frozenset()
    """Codes of officers' commands that did not fit."""
    refused: frozenset[str] = frozenset()
    """`code at field` of officers' commands that could not be read."""
    responses_rejected: dict[ForceId, int] = {}
    seen: dict[ForceId, frozenset[Token]] = {}
    hidden: dict[ForceId, frozenset[Token]] = {}


class Case(Part):
    """One file."""

    about: Annotated[str, StringConstraints(min_length=20)]
    covers: Annotated[frozenset[str], Field(min_length=1)]
    """Which of the kinds in `kinds.yaml` it is an example of."""
    partner: PartnerId = "northlight"
    """Whose topic it arrives on."""
    steps: Annotated[tuple[Step, ...], Field(min_length=1)]
    officers: tuple[Act, ...] = ()
    forces: dict[ForceId, Behaviour] = {}
    expect: Expectation
