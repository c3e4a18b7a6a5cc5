"""Puts the sample partners, forces and duty contacts on the registers, so that a newcomer's first referral is heard."""

from __future__ import annotations

from conduit_contracts.programme import PartnerRegistered
from conduit_contracts.registering import RegisterEntry, subject_of
from conduit_local.demo.samples import duty_contacts, folder, force_register, load_partners
from conduit_local.demo.seeding import seed
from conduit_operate import duty_contacts as contacts
from conduit_operate.broker import Broker
from conduit_operate.orders import read_with_orders

ACTOR = "conduit-up"


def register_samples(broker: Broker) -> None:
    """Whoever stands in a register, or is ordered, stays so. Outside the repository are no samples, and nothing is done."""
    if not folder().is_dir():
        return
    known, ordered = read_with_orders(broker)
    samples: list[RegisterEntry] = [*map(_quiet, load_partners()), *force_register()]
    missing = [each for each in samples if known.of(*subject_of(each)) is None and subject_of(each) not in ordered.orders]
    seed(broker, missing, actor=ACTOR)
    if not contacts.ever_proposed(broker):
        proposal, approval = duty_contacts()
        # What was proposed stands for all of it, so it comes last.
        contacts.approve(broker, approval)
        contacts.propose(broker, proposal)


def _quiet(partner: PartnerRegistered) -> PartnerRegistered:
    """Without its webhook, where nobody listens but in the demo."""
    contact = partner.contact.model_copy(update={"webhook_url": None, "webhook_secret": None})
    return partner.model_copy(update={"contact": contact})
