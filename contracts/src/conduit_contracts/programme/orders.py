"""Orders for the registers of partners, forces and people, given with the `conduit` command, and what is said of a refused
one.

The programme's service carries them out: it writes the registers, and nobody else does. Intake heeds `SuspendPartner` by
itself, so that a partner is refused within seconds also while that service is down. What is taken from a person is on a
topic of its own, for the same reason: see `RightsRevoked`.
"""

from typing import Annotated, ClassVar, Self

from pydantic import Field, StringConstraints, model_validator

from conduit_contracts.base import Inconsistent
from conduit_contracts.envelope import Command, Event
from conduit_contracts.fields import Line, Text
from conduit_contracts.ids import ForceId, PartnerId, PersonId
from conduit_contracts.problems import Problem
from conduit_contracts.programme.registers import (
    ForcePersonRegistered,
    ForceRegistered,
    Generation,
    HubPersonRegistered,
    MouReference,
    PartnerPersonRegistered,
    PartnerRegistered,
)

ACTOR_HEADER = "conduit-actor"
"""On a register's record: who ordered it."""
ORDER_HEADER = "conduit-order"
"""On a register's record: the `ce_id` of the last order of its key that was carried out."""

_ELSEWHERE = "The entry, and the one that it replaces, are about the same organisation."
_SOMEBODY_ELSE = "The entry, and the one that it replaces, are about the same person."


class _RegisterOrder(Command):
    """What every order for a register says."""

    ordered_by: Line
    """Who orders it."""
    reason: Text
    """Why."""


class RegisterPartner(_RegisterOrder):
    """A partner's entry is to be this one. It lifts no suspension."""

    type: ClassVar[str] = "uk.conduit.programme.register-partner.v1"
    entry: PartnerRegistered
    """The whole entry."""
    stood: PartnerRegistered | None = None
    """The entry on which this was decided. If another one stands by then, the order is refused. Absent: there was none."""

    @model_validator(mode="after")
    def _is_about_one(self) -> Self:
        if self.stood is not None and self.stood.partner_id != self.entry.partner_id:
            raise Inconsistent(_ELSEWHERE)
        return self


class RegisterForce(_RegisterOrder):
    """A force's entry is to be this one."""

    type: ClassVar[str] = "uk.conduit.programme.register-force.v1"
    entry: ForceRegistered
    """The whole entry."""
    stood: ForceRegistered | None = None
    """The entry on which this was decided. If another one stands by then, the order is refused. Absent: there was none."""

    @model_validator(mode="after")
    def _is_about_one(self) -> Self:
        if self.stood is not None and self.stood.force_id != self.entry.force_id:
            raise Inconsistent(_ELSEWHERE)
        return self


class _AboutSuspension(_RegisterOrder):
    """Whatever stands by then, it is carried out."""

    partner_id: PartnerId
    """The partner."""
    wholly: bool = False
    """True: it is about everything that the partner sends, and not only about what comes under the MoUs that are named."""
    mous: Annotated[tuple[MouReference, ...], Field(max_length=20)] = ()
    """The references of the MoUs that it is about."""
    generation: Generation | None = None
    """The number of the partner's newest Kafka user, if it has one."""
    stood: PartnerRegistered | None = None
    """The entry on which this was decided. It counts only where the writer of the register has none."""

    @model_validator(mode="after")
    def _is_about_one(self) -> Self:
        if self.stood is not None and self.stood.partner_id != self.partner_id:
            raise Inconsistent(_ELSEWHERE)
        return self


class SuspendPartner(_AboutSuspension):
    """Nothing is to be accepted from a partner, or nothing new under some of its MoUs."""

    type: ClassVar[str] = "uk.conduit.programme.suspend-partner.v1"


class ResumePartner(_AboutSuspension):
    """A partner's suspension is to be lifted, or that of some of its MoUs."""

    type: ClassVar[str] = "uk.conduit.programme.resume-partner.v1"


class RegisterHubPerson(_RegisterOrder):
    """The entry of one of the hub's people is to be this one."""

    type: ClassVar[str] = "uk.conduit.programme.register-hub-person.v1"
    entry: HubPersonRegistered
    """The whole entry."""
    stood: HubPersonRegistered | None = None
    """The entry on which this was decided. If another one stands by then, the order is refused. Absent: there was none."""

    @model_validator(mode="after")
    def _is_about_one(self) -> Self:
        _must_be_one(self.entry, self.stood)
        return self


class RegisterPartnerPerson(_RegisterOrder):
    """The entry of one of a partner's people is to be this one."""

    type: ClassVar[str] = "uk.conduit.programme.register-partner-person.v1"
    entry: PartnerPersonRegistered
    """The whole entry."""
    stood: PartnerPersonRegistered | None = None
    """The entry on which this was decided. If another one stands by then, the order is refused. Absent: there was none."""

    @model_validator(mode="after")
    def _is_about_one(self) -> Self:
        _must_be_one(self.entry, self.stood)
        return self


class RegisterForcePerson(_RegisterOrder):
    """The entry of one of a force's people is to be this one."""

    type: ClassVar[str] = "uk.conduit.programme.register-force-person.v1"
    entry: ForcePersonRegistered
    """The whole entry."""
    stood: ForcePersonRegistered | None = None
    """The entry on which this was decided. If another one stands by then, the order is refused. Absent: there was none."""

    @model_validator(mode="after")
    def _is_about_one(self) -> Self:
        _must_be_one(self.entry, self.stood)
        return self


def _must_be_one(
    entry: HubPersonRegistered | PartnerPersonRegistered | ForcePersonRegistered,
    stood: HubPersonRegistered | PartnerPersonRegistered | ForcePersonRegistered | None,
) -> None:
    if stood is not None and stood.person_id != entry.person_id:
        raise Inconsistent(_SOMEBODY_ELSE)


class RemovePerson(_RegisterOrder):
    """A person's entry is to be deleted, whatever stands by then. Nobody else is ever given their id."""

    type: ClassVar[str] = "uk.conduit.programme.remove-person.v1"
    person_id: PersonId
    """The person."""


class OrderRefused(Event):
    """An order for a register changed nothing."""

    type: ClassVar[str] = "uk.conduit.programme.order-refused.v1"
    order_id: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    """The `ce_id` of the order."""
    partner_id: PartnerId | None = None
    """The partner that the order is about, if it is about one."""
    force_id: ForceId | None = None
    """The force that the order is about, if it is about one."""
    person_id: PersonId | None = None
    """The person that the order is about, if it is about one."""
    problems: Annotated[tuple[Problem, ...], Field(min_length=1)]
    """What was wrong, field by field, and what to do."""
