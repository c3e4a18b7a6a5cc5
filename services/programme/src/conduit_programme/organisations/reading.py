"""One organisation as a page shows it: all that it is made of, read in one transaction."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from conduit_chassis.postgres import Connection
from conduit_programme import content
from conduit_programme.organisations import documents, rules, store
from conduit_programme.organisations.documents import KeptDocument
from conduit_programme.organisations.rules import AgreementState, KeptAgreement, OrganisationOffer, Reminder
from conduit_programme.organisations.said import AgreementWords, OfferWords
from conduit_programme.organisations.store import KnownContact, KnownOrganisation, Member


@dataclass(frozen=True, slots=True)
class ShownOffer:
    """What an organisation brings, in codes and in its own words."""

    offer: OrganisationOffer
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ShownAgreement:
    """An agreement with what was written of it, and whether it holds."""

    kept: KeptAgreement
    said: AgreementWords
    state: AgreementState
    documents: tuple[KeptDocument, ...] = ()
    """All that were attached as the signed one, the one that holds before all."""

    @property
    def scope(self) -> str:
        """What it covers."""
        return self.kept.scope or self.said.scope


@dataclass(frozen=True, slots=True)
class Relationship:
    """All that is known of an organisation, as its page shows it."""

    organisation: KnownOrganisation
    members: tuple[Member, ...]
    brings: ShownOffer
    contacts: tuple[KnownContact, ...]
    agreements: tuple[ShownAgreement, ...]
    due: tuple[Reminder, ...]

    @property
    def ids(self) -> list[UUID]:
        """Of all that it is made of."""
        return [each.organisation_id for each in self.members]


async def relationship(connection: Connection, organisation: KnownOrganisation, today: date) -> Relationship:
    """Read it whole. Note the view before it is shown."""
    made_of = await store.members(connection, organisation.organisation_id)
    ids = [each.organisation_id for each in made_of]
    kept = await store.agreements(connection, ids)
    return Relationship(
        organisation,
        tuple(made_of),
        await brings(connection, ids),
        tuple(await store.contacts(connection, ids)),
        tuple(await shown_agreements(connection, kept, today)),
        tuple(rules.reminders(kept, today)),
    )


async def brings(connection: Connection, organisation_ids: list[UUID]) -> ShownOffer:
    """What these bring together."""
    written = await store.offers(connection, organisation_ids)
    said = await content.read(connection, OfferWords, [each.words_id for each in written])
    return ShownOffer(
        rules.together([each.offer for each in written]),
        tuple(said[each.words_id].words for each in written if each.words_id in said),
    )


async def shown_agreements(connection: Connection, kept: list[KeptAgreement], today: date) -> list[ShownAgreement]:
    """Those in force first, then by their last day, the latest first."""
    said, empty = await store.agreement_words(connection, kept), AgreementWords()
    attached = await documents.of_agreements(connection, [each.agreement_id for each in kept])
    shown = [
        ShownAgreement(
            each,
            said.get(each.words_id, empty) if each.words_id else empty,
            each.state(today),
            tuple(attached.get(each.agreement_id, ())) if each.agreement_id else (),
        )
        for each in kept
    ]
    newest = sorted(shown, key=lambda each: (each.kept.valid_to or date.min, each.kept.reference), reverse=True)
    return sorted(newest, key=lambda each: each.state is not AgreementState.IN_FORCE)
