"""Puts the sample partners, forces and duty contacts on the registers, so that a newcomer's first referral is heard."""

from __future__ import annotations

from conduit_contracts.programme import PartnerRegistered
from conduit_local.demo.samples import duty_contacts, folder, force_register, load_partners
from conduit_operate import duty_contacts as contacts
from conduit_operate.broker import Broker
from conduit_operate.register import Entry, publish, read_registers

ACTOR = "conduit-up"


def register_samples(broker: Broker) -> None:
    """Whoever stands in a register stays as it is. Outside the repository there are no samples, and nothing is done."""
    if not folder().is_dir():
        return
    known = read_registers(broker)
    partners: list[Entry] = [_quiet(each) for each in load_partners() if each.partner_id not in known.partners]
    forces: list[Entry] = [each for each in force_register() if each.force_id not in known.forces]
    publish(broker, [*partners, *forces], actor=ACTOR)
    if not contacts.ever_proposed(broker):
        proposal, approval = duty_contacts()
        # What was proposed stands for all of it, so it comes last.
        contacts.approve(broker, approval)
        contacts.propose(broker, proposal)


def _quiet(partner: PartnerRegistered) -> PartnerRegistered:
    """Without its webhook, where nobody listens but in the demo."""
    contact = partner.contact.model_copy(update={"webhook_url": None, "webhook_secret": None})
    return partner.model_copy(update={"contact": contact})
