"""What the programme does with each record: it carries out orders for the registers, reads what stands on them, and keeps a
case's first hand-over."""

from conduit_chassis.dispatch import Handlers, put_aside
from conduit_chassis.records import Delivery, Refusal
from conduit_contracts import programme, routing
from conduit_contracts.programme import PersonRegistered
from conduit_contracts.registering import RegisterEntry, RegisterOrder
from conduit_contracts.registering_people import PEOPLE_REGISTERS, PersonOrder
from conduit_programme.feedback.store import KnownHandover
from conduit_programme.readers import CaseOfPartnerHandedOver
from conduit_programme.register import carrying_out, carrying_out_people
from conduit_programme.rules import day_of
from conduit_programme.work import ProgrammeWork


def register_ordered(work: ProgrammeWork, delivery: Delivery[RegisterOrder]) -> None:
    """An entry is to be another one: it is written, or the order refused."""
    carrying_out.carry_out(work, delivery)


def entry_registered(work: ProgrammeWork, delivery: Delivery[RegisterEntry]) -> None:
    """This stands on the register. What an earlier release wrote there holds until it is changed."""
    carrying_out.take_record(work, delivery)


def person_ordered(work: ProgrammeWork, delivery: Delivery[PersonOrder]) -> None:
    """Somebody's entry is to be another one, or none: it is written, or the order refused."""
    carrying_out_people.carry_out(work, delivery)


def person_registered(work: ProgrammeWork, delivery: Delivery[PersonRegistered]) -> None:
    """They stand on a register of people. What an earlier release wrote there holds until it is changed."""
    carrying_out_people.take_person(work, delivery)


def refused(work: ProgrammeWork, refusal: Refusal) -> None:
    """Somebody was removed from a register of people: their place is empty. What cannot be read is put aside."""
    if refusal.topic in PEOPLE_REGISTERS and refusal.record.value is None:
        carrying_out_people.take_absence(work, refusal.record)
    else:
        put_aside(work, refusal)


def handed_over(work: ProgrammeWork, delivery: Delivery[CaseOfPartnerHandedOver]) -> None:
    """The partner is asked how it went. The first time that the case is handed over counts."""
    message = delivery.message
    on = day_of(delivery.attributes.time, work.zone)
    work.handovers.setdefault(message.referral_id, KnownHandover(message.referral_id, message.partner_id, on))


HANDLERS: Handlers[ProgrammeWork] = {
    programme.RegisterPartner.type: register_ordered,
    programme.RegisterForce.type: register_ordered,
    programme.SuspendPartner.type: register_ordered,
    programme.ResumePartner.type: register_ordered,
    programme.PartnerRegistered.type: entry_registered,
    programme.ForceRegistered.type: entry_registered,
    programme.RegisterHubPerson.type: person_ordered,
    programme.RegisterPartnerPerson.type: person_ordered,
    programme.RegisterForcePerson.type: person_ordered,
    programme.RemovePerson.type: person_ordered,
    programme.HubPersonRegistered.type: person_registered,
    programme.PartnerPersonRegistered.type: person_registered,
    programme.ForcePersonRegistered.type: person_registered,
    routing.HandoverCompleted.type: handed_over,
}
"""Exactly the messages that the programme consumes."""
