"""Changes of the hub's own duty contacts: proposed by one, approved by another, told to those whom they replace.

The two travel on two topics, which no credential can both write, so they race. A change takes effect where the approval's
digest is that of the proposal and another person's name stands under it, once; the one that comes last holds.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from unicodedata import normalize
from uuid import UUID

from conduit_chassis.postgres import Connection
from conduit_contracts.programme import HubContactsApproved, HubContactsProposed
from conduit_contracts.texts import without_the_invisible
from conduit_notification import notices, queue
from conduit_notification.notices import HUB, Ladder, Notice
from conduit_notification.templates import Template
from conduit_notification.work import NotificationWork

_PROPOSED = """
INSERT INTO hub_changes (proposal_id, digest, contacts, proposed_by) VALUES ($1, $2, $3::jsonb, $4)
ON CONFLICT (proposal_id) DO UPDATE
SET digest = excluded.digest, contacts = excluded.contacts, proposed_by = excluded.proposed_by
WHERE hub_changes.digest IS NULL
"""
_APPROVED = """
INSERT INTO hub_changes (proposal_id, approved_digest, approved_by, approved_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (proposal_id) DO UPDATE
SET approved_digest = excluded.approved_digest, approved_by = excluded.approved_by, approved_at = excluded.approved_at
WHERE hub_changes.in_effect_at IS NULL
"""
_AGREES = """
SELECT proposed_by, approved_by FROM hub_changes
WHERE proposal_id = $1 AND digest = approved_digest AND in_effect_at IS NULL
"""
_TAKES_EFFECT = """
UPDATE hub_changes SET in_effect_at = clock_timestamp()
WHERE proposal_id = $1 AND in_effect_at IS NULL RETURNING contacts, approved_at
"""
_WAITING = """
SELECT proposal_id, digest, proposed_by, contacts FROM hub_changes
WHERE digest IS NOT NULL AND in_effect_at IS NULL ORDER BY proposal_id
"""
_SET = """
INSERT INTO contacts (audience, ladder, telephones, said_at) VALUES ($1, $2::jsonb, $3::jsonb, $4)
ON CONFLICT (audience) DO UPDATE SET ladder = excluded.ladder, telephones = excluded.telephones, said_at = excluded.said_at
"""

_KEEP = """
INSERT INTO contacts (audience, ladder, telephones, said_at) VALUES ($1, $2::jsonb, $3::jsonb, $4)
ON CONFLICT (audience) DO NOTHING
"""


@dataclass(frozen=True, slots=True)
class PendingProposal:
    """A proposal that nobody has approved."""

    proposal_id: UUID
    digest: str
    proposed_by: str
    contacts: Ladder

    @property
    def shown(self) -> list[str]:
        """The contacts in their order, for people."""
        return [" ".join(filter(None, (each.email, each.telephone, each.webhook_url))) for each in self.contacts]


def name_of(text: str) -> str:
    """A name without what nobody sees: blanks at its ends, and characters that show nothing."""
    return " ".join(without_the_invisible(normalize("NFKC", text)).split())


def same_person(one: str, other: str) -> bool:
    """Whether two names are one, however they are written."""
    return name_of(one).casefold() == name_of(other).casefold()


async def waiting(connection: Connection) -> list[PendingProposal]:
    """Every proposal that nobody has approved, the newest last."""
    rows = await connection.fetch(_WAITING)
    return [PendingProposal(**dict(row) | {"contacts": queue.read_whole_ladder(row["contacts"])}) for row in rows]


async def change(connection: Connection, work: NotificationWork) -> None:
    """Note the batch's proposals and approvals, and let what agrees take effect. Until then the fallback is on duty."""
    fallback, now = work.fallback, work.now
    for proposal in work.proposals:
        on_duty = await queue.ladder_of(connection, HUB) or fallback
        await _tell(connection, Template.HUB_CONTACTS_PROPOSED, proposal.proposal_id, on_duty, now)
        contacts = queue.write_whole_ladder(proposal.contacts)
        await connection.execute(_PROPOSED, proposal.proposal_id, proposal.digest, contacts, proposal.proposed_by)
    for approval in work.approvals:
        said = approval.message
        await connection.execute(_APPROVED, said.proposal_id, said.digest, said.approved_by, approval.at)
    for proposal_id in dict.fromkeys(_ids(work)):
        by = await connection.fetchrow(_AGREES, proposal_id)
        if by is None or same_person(by["proposed_by"], by["approved_by"]):
            continue
        row = await connection.fetchrow(_TAKES_EFFECT, proposal_id)
        if row is not None:
            await _take_effect(connection, proposal_id, row["contacts"], row["approved_at"], fallback, now)


def _ids(work: NotificationWork) -> list[Any]:
    messages: list[HubContactsProposed | HubContactsApproved] = [*work.proposals]
    return [each.proposal_id for each in (*messages, *(approval.message for approval in work.approvals))]


async def _take_effect(
    connection: Connection, change_id: UUID, contacts: str, approved_at: datetime, fallback: Ladder, now: datetime
) -> None:
    before = await queue.ladder_of(connection, HUB) or fallback
    await connection.execute(_SET, *_row(HUB, queue.read_whole_ladder(contacts), approved_at))
    await _tell(connection, Template.HUB_CONTACTS_CHANGED, change_id, before, now)


async def _tell(connection: Connection, template: Template, change_id: UUID, ladder: Ladder, now: datetime) -> None:
    """Tell each of those who are on duty now, whoever is on duty when it leaves: a later change must not divert it."""
    audience = notices.on_duty_at(change_id, changed=template is Template.HUB_CONTACTS_CHANGED)
    await connection.execute(_KEEP, *_row(audience, ladder, now))
    made = [
        Notice(
            notice_id=notices.notice_id(f"hub {change_id}", audience, level, channel, template),
            audience=audience,
            level=level,
            channel=channel,
            template=template,
            referral_id=None,
            params={"change": str(change_id)},
            urgent=True,
            collapse=None,
            created_at=now,
        )
        for level, contact in enumerate(ladder)
        for channel in notices.channels_of(contact)
    ]
    await queue.enqueue(connection, made)


def _row(audience: str, ladder: Ladder, at: datetime) -> tuple[Any, ...]:
    return audience, queue.write_ladder(ladder), queue.write_telephones(ladder), at
